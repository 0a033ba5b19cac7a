"""One session file to its row, remembering as much as makes the next look cheap."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from promptetheus.queries.lines import Pread
from promptetheus.queries.rows import Problem, SessionRow, Status
from promptetheus.queries.session_row import empty_row
from promptetheus.queries.source import NotReadable, open_regular
from promptetheus.queries.tally import SEALED, Tally, read_sealed


class Stamp(NamedTuple):
    """Which state of a file was read; a file with another stamp has changed."""

    size: int
    mtime_ns: int
    inode: int


@dataclass(slots=True)
class Reading:
    """What was found in one state of one file."""

    stamp: Stamp
    found: SessionRow | Problem
    tally: Tally | None = None
    """Kept while more lines may come, so that they alone are read."""


def stamp_of(found: os.stat_result) -> Stamp:
    """The stamp of a file as `stat` saw it."""
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ino)


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
    sealed = read_sealed(path, pread, size, found)
    if sealed is not None:
        return Reading(stamp, sealed)
    tally = None
    if known is not None and known.stamp.inode == stamp.inode and known.stamp.size <= stamp.size:
        tally = known.tally
    if tally is None or not tally.continues(pread):
        tally = Tally()
    tally.read(pread, size)
    skipped = tally.skipped
    if not tally.events and skipped.total > skipped.torn:
        return Reading(stamp, Problem(path, f"holds no events: {skipped.describe()}"))
    row = tally.row(path, found)
    keep = row.status in (Status.RUNNING, Status.EMPTY)
    return Reading(stamp, row, tally if keep else None)
