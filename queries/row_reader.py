"""One session file to its row, remembering as much as makes the next look cheap."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, TypeAlias

from promptetheus.queries.digest import SEALED, Digest, read_ends, sealed_row
from promptetheus.queries.lines import Pread
from promptetheus.queries.rows import Problem, SessionRow, Status
from promptetheus.queries.session_row import empty_row
from promptetheus.queries.source import OPEN_FLAGS, NotReadable, open_regular
from promptetheus.queries.tally import Tally

Stamp: TypeAlias = tuple[int, int, int]
"""Size, mtime_ns and inode: a file with another stamp has changed. Not a NamedTuple, which takes three times as
long to make."""


class Keeper(Protocol):
    """Who has the digest of a file, when it is asked for."""

    def digest(self, name: str) -> Digest | None: ...


@dataclass(slots=True)
class Reading:
    """What was found in one state of one file."""

    stamp: Stamp
    found: SessionRow | Problem
    tally: Tally | None = None
    """Kept while more lines may come, so that they alone are read."""
    digest: Digest | Keeper | None = None
    """What the cache keeps of a session to which no more lines are expected."""


def stamp_of(found: os.stat_result) -> Stamp:
    """The stamp of a file as `stat` saw it."""
    return (found.st_size, found.st_mtime_ns, found.st_ino)


def read_file(path: Path, known: Reading | None = None) -> Reading:
    """Read a session file. Raises NotReadable or FileNotFoundError."""
    fd, found = open_regular(str(path))

    def pread(length: int, offset: int) -> bytes:
        try:
            return os.pread(fd, length, offset)
        except OSError:
            return b""

    try:
        return read_open(path, pread, found.st_size, found, known)
    finally:
        os.close(fd)


def looks_sealed(path: Path) -> bool:
    """Whether the file ends as a sealed session does; a cheap guess at whether head and tail will do."""
    try:
        fd, found = open_regular(str(path))
    except (NotReadable, FileNotFoundError):
        return False
    try:
        return os.pread(fd, 64, max(0, found.st_size - 64)).endswith(SEALED)
    except OSError:
        return False
    finally:
        os.close(fd)


def read_open(
    path: Path, pread: Pread, size: int, found: os.stat_result, known: Reading | None = None
) -> Reading:
    """Read a session of `size` bytes through `pread`; lines that `known` has read already are not read again."""
    stamp = stamp_of(found)
    if not size:
        return Reading(stamp, empty_row(path, found))
    ends = read_ends(pread, size, found.st_mtime_ns)
    if ends is not None:
        sealed = sealed_row(str(path.parent), path.name, ends)
        if sealed is not None:
            return Reading(stamp, sealed, digest=ends if ends.is_kept else None)
    tally = None
    if known is not None and known.stamp[2] == stamp[2] and known.stamp[0] <= stamp[0]:
        tally = known.tally
    if tally is None or not tally.continues(pread):
        tally = Tally()
    tally.read(pread, size)
    skipped = tally.skipped
    if not tally.events and skipped.total > skipped.torn:
        return Reading(stamp, Problem(path, f"holds no events: {skipped.describe()}"))
    row = tally.row(path, found)
    keep = row.status in (Status.RUNNING, Status.EMPTY)
    return Reading(stamp, row, tally) if keep else Reading(stamp, row, digest=tally.digest())


def read_ended(root: str, directory: int, name: str, listed: os.stat_result) -> Reading | None:
    """Read a sealed session of an open directory, as it was when it was listed; None for every other file.

    The way of ten thousand files: a system call less, and nothing is worked out that nobody asked for. The stamp is
    older than what is read, so that a change in between is found by the next look.
    """
    size = listed.st_size
    if not size or not stat.S_ISREG(listed.st_mode):
        return None
    try:
        fd = os.open(name, OPEN_FLAGS, dir_fd=directory)
    except OSError:
        return None
    try:
        ends = read_ends(lambda length, offset: os.pread(fd, length, offset), size, listed.st_mtime_ns)
    except OSError:
        return None
    finally:
        os.close(fd)
    if ends is None:
        return None
    row = sealed_row(root, name, ends)
    return None if row is None else Reading(stamp_of(listed), row, None, ends if ends.is_kept else None)


def read_whole(path: Path) -> SessionRow:
    """The row of a session from all its lines. Raises NotReadable or FileNotFoundError."""
    fd, found = open_regular(str(path))
    try:
        tally = Tally()
        tally.read(lambda length, offset: os.pread(fd, length, offset), found.st_size)
        return tally.row(path, found)
    finally:
        os.close(fd)
