"""An event as the line that `promptetheus replay` prints: `[3] tool_call tool_name='search_calendar'`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from promptetheus.display import printable_line

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
_SHOWN_OF_FAILURES: dict[str, tuple[str, ...]] = {
    "tool_result": ("error", "status"),
    "session_end": ("error",),
}
"""What a failed call or session says besides; of others these fields say nothing."""


def event_line(event: Mapping[str, Any]) -> str:
    """Sequence number, type and the telling fields of the payload as Python reprs; `?` for what is missing.

    The result of a failed call, and the end of a failed session, say what went wrong.
    """
    kind, payload = event.get("type"), event.get("payload")
    shown = _SHOWN.get(kind, ()) if isinstance(kind, str) else ()
    fields = payload if isinstance(payload, Mapping) else {}
    detail = "".join(f" {key}={fields[key]!r}" for key in shown if key in fields)
    for key in _SHOWN_OF_FAILURES.get(kind, ()) if isinstance(kind, str) else ():
        said = fields.get(key)
        if said and (key == "error" or said in ("error", "failed")):
            detail += f" {key}={said!r}"
    seq = event.get("seq")
    return f"[{'?' if seq is None else seq}] {'?' if kind is None else printable_line(str(kind))}{detail}"
