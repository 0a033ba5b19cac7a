"""How the state of the world that one run leaves differs from that of another, told by the calls that changed it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from promptetheus.cause.alignment import likeness
from promptetheus.cause.divergence import Divergence, DivergenceKind
from promptetheus.cause.effects import Effects, writes_of
from promptetheus.cause.noise import Noise
from promptetheus.cause.plain_form import plain_text
from promptetheus.cause.signatures import Run
from promptetheus.cause.steps import StepKind
from promptetheus.cause.value_changes import changed_arguments, value_changes
from promptetheus.display import printable_line

MAX_CANDIDATES = 20
"""Differences that are told."""

MAX_PAIRED = 60
"""Unequal changes of each run that are held against each other."""

_PROSE_WORDS = 5
"""A text of at least so many words is prose: it may be put in other words as long as its figures stay."""

_FIGURE = re.compile(r"\S*\d\S*")


def effect_differences(left: Run, right: Run, effects: Effects) -> tuple[Divergence, ...]:
    """How the state that `right` leaves differs from that of `left`, told by the calls that changed it; at most 20.

    Equal calls cancel out wherever they stand; what is left over is paired by tool and likeness.
    """
    old, new, order = _without_equals(left, right, writes_of(left, effects), writes_of(right, effects))
    partner = _partners(left, right, old, new)
    found = []
    for j in new:
        i = partner.get(j)
        if i is not None and _only_reworded(left.arguments[i], right.arguments[j], left.noise):
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
    arguments = run.arguments[place]
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
    one, other = left.arguments[i], right.arguments[j]
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
    one, other = left.arguments[i], right.arguments[j]
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
