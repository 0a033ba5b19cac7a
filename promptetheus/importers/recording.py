"""Imported runs become sessions of the spool: whole or not at all, once, in files like those of the SDK.

A new session is written under a name that readers ignore and linked into place when it is complete. A run that
has grown since it was imported (Claude Code appends to its files) keeps its file: the events that are not there
yet are appended, then a new `session_end`, so the one of the earlier import stays in the middle.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import orjson

from promptetheus import __version__
from promptetheus.artifacts import picture_extension, store_artifact
from promptetheus.clock import now_timestamp
from promptetheus.encoding import encode_line, jsonable
from promptetheus.events import Event, validate_event
from promptetheus.importers.continued_spans import ContinuedSpans
from promptetheus.importers.draft import Draft, ImportedRun
from promptetheus.importers.narrowing import mapping, text
from promptetheus.oversize import shrink
from promptetheus.process import is_alive, own_facts, this_host
from promptetheus.spool import LINE_LIMIT_BYTES, SpoolFile, make_private_directory, session_file_name
from promptetheus.summary import SummaryCounter

_BODY_LIMIT_BYTES = LINE_LIMIT_BYTES - 65_536
"""What payload and metadata may take of a line: the envelope and the summary need room, too."""

DRAFT_PREFIX = ".import-"
"""Unfinished files in the spool start with this and the pid of their writer."""


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


def remove_leftovers(spool_dir: Path) -> int:
    """Remove the unfinished files of imports that died. Returns how many there were."""
    removed = 0
    for path in spool_dir.glob(DRAFT_PREFIX + "*"):
        pid = path.name.removeprefix(DRAFT_PREFIX).split("-")[0]
        if pid.isdigit() and is_alive(this_host(), int(pid), None) is False:
            path.unlink(missing_ok=True)
            removed += 1
    return removed


def _imported_before(path: Path) -> dict[str, Any] | None:
    """What the first line of a session file says of its import; empty for another kind of file, None for none."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            first = _parsed(file.readline(2 * LINE_LIMIT_BYTES))
    except FileNotFoundError:
        return None
    return mapping(mapping(first.get("metadata")).get("imported"))


def draft_file(spool_dir: Path) -> tuple[Path, BinaryIO]:
    """A new unfinished file in the spool, under a name that readers ignore, open for writing."""
    make_private_directory(spool_dir)
    path = spool_dir / f"{DRAFT_PREFIX}{os.getpid()}-{os.urandom(4).hex()}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    return path, open(os.open(path, flags, 0o600), "wb", buffering=1 << 18)


def put_in_place(draft_path: Path, path: Path) -> bool:
    """Give the finished file its name. False when there is one of that name already: it is never replaced."""
    try:
        os.link(draft_path, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        if path.exists():
            return False
        os.rename(draft_path, path)
    return True


def append_lines(spool_dir: Path, session_id: str, lines: Iterable[bytes]) -> int:
    """Append the lines of events whose key the session does not have yet; returns how many there were."""
    path = spool_dir / session_file_name(session_id)
    with _locked(path) as existing:
        known = {text(_parsed(line).get("idempotency_key")) for line in existing}
        target = SpoolFile(spool_dir, session_id)
        added = 0
        for line in lines:
            if text(_parsed(line).get("idempotency_key")) not in known:
                _append(target, line)
                added += 1
        target.sync()
        target.close()
    return added


def event_line(spool_dir: Path, event: Event) -> bytes:
    """The line of an event, its largest values moved to artifacts where it would be too long."""
    line = encode_line(event)
    if len(line) <= LINE_LIMIT_BYTES:
        return line

    def store(data: bytes, extension: str) -> dict[str, Any]:
        kept = store_artifact(spool_dir, data, extension)
        return {"artifact_id": kept.artifact_id, "storage_path": kept.storage_path}

    plain = mapping(jsonable(event))
    parts = [part for part in (plain.get("payload"), plain.get("metadata")) if isinstance(part, dict)]
    shrink(parts, _BODY_LIMIT_BYTES, store)
    return encode_line(plain)


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
    writer = _Writer(spool_dir, session_id, run)
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
        writer = _Writer(spool_dir, session_id, run)
        if _last_import(existing).get("sha256") == run.sha256:
            return Recorded(Outcome.ALREADY_THERE, session_id, 0)
        writer.go_on_after(existing)
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


class _Writer:
    """Makes events of the drafts of one run, counting them as the SDK counts its own."""

    def __init__(self, spool_dir: Path, session_id: str, run: ImportedRun) -> None:
        self.counter = SummaryCounter()
        self._spool_dir = spool_dir
        self._session_id = session_id
        self._run = run
        self._now = now_timestamp()
        self._time = run.started or self._now
        self._seq = 0
        self._known: set[str] | None = None
        self._spans = ContinuedSpans()

    def go_on_after(self, existing: BinaryIO) -> None:
        """Take the events of a session file into account, so that only others are given out."""
        self._known = set()
        existing.seek(0)
        for line in existing:
            event = _parsed(line)
            if not event:
                continue
            self.counter.add(event)
            self._spans.learn(event)
            key, seq = event.get("idempotency_key"), event.get("seq")
            if isinstance(key, str):
                self._known.add(key.rpartition(":")[0].rpartition(":")[2])
            if type(seq) is int:
                self._seq = max(self._seq, seq + 1)

    def events(self, drafts: Iterator[Draft]) -> Iterator[Event]:
        """The events of the session, numbered, those already there left out."""
        if self._known is None:
            yield self._counted(self._event(self._start()))
        for draft in drafts:
            if self._known is None:
                yield from self._checked(draft)
            elif draft.type == "session_end" or _digest(draft.key) not in self._known:
                for placed in self._spans.place(draft):
                    yield from self._checked(placed)

    def _checked(self, draft: Draft) -> Iterator[Event]:
        if draft.picture is not None:
            draft.payload.update(self._kept_picture(draft.picture))
        event = self._event(draft)
        try:
            validate_event(event)
        except (TypeError, ValueError) as error:
            self._run.skipped.add(f"invalid {draft.type}: {error}")
            return
        yield self._counted(event)

    def closed(self, end: Event, bytes_before: int) -> Event:
        """The last event with the summary of the whole file."""
        metadata = dict(end.get("metadata", {}))
        metadata["imported"] = self._imported()
        metadata["summary"] = {**self.counter.result(), "spool_bytes": bytes_before}
        return {**end, "metadata": metadata}

    def _start(self) -> Draft:
        run = self._run
        after = {
            "agent": run.agent,
            "user_goal": run.user_goal,
            "project_id": run.project_id,
            "environment": None,
            "tags": run.tags,
        }
        metadata: dict[str, Any] = {
            "session_metadata": run.metadata,
            "sdk": {"name": "promptetheus", "version": __version__},
            **own_facts(),
            "imported": self._imported(),
        }
        if run.system_prompt:
            metadata["system_prompt"] = run.system_prompt
        payload = {"name": "session_started", "before": None, "after": after}
        return Draft("state_change", payload, "start", run.started, metadata)

    def _imported(self) -> dict[str, Any]:
        run = self._run
        found: dict[str, Any] = {
            "format": str(run.format),
            "source": run.source,
            "sha256": run.sha256,
            "timed": run.timed,
            "at": self._now,
            "record": run.record,
            "origin": run.origin,
            "timezone": run.timezone,
            "skipped": run.skipped.counts,
            "kept": run.kept.counts,
        }
        if run.origin is not None and self._seq == 0:
            del found["kept"]  # not known yet: such a run is read while it is written
        return {key: item for key, item in found.items() if item is not None}

    def _event(self, draft: Draft) -> Event:
        if draft.timestamp is not None and self._run.timed:
            self._time = draft.timestamp
        event: Event = {
            "type": draft.type,
            "session_id": self._session_id,
            "timestamp": self._time if self._run.timed else self._now,
            "seq": self._seq,
            "idempotency_key": f"{self._session_id}:{_digest(draft.key)}:{self._seq}",
            "payload": draft.payload,
        }
        if draft.metadata:
            event["metadata"] = draft.metadata
        if draft.span_id is not None:
            event["span_id"] = draft.span_id
            event["parent_id"] = draft.parent_id
        return event

    def _counted(self, event: Event) -> Event:
        self._seq += 1
        self.counter.add(event)
        return event

    def _kept_picture(self, data: bytes) -> dict[str, Any]:
        kept = store_artifact(self._spool_dir, data, picture_extension(data))
        return {"artifact_id": kept.artifact_id, "storage_path": kept.storage_path}


def _digest(key: str) -> str:
    """What stands for a draft's key in the idempotency key of its event."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:16]


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        return mapping(orjson.loads(line))
    except ValueError:
        return {}
