"""Imported runs become sessions of the spool: whole or not at all, once, in files like those of the SDK.

A new session is written under a name that readers ignore and linked into place when it is complete. A run that
has grown since it was imported (Claude Code appends to its files) keeps its file: the events that are not there
yet are appended, then a new `session_end`, so the one of the earlier import stays in the middle.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson

from promptetheus.events import Event
from promptetheus.importers.draft import ImportedRun
from promptetheus.importers.narrowing import mapping, text
from promptetheus.importers.placing import draft_file, put_in_place
from promptetheus.importers.run_writer import RunWriter, event_line
from promptetheus.spool import LINE_LIMIT_BYTES, SpoolFile, session_file_name


class Outcome(StrEnum):
    """What became of a run."""

    IMPORTED = "imported"
    ALREADY_THERE = "already there"
    APPENDED = "appended to"


class Recorded(NamedTuple):
    """A run in the spool."""

    outcome: Outcome
    session_id: str
    events: int
    """Events written by this import."""


def record(spool_dir: Path, run: ImportedRun) -> Recorded:
    """Write a run to the spool, or add what is new in it. Raises OSError when the spool cannot be written."""
    session_id = run.session_id
    for _ in range(3):
        path = spool_dir / session_file_name(session_id)
        known = _imported_before(path)
        if known is None:
            events = _write_new(path, session_id, run)
            if events is not None:
                return Recorded(Outcome.IMPORTED, session_id, events)
        elif run.origin is None and known.get("sha256") == run.sha256:
            return Recorded(Outcome.ALREADY_THERE, session_id, 0)
        elif run.origin is not None and known.get("origin") == run.origin:
            return _append_new(spool_dir, session_id, run)
        else:  # another run under the same name: e.g. the same simulation, judged anew
            session_id = f"{run.session_id}-{(run.origin or run.sha256)[:8]}"
    return Recorded(Outcome.ALREADY_THERE, session_id, 0)


def _imported_before(path: Path) -> dict[str, Any] | None:
    """What the first line of a session file says of its import; empty for another kind of file, None for none."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            first = _parsed(file.readline(2 * LINE_LIMIT_BYTES))
    except FileNotFoundError:
        return None
    return mapping(mapping(first.get("metadata")).get("imported"))


def append_lines(spool_dir: Path, session_id: str, lines: Iterable[bytes]) -> int:
    """Append the lines of events whose key the session does not have yet; returns how many there were."""
    path = spool_dir / session_file_name(session_id)
    with _locked(path) as existing:
        known = {text(event.get("idempotency_key")) for event in _events_in(existing)}
        target = SpoolFile(spool_dir, session_id)
        added = 0
        for line in lines:
            if text(_parsed(line).get("idempotency_key")) not in known:
                _append(target, line)
                added += 1
        target.sync()
        target.close()
    return added


def _write_new(path: Path, session_id: str, run: ImportedRun) -> int | None:
    """Write a session file; the number of its events, or None when somebody else wrote it meanwhile."""
    draft_path, file = draft_file(path.parent)
    try:
        with file:
            events = _write_all(file, path.parent, session_id, run)
            file.flush()
            os.fsync(file.fileno())
        return events if put_in_place(draft_path, path) else None
    finally:
        draft_path.unlink(missing_ok=True)


def _write_all(file: BinaryIO, spool_dir: Path, session_id: str, run: ImportedRun) -> int:
    writer = RunWriter(spool_dir, session_id, run)
    written = 0
    last: Event | None = None
    for event in writer.events(run.events()):
        if last is not None:
            written += file.write(event_line(spool_dir, last))
        last = event
    if last is not None:
        file.write(event_line(spool_dir, writer.closed(last, written)))
    return writer.counter.events


def _append_new(spool_dir: Path, session_id: str, run: ImportedRun) -> Recorded:
    """Append the events of a grown run that its file does not have yet."""
    path = spool_dir / session_file_name(session_id)
    with _locked(path) as existing:
        writer = RunWriter(spool_dir, session_id, run)
        if _last_import(existing).get("sha256") == run.sha256:
            return Recorded(Outcome.ALREADY_THERE, session_id, 0)
        existing.seek(0)
        writer.go_on_after(_events_in(existing))
        target = SpoolFile(spool_dir, session_id)
        appended, end = 0, None
        for event in writer.events(run.events()):
            if event["type"] == "session_end":
                end = event
            else:
                _append(target, event_line(spool_dir, event))
                appended += 1
        if not appended:
            return Recorded(Outcome.ALREADY_THERE, session_id, 0)
        if end is not None:
            closed = writer.closed(end, target.base_bytes + target.written_bytes)
            _append(target, event_line(spool_dir, closed))
            appended += 1
        target.sync()
        target.close()
    return Recorded(Outcome.APPENDED, session_id, appended)


def _append(target: SpoolFile, line: bytes) -> None:
    if not target.append(line):
        raise target.last_error or OSError(f"cannot write to {target.path}")


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    """The session file open for reading, and ours alone among importers."""
    with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC), "rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield file


def _last_import(file: BinaryIO) -> dict[str, Any]:
    """What the last line says of the import that wrote it."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 2 * LINE_LIMIT_BYTES))
    tail = file.read().rstrip(b"\n").rpartition(b"\n")[2]
    return mapping(mapping(_parsed(tail).get("metadata")).get("imported"))


def _events_in(file: BinaryIO) -> Iterator[Event]:
    """The events of a session file from where it stands; what is none is left out."""
    for line in file:
        event = _parsed(line)
        if event:
            yield event


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        return mapping(orjson.loads(line))
    except ValueError:
        return {}
