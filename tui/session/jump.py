"""The jump keys: to the next or previous step of a sort that a person looks for."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from textual.binding import Binding

from promptetheus.cause.steps import Step, StepKind
from promptetheus.tui.session.course import has_picture

TypeOf = Callable[[int], str]
"""The type of the event of a number."""


@dataclass(frozen=True, slots=True)
class Jump:
    """One sort of step to jump to."""

    key: str
    """To the next one; with shift to the previous one."""
    word: str
    """What it is called in `no error after this step`."""
    meaning: str
    """The word, and what else counts as one."""
    wanted: Callable[[Step, TypeOf], bool]


JUMPS: Mapping[str, Jump] = {
    "error": Jump(
        "e", "error", "error or failed step", lambda step, _: step.ok is False or step.kind is StepKind.ERROR
    ),
    "tool": Jump("t", "tool call", "tool call", lambda step, _: step.kind is StepKind.TOOL),
    "message": Jump("m", "message", "message", lambda step, _: step.kind in (StepKind.USER, StepKind.AGENT)),
    "check": Jump("c", "check", "goal check", lambda step, _: step.kind is StepKind.CHECK),
    "screenshot": Jump("s", "screenshot", "screenshot", has_picture),
    # What looks wrong is known to the timeline, not told by the step.
    "oddity": Jump("w", "odd step", "step that looks wrong", lambda step, _: False),
}


_SORTS_OF: Mapping[StepKind, tuple[str, ...]] = {
    kind: {
        StepKind.ERROR: ("error",),
        StepKind.TOOL: ("tool",),
        StepKind.USER: ("message",),
        StepKind.AGENT: ("message",),
        StepKind.CHECK: ("check",),
        StepKind.SHOT: ("screenshot",),
        StepKind.ACTION: ("screenshot",),
    }.get(kind, ())
    for kind in StepKind
}
"""Which sorts a step of a kind may be of, when nothing failed."""


class JumpIndex:
    """The steps of every sort, kept as a session grows: a key must not take longer for a longer session."""

    def __init__(self) -> None:
        self._found: dict[str, list[int]] = {name: [] for name in JUMPS}

    def take(self, steps: Sequence[Step], changed: Iterable[int], type_of: TypeOf) -> None:
        """Take in steps that are new or changed, by their indexes; a step stays what it once was."""
        for index in changed:
            step = steps[index]
            # Most steps are of one sort or of none, which their kind alone tells.
            for name in _SORTS_OF[step.kind] if step.ok is not False else (*_SORTS_OF[step.kind], "error"):
                if JUMPS[name].wanted(step, type_of):
                    self._add(self._found[name], index)

    def _add(self, found: list[int], index: int) -> None:
        if not found or found[-1] < index:
            found.append(index)
            return
        place = bisect_left(found, index)
        if found[place] != index:
            found.insert(place, index)

    def of(self, name: str) -> Sequence[int]:
        """The indexes of the steps of a sort, in order."""
        return self._found[name]


def nearest_of(
    indexes: Sequence[int], here: int, allowed: Sequence[int] | None, *, forward: bool
) -> int | None:
    """The first of sorted `indexes` after `here`, or before it; only of those allowed (sorted too; None: all)."""
    place = bisect_right(indexes, here) if forward else bisect_left(indexes, here) - 1
    while 0 <= place < len(indexes):
        index = indexes[place]
        if allowed is None or _is_in(allowed, index):
            return index
        place += 1 if forward else -1
    return None


def _is_in(numbers: Sequence[int], number: int) -> bool:
    place = bisect_left(numbers, number)
    return place < len(numbers) and numbers[place] == number


def jump_bindings(shown: str) -> Iterator[Binding]:
    """A binding per jump and direction; the footer shows only the one named `shown`."""
    for name, jump in JUMPS.items():
        for key, forward, where in ((jump.key, True, "next"), (jump.key.upper(), False, "previous")):
            yield Binding(
                key,
                f"jump('{name}', {forward})",
                f"{where} {jump.word}",
                show=forward and name == shown,
                id=f"session.{where}_{name}",
                tooltip=f"To the {where} {jump.meaning}",
            )


def landing_step(steps: Iterable[Step]) -> Step | None:
    """Where a session that failed opens: the step that failed first, which is the nearest to the cause.

    A call fails when its result arrives: a call around others begins before them and fails after them. The end of
    the session is only the last resort: that it failed is known already.
    """
    failed = [step for step in steps if step.ok is False]
    return min(failed, key=lambda step: (step.kind is StepKind.END, step.events[-1]), default=None)
