"""One row of a comparison as a line: the step on the left, the step on the right, and how they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from promptetheus.cause.comparison import Change
from promptetheus.cause.diff_report import DiffReport, SessionSide, Side
from promptetheus.cause.divergence import DivergenceKind, kind_of
from promptetheus.cause.steps import Step
from promptetheus.cause.word_changes import WORTH_MARKING, Stretch, Words, word_changes
from promptetheus.queries.rows import Status
from promptetheus.tui.diff.lines import Fold
from promptetheus.tui.fit import Pieces, aligned, joined
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.kind_words import KIND_CELLS, kind_word
from promptetheus.tui.plain_prose import step_text
from promptetheus.tui.theme import Looks

SEPARATOR = " │ "
MARK_CELLS = 4
"""The flag of the first or the effective divergence, the mark of the change, and a space after each."""

NARROW_KIND_CELLS = 6
NARROW_BELOW = 50
"""Cells of a half below which the kind's column gives up some of its own."""

COMPARED_CELLS = 6
"""Texts are held against each other as far as so many times the width of their column: a row costs the same
however long they are."""

_MARKS = {
    Change.SAME: " ",
    Change.WORDS: "≈",
    Change.MODEL: "≈",
    Change.MISSING: "−",
    Change.EXTRA: "+",
    Change.MOVED: "↕",
    Change.ERROR: "!",
}
"""All other changes are `≠`. They tell in words' place what the colours tell."""

DIFF_MARKS = (
    ("▶", "the first step at which the two sessions part"),
    ("▷", "from here on it matters for how they ended"),
    ("≠", "the two steps differ"),
    ("≈", "other words or another model, the same otherwise"),
    ("+", "only the right session has this step"),
    ("−", "only the left session has this step"),
    ("↕", "the same step, at another place"),
    ("!", "an error on one side"),
)
"""What stands in the margin, for the help."""

_SAID = {
    Change.SAME: "the same in both",
    Change.ERROR: "an error on one side",
    Change.MISSING: "only on the left",
    Change.EXTRA: "only on the right",
    Change.MOVED: "in another place",
}
"""What tells more than the name that the banner has for it."""


@dataclass(frozen=True, slots=True)
class Halves:
    """How a line is divided."""

    left: int
    right: int
    """Cells of each side."""
    number: int
    """Cells of a step's number."""
    kind: int

    @property
    def text(self) -> int:
        """Cells for the words of the narrower side."""
        return max(0, min(self.left, self.right) - self.number - self.kind - 2)


def halves(width: int, report: DiffReport | None) -> Halves:
    """Divide a line of `width` cells."""
    room = max(0, width - MARK_CELLS - len(SEPARATOR))
    left = room // 2
    last = 0
    if report is not None:
        last = max((run.steps[-1].index for run in map(report.run, Side) if run.steps), default=0)
    kind = KIND_CELLS if left >= NARROW_BELOW else NARROW_KIND_CELLS
    return Halves(left, room - left, max(2, len(str(last))), kind)


def status_ink(side: SessionSide, looks: Looks) -> Style:
    """The colour that the status of a session has everywhere."""
    known = next((status for status in Status if status.word == side.status), Status.EMPTY)
    return looks.status(known)


def sign_of(change: Change) -> str:
    """The sign that tells a change without its colour."""
    return _MARKS.get(change, "≠")


def change_said(report: DiffReport, number: int) -> str:
    """How the two steps of a row stand to each other, in the words of the banner."""
    row = report.rows[number]
    if row.change in _SAID:
        return _SAID[row.change]
    kind = kind_of(report.comparison.sides, row)
    # The banner speaks of the right session. A row stands for both: arguments are wrong on one side at most.
    return "other arguments" if kind is DivergenceKind.ARGUMENTS else kind.value


def mark_of(change: Change, looks: Looks) -> tuple[str, Style]:
    """The sign of a change in its colour."""
    style = looks.failed if change is Change.ERROR else looks.warned
    return sign_of(change), looks.faint if change is Change.SAME else style


def fold_row(fold: Fold, width: int, looks: Looks) -> Text:
    """`▸ 12 equal steps`."""
    sign = "▾" if fold.is_open else "▸"
    said = f"{fold.count:,} equal steps"
    hint = with_keys("   <list.open:enter> folds" if fold.is_open else "   <list.open:enter> unfolds")
    pieces: Pieces = [(" " * MARK_CELLS, looks.text), (f"{sign} {said}", looks.muted), (hint, looks.faint)]
    return joined(aligned(pieces, width))


def _flag(report: DiffReport, number: int) -> str:
    """What leads to where they part; steps that are paired by their order alone part nowhere."""
    banner = report.banner
    if banner.not_comparable:
        return " "
    return "▶" if number == banner.first_row else "▷" if number == banner.effective_row else " "


def diff_row(report: DiffReport, number: int, width: int, looks: Looks) -> Text:
    """Draw row `number` of a comparison in exactly `width` cells."""
    row, room = report.rows[number], halves(width, report)
    left = None if row.left is None else report.run(Side.LEFT).steps[row.left]
    right = None if row.right is None else report.run(Side.RIGHT).steps[row.right]
    mark, style = mark_of(row.change, looks)
    flag = (_flag(report, number), looks.accent)
    pieces: Pieces = [flag, (" ", looks.text), (mark, style), (" ", looks.text)]
    same = row.change is Change.SAME
    texts = [_words(report, side, number) for side in Side]
    if left is not None and right is not None:
        said = "" if same else change_said(report, number)
        sides = _marked(texts[0], texts[1], said, room.text, looks)
    else:
        alone = _alone(report, number, row.change, looks)
        sides = [(texts[0], looks.text), *alone], [(texts[1], looks.text), *alone]
    pieces += _side(left, sides[0], room.left, room, looks, dim=same)
    pieces.append((SEPARATOR, looks.rule))
    pieces += _side(right, sides[1], room.right, room, looks, dim=same)
    return joined(pieces)


def _words(report: DiffReport, side: Side, number: int) -> str:
    cell, row = report.cell(number, side), report.rows[number]
    place = row.left if side is Side.LEFT else row.right
    return "" if cell is None or place is None else step_text(report.run(side).steps[place], cell.text)


def _alone(report: DiffReport, number: int, change: Change, looks: Looks) -> Pieces:
    moved = report.moved_to(number)
    if change is not Change.MOVED or moved is None:
        return []
    return [(f"  ↕ step {moved} over there", looks.warned)]


def _side(step: Step | None, words: Pieces, width: int, room: Halves, looks: Looks, *, dim: bool) -> Pieces:
    if step is None:
        return aligned([("·".rjust(room.number), looks.faint)], width)
    failed = step.ok is False
    kind = kind_word(step)[: room.kind].ljust(room.kind)
    pieces: Pieces = [
        (str(step.index).rjust(room.number) + " ", looks.faint if dim else looks.muted),
        (f"{kind} ", looks.failed if failed else looks.muted if dim else looks.kind(step.kind, step.ok)),
    ]
    if failed:
        pieces.append(("✗ ", looks.failed))
    if dim:
        words = [(text, looks.muted) for text, _ in words]
    return aligned([*pieces, *words], width)


def _marked(left: str, right: str, differs: str, room: int, looks: Looks) -> tuple[Pieces, Pieces]:
    """The words of both sides, those that differ marked and brought into sight.

    Args:
        differs: What is different, said where the words are not; "" for nothing.
    """
    if not differs:
        return [(left, looks.text)], [(right, looks.text)]
    if left == right:
        said = [(f"  · {differs}", looks.warned)]
        cells = cell_len(said[0][0])
        both: Pieces = [*aligned([(left, looks.text)], min(cell_len(left), max(0, room - cells))), *said]
        return both, both
    limit = COMPARED_CELLS * max(20, room)
    changes = word_changes(left[:limit], right[:limit])
    if changes.share_equal < WORTH_MARKING:
        return [(left, looks.text)], [(right, looks.text)]
    emphasis = looks.warned + Style(bold=True, underline=True)
    return (
        in_sight(changes.left, room, looks.text, emphasis),
        in_sight(changes.right, room, looks.text, emphasis),
    )


def in_sight(stretches: Sequence[Stretch], room: int, equal: Style, differs: Style) -> Pieces:
    """Stretches of a text, the unchanged ones shortened as far as it takes to see the changed ones."""
    shown: Pieces = []
    for keep in (1_000, 24, 12, 6):
        shown = []
        for place, stretch in enumerate(stretches):
            if stretch.where is not Words.BOTH:
                shown.append((stretch.text, differs))
            elif place:
                shown.append((_shortened(stretch.text, keep, keep), equal))
            else:
                # It says what is called: it keeps what the first change leaves of the room.
                head = room // 2 if keep < 1_000 else keep
                shown.append((_shortened(stretch.text, head, max(2, keep // 2)), equal))
        if sum(cell_len(text) for text, _ in shown) <= room:
            break
    return shown


def _shortened(text: str, head: int, tail: int) -> str:
    return text if len(text) <= head + tail + 1 else f"{text[:head]}…{text[len(text) - tail :]}"
