"""Looks through a session for failed checks that name calls, as the session grows."""

from __future__ import annotations

from collections.abc import Sequence

from promptetheus.cause.describe import call_arguments
from promptetheus.cause.steps import Step, StepKind
from promptetheus.cause.verdicts import MOST_CALLS, NO_VERDICT, Blame, Call, Verdict, merged, verdict_of
from promptetheus.queries.session_log import SessionLog
from promptetheus.tui.inspector.subject import metadata_of, payload_of


class VerdictReader:
    """Reads each step once."""

    def __init__(self) -> None:
        self._looked_at = 0
        self._checks: list[int] = []
        """Failed checks with something to say about calls."""
        self._blames: dict[int, Blame] = {}

    def blames(self, log: SessionLog, steps: Sequence[Step], count: int) -> dict[int, Blame]:
        """The calls that failed checks hold against the agent, by step; the same object while nothing is new."""
        found = False
        for index in range(min(self._looked_at, count), count):
            step = steps[index]
            if step.kind is StepKind.CHECK and step.ok is False:
                metadata = metadata_of(log.event(step.events[0]))
                if metadata.get("unmatched"):
                    self._checks.append(index)
                    found = True
        self._looked_at = count
        if found:
            calls = calls_of(log, steps, count)
            self._blames = merged(check_verdict(log, steps[index], calls) for index in self._checks)
        return self._blames


def calls_of(log: SessionLog, steps: Sequence[Step], count: int) -> list[Call]:
    """The tool calls of a session, as far as anyone compares them."""
    calls: list[Call] = []
    for index in range(count):
        step = steps[index]
        if step.kind is StepKind.TOOL and log.type_of(step.events[0]) == "tool_call":
            event = log.event(step.events[0])
            call_id = payload_of(event).get("call_id")
            calls.append(
                Call(index, step.name, call_id if isinstance(call_id, str) else "", call_arguments(event))
            )
            if len(calls) >= MOST_CALLS:
                break
    return calls


def check_verdict(log: SessionLog, check: Step, calls: Sequence[Call]) -> Verdict:
    """What one check says about the calls of its session."""
    event = log.event(check.events[0])
    metadata, mismatches = metadata_of(event), payload_of(event).get("mismatches")
    if not metadata.get("expected_actions") and not metadata.get("unmatched"):
        return NO_VERDICT
    return verdict_of(check.index, metadata, calls, mismatches if isinstance(mismatches, list) else ())
