"""Coordination of a running agent: notes, calls and heartbeats of one session. Pure functions over its state.

The state is one JSON object: `memory` (notes), `calls` (what `CallMemory` knows) and `heartbeat`. What is old is left
out when the state is read.
"""

from __future__ import annotations

from typing import Any

import orjson

from promptetheus.clock import format_timestamp, parse_timestamp
from promptetheus.gateway.errors import Refused
from promptetheus.redaction import build_default_redactor
from promptetheus.runtime_hints import CallMemory

State = dict[str, Any]

MAX_NOTES = 200
MAX_NOTE_BYTES = 16 << 10
KEEP_S = 24 * 3600.0
HEARTBEAT_S = 15 * 60.0

_clean = build_default_redactor()


def noted(state: State, given: dict[str, Any], now_s: float) -> tuple[State, dict[str, Any]]:
    """Add a note: the state, and the note as it is kept. Raises Refused (413) for a large one."""
    kind, metadata = given.get("kind"), given.get("metadata")
    note = _cleaned(
        {
            "kind": kind if isinstance(kind, str) and kind else "note",
            "value": given.get("value"),
            "metadata": metadata if isinstance(metadata, dict) else {},
        }
    )
    note["created_at"] = format_timestamp(now_s)
    return {**state, "memory": [*notes(state, now_s), note][-MAX_NOTES:]}, note


def notes(state: State, now_s: float) -> list[dict[str, Any]]:
    """The notes, the oldest first."""
    return [note for note in state.get("memory", []) if _is_young(note.get("created_at"), now_s, KEEP_S)]


def called(state: State, given: dict[str, Any], now_s: float) -> tuple[State, dict[str, Any]]:
    """Take a tool call into account: the state, and what is known of such calls."""
    call = _cleaned({name: given.get(name) for name in ("tool_name", "command", "args", "status", "error")})
    texts = {name: call[name] if isinstance(call[name], str) else None for name in ("command", "status")}
    memory = _calls(state, now_s)
    answer = memory.record(str(call["tool_name"] or ""), args=call["args"], error=call["error"], **texts)
    return _with_calls(state, memory, now_s), answer


def hinted(state: State, given: dict[str, Any], now_s: float) -> tuple[State, dict[str, Any]]:
    """Take the next hint: it comes again only when there is more to it."""
    memory = _calls(state, now_s)
    hint = memory.next_hint()
    return _with_calls(state, memory, now_s) if hint else state, {"hint": hint}


def beaten(state: State, given: dict[str, Any], now_s: float) -> tuple[State, dict[str, Any]]:
    """Remember a heartbeat."""
    heartbeat = {**_cleaned(given), "updated_at": format_timestamp(now_s)}
    return {**state, "heartbeat": heartbeat}, heartbeat


def heartbeat_of(state: State, now_s: float) -> dict[str, Any] | None:
    """The latest heartbeat, unless it is old."""
    found = state.get("heartbeat")
    return found if found and _is_young(found.get("updated_at"), now_s, HEARTBEAT_S) else None


def summary(state: State, now_s: float) -> dict[str, Any]:
    """What the audit log keeps of a session that has ended."""
    memory = _calls(state, now_s)
    return {
        "memory_count": len(notes(state, now_s)),
        "tool_fingerprint_count": len(memory.state()["calls"]),
        "failed_tool_fingerprint_count": len(memory.failing()),
        "heartbeat_present": heartbeat_of(state, now_s) is not None,
    }


def _calls(state: State, now_s: float) -> CallMemory:
    is_young = _is_young(state.get("called_at"), now_s, KEEP_S)
    return CallMemory.restored(state.get("calls", {}) if is_young else {})


def _with_calls(state: State, memory: CallMemory, now_s: float) -> State:
    return {**state, "calls": memory.state(), "called_at": format_timestamp(now_s)}


def _cleaned(value: dict[str, Any]) -> dict[str, Any]:
    if len(orjson.dumps(value)) > MAX_NOTE_BYTES:
        raise Refused(413, f"a runtime note has at most {MAX_NOTE_BYTES} bytes")
    found: dict[str, Any] = _clean(value)
    return found


def _is_young(moment: object, now_s: float, keep_s: float) -> bool:
    made = parse_timestamp(moment)
    return made is not None and now_s - made < keep_s
