"""From a session's record in a database to the row that lists show, counted as readers of a spool count."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson

from promptetheus.cause.failures import Outcome
from promptetheus.events import Event
from promptetheus.gateway.stores.database import Row, document
from promptetheus.gateway.stores.events import Stored
from promptetheus.queries.rows import SessionRow
from promptetheus.queries.session_row import RECENT_S, build_row, is_session_start
from promptetheus.spool import session_file_name
from promptetheus.summary import SummaryCounter

_MAX_BYTES = 1 << 62


class Count:
    """The summary of the events of a session as far as they were read."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.position = 0
        self._counter = SummaryCounter()
        self._ended = False
        self._last_time: str | None = None

    def add(self, events: Sequence[Stored]) -> None:
        """Count further events, in the order of arrival."""
        for position, event in events:
            self._counter.add(event)
            self.position = position
            if isinstance(event.get("timestamp"), str):
                self._last_time = event["timestamp"]
            if event["type"] == "session_end":
                self._ended = True
            elif is_session_start(event):  # a second run under the same id opens the session again
                self._ended = False

    def record(self) -> Row:
        """What the session's record keeps of it."""
        last = self._last_time.replace("\0", "") if self._last_time is not None else None
        return {"summary": self._counter.result(), "ended": self._ended, "last_time": last}


def row_of(record: Row) -> SessionRow:
    """The row of a session's record: id, opening, started_s, summary, last_time, ended, size_bytes, received_s."""
    opening: Event = orjson.loads(record["opening"]) if record["opening"] else {"type": ""}
    row = build_row(
        Path(session_file_name(record["id"])),
        record["size_bytes"],
        record["received_s"],
        {**opening, "session_id": record["id"]},
        document(record["summary"]) or {},
        last_time=record["last_time"],
        ended=record["ended"],
        writer_lives=not record["ended"] and time.time() - record["received_s"] < RECENT_S,
    )
    return replace(row, started=record["started_s"])


def outcome_of(row: SessionRow) -> Outcome:
    """How a session ended, as far as failures are concerned."""
    started = row.started if row.started is not None else row.mtime
    return Outcome(row.session_id, started, row.agent, row.goal, row.fingerprint, row.label)


def summary_of_last(event: Event) -> tuple[dict[str, Any], int] | None:
    """The summary in a session's last event, and how many bytes before this event it is of; see `queries.digest`."""
    metadata = event.get("metadata")
    if event["type"] != "session_end" or not isinstance(metadata, dict):
        return None
    summary = metadata.get("summary")
    if not isinstance(summary, dict):
        return None
    bytes_before = summary.get("spool_bytes")
    if type(bytes_before) is not int or not 0 <= bytes_before < _MAX_BYTES:
        return None
    return {name: value for name, value in summary.items() if name != "spool_bytes"}, bytes_before
