"""An event as the line that `promptetheus replay` prints: `[3] tool_call tool_name='search_calendar'`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SHOWN: dict[str, tuple[str, ...]] = {
    "user_message": ("content",),
    "agent_message": ("content",),
    "tool_call": ("tool_name",),
    "tool_result": ("call_id",),
    "llm_call": ("model",),
    "browser_action": ("action", "target"),
    "goal_check": ("passed",),
    "state_change": ("name",),
    "score": ("name", "value"),
    "metric": ("name", "value"),
    "error": ("message",),
    "session_end": ("status",),
}


def event_line(event: Mapping[str, Any]) -> str:
    """Sequence number, type and the telling fields of the payload as Python reprs; `?` for what is missing."""
    kind, payload = event.get("type"), event.get("payload")
    shown = _SHOWN.get(kind, ()) if isinstance(kind, str) else ()
    fields = payload if isinstance(payload, Mapping) else {}
    detail = "".join(f" {key}={fields[key]!r}" for key in shown if key in fields)
    seq = event.get("seq")
    return f"[{'?' if seq is None else seq}] {kind if kind is not None else '?'}{detail}"
