"""A comparison as text: the banner, the rows with what changed in them, the numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from promptetheus.cause.comparison import Change
from promptetheus.cause.diff_report import Cell, DiffReport, Side
from promptetheus.cause.picture_changes import PictureChange
from promptetheus.cause.row_details import PicturePair, RowDetails
from promptetheus.cause.value_changes import ValueChange
from promptetheus.cause.word_changes import WORTH_MARKING, WordChanges, Words
from promptetheus.display import printable_line

_MARKS = {
    Change.SAME: "=",
    Change.WORDS: "≈",
    Change.MODEL: "≈",
    Change.MISSING: "-",
    Change.EXTRA: "+",
    Change.MOVED: "↕",
    Change.ERROR: "!",
}
"""All other changes are `~`."""

_FOLDED_FROM = 4
"""So many equal rows in a row become one line."""

_MOST_CHANGES = 6
"""Changes of arguments or results said under a row; of more, the number is said."""

_INDENT = " " * 17
_WIDTH = 240
_WORDS_WIDTH = 500
_AROUND = 24
"""Characters of an unchanged stretch of a message that are shown before and after a change."""


def banner_lines(report: DiffReport) -> list[str]:
    """The banner: where the two part, where that begins to matter, or why neither can be said; what was ignored."""
    banner = report.banner
    if banner.not_comparable:
        lines = [f"not comparable: {banner.not_comparable}"]
    else:
        lines = [f"first divergence: {banner.first}", f"effective divergence: {banner.effective}"]
    if banner.other_task and not report.chosen:
        lines.append(f"compared with {banner.other_task}")
    candidates = report.claimed.candidates
    lines += [f"  {printable_line(each.reason, 300)}" for each in candidates[:5]]
    if len(candidates) > 5:
        lines.append(f"  and {len(candidates) - 5} more")
    if banner.coarse:
        lines.append(f"coarse: {banner.coarse}")
    lines.append(f"ignored: {', '.join(banner.ignored) or 'nothing'}")
    if banner.left_out:
        lines.append(f"not lined up: {banner.left_out}")
    return [printable_line(line, 600) for line in lines]


def number_lines(report: DiffReport, *, all_of_them: bool = False) -> list[str]:
    """The table of numbers that differ, or of all."""
    shown = [metric for metric in report.metrics if all_of_them or metric.differs]
    if not shown:
        return []
    rows = [(m.name, m.left_text, m.right_text, m.delta_text) for m in shown]
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    return [
        f"{name:<{widths[0]}}  {left:>{widths[1]}}  →  {right:>{widths[2]}}  {delta}".rstrip()
        for name, left, right, delta in rows
    ]


def row_lines(report: DiffReport, look: Callable[[PicturePair], PictureChange] | None = None) -> list[str]:
    """The rows, each with the number of its step in both sessions, and under it what changed.

    `=` equal, long stretches folded; `~` changed; `≈` other words; `!` an error on one side; `-` only in the left
    session, `+` only in the right; `↕` elsewhere in the other.

    Args:
        look: compares two screenshots; without it they are not looked at.
    """
    lines: list[str] = []
    equal: list[str] = []
    for number, row in enumerate(report.rows):
        if row.change is Change.SAME:
            equal.append(_head(report, number, row.change))
            continue
        lines += _folded(equal)
        equal = []
        lines += _changed(report, number, row.change)
        if look is not None:
            pairs = [pair for pair in report.details(number).pictures if not pair.is_same][:_MOST_CHANGES]
            lines += [f"{_INDENT}picture {look(pair).describe()}" for pair in pairs]
    return lines + _folded(equal)


def _changed(report: DiffReport, number: int, change: Change) -> Iterator[str]:
    details = report.details(number)
    if details.words is None:
        yield _head(report, number, change)
        yield from detail_lines(details)
    elif details.words.share_equal < WORTH_MARKING:
        left, right = (report.cell(number, side) for side in Side)
        assert left is not None and right is not None
        yield _line("-", left, None, left.text)
        yield _line("+", None, right, right.text)
    else:
        yield _head(report, number, change, words_line(details.words))


def detail_lines(details: RowDetails) -> Iterator[str]:
    """What changed in a row, indented."""
    yield from _values("", details.arguments)
    yield from _values("result", details.result)
    for sentence in details.page:
        yield f"{_INDENT}{sentence}"
    for name, left, right in details.numbers:
        yield f"{_INDENT}{name}: {left} → {right}"


def words_line(words: WordChanges, limit: int = _WORDS_WIDTH) -> str:
    """A text with its changes marked: `Booked [-Tuesday-]{+Wednesday+} 2pm`. Long unchanged stretches are cut."""
    written = {Words.LEFT: "[-{}-]", Words.RIGHT: "{{+{}+}}"}
    parts = [
        _short(stretch.text) if stretch.where is Words.BOTH else written[stretch.where].format(stretch.text)
        for stretch in words.stretches
    ]
    return printable_line("".join(parts), limit)


def _short(text: str) -> str:
    return text if len(text) <= 2 * _AROUND + 3 else f"{text[:_AROUND]} … {text[-_AROUND:]}"


def _values(what: str, changes: tuple[ValueChange, ...]) -> Iterator[str]:
    for change in changes[:_MOST_CHANGES]:
        yield f"{_INDENT}{change.describe(200, what)}"
    if len(changes) > _MOST_CHANGES:
        yield f"{_INDENT}… and {len(changes) - _MOST_CHANGES} more changes"


def _head(report: DiffReport, number: int, change: Change, text: str | None = None) -> str:
    left, right = (report.cell(number, side) for side in Side)
    shown = right or left
    assert shown is not None
    moved = report.moved_to(number)
    where = "" if moved is None else f" (step {moved} on the {'right' if right is None else 'left'})"
    return _line(_MARKS.get(change, "~"), left, right, (shown.text if text is None else text) + where)


def _line(mark: str, left: Cell | None, right: Cell | None, text: str) -> str:
    shown = right or left
    assert shown is not None
    numbers = [f"{cell.number:4}" if cell is not None else "   ·" for cell in (left, right)]
    return printable_line(
        f"{mark} {numbers[0]} {numbers[1]}  {shown.kind.value:<9} {text}", max(_WIDTH, len(text) + 30)
    )


def _folded(equal: list[str]) -> list[str]:
    return equal if len(equal) < _FOLDED_FROM else [f"= {len(equal)} equal steps"]
