"""Opening files that nobody vouches for: regular files only, so that no pipe blocks and no link leads away."""

from __future__ import annotations

import os
import stat
import weakref
from pathlib import Path

from promptetheus.encoding import encode_line
from promptetheus.queries.event_line import UNREADABLE, parse_json

MAX_EXPORT_BYTES = 512 * 1024 * 1024
"""An exported JSON document is read whole; a larger one is refused instead of filling the memory."""

OPEN_FLAGS = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Follows no link, waits for no pipe."""


class NotReadable(OSError):
    """A path that is no file to read events from; the message says why, without naming the path."""


def open_regular(path: str | Path) -> tuple[int, os.stat_result]:
    """A file descriptor and its stat.

    Raises NotReadable for anything but a regular file, FileNotFoundError when there is nothing.
    """
    try:
        fd = os.open(path, OPEN_FLAGS)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise NotReadable(_why_not_open(path, error)) from None
    found = os.fstat(fd)
    if not stat.S_ISREG(found.st_mode):
        os.close(fd)
        raise NotReadable(_kind(found.st_mode))
    return fd, found


def _why_not_open(path: str | Path, error: OSError) -> str:
    try:
        mode = os.lstat(path).st_mode
    except OSError:
        return error.strerror or "cannot be opened"
    return _kind(mode) if not stat.S_ISREG(mode) else error.strerror or "cannot be opened"


def _kind(mode: int) -> str:
    names = (
        (stat.S_ISLNK, "a symbolic link"),
        (stat.S_ISDIR, "a directory"),
        (stat.S_ISFIFO, "a named pipe"),
        (stat.S_ISSOCK, "a socket"),
    )
    return next((f"{name}, not a file" for test, name in names if test(mode)), "a device, not a file")


class Source:
    """The bytes of one session: a file kept open, or an export turned into lines in memory.

    Reads by position only: a memory map would kill the process when the file is truncated under it.
    """

    __slots__ = ("__weakref__", "_close", "_fd", "_memory", "found", "inode", "size")

    def __init__(self, path: Path) -> None:
        """Raises NotReadable or FileNotFoundError."""
        self._memory: bytes | None = None
        self._fd, self.found = open_regular(path)
        self._close = weakref.finalize(self, os.close, self._fd)
        self.size = self.found.st_size
        """How many bytes there are to read."""
        self.inode = (self.found.st_dev, self.found.st_ino)
        if path.suffix == ".json":
            self._memory = self._export_lines()
            self.size = len(self._memory)

    def pread(self, length: int, offset: int) -> bytes:
        """Up to `length` bytes; fewer at the end of the file, none after an error of the disk."""
        if self._memory is not None:
            return self._memory[offset : offset + length]
        try:
            return os.pread(self._fd, length, offset)
        except OSError:
            return b""

    def grown(self) -> bool:
        """Look at the open file again; whether its size or time changed. An export never grows."""
        if self._memory is not None:
            return False
        before, self.found = self.found, os.fstat(self._fd)
        self.size = self.found.st_size
        return (self.size, self.found.st_mtime_ns) != (before.st_size, before.st_mtime_ns)

    def close(self) -> None:
        """Give the file descriptor back; reading afterwards gives nothing."""
        self._close()
        self._fd = -1

    def _export_lines(self) -> bytes:
        if self.size > MAX_EXPORT_BYTES:
            raise NotReadable(f"larger than {MAX_EXPORT_BYTES // 2**20} MiB")
        document = parse_json(_read_all(self._fd, self.size))
        if document is UNREADABLE:
            raise NotReadable("not JSON")
        events = document.get("events") if isinstance(document, dict) else document
        if not isinstance(events, list):
            raise NotReadable("JSON without a list of events")
        return b"".join(encode_line(event) if isinstance(event, dict) else b"null\n" for event in events)


def _read_all(fd: int, size: int) -> bytes:
    pieces = []
    offset = 0
    while offset < size:
        piece = os.pread(fd, min(size - offset, 1 << 24), offset)
        if not piece:
            break
        pieces.append(piece)
        offset += len(piece)
    return b"".join(pieces)
