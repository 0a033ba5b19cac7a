"""Coordination of a running agent: notes, attempts and hints of one session. Pure functions over its state.

The state is one JSON object: `memory` (notes), `attempts` (calls by fingerprint), `heartbeat`. What is old is left
out when the state is read.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from promptetheus.clock import format_timestamp, parse_timestamp
from promptetheus.gateway.errors import Refused
from promptetheus.redaction import build_default_redactor

State = dict[str, Any]

MAX_NOTES = 200
MAX_ATTEMPTS = 500
MAX_NOTE_BYTES = 16 << 10
KEEP_S = 24 * 3600.0
HEARTBEAT_S = 15 * 60.0

REPEATS = 3
"""A call that succeeded so often with the same arguments, and is planned again, leads nowhere."""

_FAILED = frozenset({"failed", "failure", "error", "errored"})
_SUCCEEDED = frozenset({"success", "succeeded", "passed", "complete", "completed"})
_CLEAN = build_default_redactor()


def noted(state: State, given: dict[str, Any], now_s: float) -> tuple[State, dict[str, Any]]:
    """Add a note: the state, and the note as it is kept. Raises Refused (413) for a large one."""
    kind, metadata = given.get("kind"), given.get("metadata")
    note = _clean(
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
    call = _clean({name: given.get(name) for name in ("tool_name", "command", "args", "error", "status")})
    status = str(call["status"] or "").lower()
    fingerprint = fingerprint_of(call)
    attempts = {
        key: found
        for key, found in state.get("attempts", {}).items()
        if _is_young(found.get("at"), now_s, KEEP_S)
    }
    known = attempts.pop(fingerprint, {"attempts": 0, "failures": 0, "successes": 0, "unmended": 0})
    hint = _hint(known) if known["attempts"] else None
    seen = bool(known["unmended"])
    now = {
        **known,
        "tool_name": call["tool_name"],
        "command": call["command"],
        "at": format_timestamp(now_s),
    }
    if status in _FAILED:
        now["attempts"] += 1
        now["failures"] += 1
        now["unmended"] += 1
        now["error"] = call["error"]
    elif status in _SUCCEEDED:  # what went well since needs no warning
        now.update(attempts=now["attempts"] + 1, successes=now["successes"] + 1, unmended=0, error=None)
    attempts[fingerprint] = now
    for key in list(attempts)[: max(0, len(attempts) - MAX_ATTEMPTS)]:
        del attempts[key]
    answer = {
        "seen_recently": seen,
        "attempt_count": now["attempts"],
        "failure_count": now["failures"],
        "fingerprint": fingerprint,
        "hint": hint,
    }
    return {**state, "attempts": attempts}, answer


def beaten(state: State, given: dict[str, Any], now_s: float) -> tuple[State, dict[str, Any]]:
    """Remember a heartbeat."""
    heartbeat = {**_clean(given), "updated_at": format_timestamp(now_s)}
    return {**state, "heartbeat": heartbeat}, heartbeat


def next_hint(state: State, now_s: float) -> dict[str, Any] | None:
    """What failed most often and has not gone well since; None when nothing is wrong."""
    open_failures = [
        found
        for found in state.get("attempts", {}).values()
        if found.get("unmended") and _is_young(found.get("at"), now_s, KEEP_S)
    ]
    worst = max(open_failures, key=lambda found: (found["unmended"], found["at"]), default=None)
    return None if worst is None else _hint(worst)


def heartbeat_of(state: State, now_s: float) -> dict[str, Any] | None:
    """The latest heartbeat, unless it is old."""
    found = state.get("heartbeat")
    return found if found and _is_young(found.get("updated_at"), now_s, HEARTBEAT_S) else None


def fingerprint_of(call: dict[str, Any]) -> str:
    """SHA-256 over the call as canonical JSON: the same tool, command and arguments give the same."""
    canonical = {
        "tool_name": call.get("tool_name") or "",
        "command": call.get("command") or "",
        "args": call.get("args") or {},
    }
    return hashlib.sha256(orjson.dumps(canonical, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _hint(known: dict[str, Any]) -> dict[str, Any] | None:
    tool = known.get("tool_name") or "this call"
    told = {"tool_name": known.get("tool_name"), "command": known.get("command")}
    if known["unmended"]:
        times = f"{known['unmended']} time{'s' if known['unmended'] != 1 else ''}"
        why = f": {known['error']}" if known.get("error") else ""
        message = f"{tool} failed {times} with the same arguments and has not gone well since{why}"
        return {
            "kind": "repeated_tool_failure",
            "message": message[:1000],
            **told,
            "failure_count": known["unmended"],
        }
    if known["successes"] >= REPEATS:
        message = f"{tool} gave its answer {known['successes']} times already to the same arguments"
        return {
            "kind": "repeated_tool_call",
            "message": message,
            **told,
            "failure_count": 0,
            "attempt_count": known["attempts"],
        }
    return None


def _clean(value: dict[str, Any]) -> dict[str, Any]:
    if len(orjson.dumps(value)) > MAX_NOTE_BYTES:
        raise Refused(413, f"a runtime note has at most {MAX_NOTE_BYTES} bytes")
    found: dict[str, Any] = _CLEAN(value)
    return found


def _is_young(moment: object, now_s: float, keep_s: float) -> bool:
    made = parse_timestamp(moment)
    return made is not None and now_s - made < keep_s
