"""A session's file on a gateway: batches appended in one piece, each event once.

The one writer of its file (a lock on the directory sees to that), so that half a batch, left by a full disk or a
power cut, can be cut off again before anything is acknowledged.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import orjson

from promptetheus.gateway.intake import Incoming
from promptetheus.gateway.stores.events import Appended
from promptetheus.spool import make_private_directory

_HEAD = b'{"idempotency_key":"'
_READ_BYTES = 1 << 20


class SessionFile:
    """A session file and the keys in it; opened at its first batch. Methods raise OSError."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.keys: set[str] = set()
        self._lock = threading.Lock()
        self._fd = -1
        self._size = 0

    def append(self, events: Sequence[Incoming]) -> Appended:
        """Append what is new, synced to the disk."""
        with self._lock:
            if not self._is_in_place():
                self._close()
                self.keys.clear()
                self._fd, self._size = self._open()
            known, fresh, lines = self.keys, set[str](), []
            for event in events:
                if event.key not in known and event.key not in fresh:
                    fresh.add(event.key)
                    lines.append(event.line)
            start = self._size
            if lines:
                self._write(b"".join(lines))
                known |= fresh
            return Appended(len(lines), start, self._size)

    def delete(self) -> bool:
        """Delete the file; whether there was one. A later batch begins a new one."""
        with self._lock:
            self._close()
            try:
                self.path.unlink()
            except FileNotFoundError:
                return False
            return True

    def close(self) -> None:
        """Close the file; the next `append` opens it again."""
        with self._lock:
            self._close()

    def _close(self) -> None:
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _open(self) -> tuple[int, int]:
        make_private_directory(self.path.parent)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(self.path, flags, 0o600)
        try:
            found = os.fstat(fd)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(f"not a regular file: {self.path}")
            size = found.st_size
            if size and os.pread(fd, 1, size - 1) != b"\n":  # a batch that was never acknowledged
                size = _end_of_last_line(fd, size)
                os.ftruncate(fd, size)
            self.keys.update(keys_in(fd, size))
        except BaseException:
            os.close(fd)
            raise
        return fd, size

    def _is_in_place(self) -> bool:
        """Whether it is open, and still what stands under its name: somebody may have deleted it."""
        if self._fd < 0:
            return False
        try:
            return os.path.samestat(os.fstat(self._fd), os.stat(self.path, follow_symlinks=False))
        except OSError:
            return False

    def _write(self, block: bytes) -> None:
        try:
            done = 0
            while done < len(block):
                done += os.write(self._fd, block[done:] if done else block)
            os.fdatasync(self._fd)
            if not self._size:
                _sync_directory(self.path.parent)
        except OSError:
            os.ftruncate(self._fd, self._size)
            raise
        self._size += len(block)


def keys_in(fd: int, size: int) -> Iterator[str]:
    """The idempotency keys of the events in a file."""
    rest, offset = b"", 0
    while offset < size:
        block = os.pread(fd, min(_READ_BYTES, size - offset), offset)
        if not block:
            return
        offset += len(block)
        *lines, rest = (rest + block).split(b"\n")
        for line in lines:
            key = _key_of(line)
            if key is not None:
                yield key


def _key_of(line: bytes) -> str | None:
    if line.startswith(_HEAD):  # as our encoder writes it, nothing else has to be parsed
        end = line.find(b'"', len(_HEAD))
        if b"\\" not in line[len(_HEAD) : end]:
            return line[len(_HEAD) : end].decode("utf-8", "replace")
    try:
        event = orjson.loads(line)
    except ValueError:
        return None
    key = event.get("idempotency_key") if isinstance(event, dict) else None
    return key if isinstance(key, str) else None


def _end_of_last_line(fd: int, size: int) -> int:
    while size > 0:
        start = max(0, size - _READ_BYTES)
        found = os.pread(fd, size - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        size = start
    return 0


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
