"""Our own formats back into a spool: an export, a list of events, the lines of a spool file.

The events keep their ids, numbers, times and keys: what goes out and comes back is the same session, with the notes
that were written about it. Events that
the spool has already, known by their `idempotency_key`, are left out. Screenshots and recordings come along when
the file stands in a spool with its artifacts.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, NamedTuple, Self

from promptetheus.artifacts import read_artifact, store_artifact
from promptetheus.events import Event, validate_event
from promptetheus.importers.draft import Tally
from promptetheus.importers.json_lines import lines, parse_line
from promptetheus.importers.json_stream import Progress, UnreadableJson, begins_as_json, keys, members
from promptetheus.importers.narrowing import mapping, text
from promptetheus.importers.placing import draft_file, put_in_place
from promptetheus.importers.preview import cut
from promptetheus.importers.recording import Outcome, Recorded, append_lines
from promptetheus.importers.run_writer import event_line
from promptetheus.notes import Note, Notes, read_note
from promptetheus.spool import session_file_name

MAX_SESSIONS = 10_000
"""Sessions in one file; events of further ones are skipped and counted."""

MAX_NOTES = 10_000
"""Notes in one file; further ones are skipped and counted."""

_OPEN_FILES = 32
_HEAD_EVENTS = 10_000


class Adopted(NamedTuple):
    """What came of a file."""

    recorded: list[Recorded]
    notes: int = 0
    """Notes about these sessions that were not there yet."""
    problem: str = ""
    """Where and why the file stops being JSON; what stood before it is in place."""


def adopt(path: Path, file: BinaryIO, spool_dir: Path, skipped: Tally, progress: Progress | None) -> Adopted:
    """Bring the events of a file into the spool; what is no event is counted in `skipped`.

    Raises OSError when the file cannot be read or the spool cannot be written.
    """
    problem = ""
    notes: list[Note] = []
    with _Sessions(spool_dir) as sessions:
        try:
            for value in _values(file, notes, skipped, progress):
                event = _event(value, skipped)
                if event is not None:
                    _bring_artifacts(event, path.parent, spool_dir, skipped)
                    sessions.add(event, skipped)
        except UnreadableJson as error:
            problem = str(error)
        recorded = sessions.finish()
    here = {each.session_id for each in recorded}
    adopted = Notes(spool_dir).adopt(note for note in notes if note.about.session_id in here)
    return Adopted(recorded, adopted, problem)


def _values(file: BinaryIO, notes: list[Note], skipped: Tally, progress: Progress | None) -> Iterator[Any]:
    """What the file holds where events should be, one by one; what it holds of notes goes to `notes`."""
    found = set(keys(file, _HEAD_EVENTS))
    file.seek(0)
    is_document = any(where in ("[]", "events") for where, _ in found) or ("", "events") in found
    if not is_document:
        is_document = file.read(1) == b"[" and begins_as_json(file)
        file.seek(0)
    if is_document:
        for member in members(file, arrays=("events", "notes"), progress=progress):
            if member.key == "notes":
                _take_note(member.value, notes, skipped)
            elif member.problem:
                skipped.add(f"event {member.problem}")
            elif member.key in ("", "events"):
                yield member.value
        return
    for line in lines(file, progress):
        try:
            yield parse_line(line.data or b"")
        except ValueError:
            skipped.add("line that is not JSON")


def _take_note(value: Any, notes: list[Note], skipped: Tally) -> None:
    note = read_note(value)
    if note is None:
        skipped.add("note that is not valid")
    elif len(notes) >= MAX_NOTES:
        skipped.add("note beyond the limit")
    else:
        notes.append(note)


def _event(value: Any, skipped: Tally) -> Event | None:
    if not isinstance(value, dict):
        skipped.add("value that is no event")
        return None
    try:
        validate_event(value)
    except (TypeError, ValueError) as error:
        skipped.add(f"event that is not valid: {cut(str(error), 120)}")
        return None
    return value


def _bring_artifacts(event: Event, source_dir: Path, spool_dir: Path, skipped: Tally) -> None:
    """Copy the files that an event names. They are named by their content, so the name stays right."""
    payload = mapping(event.get("payload"))
    for holder in (payload, *map(mapping, payload.values())):
        named = text(holder.get("storage_path"))
        if not named or (spool_dir / named).is_file():
            continue
        try:
            data = read_artifact(source_dir, named)
            kept = store_artifact(spool_dir, data, os.path.splitext(named)[1][1:] or "bin")
        except (OSError, ValueError):
            skipped.add("artifact that is not beside the file")
            continue
        if kept.storage_path != named:
            skipped.add("artifact whose name is not that of its content")


class _Sessions:
    """The sessions of a file while it is read: each a draft in the spool directory, a few of them open."""

    def __init__(self, spool_dir: Path) -> None:
        self._spool_dir = spool_dir
        self._drafts: dict[str, Path] = {}
        self._open: OrderedDict[str, BinaryIO] = OrderedDict()
        self._seen: dict[str, set[int]] = {}
        self._counts: dict[str, int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for file in self._open.values():
            file.close()
        for draft in self._drafts.values():
            draft.unlink(missing_ok=True)

    def add(self, event: Event, skipped: Tally) -> None:
        """Write an event to the draft of its session, once."""
        session_id = event["session_id"]
        if session_id not in self._drafts and len(self._drafts) >= MAX_SESSIONS:
            skipped.add("event beyond the limit of sessions")
            return
        seen = self._seen.setdefault(session_id, set())
        key = hash(event["idempotency_key"])
        if key in seen:
            skipped.add("repeated event")
            return
        seen.add(key)
        self._file(session_id).write(event_line(self._spool_dir, event))
        self._counts[session_id] = self._counts.get(session_id, 0) + 1

    def finish(self) -> list[Recorded]:
        """Put the sessions in place."""
        for file in self._open.values():
            file.flush()
            os.fsync(file.fileno())
            file.close()
        self._open.clear()
        return [self._placed(session_id, draft) for session_id, draft in self._drafts.items()]

    def _placed(self, session_id: str, draft: Path) -> Recorded:
        target = self._spool_dir / session_file_name(session_id)
        if put_in_place(draft, target):
            return Recorded(Outcome.IMPORTED, session_id, self._counts[session_id])
        with open(draft, "rb") as file:
            added = append_lines(self._spool_dir, session_id, file)
        return Recorded(Outcome.APPENDED if added else Outcome.ALREADY_THERE, session_id, added)

    def _file(self, session_id: str) -> BinaryIO:
        file = self._open.pop(session_id, None)
        if file is None:
            if session_id in self._drafts:
                file = open(self._drafts[session_id], "ab")  # noqa: SIM115 - closed when it is put in place
            else:
                self._drafts[session_id], file = draft_file(self._spool_dir)
        self._open[session_id] = file
        if len(self._open) > _OPEN_FILES:
            self._open.popitem(last=False)[1].close()
        return file
