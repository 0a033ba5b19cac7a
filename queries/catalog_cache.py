"""What the catalog remembers between processes: the digests of sessions to which no more lines are expected.

A file beside the spool that may be deleted at any time. It is believed only where size, time and inode of the
session's file are as they were; damaged or of another version it is ignored and written anew. It is replaced as a
whole, so that any number of processes can read and write it.
"""

from __future__ import annotations

import os
import stat
import struct
import time
import uuid
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TypeAlias

from promptetheus import __version__
from promptetheus.queries.digest import Digest, read_again
from promptetheus.queries.row_reader import Reading, stamp_of
from promptetheus.queries.rows import SessionRow, Status, deferred_row
from promptetheus.queries.source import NotReadable, Source

MAX_CACHE_BYTES = 64 * 1024 * 1024
"""About 50,000 sessions; the newest files are kept."""

SPOOL_NAME = "spool"
"""Only a directory of this name has a cache beside it: others lie in places that are not ours to write to."""

_FORMAT = 1
_MAGIC = f"promptetheus catalog {_FORMAT} {__version__}\n".encode()
"""Another version may count events otherwise: what it counted is not used."""

_SIZES = struct.Struct("<IIQI")
"""Number of sessions; bytes of their names and of their digests; checksum of entries and names."""

_ENTRY = struct.Struct("<qqQdQIIIBB")
"""Measured for 10,000 sessions: 8 ms to open, read and check; parsing the same as JSON alone takes 10."""

_Entry: TypeAlias = tuple[int, int, int, float, int, int, int, int, int, int]
"""Size, mtime_ns, inode, started, offset, bytes of first and last line, their checksum, status, counted."""

_STATUSES = tuple(Status)
_SUFFIX_LENGTH = len(".jsonl")
_LEFT_BEHIND_S = 3600.0


class CacheUnusable(Exception):
    """There is no cache that can be read or written; the message says why."""


@dataclass(frozen=True, slots=True)
class CacheState:
    """What `doctor` says about the cache of a spool."""

    path: Path | None
    """None for a directory that has none."""
    size_bytes: int
    sessions: int
    problem: str
    """Why it is not used; empty when it is."""


class CatalogCache:
    """One cache file, kept open; digests are read when somebody asks for one."""

    def __init__(self, path: Path) -> None:
        """Raises CacheUnusable."""
        try:
            source = Source(path)
        except FileNotFoundError:
            raise CacheUnusable("not written yet") from None
        except (NotReadable, OSError) as error:
            raise CacheUnusable(str(error)) from None
        self._source = source
        self.size_bytes = source.size
        head = source.pread(len(_MAGIC) + _SIZES.size, 0)
        if not head.startswith(_MAGIC) or len(head) < len(_MAGIC) + _SIZES.size:
            raise CacheUnusable("damaged, or of another version")
        count, names_bytes, blob_bytes, checksum = _SIZES.unpack_from(head, len(_MAGIC))
        entries_bytes = count * _ENTRY.size
        self._blob = len(head) + entries_bytes + names_bytes
        if source.size > MAX_CACHE_BYTES or self._blob + blob_bytes != source.size:
            raise CacheUnusable("damaged: not of the size that it says")
        index = source.pread(entries_bytes + names_bytes, len(head))
        if zlib.crc32(index) != checksum or len(index) != entries_bytes + names_bytes:
            raise CacheUnusable("damaged: its checksum does not fit")
        names = os.fsdecode(index[entries_bytes:]).split("\0")
        entries: Iterable[_Entry] = _ENTRY.iter_unpack(index[:entries_bytes])
        self.entries: dict[str, _Entry] = dict(zip(names[:count], entries, strict=True))
        """By file name."""
        self._ids = dict(item.split("/", 1) for item in names[count:] if "/" in item)
        """Ids of the sessions whose file is not called after them."""

    def take(
        self, root: str, files: Iterable[tuple[str, os.stat_result]], readings: dict[str, Reading]
    ) -> list[SessionRow]:
        """Add what is known of those of these files that are as they were and not among the readings; their rows.

        One loop for many files: at 10,000 of them every call counts.
        """
        rows = []
        entry_of, id_of, work_out = self.entries.get, self._ids.get, self._row
        for name, found in files:
            entry = entry_of(name)
            if (
                entry is None
                or entry[1] != found.st_mtime_ns
                or entry[0] != found.st_size
                or entry[2] != found.st_ino
                or name in readings
            ):
                continue
            started = entry[3]
            row = deferred_row(
                root,
                name,
                id_of(name) or name[:-_SUFFIX_LENGTH],
                _STATUSES[entry[8]],
                started if started == started else None,
                work_out,
            )
            rows.append(row)
            readings[name] = Reading(entry[:3], row, None, self)
        return rows

    def holds(self, name: str, found: os.stat_result) -> bool:
        """Whether `take` would take this file."""
        entry = self.entries.get(name)
        return entry is not None and entry[:3] == stamp_of(found)

    def _row(self, directory: str, name: str) -> SessionRow:
        digest = self.digest(name)
        return read_again(Path(directory, name)) if digest is None else digest(directory, name)

    def digest(self, name: str) -> Digest | None:
        """The digest of a file; None when it is damaged."""
        size, mtime_ns, _inode, _started, offset, first, last, checksum, _status, counted = self.entries[name]
        data = self._source.pread(first + last, self._blob + offset)
        if len(data) != first + last or zlib.crc32(data) != checksum:
            return None
        return Digest(data[:first], data[first:], size, mtime_ns, bool(counted))


def cache_path(root: Path) -> Path | None:
    """Where the cache of a spool is; None for a directory that has none."""
    try:
        absolute = os.path.abspath(root)
    except OSError:  # the working directory is gone
        return None
    if os.path.basename(absolute) != SPOOL_NAME:
        return None
    # A name of its own for each path: a spool that was moved or copied starts afresh.
    name = sha256(os.fsencode(absolute)).hexdigest()[:12]
    return Path(os.path.dirname(absolute), "cache", f"{name}.catalog")


def save(path: Path, readings: Iterable[tuple[str, Reading]]) -> None:
    """Write the cache with what can be kept of these readings, by file name, newest first. Raises CacheUnusable."""
    entries: list[bytes] = []
    names: list[str] = []
    ids: list[str] = []
    pieces: list[bytes] = []
    offset = 0
    for name, reading in readings:
        row = reading.found
        digest = reading.digest
        if digest is not None and not isinstance(digest, Digest):
            digest = digest.digest(name)
        if digest is None or not isinstance(row, SessionRow) or row.status in (Status.RUNNING, Status.EMPTY):
            continue
        data = digest.first + digest.last
        if offset + len(data) + (len(entries) + 1) * (_ENTRY.size + 2 * 256) > MAX_CACHE_BYTES:
            break
        started = float("nan") if row.started is None else row.started
        place = (started, offset, len(digest.first), len(digest.last), zlib.crc32(data))
        entries.append(_ENTRY.pack(*reading.stamp, *place, _STATUSES.index(row.status), digest.counted))
        names.append(name)
        if row.session_id != name[:-_SUFFIX_LENGTH] and "\0" not in row.session_id:
            ids.append(f"{name}/{row.session_id}")
        pieces.append(data)
        offset += len(data)
    index = b"".join(entries) + "\0".join([*names, *ids]).encode("utf-8", "surrogateescape")
    names_bytes = len(index) - len(entries) * _ENTRY.size
    sizes = _SIZES.pack(len(entries), names_bytes, offset, zlib.crc32(index))
    _replace(path, [_MAGIC, sizes, index, *pieces])


def inspect(root: Path) -> CacheState:
    """The state of a spool's cache."""
    path = cache_path(root)
    if path is None:
        return CacheState(None, 0, 0, f"only a directory called {SPOOL_NAME!r} has one")
    try:
        cache = CatalogCache(path)
    except CacheUnusable as why:
        size = path.lstat().st_size if os.path.lexists(path) else 0
        return CacheState(path, size, 0, str(why))
    return CacheState(path, cache.size_bytes, len(cache.entries), "")


def _replace(path: Path, pieces: list[bytes]) -> None:
    directory = path.parent
    draft = directory / f"{path.name}.{uuid.uuid4().hex}.draft"
    try:
        os.makedirs(directory, mode=0o700, exist_ok=True)
        found = os.lstat(directory)
        # A link, or another user's directory: who unpacked this spool may have meant us to write elsewhere.
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
            raise CacheUnusable(f"{directory} is not a directory of this user")
        _remove_drafts(directory)
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            with os.fdopen(fd, "wb") as file:
                file.write(b"".join(pieces))
            os.replace(draft, path)
        except BaseException:
            os.unlink(draft)
            raise
    except OSError as error:
        raise CacheUnusable(error.strerror or type(error).__name__) from None


def _remove_drafts(directory: Path) -> None:
    """Those of processes that were killed while they wrote."""
    with os.scandir(directory) as items:
        for item in items:
            if item.name.endswith(".draft") and time.time() - item.stat().st_mtime > _LEFT_BEHIND_S:
                os.unlink(item.path)
