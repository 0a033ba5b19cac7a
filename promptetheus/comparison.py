"""Two runs side by side: aligned rows, each with what changed, and whether they can be compared at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from promptetheus.alignment import align
from promptetheus.display import printable_line
from promptetheus.effects import Effects
from promptetheus.noise import plain
from promptetheus.signatures import Run, Signature
from promptetheus.steps import StepKind

MIN_MOVES_TO_JUDGE = 3
"""With fewer calls and actions than this on either side, nothing in common says nothing."""


class Change(StrEnum):
    """How the two steps of a row stand to each other."""

    SAME = "same"
    WORDS = "words"
    """A message in other words."""
    ARGUMENTS = "arguments"
    """The same call or action with other arguments."""
    RESULT = "result"
    """The same call, another answer."""
    ERROR = "error"
    """The same call, answered with an error on one side only."""
    MISSING = "missing"
    """Only in the left run."""
    EXTRA = "extra"
    """Only in the right run."""
    MOVED = "moved"
    """On this side only here; the other run has an equal step in another place."""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the side-by-side view."""

    left: int | None
    """Place in the left run; None for a gap."""
    right: int | None
    change: Change


@dataclass(frozen=True, slots=True)
class SideBySide:
    """Every step of both runs, once."""

    left: Run
    right: Run
    rows: tuple[Row, ...]
    coarse: bool
    """Whether the runs were too long for an exact alignment."""
    not_comparable: str
    """Why there is no common ground; "" when there is."""

    @property
    def equal(self) -> int:
        """Rows without a difference."""
        return sum(row.change is Change.SAME for row in self.rows)

    def signature(self, row: Row) -> Signature:
        """Of the step on the right, or on the left where the right has none."""
        if row.right is not None:
            return self.right.signatures[row.right]
        assert row.left is not None
        return self.left.signatures[row.left]


def side_by_side(left: Run, right: Run, effects: Effects) -> SideBySide:
    """Align two runs; equal calls that change the world (`effects`) are matched before all others."""

    def changes_the_world(signature: Signature) -> bool:
        known = effects.get(signature.name) if signature.kind is StepKind.TOOL else None
        return known is not None and known.writes

    alignment = align(left.signatures, right.signatures, changes_the_world)
    lonely_left = {left.signatures[i].key for i, j in alignment.pairs if i is not None and j is None}
    lonely_right = {right.signatures[j].key for i, j in alignment.pairs if j is not None and i is None}
    rows = []
    for i, j in alignment.pairs:
        if i is not None and j is not None:
            change = _change(left, i, right, j)
        elif i is not None:
            change = Change.MOVED if left.signatures[i].key in lonely_right else Change.MISSING
        else:
            assert j is not None
            change = Change.MOVED if right.signatures[j].key in lonely_left else Change.EXTRA
        rows.append(Row(i, j, change))
    return SideBySide(left, right, tuple(rows), alignment.coarse, _no_common_ground(left, right))


def _change(left: Run, i: int, right: Run, j: int) -> Change:
    one, other = left.signatures[i], right.signatures[j]
    if one.content != other.content:
        return Change.WORDS if one.is_message else Change.ARGUMENTS
    if one.kind is not StepKind.TOOL:
        return Change.SAME
    before, after = left.steps[i], right.steps[j]
    if (before.ok is False) != (after.ok is False):
        return Change.ERROR
    if before.open != after.open:
        return Change.RESULT
    old, new = left.result(i), right.result(j)
    if type(old) is type(new) and old == new:
        return Change.SAME
    return Change.SAME if plain(old, left.noise) == plain(new, right.noise) else Change.RESULT


def _no_common_ground(left: Run, right: Run) -> str:
    """Two runs that move, and have no kind of move in common, are about different things."""
    moves = [_moves(run.signatures) for run in (left, right)]
    if min(sum(found.values()) for found in moves) < MIN_MOVES_TO_JUDGE or moves[0].keys() & moves[1].keys():
        return ""
    shown = [", ".join(name for name, _ in found.most_common(3)) for found in moves]
    return f"they have no call or action in common: one did {shown[0]}, the other {shown[1]}"


def _moves(signatures: Sequence[Signature]) -> Counter[str]:
    return Counter(
        printable_line(s.name or s.kind.value, 60)
        for s in signatures
        if s.kind in (StepKind.TOOL, StepKind.ACTION, StepKind.RETRIEVAL, StepKind.SPAN)
    )
