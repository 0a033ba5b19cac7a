"""Searching the payloads of all sessions: hits as they are found, newest file first, in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from promptetheus.events import Event
from promptetheus.queries.catalog import Catalog
from promptetheus.queries.event_line import Reject, parse
from promptetheus.queries.filter import Filter
from promptetheus.queries.lines import LineReader
from promptetheus.queries.needle import BadPattern, Match, Needle
from promptetheus.queries.rows import SessionRow, path_text
from promptetheus.queries.session_log import SessionLog
from promptetheus.queries.source import NotReadable, open_regular

__all__ = ["BadPattern", "Hit", "Needle", "search", "search_session"]

_WHOLE_BYTES = 4 * 1024 * 1024
"""Files up to this size are looked through in one piece."""

CONTEXT = 60
"""Characters that a snippet shows before and after the hit."""

Stopped = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Hit:
    """An event in which the text stands. Texts are as recorded: whoever shows them makes them printable."""

    session_id: str
    path: Path
    number: int | None
    """Number of the event in its session, as `SessionLog` counts; None when the file changed meanwhile."""
    seq: int | None
    type: str
    step: int | None
    """Number of the step that the event belongs to."""
    kind: str
    """Kind of that step: tool, llm, user …; empty without one."""
    field: str
    """Where in the event, e.g. `payload.arguments.query`."""
    snippet: str
    start: int
    """Where the found text begins in the snippet, in characters."""
    end: int


def search(
    catalog: Catalog, needle: Needle, *, only: Filter | None = None, stopped: Stopped = lambda: False
) -> Iterator[Hit]:
    """Every hit in the sessions of a spool.

    Args:
        catalog: its files are looked at first.
        only: sessions that do not pass are left out.
        stopped: asked every few megabytes; True ends the search.
    """
    for batch in catalog.scan():
        for row in batch:
            if stopped():
                return
            if only is None or only.matches(row):
                yield from search_session(row, needle, stopped=stopped)


def search_session(row: SessionRow, needle: Needle, *, stopped: Stopped = lambda: False) -> Iterator[Hit]:
    """Every hit in one session; none when its file is gone."""
    places: _Places | None = None
    try:
        for offset, line in _candidates(path_text(row), needle, stopped):
            event = parse(line)
            if isinstance(event, Reject):
                continue
            found = needle.match(event)
            if found is not None:
                places = places or _Places(row.path)
                yield _hit(row, event, found, places, offset)
    finally:
        if places is not None:
            places.close()


def _candidates(path: str, needle: Needle, stopped: Stopped) -> Iterator[tuple[int, bytes]]:
    """Offset and bytes of lines that may hold the needle."""
    try:
        fd, found = open_regular(path)
    except (NotReadable, FileNotFoundError):
        return
    try:
        if found.st_size <= _WHOLE_BYTES:
            data = os.pread(fd, found.st_size, 0)
            for start, end in needle.lines(data):
                yield start, data[start:end]
            return
        reader = LineReader()
        while not stopped():
            block = reader.next_block(lambda length, offset: os.pread(fd, length, offset), found.st_size)
            if block is None:
                return
            offset, data = block
            for start, end in needle.lines(data):
                yield offset + start, data[start:end]
    except OSError:  # the disk fails: what was found was found
        return
    finally:
        os.close(fd)


class _Places:
    """Which event and which step a line of a session is. Made for sessions with a hit only: it reads all of it."""

    def __init__(self, path: Path) -> None:
        self._log = SessionLog(path)
        try:
            while self._log.poll().more:
                pass
        except (NotReadable, FileNotFoundError):
            pass
        self._step_of: dict[int, tuple[int, str]] = {}
        for step in self._log.steps:
            for number in step.events:
                self._step_of[number] = (step.index, step.kind.value)

    def find(self, offset: int) -> tuple[int | None, int | None, str]:
        """Number of the event, number of the step, kind of the step."""
        number = self._log.number_at(offset)
        if number is None:
            return None, None, ""
        step, kind = self._step_of.get(number, (None, ""))
        return number, step, kind

    def close(self) -> None:
        self._log.close()


def _hit(row: SessionRow, event: Event, found: Match, places: _Places, offset: int) -> Hit:
    number, step, kind = places.find(offset)
    seq = event.get("seq")
    start, end = max(0, found.start - CONTEXT), min(len(found.text), found.end + CONTEXT)
    end = min(end, start + 8 * CONTEXT)  # a pattern may match a megabyte
    before = "…" if start else ""
    after = "…" if end < len(found.text) else ""
    return Hit(
        session_id=row.session_id,
        path=row.path,
        number=number,
        seq=seq if type(seq) is int else None,
        type=event["type"],
        step=step,
        kind=kind,
        field=found.field,
        snippet=before + found.text[start:end] + after,
        start=len(before) + found.start - start,
        end=len(before) + min(found.end, end) - start,
    )
