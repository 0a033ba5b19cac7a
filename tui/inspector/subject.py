"""What the inspector is about: one step with everything that is needed to show it, gathered before it is drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptetheus.cause.steps import Step
from promptetheus.cause.verdicts import NO_VERDICT, Blame, Verdict
from promptetheus.events import Event
from promptetheus.queries.span_contents import InnerStep
from promptetheus.tui.session.running_time import STALLED_S


@dataclass(frozen=True, slots=True)
class Subject:
    """A step as it was when it was looked at; nothing in here changes while a thread lays it out."""

    step: Step
    events: Sequence[Event]
    """Its events, the opening one first."""
    spool: Path
    """The directory that artifacts are kept in."""
    number: int = 0
    """What people are told: its index, so that the first step after the session's start is number 1."""
    running: bool = False
    """Whether its session still runs."""
    elapsed_ms: float | None = None
    """How long it has run so far, while it runs; None where that is not known."""
    stalled: bool = False
    """Whether it has run for so long without anything happening that something may be wrong."""
    dom_before: Mapping[str, Any] | None = None
    """Payload of the last DOM snapshot before it, for steps that hold one."""
    shot_before: str = ""
    """Path of the last screenshot before it, for steps that hold one."""
    verdict: Verdict = NO_VERDICT
    """For goal checks: what the check says about single calls."""
    goal: Any = None
    """For goal checks: what the session was to reach, as recorded; None where nobody said."""
    inside: Sequence[InnerStep] = ()
    """For spans: the steps directly inside, the first of them."""
    blame: Blame | None = None
    """For tool calls: what a failed check holds against this one."""

    odd: Sequence[str] = ()
    """What looks wrong about it although nothing failed."""

    def not_yet(self, said: str) -> str:
        """`No result yet.`, or, where it has stalled, that and for how long nothing has happened."""
        return (
            f"{said}: nothing has happened for over {STALLED_S:.0f} seconds." if self.stalled else f"{said}."
        )

    @property
    def event(self) -> Event:
        """The opening event."""
        return self.events[0]

    @property
    def payload(self) -> Mapping[str, Any]:
        """Payload of the opening event."""
        return payload_of(self.event)

    @property
    def metadata(self) -> Mapping[str, Any]:
        """Metadata of the opening event; empty where it has none."""
        return metadata_of(self.event)


def payload_of(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The payload of an event that may be anything."""
    payload = event.get("payload")
    return payload if isinstance(payload, Mapping) else {}


def goal_of(started: Mapping[str, Any]) -> Any:
    """The goal that a session's first event names; None where it names none."""
    after = payload_of(started).get("after")
    return (after.get("user_goal") or None) if isinstance(after, Mapping) else None


def metadata_of(event: Mapping[str, Any]) -> Mapping[str, Any]:
    """The metadata of an event that may be anything."""
    metadata = event.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}
