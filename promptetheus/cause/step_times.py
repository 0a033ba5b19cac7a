"""When a step was at work: the stretch that a waterfall, a map of the session and its playback show for it."""

from __future__ import annotations

from typing import NamedTuple

from promptetheus.cause.steps import Step, StepKind


class Stretch(NamedTuple):
    """Milliseconds since the session's first timed event."""

    start: float
    end: float


def stretch_of(step: Step) -> Stretch | None:
    """From when to when a step took place; None in a session without times.

    An LLM call is recorded once it has answered, so it lies before its event; everything else begins with its event.
    What took no time, or has not ended, is a moment: both ends are the same.
    """
    at = step.offset_ms
    if at is None:
        return None
    took = step.duration_ms
    if not took or took < 0:
        return Stretch(at, at)
    if step.kind is StepKind.LLM:
        return Stretch(max(0.0, at - took), at)
    return Stretch(at, at + took)
