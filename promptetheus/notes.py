"""What a person wrote down about sessions, steps and failures: notes, marks and bookmarks, beside the spool.

One line a note in `notes.ndjson` (`.promptetheus/notes.ndjson`), only ever appended to: the last line of an id
counts, and one that says `removed` takes it away. Any number of processes may write; what is no note is skipped.
The words are the person's own: they are not redacted, and not trusted on a screen either (`Note.shown`).
"""

from __future__ import annotations

import json
import math
import os
import stat
import time
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from promptetheus.display import printable
from promptetheus.project_files import beside
from promptetheus.spool import make_private_directory

FILE_NAME = "notes.ndjson"
MAX_TEXT = 10_000
"""Characters of one note."""

MAX_BYTES = 16 << 20
"""So much of the end of the file is read."""


class NoteKind(StrEnum):
    """What a person did."""

    NOTE = "note"
    """Wrote words."""
    MARK = "mark"
    """Marked a session, to come back to it or to compare it."""
    BOOKMARK = "bookmark"
    """Marked a step."""


class Subject(NamedTuple):
    """What a note is about: a session, a step of one, or a failure by its fingerprint."""

    session_id: str = ""
    step: int | None = None
    """Number of the step in its session, from 0."""
    fingerprint: str = ""


class Note(NamedTuple):
    """One note, mark or bookmark."""

    note_id: str
    kind: NoteKind
    about: Subject
    text: str
    """As the person wrote it; "" for a mark."""
    written_s: float
    """Seconds since 1970."""

    @property
    def shown(self) -> str:
        """The text, fit for a screen."""
        return printable(self.text)


class Notes:
    """The notes of a spool. Reading never raises; writing raises OSError when it cannot."""

    def __init__(self, spool: Path) -> None:
        self.path = beside(spool, FILE_NAME)
        self._stamp: tuple[int, int, int] | None = None
        self._notes: tuple[Note, ...] = ()

    def all(self) -> tuple[Note, ...]:
        """Every note that stands, in the order they were first written. Read again only when the file changed."""
        try:
            found = os.stat(self.path)
            stamp = (found.st_ino, found.st_size, found.st_mtime_ns)
            if stamp != self._stamp:
                self._notes = tuple(parse_notes(self._lines()))
                self._stamp = stamp
        except OSError:
            self._stamp, self._notes = None, ()
        return self._notes

    def about(self, subject: Subject) -> tuple[Note, ...]:
        """Those about exactly this."""
        return tuple(note for note in self.all() if note.about == subject)

    def add(self, about: Subject, text: str = "", kind: NoteKind = NoteKind.NOTE) -> Note:
        """Write one down. ValueError for a note without words, or about nothing."""
        if not (about.session_id or about.fingerprint):
            raise ValueError("a note is about a session, a step or a fingerprint")
        if kind is NoteKind.NOTE and not text.strip():
            raise ValueError("a note needs words")
        note = Note(os.urandom(6).hex(), kind, about, text[:MAX_TEXT], _now_s())
        self._append(note_fields(note))
        return note

    def adopt(self, notes: Iterable[Note]) -> int:
        """Take over notes that were written elsewhere, as they are; how many were not there yet."""
        known = {note.note_id for note in self.all()}
        fresh = {note.note_id: note for note in notes if note.note_id not in known}
        for note in fresh.values():
            self._append(note_fields(note))
        return len(fresh)

    def edit(self, note: Note, text: str) -> Note:
        """The same note in other words."""
        changed = note._replace(text=text[:MAX_TEXT], written_s=_now_s())
        self._append(note_fields(changed))
        return changed

    def remove(self, note_id: str) -> bool:
        """Take a note away; whether there was one."""
        if all(note.note_id != note_id for note in self.all()):
            return False
        self._append({"id": note_id, "removed": True, "time": _now_s()})
        return True

    def _lines(self) -> Iterable[bytes]:
        with open(os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                return []
            if found.st_size > MAX_BYTES:
                file.seek(found.st_size - MAX_BYTES)
                file.readline()
            return file.read(MAX_BYTES).split(b"\n")

    def _append(self, fields: dict[str, Any]) -> None:
        make_private_directory(self.path.parent)
        line = json.dumps(fields, sort_keys=True, ensure_ascii=True).encode() + b"\n"
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(self.path, flags, 0o600)
        try:
            size = os.fstat(fd).st_size
            if size and os.pread(fd, 1, size - 1) != b"\n":  # a writer died inside its line
                line = b"\n" + line
            if os.write(fd, line) != len(line):
                raise OSError(f"{self.path}: the disk took only a part of the note")
        finally:
            os.close(fd)


def parse_notes(lines: Iterable[bytes]) -> list[Note]:
    """The notes that stand after these lines; what is no note is passed over."""
    found: dict[str, Note] = {}
    for line in lines:
        try:
            fields = json.loads(line)
            note_id = fields["id"]
            if not isinstance(note_id, str):
                continue
            if fields.get("removed") is True:
                found.pop(note_id, None)
                continue
            note = _note(note_id, fields)
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
        found[note_id] = note
    return list(found.values())


def read_note(fields: Any) -> Note | None:
    """A note from what `note_fields` made of it; None for anything else."""
    try:
        known = isinstance(fields, dict) and isinstance(fields["id"], str)
        return _note(fields["id"], fields) if known else None
    except (ValueError, KeyError, TypeError):
        return None


def note_fields(note: Note) -> dict[str, Any]:
    """A note as it stands in the file, and in exports."""
    about = note.about
    fields: dict[str, Any] = {"id": note.note_id, "kind": note.kind.value, "time": note.written_s}
    told = {
        "session": about.session_id,
        "step": about.step,
        "fingerprint": about.fingerprint,
        "text": note.text,
    }
    return fields | {name: value for name, value in told.items() if value not in ("", None)}


def _note(note_id: str, fields: dict[str, Any]) -> Note:
    step, text = fields.get("step"), fields.get("text", "")
    session_id, fingerprint = fields.get("session", ""), fields.get("fingerprint", "")
    if not all(isinstance(each, str) for each in (text, session_id, fingerprint)):
        raise TypeError("not a text")
    if not math.isfinite(fields["time"]):
        raise ValueError("not a time")
    return Note(
        note_id,
        NoteKind(fields["kind"]),
        Subject(session_id, step if type(step) is int and step >= 0 else None, fingerprint),
        text[:MAX_TEXT],
        float(fields["time"]),
    )


def _now_s() -> float:
    return round(time.time(), 3)
