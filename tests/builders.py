"""Sessions made by hand, event by event, for tests that need one exactly so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

from promptetheus.clock import format_timestamp
from promptetheus.spool import session_file_name

START_S = 1_795_000_000.0
"""When built sessions begin: 2026-11-18, in seconds since 1970."""


class SessionBuilder:
    """`a_session().says("hello").calls("search", {"q": 1}, result=[]).ends()`"""

    def __init__(self, session_id: str, agent: str, goal: str) -> None:
        self.session_id = session_id
        self.events: list[dict[str, Any]] = []
        self._now = START_S
        self._calls = 0
        after: dict[str, Any] = {
            "agent": agent,
            "user_goal": goal,
            "project_id": None,
            "environment": None,
            "tags": [],
        }
        self.event("state_change", {"name": "session_started", "before": None, "after": after})

    def event(self, kind: str, payload: Mapping[str, Any], after_s: float = 0.1, **fields: Any) -> Self:
        """Any event, `after_s` seconds after the one before; more envelope fields by keyword."""
        seq = len(self.events)
        self._now += after_s
        self.events.append(
            {
                "type": kind,
                "session_id": self.session_id,
                "timestamp": format_timestamp(self._now),
                "seq": seq,
                "idempotency_key": f"{self.session_id}:00000000:{seq}",
                "payload": dict(payload),
                **fields,
            }
        )
        return self

    def asks(self, text: str) -> Self:
        """A message of the user."""
        return self.event("user_message", {"content": text})

    def says(self, text: str) -> Self:
        """A message of the agent."""
        return self.event("agent_message", {"content": text})

    def calls(
        self, tool: str, arguments: Any = None, *, result: Any = None, error: str | None = None
    ) -> Self:
        """A call with its result."""
        call_id = self.opens_call(tool, arguments)
        return self.event("tool_result", {"call_id": call_id, "result": result, "error": error})

    def opens_call(self, tool: str, arguments: Any = None) -> str:
        """A call whose result is still to come; returns its id."""
        self._calls += 1
        call_id = f"call-{self._calls}"
        self.event("tool_call", {"tool_name": tool, "arguments": arguments or {}, "call_id": call_id})
        return call_id

    def span(self, name: str, span_id: str, *, parent: str | None = None, took_ms: int = 5) -> Self:
        """An empty span."""
        markers: tuple[dict[str, Any], ...] = (
            {"name": "span_start", "span_name": name},
            {"name": "span_end", "span_name": name, "duration_ms": took_ms},
        )
        for marker in markers:
            self.event("state_change", marker, span_id=span_id, parent_id=parent)
        return self

    def checks(self, passed: bool, *mismatches: str) -> Self:
        """A goal check."""
        return self.event("goal_check", {"passed": passed, "mismatches": list(mismatches)})

    def ends(self, status: str = "completed", error: str | None = None) -> Self:
        """The end, without the summary that a real writer adds: readers must cope."""
        return self.event("session_end", {"status": status, "error": error})

    def lines(self) -> bytes:
        """The events as spool lines."""
        return b"".join(
            json.dumps(event, sort_keys=True, separators=(",", ":")).encode() + b"\n" for event in self.events
        )

    def write(self, spool: Path) -> Path:
        """Write the session into a spool directory; returns its file."""
        spool.mkdir(parents=True, exist_ok=True)
        path = spool / session_file_name(self.session_id)
        path.write_bytes(self.lines())
        return path


def a_session(
    session_id: str = "s1", agent: str = "calendar-agent", goal: str = "Book Tuesday at 2pm"
) -> SessionBuilder:
    """A session that has begun."""
    return SessionBuilder(session_id, agent, goal)


def a_failing_booking(session_id: str = "failing") -> SessionBuilder:
    """The README's calendar agent: it books Wednesday."""
    return (
        a_session(session_id)
        .asks("Book Tuesday at 2pm")
        .calls("search_calendar", {"day": "Tuesday"}, result=["Tuesday 2pm", "Tuesday 3pm"])
        .span("choose-slot", "span_1")
        .says("Booked Wednesday 2pm")
        .checks(False, "selected Wednesday, not Tuesday")
        .ends()
    )


def a_passing_booking(session_id: str = "passing") -> SessionBuilder:
    """The same task done right."""
    return (
        a_session(session_id)
        .asks("Book Tuesday at 2pm")
        .calls("search_calendar", {"day": "Tuesday"}, result=["Tuesday 2pm", "Tuesday 3pm"])
        .span("choose-slot", "span_1")
        .says("Booked Tuesday 2pm")
        .checks(True)
        .ends()
    )
