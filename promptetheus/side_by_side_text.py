"""A comparison in words and as data: the same in the terminal, the command line and exports."""

from __future__ import annotations

from typing import Any

from promptetheus.comparison import Change, SideBySide
from promptetheus.display import printable_line
from promptetheus.divergence import Comparison, Divergence
from promptetheus.signatures import Run
from promptetheus.value_changes import ABSENT

_MARKS = {
    Change.SAME: "=",
    Change.WORDS: "≈",
    Change.ARGUMENTS: "~",
    Change.RESULT: "~",
    Change.ERROR: "!",
    Change.MISSING: "-",
    Change.EXTRA: "+",
    Change.MOVED: "↕",
}
_FOLDED_FROM = 4
"""So many equal rows in a row become one line."""


def divergence_lines(comparison: Comparison) -> list[str]:
    """The banner: where the two part, where that begins to matter, what was ignored."""
    sides = comparison.sides
    lines = []
    if sides.not_comparable:
        lines.append(f"not comparable: {sides.not_comparable}")
    if comparison.first is None:
        lines.append("first divergence: none, the steps are the same")
    else:
        found = comparison.first
        changed = f": {found.changes[0].describe()}" if found.changes else ""
        where = f"{_where(sides, found)}, {found.kind.value}"
        lines.append(f"first divergence: {where}, {found.how_sure} ({found.reason}){changed}")
    if comparison.effective is None:
        lines.append("effective divergence: none, both changed the same things")
    else:
        found = comparison.effective
        lines.append(f"effective divergence: {_where(sides, found)}, {found.kind.value}, {found.how_sure}")
        lines += [f"  {printable_line(each.reason, 300)}" for each in comparison.candidates[:5]]
        more = len(comparison.candidates) - 5
        lines += [f"  and {more} more"] if more > 0 else []
    if sides.coarse:
        lines.append("coarse: the sessions are too long to judge every gap between equal steps")
    lines.append(f"ignored: {', '.join(sides.left.noise.names) or 'nothing'}")
    return [printable_line(line, 600) for line in lines]


def row_lines(sides: SideBySide) -> list[str]:
    """One line a row, long stretches of equal rows folded; `-` only in the first session, `+` only in the second."""
    lines: list[str] = []
    equal: list[str] = []
    for row in sides.rows:
        text = _row_text(sides, row.left, row.right, row.change)
        if row.change is Change.SAME:
            equal += text
            continue
        lines += _folded(equal)
        equal = []
        lines += text
    return lines + _folded(equal)


def divergence_as_json(comparison: Comparison, found: Divergence | None) -> dict[str, Any] | None:
    """A divergence as data; steps by their number in their session, from 0."""
    if found is None:
        return None
    left, right = comparison.sides.left, comparison.sides.right
    return {
        "kind": found.kind.value,
        "name": found.name,
        "baseline_step": _index(left, found.left),
        "candidate_step": _index(right, found.right),
        "arguments": list(found.arguments),
        "changes": [
            {
                "path": change.path,
                "before": None if change.before is ABSENT else change.before,
                "after": None if change.after is ABSENT else change.after,
            }
            for change in found.changes
        ],
        "confidence": found.confidence,
        "sure": found.how_sure,
        "reason": found.reason,
    }


def rows_as_json(sides: SideBySide) -> list[dict[str, Any]]:
    """The aligned rows as data."""
    return [
        {
            "change": row.change.value,
            "baseline_step": _index(sides.left, row.left),
            "candidate_step": _index(sides.right, row.right),
            "baseline": None if row.left is None else sides.left.text(row.left),
            "candidate": None if row.right is None else sides.right.text(row.right),
        }
        for row in sides.rows
    ]


def _index(run: Run, place: int | None) -> int | None:
    return None if place is None else run.steps[place].index


def _where(sides: SideBySide, found: Divergence) -> str:
    place = found.right if found.right is not None else found.left
    run = sides.right if found.right is not None else sides.left
    step = f"step {_index(run, place)}" + (" of the baseline" if found.right is None else "")
    return f"{step}, {printable_line(found.name, 80)}" if found.name else f"{step}, message"


def _row_text(sides: SideBySide, left: int | None, right: int | None, change: Change) -> list[str]:
    texts = []
    if left is not None:
        texts.append(
            _line(_MARKS[change] if right is None or change is Change.SAME else "-", sides.left, left)
        )
    if right is not None and change is not Change.SAME:
        texts.append(_line(_MARKS[change] if left is None else "+", sides.right, right))
    return texts


def _line(mark: str, run: Run, place: int) -> str:
    step = run.steps[place]
    return printable_line(f"{mark} {step.index:4}  {step.kind.value:<9} {run.text(place)}", 240)


def _folded(equal: list[str]) -> list[str]:
    return equal if len(equal) < _FOLDED_FROM else [f"= {len(equal)} equal steps"]
