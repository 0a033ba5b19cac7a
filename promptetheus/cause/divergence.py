"""Where a run first goes another way than one that it is held against: the first step that is more than other words,
as two agents never use the same ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from promptetheus.cause.comparison import UNTELLING, Change, Row, SideBySide
from promptetheus.cause.steps import StepKind
from promptetheus.cause.value_changes import ValueChange, changed_arguments, value_changes
from promptetheus.display import value

_WORD = re.compile(r"\w+")
_MAX_OUTCOME = 2_000
"""Characters of a result and a message whose words are held against each other."""


class DivergenceKind(StrEnum):
    """What one run does otherwise."""

    WORDING = "other words"
    ARGUMENTS = "wrong arguments"
    VALUE = "other value"
    """Of a state, or another text of an error."""
    RESULT = "other result"
    PAGE = "other page"
    MODEL = "other model"
    ERROR = "error"
    EXTRA = "extra step"
    MISSING = "missing step"
    ORDER = "other order"


@dataclass(frozen=True, slots=True)
class Divergence:
    """One place where the right run differs from the left."""

    kind: DivergenceKind
    name: str
    """The tool or action it is about; "" for messages."""
    left: int | None
    """Place of the step in the left run; None where it has none."""
    right: int | None
    arguments: tuple[str, ...] = ()
    """Names of the arguments that differ, sorted."""
    changes: tuple[ValueChange, ...] = ()
    confidence: float = 0.0
    """From 0 to 1: how likely this is where they part, given how well the runs align or how sure the effect is."""
    reason: str = ""
    """One printable line."""

    @property
    def how_sure(self) -> str:
        """The confidence as a word."""
        return "sure" if self.confidence >= 0.8 else "likely" if self.confidence >= 0.5 else "unsure"


def first_divergence(sides: SideBySide) -> Divergence | None:
    """The first row that differs in more than words, or the first in words when there is no other.

    A call or span around others ends after them: where they differ, its own other result is their consequence.
    """
    different = [row for row in sides.rows if row.change is not Change.SAME]
    if not different:
        return None
    telling = [row for row in different if _tells(sides, row)]
    row = next((found for row in telling if (found := _innermost(sides, row, different))), different[0])
    before = sides.rows[: sides.rows.index(row)]
    moves = [other for other in sides.rows if not sides.signature(other).is_message]
    same = sum(other.change is Change.SAME for other in before)
    share = sum(other.change is Change.SAME for other in moves) / len(moves) if moves else 0.0
    # A common beginning is the best sign that this is where they part; without one, how much they share at all.
    confidence = 0.0 if sides.not_comparable else round(min(1.0, 0.4 + 0.4 * share + 0.1 * min(5, same)), 2)
    return _described(sides, row, confidence, _what_came_before(before, same))


def _what_came_before(before: Sequence[Row], same: int) -> str:
    if not before:
        return "it is the first step"
    told = f"{same} of {len(before)} {'step' if len(before) == 1 else 'steps'} equal before it"
    if same == len(before):
        return told
    others = "others" if len(before) - same > 1 else "other"
    words = all(row.change in (Change.SAME, Change.WORDS) for row in before)
    return f"{told}, the {others} {'in other words' if words else 'much the same'}"


def _tells(sides: SideBySide, row: Row) -> bool:
    """Whether a difference says that the runs go another way: a message too many or too few does not."""
    return row.change not in UNTELLING and not sides.signature(row).is_message


def _innermost(sides: SideBySide, row: Row, different: Sequence[Row]) -> Row | None:
    """The row itself, unless it is the outcome of others inside it: None when a later row tells more, or the
    message inside that says what came out."""
    if row.left is None or row.right is None or row.change not in (Change.RESULT, Change.ERROR):
        return row
    if not (sides.left.encloses_next(row.left) or sides.right.encloses_next(row.right)):
        return row
    inside = [other for other in different if _is_inside(sides, row.left, row.right, other)]
    if any(_tells(sides, other) for other in inside):
        return None
    outcome = _changed_words(sides.left.result(row.left), sides.right.result(row.right))
    said = (
        other
        for other in inside
        if other.change is Change.WORDS
        and other.left is not None
        and other.right is not None
        and outcome & _changed_words(sides.left.arguments[other.left], sides.right.arguments[other.right])
    )
    return next(said, row)


def _is_inside(sides: SideBySide, left: int, right: int, other: Row) -> bool:
    if other.right is not None:
        return sides.right.encloses(right, other.right)
    return other.left is not None and sides.left.encloses(left, other.left)


def _changed_words(before: Any, after: Any) -> set[str]:
    one, other = (set(_WORD.findall(value(each, _MAX_OUTCOME).casefold())) for each in (before, after))
    return one ^ other


_KIND_OF = {
    Change.WORDS: DivergenceKind.WORDING,
    Change.ARGUMENTS: DivergenceKind.ARGUMENTS,
    Change.RESULT: DivergenceKind.RESULT,
    Change.PAGE: DivergenceKind.PAGE,
    Change.MODEL: DivergenceKind.MODEL,
    Change.PICTURE: DivergenceKind.PAGE,
    Change.ERROR: DivergenceKind.ERROR,
    Change.MISSING: DivergenceKind.MISSING,
    Change.EXTRA: DivergenceKind.EXTRA,
    Change.MOVED: DivergenceKind.ORDER,
}


_WITH_ARGUMENTS = frozenset({StepKind.TOOL, StepKind.ACTION, StepKind.RETRIEVAL})


def kind_of(sides: SideBySide, row: Row) -> DivergenceKind:
    """What a row in which the runs differ is called, wherever it is told of."""
    signature = sides.signature(row)
    if signature.is_message:
        return DivergenceKind.WORDING
    kind = _KIND_OF[row.change]
    if kind is DivergenceKind.ARGUMENTS and signature.kind not in _WITH_ARGUMENTS:
        return DivergenceKind.VALUE
    return kind


def _described(sides: SideBySide, row: Row, confidence: float, reason: str) -> Divergence:
    left, right = sides.left, sides.right
    signature = sides.signature(row)
    name = "" if signature.is_message else signature.name or signature.kind.value
    arguments: tuple[str, ...] = ()
    changes: tuple[ValueChange, ...] = ()
    if row.left is not None and row.right is not None:
        match row.change:
            case Change.ARGUMENTS | Change.WORDS | Change.MODEL:
                before, after = left.arguments[row.left], right.arguments[row.right]
            case Change.PAGE:
                before, after = left.page(row.left), right.page(row.right)
            case _:
                before, after = left.result(row.left), right.result(row.right)
        if row.change is Change.ARGUMENTS:
            arguments = changed_arguments(before, after, left.noise)
        changes = tuple(value_changes(before, after, left.noise))
    return Divergence(kind_of(sides, row), name, row.left, row.right, arguments, changes, confidence, reason)
