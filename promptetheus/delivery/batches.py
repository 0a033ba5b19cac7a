"""Reading what is pending of a session file: whole lines, a batch at a time."""

from __future__ import annotations

from typing import BinaryIO, NamedTuple

import orjson

from promptetheus.events import Event

MAX_EVENTS = 500
MAX_BYTES = 1 << 20
"""A batch ends with the line that reaches either."""

MAX_LINE_BYTES = 8 << 20
"""A longer line was not written by a session of ours (their cap is 1 MiB) and is no event."""


class Pending(NamedTuple):
    """An event that waits, as it stands in the file."""

    line: bytes
    event: Event
    session_id: str
    key: str


class Batch(NamedTuple):
    """The next events of a file, all of one session."""

    events: list[Pending]
    end: int
    """The offset behind them."""
    skipped: int
    """Lines in between that are no events."""
    is_torn: bool
    """Whether nothing but the beginning of a line follows."""


def read_batch(file: BinaryIO, offset: int, max_events: int = MAX_EVENTS) -> Batch:
    """The next events from an offset on. Lines that are no events are passed over and counted; a line without
    its end may still be being written and is left for later. Raises OSError."""
    file.seek(offset)
    found: list[Pending] = []
    size = skipped = 0
    end = offset
    while len(found) < max_events and size < MAX_BYTES:
        line = file.readline(MAX_LINE_BYTES)
        if not line:
            return Batch(found, end, skipped, is_torn=False)
        length = len(line)
        while not line.endswith(b"\n"):
            line = file.readline(MAX_LINE_BYTES)
            if not line:
                return Batch(found, end, skipped, is_torn=True)
            length += len(line)
        pending = _parsed(line) if length == len(line) else None
        if pending is not None and found and pending.session_id != found[0].session_id:
            break
        end += length
        size += length
        if pending is not None:
            found.append(pending)
        elif line.strip():
            skipped += 1
    return Batch(found, end, skipped, is_torn=False)


def _parsed(line: bytes) -> Pending | None:
    try:
        event = orjson.loads(line)
    except ValueError:
        return None
    if not isinstance(event, dict):
        return None
    session_id, key = event.get("session_id"), event.get("idempotency_key")
    if not (isinstance(session_id, str) and session_id and isinstance(key, str) and key):
        return None
    return Pending(line, event, session_id, key)
