"""Builds session files event by event, with times and outcomes of the test's choosing."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Self

from promptetheus.clock import format_timestamp
from promptetheus.encoding import encode_line
from promptetheus.process import process_started, this_host
from promptetheus.spool import session_file_name
from promptetheus.summary import SummaryCounter

NOW = 1_790_000_000.0
"""What the clock of the app under test says, in seconds since 1970."""


class Recording:
    """One session, written line by line to `path`; each event a second after the one before.

    Args:
        ago: Seconds before `NOW` at which it began.
        pid: The process that is said to write it; the test's own by default, so that it counts as running.
    """

    def __init__(
        self,
        spool: Path,
        session_id: str,
        *,
        agent: str = "booking-agent",
        goal: str = "Book Tuesday at 2pm",
        ago: float = 60.0,
        tags: tuple[str, ...] = (),
        pid: int | None = None,
    ) -> None:
        spool.mkdir(parents=True, exist_ok=True)
        self.session_id = session_id
        self.path = spool / session_file_name(session_id)
        self._clock = NOW - ago
        self._seq = 0
        self._counter = SummaryCounter()
        pid = os.getpid() if pid is None else pid
        after = {
            "agent": agent,
            "user_goal": goal,
            "project_id": None,
            "environment": None,
            "tags": list(tags),
        }
        self.add(
            "state_change",
            {"name": "session_started", "before": None, "after": after},
            metadata={
                "session_metadata": {},
                "pid": pid,
                "host": this_host(),
                "process_started": process_started(pid),
            },
        )

    def add(self, kind: str, payload: dict[str, Any], *, metadata: dict[str, Any] | None = None) -> Self:
        """Append one event."""
        event: dict[str, Any] = {
            "type": kind,
            "session_id": self.session_id,
            "timestamp": format_timestamp(self._clock),
            "seq": self._seq,
            "idempotency_key": f"{self.session_id}-{self._seq}",
            "payload": payload,
        }
        if metadata is not None:
            event["metadata"] = metadata
        self._clock += 1.0
        self._seq += 1
        self._counter.add(event)
        if kind == "session_end":
            event["metadata"] = {"summary": self._counter.result() | {"spool_bytes": self._size()}}
        with self.path.open("ab") as file:
            file.write(encode_line(event))
        return self

    def user(self, text: str) -> Self:
        """What the user says."""
        return self.add("user_message", {"content": text})

    def agent(self, text: str) -> Self:
        """What the agent says."""
        return self.add("agent_message", {"content": text})

    def tool(
        self, name: str, arguments: dict[str, Any], result: Any = None, *, error: str | None = None
    ) -> Self:
        """A call and its result."""
        call_id = f"call-{self._seq}"
        self.add("tool_call", {"tool_name": name, "arguments": arguments, "call_id": call_id})
        return self.add("tool_result", {"call_id": call_id, "result": result, "error": error})

    def llm(self, *, model: str = "gpt-5", tokens_in: int = 1100, tokens_out: int = 82) -> Self:
        """A call of a model."""
        return self.add(
            "llm_call",
            {"model": model, "input_tokens": tokens_in, "output_tokens": tokens_out, "latency_ms": 640},
        )

    def check(self, passed: bool, *mismatches: str) -> Self:
        """A goal check."""
        return self.add("goal_check", {"passed": passed, "mismatches": list(mismatches)})

    def end(self, status: str = "completed", error: str | None = None) -> Self:
        """The last line."""
        return self.add("session_end", {"status": status, "error": error})

    def _size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0


def a_passing(spool: Path, session_id: str, **options: Any) -> Recording:
    """A session that met its goal."""
    recording = Recording(spool, session_id, **options).user("Book Tuesday at 2pm").llm()
    recording.tool("search_calendar", {"day": "Tuesday"}, ["Tuesday 2pm", "Tuesday 3pm"])
    return recording.agent("Booked Tuesday 2pm").check(True).end()


def a_failing(
    spool: Path, session_id: str, mismatch: str = "selected Wednesday, not Tuesday", **options: Any
) -> Recording:
    """A session that failed its goal."""
    recording = Recording(spool, session_id, **options).user("Book Tuesday at 2pm").llm()
    recording.tool("search_calendar", {"day": "Tuesday"}, ["Tuesday 2pm", "Wednesday 2pm"])
    return recording.agent("Booked Wednesday 2pm").check(False, mismatch).end()


def a_broken(
    spool: Path, session_id: str, error: str = "TimeoutError: timed out", **options: Any
) -> Recording:
    """A session that ended in an error."""
    recording = Recording(spool, session_id, **options).user("fix the parser")
    recording.tool("run_tests", {"path": "tests"}, error=error)
    return recording.add("error", {"error_type": "TimeoutError", "message": error}).end("failed", error)


def a_running(spool: Path, session_id: str, **options: Any) -> Recording:
    """A session whose writer, the test itself, is alive."""
    return Recording(spool, session_id, **options).user("Book Tuesday at 2pm")
