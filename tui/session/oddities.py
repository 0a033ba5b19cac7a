"""What looks wrong in a session, by step: read in a thread, shown beside the steps, and what playback stops at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from promptetheus.cause.anomalies import Anomaly, AnomalyKind, anomalies
from promptetheus.queries.session_log import SessionLog

MOST_EVENTS = 20_000
"""Longer sessions are not looked through: it takes all their events at once."""

_SEEN_AFTER = {AnomalyKind.REPETITION: 2, AnomalyKind.EMPTY_RESULT: 2, AnomalyKind.OSCILLATION: 3}
"""What shows only once it has happened so many times more."""

Oddities = Mapping[int, Sequence[str]]
"""What is to be said of steps, by their index."""


def read_oddities(log: SessionLog, events: int) -> Oddities:
    """What looks wrong in the first `events` events. Reads them all: call it from a thread."""
    if events > MOST_EVENTS:
        return {}
    # One by one: taking them in one go would keep the timeline from its own.
    return oddities_of(anomalies([log.event(number) for number in range(events)]))


def oddities_of(found: Sequence[Anomaly]) -> Oddities:
    """Findings by the step at which a person could first see them."""
    by_step: dict[int, list[str]] = {}
    for anomaly in found:
        place = min(_SEEN_AFTER.get(anomaly.kind, 0), len(anomaly.steps) - 1)
        if place >= 0:
            by_step.setdefault(anomaly.steps[place], []).append(f"{anomaly.kind.value}: {anomaly.text}")
    return by_step
