"""How long a step that runs has been running, and whether it has stalled."""

from __future__ import annotations

from promptetheus.cause.steps import Step, StepKind
from promptetheus.clock import parse_timestamp
from promptetheus.queries.session_log import SessionLog

STALLED_S = 30.0
"""A call that has run longer than this without anything happening turns amber."""


def elapsed_of(step: Step, log: SessionLog, events: int, now: float) -> tuple[float | None, bool]:
    """Milliseconds since an open step began, None where its time is unknown; and whether it has stalled.

    Args:
        events: How many events of the log are shown.
        now: Seconds since the epoch.
    """
    started = parse_timestamp(log.event(step.events[0]).get("timestamp"))
    if started is None:
        return None, False
    elapsed_s = max(0.0, now - started)
    stalled = elapsed_s > STALLED_S
    if stalled and step.kind is StepKind.SPAN and events:
        # A span may well take long as long as something happens in it.
        latest = parse_timestamp(log.event(events - 1).get("timestamp"))
        stalled = latest is None or now - latest > STALLED_S
    return elapsed_s * 1000, stalled
