"""Which format a file is in, told from its content: names and suffixes prove nothing."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, BinaryIO, NamedTuple

from promptetheus.events import EVENT_TYPES
from promptetheus.importers.json_lines import parse_line
from promptetheus.importers.json_stream import begins_as_json, keys
from promptetheus.importers.narrowing import text


class Format(StrEnum):
    """The formats that can be imported."""

    TAU_BENCH = "tau-bench"
    """A list of {task_id, trial, reward, info, traj}."""
    TAU2_BENCH = "tau2-bench"
    """{timestamp, info, tasks, simulations}."""
    CLAUDE_CODE = "claude-code"
    """Session JSON Lines of Claude Code, its subagent files, or an export with "loglines"."""
    WHO_AND_WHEN = "who-and-when"
    """{question, history, mistake_step, …}: a failed run of an agent team, or a list of them."""
    PROMPTETHEUS = "promptetheus"
    """Our own: an export, a list of events, a spool file."""


class Detected(NamedTuple):
    """What a file is."""

    format: Format | None
    reason: str
    """Why it is none of the formats, in words for a report; "" when it is one."""
    is_json: bool = True
    """Whether any of it could be parsed."""


HEAD_BYTES = 256 << 10
"""How much of a file is looked at for JSON Lines."""

_HEAD_LINES = 50
_DOCUMENT_EVENTS = 2_000_000
_KEYS_LOOKED_AT = 1_000

_CLAUDE_TYPES = frozenset(
    {"system", "summary", "progress", "attachment", "queue-operation", "permission-mode",
     "file-history-snapshot", "last-prompt", "custom-title", "ai-title", "agent-name"}
)  # fmt: skip
_CLAUDE_MARKS = ("sessionId", "parentUuid", "leafUuid", "snapshot", "agentId")
_TELLING_KEYS = (
    ("[]", {"task_id", "traj"}, Format.TAU_BENCH),
    ("[]", {"type", "session_id", "payload"}, Format.PROMPTETHEUS),
    ("", {"simulations", "tasks"}, Format.TAU2_BENCH),
    ("", {"history", "mistake_step", "question_ID"}, Format.WHO_AND_WHEN),
    ("[]", {"history", "mistake_step", "question_ID"}, Format.WHO_AND_WHEN),
    ("", {"events", "session_id", "summary"}, Format.PROMPTETHEUS),
    ("events", {"type", "session_id", "payload"}, Format.PROMPTETHEUS),
    ("", {"loglines"}, Format.CLAUDE_CODE),
    # JSON Lines whose first line is longer than the head
    ("", {"message", "parentUuid", "sessionId"}, Format.CLAUDE_CODE),
    ("", {"idempotency_key", "payload", "session_id"}, Format.PROMPTETHEUS),
)


def detect(file: BinaryIO) -> Detected:
    """The format of an open file. Reads its head, of a JSON document as far as the telling keys."""
    head = file.read(HEAD_BYTES)
    file.seek(0)
    if not head.strip():
        return Detected(None, "is empty", False)
    by_line = _by_lines(head)
    if by_line.format is not None:
        return by_line
    found = _by_keys(file)
    file.seek(0)
    if found is not None:
        return Detected(found, "")
    is_json = by_line.is_json or begins_as_json(file)
    file.seek(0)
    reason = "is JSON, but of no format that can be imported" if is_json else "is not JSON"
    return Detected(None, by_line.reason or reason, is_json)


def claude_record(record: dict[str, Any]) -> bool:
    """Whether an object is a line of a Claude Code session."""
    kind = text(record.get("type"))
    if kind in ("user", "assistant"):
        return "message" in record and ("uuid" in record or "parentUuid" in record)
    return kind in _CLAUDE_TYPES and any(mark in record for mark in _CLAUDE_MARKS)


def _by_lines(head: bytes) -> Detected:
    complete = head.split(b"\n")
    if len(head) == HEAD_BYTES:
        complete.pop()  # cut in the middle
    parsed, reason = 0, ""
    for line in complete[:_HEAD_LINES]:
        try:
            record = parse_line(line.strip().removeprefix(b"\xef\xbb\xbf"))
        except ValueError:
            continue
        parsed += 1
        if not isinstance(record, dict):
            continue
        if claude_record(record):
            return Detected(Format.CLAUDE_CODE, "")
        if record.get("type") in EVENT_TYPES and "session_id" in record and "payload" in record:
            return Detected(Format.PROMPTETHEUS, "")
        if "display" in record and ("pastedContents" in record or "project" in record):
            reason = "is a Claude Code prompt history: it holds prompts, no sessions"
    return Detected(None, reason, parsed > 0)


def _by_keys(file: BinaryIO) -> Format | None:
    """The format of a JSON document by the keys of its top level and of the objects in its arrays."""
    seen: dict[str, set[str]] = {}
    for where, key in keys(file, _DOCUMENT_EVENTS):
        known = seen.setdefault(where, set()) if len(seen) < _KEYS_LOOKED_AT else seen.get(where, set())
        if key in known or len(known) >= _KEYS_LOOKED_AT:
            continue
        known.add(key)
        for place, telling, found in _TELLING_KEYS:
            if place == where and telling <= known:
                return found
    return None
