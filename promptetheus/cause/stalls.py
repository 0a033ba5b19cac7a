"""Where a session stood still: steps and pauses far longer than usual, calls that were never answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from promptetheus.cause.anomaly import Anomaly, AnomalyKind, finding
from promptetheus.cause.signatures import Run
from promptetheus.cause.steps import Step, StepKind
from promptetheus.display import duration

STALL_MS = 30_000.0
STALL_FACTOR = 10.0
"""A step is a stall when it took at least 30 s and ten times the median step of its session."""


def stalls(steps: Sequence[Step]) -> list[Anomaly]:
    """Steps that took far longer than the others of their session."""
    times = sorted(step.duration_ms for step in steps if step.duration_ms is not None)
    if not times:
        return []
    usual = times[len(times) // 2]
    return [
        finding(
            AnomalyKind.STALL,
            [step.index],
            f"{step.name or step.kind.value} took {duration(step.duration_ms)}",
        )
        for step in steps
        if step.duration_ms is not None and step.duration_ms >= max(STALL_MS, STALL_FACTOR * usual)
    ]


def pauses(steps: Sequence[Step]) -> list[Anomaly]:
    """Time between two steps in which nothing was recorded. Waiting for a person is no stall."""
    timed = [step for step in steps if step.offset_ms is not None]
    gaps = []
    end = 0.0
    for number, step in enumerate(timed):
        assert step.offset_ms is not None
        if number and step.kind is not StepKind.USER:
            # A model call is recorded when it is over: its own time is no pause.
            own = (step.duration_ms or 0.0) if step.kind is StepKind.LLM else 0.0
            gaps.append((step.offset_ms - own - end, timed[number - 1], step))
        end = max(end, step.offset_ms + (step.duration_ms or 0.0))
    usual = sorted(gap for gap, _, _ in gaps)[len(gaps) // 2] if gaps else 0.0
    return [
        finding(
            AnomalyKind.STALL, [before.index, after.index], f"nothing for {duration(gap)} between two steps"
        )
        for gap, before, after in gaps
        if gap >= max(STALL_MS, STALL_FACTOR * usual)
    ]


def unanswered(run: Run, events: Sequence[Mapping[str, Any]]) -> list[Anomaly]:
    """Calls that were still open when the session ended; in a running one they are just running."""
    if not events or events[-1].get("type") != "session_end":
        return []
    return [
        finding(AnomalyKind.UNANSWERED, [step.index], f"{run.text(place)} was never answered")
        for place, step in enumerate(run.steps)
        if step.kind is StepKind.TOOL and step.open
    ]
