"""Counting a session file line by line, where no last line tells what is in it.

A session that still runs keeps its tally, so that a line more costs the reading of one line.
"""

from __future__ import annotations

import os
from pathlib import Path

from promptetheus.events import Event
from promptetheus.queries.digest import Digest, count_digest
from promptetheus.queries.event_line import Reject, parse_tolerantly
from promptetheus.queries.lines import LineReader, Pread
from promptetheus.queries.rows import SessionRow, Skipped
from promptetheus.queries.session_row import Writer, build_row, empty_row, is_session_start, writer_of
from promptetheus.summary import SummaryCounter


class Tally:
    """Counts the events of one file as far as they are written."""

    def __init__(self) -> None:
        self._lines = LineReader()
        self._counter = SummaryCounter()
        self._opening: Event | None = None
        self._writer = Writer()
        self._ended = False
        self._last_time: object = None
        self._garbage = 0
        self._foreign = 0
        self._torn = 0
        self._mended = 0

    @property
    def offset(self) -> int:
        """How far the file was read."""
        return self._lines.offset

    @property
    def events(self) -> int:
        return self._counter.events

    @property
    def skipped(self) -> Skipped:
        """What was passed over so far."""
        return Skipped(self._torn, self._garbage, self._foreign, self._lines.oversized)

    def continues(self, pread: Pread) -> bool:
        """Whether the file is still the one that was read so far."""
        return self._lines.is_continued_by(pread)

    def read(self, pread: Pread, end: int) -> None:
        """Take in what stands between `offset` and `end`, up to the last whole line."""
        while (block := self._lines.next_block(pread, end)) is not None:
            for line in block[1].split(b"\n"):
                if line and not line.isspace():
                    event, mended = parse_tolerantly(line)
                    self._mended += mended
                    self._add(event)
        self._torn = int(end > self._lines.offset and not self._take_tail(pread, end))

    def row(self, path: Path, found: os.stat_result) -> SessionRow:
        """The row as of what was read."""
        if self._opening is None:
            return empty_row(path, found, self.skipped)
        return build_row(
            path,
            found.st_size,
            found.st_mtime,
            self._opening,
            self._counter.result(),
            last_time=self._last_time,
            ended=self._ended,
            writer_lives=not self._ended and self._writer.is_alive(found.st_mtime),
            skipped=self.skipped,
            mended=self._mended,
        )

    def digest(self) -> Digest | None:
        """What the row of this session can be made from again; None where that would be too long."""
        if self._opening is None:
            return None
        return count_digest(
            self._opening, self._counter.result(), self._last_time, self._ended, self.skipped, self._mended
        )

    def writer_lives(self, mtime: float) -> bool:
        """Whether more may come."""
        return not self._ended and self._writer.is_alive(mtime)

    def _take_tail(self, pread: Pread, end: int) -> bool:
        """Count a last line without a newline if it is whole: no beginning of an object is an object."""
        tail = self._lines.tail(pread, end)
        if tail.isspace():
            return True
        if not tail.endswith(b"}"):
            return False
        event, mended = parse_tolerantly(tail)
        if isinstance(event, Reject):
            return False
        self._mended += mended
        self._add(event)
        self._lines.take_tail(tail)
        return True

    def _add(self, event: Event | Reject) -> None:
        match event:
            case Reject.GARBAGE:
                self._garbage += 1
                return
            case Reject.FOREIGN:
                self._foreign += 1
                return
        try:
            self._counter.add(event)
        except Exception:  # one hostile event must not hide its session
            self._garbage += 1
            return
        self._last_time = event.get("timestamp")
        if event["type"] == "session_end":
            self._ended = True
        elif is_session_start(event):
            # A second run under the same id opens the session again.
            self._ended = False
            self._writer = writer_of(event)
            if self._opening is None or not is_session_start(self._opening):
                self._opening = event
        if self._opening is None:
            self._opening = event
