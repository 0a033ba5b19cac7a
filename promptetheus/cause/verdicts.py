"""What a failed goal check says about single calls: which were expected and not made, which were made otherwise.

Read from what importers and checkers put into the check's metadata: `expected_actions`, each with a name and
arguments, and `unmatched`, each naming a tool, whether it was expected, and the call it is about. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

MOST_EXPECTED = 100
MOST_CALLS = 5_000
"""Calls of a session that are looked at: each is held against each expected one."""


class Call(NamedTuple):
    """A tool call that was made."""

    step: int
    """Index of its step."""
    name: str
    call_id: str
    arguments: Any


@dataclass(frozen=True, slots=True)
class Expected:
    """A call that a task expects."""

    name: str
    arguments: Any
    made_in: int | None
    """Index of the step that made exactly this call; None when none did."""
    nearest: int | None = None
    """Index of the step that made it otherwise, where none made exactly this one."""


@dataclass(frozen=True, slots=True)
class Blame:
    """Why a check holds a call against the agent."""

    check: int
    """Index of the check's step."""
    expected: Mapping[str, Any] | None
    """The arguments that were expected of this call; None when the call was not expected at all."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """All that a check says about calls."""

    expected: tuple[Expected, ...]
    blames: Mapping[int, Blame]
    """By index of the step whose call is blamed."""
    about: tuple[int | None, ...] = ()
    """For each of the check's mismatches, the step that it speaks of."""


NO_VERDICT = Verdict((), {})


def verdict_of(
    check: int, metadata: Mapping[str, Any], calls: Sequence[Call], mismatches: Sequence[object] = ()
) -> Verdict:
    """Hold the expected calls of a check's metadata against the calls of its session."""
    actions = [_action(item) for item in _items(metadata.get("expected_actions"))[:MOST_EXPECTED]]
    unmatched = [item for item in _items(metadata.get("unmatched")) if isinstance(item, Mapping)]
    step_of = {call.call_id: call.step for call in calls if call.call_id}
    about = _spoken_of(mismatches, unmatched, step_of)
    exact = _exact(actions, calls)
    expected: list[Expected] = []
    blames: dict[int, Blame] = {}
    for position, (name, arguments) in enumerate(actions):
        made_in = exact.get(position)
        nearest = None if made_in is not None else _take_unmatched(unmatched, name, step_of)
        expected.append(Expected(name, arguments, made_in, nearest))
        if nearest is not None:
            blames[nearest] = Blame(check, arguments if isinstance(arguments, Mapping) else {})
    for item in unmatched:
        step = _step(item, step_of)
        if step is not None and item.get("expected") is False:
            blames.setdefault(step, Blame(check, None))
    return Verdict(tuple(expected), blames, about)


def differing(made: Mapping[str, Any], expected: Mapping[str, Any]) -> list[str]:
    """Names of the arguments in which two calls differ, those expected first."""
    missing = object()
    names = [*expected, *(name for name in made if name not in expected)]
    return [name for name in names if made.get(name, missing) != expected.get(name, missing)]


def _spoken_of(
    mismatches: Sequence[object], unmatched: Sequence[Mapping[str, Any]], step_of: Mapping[str, int]
) -> tuple[int | None, ...]:
    """The step each sentence is about: sentences begin with the tool's name, in the order of the entries."""
    waiting = list(unmatched)
    found: list[int | None] = []
    for sentence in mismatches:
        step = None
        for place, item in enumerate(waiting):
            name = item.get("name")
            if isinstance(sentence, str) and isinstance(name, str) and name and sentence.startswith(name):
                del waiting[place]
                step = _step(item, step_of)
                break
        found.append(step)
    return tuple(found)


def _exact(actions: Sequence[tuple[str, Any]], calls: Sequence[Call]) -> dict[int, int]:
    """Which expected call was made exactly in which step; each call made stands for one expected at most."""
    used: set[int] = set()
    found: dict[int, int] = {}
    for position, (name, arguments) in enumerate(actions):
        for call in calls:
            if call.step not in used and call.name == name and call.arguments == arguments:
                used.add(call.step)
                found[position] = call.step
                break
    return found


def _take_unmatched(unmatched: list[Mapping[str, Any]], name: str, step_of: Mapping[str, int]) -> int | None:
    """The step that the check names for an expected call of this name; each entry serves once."""
    for place, item in enumerate(unmatched):
        if item.get("name") == name and item.get("expected") is True:
            del unmatched[place]
            return _step(item, step_of)
    return None


def _step(item: Mapping[str, Any], step_of: Mapping[str, int]) -> int | None:
    call_id = item.get("call_id")
    return step_of.get(call_id) if isinstance(call_id, str) else None


def _action(item: object) -> tuple[str, Any]:
    if not isinstance(item, Mapping):
        return "", item
    name = item.get("name")
    return (name if isinstance(name, str) else ""), item.get("arguments", item.get("kwargs"))


def _items(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def merged(verdicts: Iterable[Verdict]) -> dict[int, Blame]:
    """The blames of all checks by step, the first check's first."""
    found: dict[int, Blame] = {}
    for verdict in verdicts:
        for step, blame in verdict.blames.items():
            found.setdefault(step, blame)
    return found
