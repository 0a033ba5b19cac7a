"""The head of the Diff view: where the two sessions part, how sure that is, and what was not compared."""

from __future__ import annotations

from collections.abc import Iterator

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text
from textual import events
from textual.widget import Widget
from textual.widgets import Static

from promptetheus.cause.diff_report import DiffReport, SessionSide
from promptetheus.cause.divergence import Divergence
from promptetheus.cause.noise import PARALLEL_ORDER
from promptetheus.display import age, printable_line, short_id
from promptetheus.fingerprint import marked_label
from promptetheus.tui.diff.row import MARK_CELLS, SEPARATOR, halves, status_ink
from promptetheus.tui.fit import Pieces, aligned, cut, joined
from promptetheus.tui.guard import Guarded
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.theme import Looks, looks_of
from promptetheus.tui.wrapping import wrap_line

LABEL_CELLS = 20
_LEAST_LABEL_CELLS = 16
"""Less of how a session failed says nothing."""
WRAPPED_LINES = 2
"""Lines that one sentence of the banner may take."""

_VALUE_CELLS = (120, 90, 70, 50, 32)
"""For the two values at the first divergence, whole if there is room, else each of them cut."""

TINY_BELOW = 20
"""Lines of a terminal in which the rows need the room more than the banner does."""

NUMBERS_FROM_WIDTH = 150
"""A screen that is so wide shows the numbers beside what differs."""

_IN_WORDS = {PARALLEL_ORDER: "order of parallel calls"}
"""Rules whose names say little, where there is room for more."""

MISALIGNED = "the rows are paired by order alone, not by what they do"
JUDGES = "  (other sessions are being read, to be surer)"


class DiffBanner(Guarded, Static, can_focus=False):
    """A few lines, as many as there is something to say."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    DiffBanner { height: auto; padding: 0 2; }
    """

    def __init__(self) -> None:
        super().__init__("", markup=False)
        self._report: DiffReport | None = None
        self._problem = ""
        self._judges = False
        self._width = 0

    def show(self, report: DiffReport, problem: str = "") -> None:
        """Say what came of a comparison.

        Args:
            problem: What stands between the person and the truth at the moment, "" for nothing.
        """
        before, self._report, self._problem = self._report, report, problem
        # What is found out later about the same sessions takes no lines away: the rows below would jump.
        same = before is not None and _sessions(before) == _sessions(report)
        self.styles.min_height = self.size.height if same else None
        self._write()

    def judges(self, still: bool) -> None:
        """Say that it is still being found out what matters, or that it is known."""
        if still != self._judges:
            self._judges = still
            self._write()

    def on_resize(self, event: events.Resize) -> None:
        """Break the sentences anew."""
        if event.size.width != self._width:
            self._width = event.size.width
            self.styles.min_height = None
            self._write()

    def notify_style_update(self) -> None:
        """Another theme has other colours."""
        super().notify_style_update()
        if self.is_attached and self._report is not None:
            self._write()

    def _write(self) -> None:
        width = self.content_size.width or self.app.size.width - 4
        if self._report is None:
            return
        lines = list(
            _lines(
                self._report,
                self._problem,
                width,
                tiny=self.app.size.height < TINY_BELOW,
                numbers=self.app.size.width >= NUMBERS_FROM_WIDTH,
                judges=self._judges,
                looks=looks_of(self.app),
            )
        )
        self.update(Text("\n").join(lines))


def _sessions(report: DiffReport) -> tuple[str, str]:
    return report.left.session_id, report.right.session_id


def _lines(
    report: DiffReport,
    problem: str,
    width: int,
    *,
    tiny: bool,
    numbers: bool,
    judges: bool,
    looks: Looks,
) -> Iterator[Text]:
    """The banner.

    Args:
        numbers: Whether the numbers of both stand on the screen already.
        judges: Whether it is still being found out what matters.
    """
    banner = report.banner
    if banner.not_comparable:
        yield from _told("not comparable", banner.not_comparable, looks.warned, width, looks)
        yield from _told("", MISALIGNED, looks.muted, width, looks)
    else:
        style = looks.passed if banner.first_row is None else looks.text
        yield from _told("▶ first divergence", _first_text(report, width), style, width, looks)
    if not banner.not_comparable and not tiny:
        elsewhere = banner.effective_row is not None and banner.effective_row != banner.first_row
        style = looks.muted if banner.effective_row is None else looks.text
        label = "▷ matters from" if elsewhere else "  matters from"
        yield from _told(label, f"{_effective_text(report, width)}{JUDGES * judges}", style, width, looks)
    if banner.coarse and not tiny:
        yield from _told("coarse", banner.coarse, looks.warned, width, looks)
    with_what = report.chosen or banner.other_task
    if with_what and not tiny:
        yield from _told("compared with", with_what, looks.muted, width, looks, lines=1)
    yield joined(_ignored(banner.ignored, width, looks))
    if banner.left_out and not tiny:
        yield joined(_left_out(banner.left_out, width, looks, numbers=numbers))
    if problem:
        yield from _told("", problem, looks.warned, width, looks)


def _first_text(report: DiffReport, width: int) -> str:
    """Where they part and the values that differ, of which both are told; how sure that is comes last, and is shorter
    or not said where there is no room for it."""
    first = report.comparison.first
    if first is None:
        return report.banner.first
    sure = f"  ·  {first.how_sure}"
    return _parted(report, first, (f"{sure}: {first.reason}", sure, ""), width, WRAPPED_LINES)


def _effective_text(report: DiffReport, width: int) -> str:
    """Where it begins to matter, on one line: the values where there is room for them."""
    found = report.comparison.effective
    if found is None:
        return report.banner.effective
    sure = f"  ·  {found.how_sure}"
    said = _parted(report, found, (sure,), width, 1)
    return said if cell_len(said) <= width - LABEL_CELLS else f"{_head(report, found)}{sure}"


def _head(report: DiffReport, found: Divergence) -> str:
    return f"{report.where(found)}, {found.kind.value}"


def _parted(report: DiffReport, found: Divergence, sure: tuple[str, ...], width: int, lines: int) -> str:
    """A divergence with the values that differ, and the first way to say how sure that is for which there is room."""
    room = max(1, width - LABEL_CELLS)
    said = head = _head(report, found)
    for most in _VALUE_CELLS:
        changed = report.changed_value(found, most)
        for how_sure in sure:
            said = f"{head}{changed and ': '}{changed}{how_sure}"
            if len(wrap_line(printable_line(said, 10 * room), room)) <= lines:
                return said
    return said


def _ignored(names: tuple[str, ...], width: int, looks: Looks) -> Pieces:
    hint: Pieces = [(with_keys("  <diff.noise:i>"), looks.accent), (" changes", looks.muted)]
    room = width - LABEL_CELLS - sum(cell_len(text) for text, _ in hint)
    said = ", ".join(printable_line(name, 60) for name in names) or "nothing: every difference counts"
    in_words = ", ".join(_IN_WORDS.get(name, printable_line(name, 60)) for name in names)
    said = in_words if in_words and cell_len(in_words) <= room else said
    return [("ignored".ljust(LABEL_CELLS), looks.muted), (cut(said, room), looks.muted), *hint]


def _left_out(kinds: str, width: int, looks: Looks, *, numbers: bool) -> Pieces:
    hint: Pieces = [(with_keys("  <diff.numbers:v>"), looks.accent), (" shows the numbers", looks.muted)]
    if numbers:
        hint = [("  their numbers stand below", looks.muted)]
    room = max(1, width - LABEL_CELLS - sum(cell_len(text) for text, _ in hint))
    return [("not lined up".ljust(LABEL_CELLS), looks.muted), (cut(kinds, room), looks.muted), *hint]


def _told(
    label: str, said: str, style: Style, width: int, looks: Looks, lines: int = WRAPPED_LINES
) -> Iterator[Text]:
    room = max(1, width - LABEL_CELLS)
    pieces = wrap_line(printable_line(said, room * lines + 1), room)
    if len(pieces) > lines:
        pieces[lines - 1] = cut(pieces[lines - 1], room - 1).rstrip("…") + "…"
    accent = (
        looks.accent
        if label.startswith(("▶", "▷"))
        else looks.warned
        if style is looks.warned
        else looks.muted
    )
    for number, piece in enumerate(pieces[:lines]):
        yield joined([(("" if number else label).ljust(LABEL_CELLS), accent), (piece, style)])


class DiffSides(Guarded, Widget, can_focus=False):
    """The titles over the two columns: `✓ passed  01M80Z…  booking-agent  3m ago`."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    DiffSides { height: 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._report: DiffReport | None = None
        self._now_s = 0.0

    def show(self, report: DiffReport, now_s: float) -> None:
        """Name the sessions of a comparison."""
        self._report, self._now_s = report, now_s
        self.refresh()

    def render(self) -> Text:
        """Draw each title over its column."""
        report, looks = self._report, looks_of(self.app)
        if report is None:
            return Text("")
        # The list below keeps a cell for its marker and one for its scroll bar.
        room = halves(self.size.width - 2, report)
        left = _title(report.left, "baseline", self._now_s, room.left, looks)
        right = _title(report.right, "", self._now_s, room.right, looks)
        return joined(
            [
                (" " * (1 + MARK_CELLS), looks.text),
                *aligned(left, room.left),
                (SEPARATOR, looks.rule),
                *aligned(right, room.right),
            ]
        )


def _title(side: SessionSide, role: str, now_s: float, room: int, looks: Looks) -> Pieces:
    """As many facts as fit whole; how it failed, which comes last, may be cut."""
    pieces: Pieces = [
        (f"{side.glyph} {side.status}", status_ink(side, looks)),
        (f"  {short_id(side.session_id)}", looks.strong),
    ]
    ago = "" if side.started_s is None else age(now_s - side.started_s)
    left = room - sum(cell_len(text) for text, _ in pieces)
    for fact in (role, ago, printable_line(side.agent, 40)):
        if fact and cell_len(fact) + 2 <= left:
            pieces.append((f"  {fact}", looks.muted))
            left -= cell_len(fact) + 2
    if side.label and left >= _LEAST_LABEL_CELLS:
        pieces.append((f"  {printable_line(marked_label(side.label), 120)}", looks.muted))
    return pieces


def counts_of(report: DiffReport, looks: Looks) -> Pieces:
    """`3 differences · 12 equal steps`, for the first line."""
    differences = len(report.differences)
    equal = len(report.rows) - differences
    said = f"{differences:,} {'difference' if differences == 1 else 'differences'}"
    return [
        (said, looks.warned if differences else looks.passed),
        (f" · {equal:,} equal {'step' if equal == 1 else 'steps'}", looks.muted),
    ]
