"""Where a run goes another way than one that it is held against, and where that begins to matter.

Two agents never use the same words and seldom look at things in the same order: the *first divergence* is the first
step that is more than other words, and the *effective divergence* the first that leaves the world in another state.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from promptetheus.cause.alignment import likeness
from promptetheus.cause.comparison import UNTELLING, Change, Row, SideBySide, side_by_side
from promptetheus.cause.effects import Effects, infer_effects, writes_of
from promptetheus.cause.noise import Noise
from promptetheus.cause.plain_form import plain_text
from promptetheus.cause.signatures import Run
from promptetheus.cause.steps import StepKind
from promptetheus.cause.value_changes import ValueChange, changed_arguments, value_changes
from promptetheus.display import printable_line, value

MAX_CANDIDATES = 20
MAX_PAIRED = 60
"""Unequal changes of each run that are held against each other."""

_PROSE_WORDS = 5
"""A text of at least so many words is prose: it may be put in other words as long as its figures stay."""

_FIGURE = re.compile(r"\S*\d\S*")
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


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of holding the right run against the left."""

    sides: SideBySide
    first: Divergence | None
    """The first difference that is more than wording; where there is only wording, that; None when equal."""
    effective: Divergence | None
    """The first difference that changes the state of the world otherwise; None when the effects are the same."""
    candidates: tuple[Divergence, ...]
    """All effective differences: calls made otherwise or unasked for in their order, then those never made."""

    @property
    def missing_effects(self) -> tuple[Divergence, ...]:
        """Changes that the left run made and the right never did."""
        return tuple(found for found in self.candidates if found.kind is DivergenceKind.MISSING)


def compare(left: Run, right: Run, effects: Effects | None = None) -> Comparison:
    """Hold `right` against `left`, which did it right. Without `effects` they are inferred from these two."""
    if effects is None:
        effects = infer_effects((left, right))
    sides = side_by_side(left, right, effects)
    candidates = effect_differences(left, right, effects)
    return Comparison(sides, first_divergence(sides), candidates[0] if candidates else None, candidates)


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
    reason = f"{same} of {len(before)} steps equal before it" if before else "it is the first step"
    return _described(sides, row, confidence, reason)


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
        and outcome & _changed_words(sides.left.arguments(other.left), sides.right.arguments(other.right))
    )
    return next(said, row)


def _is_inside(sides: SideBySide, left: int, right: int, other: Row) -> bool:
    if other.right is not None:
        return sides.right.encloses(right, other.right)
    return other.left is not None and sides.left.encloses(left, other.left)


def _changed_words(before: Any, after: Any) -> set[str]:
    one, other = (set(_WORD.findall(value(each, _MAX_OUTCOME).casefold())) for each in (before, after))
    return one ^ other


def effect_differences(left: Run, right: Run, effects: Effects) -> tuple[Divergence, ...]:
    """How the state that `right` leaves differs from that of `left`, told by the calls that changed it; at most 20.

    Equal calls cancel out wherever they stand; what is left over is paired by tool and likeness.
    """
    old, new, order = _without_equals(left, right, writes_of(left, effects), writes_of(right, effects))
    partner = _partners(left, right, old, new)
    found = []
    for j in new:
        i = partner.get(j)
        if i is not None and _only_reworded(left.arguments(i), right.arguments(j), left.noise):
            continue
        found.append(_wrong_call(left, i, right, j, effects))
    taken = set(partner.values())
    failed = _failed_calls(right)
    found += [_missing_call(left, i, right, effects, failed) for i in old if i not in taken]
    if not found and order is not None:
        found.append(_swapped(right, order))
    return tuple(found[:MAX_CANDIDATES])


def _without_equals(
    left: Run, right: Run, old: Sequence[int], new: Sequence[int]
) -> tuple[list[int], list[int], int | None]:
    """The changes of each run that the other did not make alike, and the first that came too early, if one did."""
    waiting: dict[str, list[int]] = {}
    for i in reversed(old):
        waiting.setdefault(left.signatures[i].key, []).append(i)
    rest, matched = [], []
    for j in new:
        if waiting.get(right.signatures[j].key):
            matched.append((waiting[right.signatures[j].key].pop(), j))
        else:
            rest.append(j)
    left_over = sorted(i for places in waiting.values() for i in places)
    said_before = _repeats(left, old), _repeats(right, new)
    return (
        [i for i in left_over if i not in said_before[0]],
        [j for j in rest if j not in said_before[1]],
        _first_swap(left, matched),
    )


def _repeats(run: Run, writes: Sequence[int]) -> set[int]:
    """Places of changes that were made before with an equal answer: setting a thing to the value it has."""
    last: dict[str, Any] = {}
    found = set()
    for place in writes:
        if run.steps[place].kind is not StepKind.TOOL:  # a button pressed twice may well do two things
            continue
        signature, result = run.signatures[place].key, run.result(place)
        if signature in last and last[signature] == result:
            found.add(place)
        last[signature] = result
    return found


def _first_swap(left: Run, matched: Sequence[tuple[int, int]]) -> int | None:
    """The first change of the right run that came before one on the same subject that the left made first."""
    for number, (i, j) in enumerate(matched):
        for other, _ in matched[number + 1 : number + 50]:
            if other < i and _subjects(left, i) & _subjects(left, other):
                return j
    return None


def _subjects(run: Run, place: int) -> set[str]:
    arguments = run.arguments(place)
    if not isinstance(arguments, Mapping):
        return set()
    return {
        f"{key}={item}" for key, item in arguments.items() if isinstance(item, str) and 0 < len(item) <= 200
    }


def _partners(left: Run, right: Run, old: Sequence[int], new: Sequence[int]) -> dict[int, int]:
    """For changes of the right run the one of the left that was meant: of the same tool, the most alike first."""
    pairs = sorted(
        (
            (-_alike(left, i, right, j), j, i)
            for j in new[:MAX_PAIRED]
            for i in old[:MAX_PAIRED]
            if left.signatures[i].name == right.signatures[j].name
        ),
    )
    partner: dict[int, int] = {}
    for _, j, i in pairs:
        if j not in partner and i not in partner.values():
            partner[j] = i
    return partner


def _alike(left: Run, i: int, right: Run, j: int) -> float:
    one, other = left.arguments(i), right.arguments(j)
    if not isinstance(one, Mapping) or not isinstance(other, Mapping):
        return likeness(left.signatures[i], right.signatures[j])
    names = {str(key) for key in (*one, *other)}
    different = len(changed_arguments(one, other, left.noise))
    return 1 - different / max(1, len(names)) + likeness(left.signatures[i], right.signatures[j]) / 100


def _only_reworded(one: Any, other: Any, noise: Noise) -> bool:
    """Whether two calls differ in prose alone, and that in no figure; or in nothing but noise."""
    return all(
        isinstance(change.before, str)
        and isinstance(change.after, str)
        and min(len(change.before.split()), len(change.after.split())) >= _PROSE_WORDS
        and set(_FIGURE.findall(plain_text(change.before, noise)))
        == set(_FIGURE.findall(plain_text(change.after, noise)))
        for change in value_changes(one, other, noise)
    )


def _wrong_call(left: Run, i: int | None, right: Run, j: int, effects: Effects) -> Divergence:
    name = right.steps[j].name
    known = effects[name]
    if i is None:
        made = printable_line(right.text(j), 200)
        reason = f"changes something that the other run left alone ({known.reason}): {made}"
        return Divergence(
            DivergenceKind.EXTRA,
            name,
            None,
            j,
            confidence=known.confidence,
            reason=printable_line(reason, 400),
        )
    one, other = left.arguments(i), right.arguments(j)
    changes = tuple(value_changes(one, other, left.noise))
    names = changed_arguments(one, other, left.noise)
    told = "; ".join(change.describe() for change in changes[:3]) + ("; …" if len(changes) > 3 else "")
    reason = f"{name} was called with another {told}"
    return Divergence(
        DivergenceKind.ARGUMENTS, name, i, j, names, changes, known.confidence, printable_line(reason, 400)
    )


def _missing_call(left: Run, i: int, right: Run, effects: Effects, failed: set[str]) -> Divergence:
    name = left.steps[i].name
    tried = "was tried, and answered with an error" if left.signatures[i].key in failed else "was never made"
    reason = f"{left.text(i)} {tried}"
    return Divergence(
        DivergenceKind.MISSING,
        name,
        i,
        None,
        confidence=effects[name].confidence,
        reason=printable_line(reason, 400),
    )


def _swapped(right: Run, j: int) -> Divergence:
    reason = f"{right.text(j)} came before a change of the same thing that the other run made first"
    return Divergence(
        DivergenceKind.ORDER, right.steps[j].name, None, j, confidence=0.4, reason=printable_line(reason, 400)
    )


def _failed_calls(run: Run) -> set[str]:
    return {
        signature.key
        for step, signature in zip(run.steps, run.signatures, strict=True)
        if step.kind is StepKind.TOOL and step.ok is False
    }


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


def _described(sides: SideBySide, row: Row, confidence: float, reason: str) -> Divergence:
    left, right = sides.left, sides.right
    signature = sides.signature(row)
    name = "" if signature.is_message else signature.name or signature.kind.value
    arguments: tuple[str, ...] = ()
    changes: tuple[ValueChange, ...] = ()
    if row.left is not None and row.right is not None:
        match row.change:
            case Change.ARGUMENTS | Change.WORDS | Change.MODEL:
                before, after = left.arguments(row.left), right.arguments(row.right)
            case Change.PAGE:
                before, after = left.page(row.left), right.page(row.right)
            case _:
                before, after = left.result(row.left), right.result(row.right)
        if row.change is Change.ARGUMENTS:
            arguments = changed_arguments(before, after, left.noise)
        changes = tuple(value_changes(before, after, left.noise))
    kind = DivergenceKind.WORDING if signature.is_message else _KIND_OF[row.change]
    if kind is DivergenceKind.ARGUMENTS and signature.kind not in _WITH_ARGUMENTS:
        kind = DivergenceKind.VALUE
    return Divergence(kind, name, row.left, row.right, arguments, changes, confidence, reason)
