"""What an agent did at once: its words, the call or action that follows them, or both."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from promptetheus.cause.signatures import Run
from promptetheus.cause.steps import StepKind

CALLS = frozenset({StepKind.TOOL, StepKind.ACTION})

_BETWEEN = frozenset({StepKind.SPAN, StepKind.STATE, StepKind.SHOT, StepKind.METRIC})
"""Steps that may stand between the words and the call without making them two moves."""


@dataclass(frozen=True, slots=True)
class Move:
    """Places of the steps of one move in its run."""

    words: int | None
    """The agent's message; None for a call without one."""
    call: int | None
    """The call or action; None where there were only words."""

    @property
    def place(self) -> int:
        """Where the move begins."""
        found = self.call if self.words is None else self.words
        assert found is not None
        return found


def moves_of(run: Run) -> Iterator[Move]:
    """The agent's moves in the order of the run. What users, tools and pages did is none, nor is the call that is
    the agent itself."""
    words: int | None = None
    around = _around_everything(run)
    for place, step in enumerate(run.steps):
        if place == around:
            continue
        if step.kind in CALLS:
            yield Move(words, place)
            words = None
        elif step.kind not in _BETWEEN:
            if words is not None:
                yield Move(words, None)
            words = place if step.kind is StepKind.AGENT else None
    if words is not None:
        yield Move(words, None)


def _around_everything(run: Run) -> int | None:
    """The call that all later steps are inside of: the agent itself, recorded as a call, which is no move of it."""
    for place, step in enumerate(run.steps):
        if step.kind is not StepKind.TOOL:
            continue
        closes = step.events[-1] if len(step.events) > 1 else None
        inside = run.steps[place + 1 :]
        if inside and all(closes is None or other.events[-1] < closes for other in inside):
            return place
        return None
    return None
