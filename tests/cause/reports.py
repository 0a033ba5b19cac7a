"""Two built sessions held against each other, for tests of what is drawn."""

from __future__ import annotations

from collections.abc import Sequence

from promptetheus.cause.diff_report import DiffReport, SessionSide, diff_report
from promptetheus.cause.effects import infer_effects
from promptetheus.cause.noise import DEFAULT_NOISE, Noise
from promptetheus.cause.signatures import make_run
from promptetheus.events import Event
from tests.builders import SessionBuilder


def side(session_id: str) -> SessionSide:
    return SessionSide(session_id, "calendar-agent", "Book", "passed", "✓", False, "", None)


def report_of_events(
    left: Sequence[Event], right: Sequence[Event], noise: Noise = DEFAULT_NOISE
) -> DiffReport:
    effects = infer_effects(make_run(events) for events in (left, right))
    return diff_report(side("left"), left, side("right"), right, noise=noise, effects=effects)


def report_of(left: SessionBuilder, right: SessionBuilder, noise: Noise = DEFAULT_NOISE) -> DiffReport:
    return report_of_events(left.events, right.events, noise)
