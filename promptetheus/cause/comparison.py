"""Two runs side by side: aligned rows, each with what changed, and whether they can be compared at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from promptetheus.cause.alignment import Pair, align
from promptetheus.cause.common_ground import no_common_ground
from promptetheus.cause.effects import Effects
from promptetheus.cause.signatures import Run, Signature
from promptetheus.cause.steps import StepKind
from promptetheus.cause.value_changes import same_value


class Change(StrEnum):
    """How the two steps of a row stand to each other."""

    SAME = "same"
    WORDS = "words"
    """A message in other words."""
    ARGUMENTS = "arguments"
    """The same call or action with other arguments."""
    RESULT = "result"
    """The same call or query, another answer."""
    PAGE = "page"
    """The same action, and the page shows something else after it."""
    MODEL = "model"
    """A call of another model."""
    PICTURE = "picture"
    """A screenshot that looks different; found only where somebody looked (`DiffReport.with_pictures`)."""
    ERROR = "error"
    """The same call, answered with an error on one side only."""
    MISSING = "missing"
    """Only in the left run."""
    EXTRA = "extra"
    """Only in the right run."""
    MOVED = "moved"
    """On this side only here; the other run has an equal step in another place."""


class RowKind(StrEnum):
    """What a side-by-side view draws."""

    EQUAL = "equal"
    CHANGED = "changed"
    MISSING_LEFT = "missing left"
    MISSING_RIGHT = "missing right"
    MOVED = "moved"


_KINDS = {
    Change.SAME: RowKind.EQUAL,
    Change.MISSING: RowKind.MISSING_RIGHT,
    Change.EXTRA: RowKind.MISSING_LEFT,
    Change.MOVED: RowKind.MOVED,
}

UNTELLING = frozenset({Change.SAME, Change.WORDS, Change.MODEL, Change.PICTURE})
"""Changes that say nothing about another course: a language model hardly ever uses the same words."""


class Row(NamedTuple):
    """One line of the side-by-side view."""

    left: int | None
    """Place in the left run; None for a gap."""
    right: int | None
    change: Change
    moved_to: int | None = None
    """Of a moved step, the place of the equal one in the other run."""

    @property
    def kind(self) -> RowKind:
        """The change as it is drawn."""
        return _KINDS.get(self.change, RowKind.CHANGED)


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
        acts = signature.kind is StepKind.TOOL or signature.kind is StepKind.ACTION
        known = effects.get(signature.name) if acts else None
        return known is not None and known.writes

    alignment = align(left.signatures, right.signatures, changes_the_world)
    elsewhere = _elsewhere(left, right, alignment.pairs)
    rows = []
    for i, j in alignment.pairs:
        if i is not None and j is not None:
            rows.append(Row(i, j, _change(left, i, right, j)))
            continue
        moved_to = elsewhere.get(Pair(i, j))
        alone = Change.MISSING if j is None else Change.EXTRA
        rows.append(Row(i, j, alone if moved_to is None else Change.MOVED, moved_to))
    equal = [row.right for row in rows if row.right is not None and row.change is Change.SAME]
    return SideBySide(left, right, tuple(rows), alignment.coarse, no_common_ground(left, right, equal))


def _elsewhere(left: Run, right: Run, pairs: Sequence[Pair]) -> dict[Pair, int]:
    """For steps that stand alone, the place of an equal one that stands alone in the other run; each serves once."""
    waiting: dict[str, list[int]] = {}
    for i, j in reversed(pairs):
        if i is None and j is not None:
            waiting.setdefault(right.signatures[j].key, []).append(j)
    found: dict[Pair, int] = {}
    for i, j in pairs:
        if i is not None and j is None and (places := waiting.get(left.signatures[i].key)):
            place = places.pop()
            found[Pair(i, None)], found[Pair(None, place)] = place, i
    return found


def _change(left: Run, i: int, right: Run, j: int) -> Change:
    one, other = left.signatures[i], right.signatures[j]
    if one.content != other.content:
        changed = _KIND_OF_CONTENT.get(one.kind, Change.ARGUMENTS)
        if changed is not Change.ARGUMENTS or not same_value(
            left.arguments[i], right.arguments[j], left.noise
        ):
            return changed
    match one.kind:
        case StepKind.TOOL:
            before, after = left.steps[i], right.steps[j]
            if (before.ok is False) != (after.ok is False):
                return Change.ERROR
            if before.open != after.open or not same_value(left.result(i), right.result(j), left.noise):
                return Change.RESULT
        case StepKind.RETRIEVAL:
            if not same_value(left.result(i), right.result(j), left.noise):
                return Change.RESULT
        case StepKind.ACTION | StepKind.DOM:
            if not same_value(left.page(i), right.page(j), left.noise):
                return Change.PAGE
        case _:
            pass
    return Change.SAME


_KIND_OF_CONTENT = {
    StepKind.USER: Change.WORDS,
    StepKind.AGENT: Change.WORDS,
    StepKind.LLM: Change.MODEL,
}
