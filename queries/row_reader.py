"""One session file to its row, remembering as much as makes the next look cheap."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from promptetheus.queries.digest import SEALED, Digest, is_vouched_for, opening, read_ends, sealed_row
from promptetheus.queries.lines import MAX_LINE_BYTES, Pread, may_have_oversized_line
from promptetheus.queries.listing import Stamp, stamp_of
from promptetheus.queries.rows import Problem, SessionRow, Status, deferred_rows
from promptetheus.queries.session_row import empty_row
from promptetheus.queries.source import OPEN_FLAGS, NotReadable, open_regular
from promptetheus.queries.tally import Tally


@dataclass(slots=True)
class Reading:
    """What was found in one state of one file."""

    stamp: Stamp
    found: SessionRow | Problem
    tally: Tally | None = None
    """Kept while more lines may come, so that they alone are read."""
    digest: Digest | None = None
    """What the cache keeps of a session to which no more lines are expected."""


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
    # A summary vouches for every byte before it, but not for the length of the lines.
    if ends is not None and not (size > MAX_LINE_BYTES and may_have_oversized_line(pread, size)):
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
    if not tally.events and skipped.total > skipped.torn and not skipped.oversized:
        return Reading(stamp, Problem(path, f"holds no events: {skipped.describe()}"))
    row = tally.row(path, found)
    keep = row.status in (Status.RUNNING, Status.EMPTY)
    return Reading(stamp, row, tally) if keep else Reading(stamp, row, digest=tally.digest())


class Ended(NamedTuple):
    """Sealed sessions, as they were when they were listed."""

    names: list[str]
    rows: list[SessionRow]
    digests: list[Digest]


def read_ended(root: str, directory: int, files: Iterable[tuple[str, Stamp]]) -> Ended:
    """Read those of these files of an open directory that are sealed sessions of ordinary size.

    The way of ten thousand files: one loop, a system call less, and nothing is worked out that nobody asked for. The
    stamps are older than what is read, so that a change in between is found by the next look.
    """
    found = Ended([], [], [])
    ids: list[str] = []
    starts: list[float | None] = []
    for name, stamp in files:
        digest = _ends_inside(directory, name, stamp) if 0 < stamp[0] <= MAX_LINE_BYTES else None
        facts = opening(name, digest.first) if digest is not None and digest.is_kept else None
        if digest is not None and facts is not None and is_vouched_for(digest):
            found.names.append(name)
            found.digests.append(digest)
            ids.append(facts[0])
            starts.append(facts[1])
    found.rows.extend(deferred_rows(root, found.names, ids, starts, found.digests))
    return found


def _ends_inside(directory: int, name: str, stamp: Stamp) -> Digest | None:
    try:
        fd = os.open(name, OPEN_FLAGS, dir_fd=directory)
    except OSError:
        return None
    try:
        return read_ends(partial(os.pread, fd), stamp[0], stamp[1])
    except OSError:  # a pipe, or a disk that fails
        return None
    finally:
        os.close(fd)


def read_whole(path: Path) -> SessionRow:
    """The row of a session from all its lines. Raises NotReadable or FileNotFoundError."""
    fd, found = open_regular(str(path))
    try:
        tally = Tally()
        tally.read(lambda length, offset: os.pread(fd, length, offset), found.st_size)
        return tally.row(path, found)
    finally:
        os.close(fd)
