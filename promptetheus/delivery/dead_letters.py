"""Events that a gateway refused for good: `dead-letter/<session>.jsonl`, each with `_reject_reason`."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, cast

import orjson

from promptetheus.encoding import encode_line
from promptetheus.events import Event
from promptetheus.spool import make_private_directory

FOLDER = "dead-letter"
REASON = "_reject_reason"


def path_of(session_file: Path) -> Path:
    """Where the refused events of a session go."""
    return session_file.parent / FOLDER / session_file.name


def bury(session_file: Path, refused: Iterable[tuple[Event, str]]) -> None:
    """Append refused events with the reasons. Raises OSError when they cannot all be written: then they must
    not count as acknowledged."""
    path = path_of(session_file)
    make_private_directory(path.parent)
    with _locked(path) as file:
        file.write(_lines(refused))


def read(path: Path) -> tuple[list[tuple[Event, str]], int]:
    """The refused events of a file with their reasons, and how many bytes were read; lines that are no event
    are left out. Raises OSError."""
    found: list[tuple[Event, str]] = []
    size = 0
    with open(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW), "rb") as file:
        for line in file:
            size += len(line)
            try:
                event: Any = orjson.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict):
                found.append((event, str(event.pop(REASON, "rejected"))))
    return found, size


def replace(path: Path, refused: Iterable[tuple[Event, str]], read_bytes: int) -> None:
    """Keep just these of the events that were read, and what was added since; without any the file goes.
    Raises OSError."""
    with _locked(path) as file:
        file.seek(read_bytes)
        content = _lines(refused) + file.read()
        if not content:
            path.unlink()
            return
        draft = path.with_name(f".{path.name}.{os.getpid()}")
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with open(fd, "wb") as renewed:
            renewed.write(content)
        os.replace(draft, path)


def files(spool: Path) -> list[Path]:
    """The files with refused events, in order of name."""
    return [path for path in sorted((spool / FOLDER).glob("*.jsonl")) if path.is_file()]


def _lines(refused: Iterable[tuple[Event, str]]) -> bytes:
    return b"".join(encode_line({**event, REASON: reason}) for event, reason in refused)


@contextmanager
def _locked(path: Path) -> Iterator[BinaryIO]:
    """The file, for appending, while nobody else appends to it or replaces it."""
    while True:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        with open(os.open(path, flags, 0o600), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                is_current = os.stat(path).st_ino == os.fstat(file.fileno()).st_ino
            except FileNotFoundError:
                is_current = False
            if is_current:
                yield cast(BinaryIO, file)
                return
