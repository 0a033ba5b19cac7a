"""What the catalog remembers between processes: the digests of sessions to which no more lines are expected.

A file beside the spool that may be deleted at any time. It is believed only where size, time and inode of the
session's file are as they were; damaged or of another version it is ignored and written anew. It is replaced as a
whole, so that any number of processes can read and write it.
"""

from __future__ import annotations

import os
import stat
import struct
import sys
import time
import uuid
import zlib
from array import array
from collections.abc import Callable, Iterable
from functools import cached_property
from itertools import compress, islice, repeat
from pathlib import Path
from typing import Any, NamedTuple

from promptetheus import __version__
from promptetheus.queries.digest import Digest, read_again
from promptetheus.queries.listing import SUFFIX, Stamp
from promptetheus.queries.rows import NOTHING_SKIPPED, UNKNOWN, SessionRow, Status, deferred_rows
from promptetheus.queries.source import Source

MAX_CACHE_BYTES = 64 * 1024 * 1024
"""About 50,000 sessions; the newest files are kept."""

SPOOL_NAME = "spool"
"""Only a directory of this name has a cache beside it: others lie in places that are not ours to write to."""

_FORMAT = 3
_MAGIC = f"promptetheus catalog {_FORMAT} {sys.byteorder} {__version__}\n".encode()
"""Another version may count events otherwise: what it counted is not used."""

_SIZES = struct.Struct("<IIQI")
"""Number of sessions; bytes of their names and of their digests; checksum of columns and names."""

_COLUMNS = "qqQdQIIIBB"
"""Size, mtime_ns, inode, started, offset, bytes of first and last line, their checksum, status, counted: the type
codes of `array`. Columns are read, compared and made into rows by a few calls in all, not by some for each row."""

_WIDTH = sum(array(code).itemsize for code in _COLUMNS)

_STATUSES = tuple(Status)
_SUFFIX_LENGTH = len(SUFFIX)
_LEFT_BEHIND_S = 3600.0


class CacheUnusable(Exception):
    """There is no cache that can be read or written; the message says why."""


class CacheState(NamedTuple):
    """What `doctor` says about the cache of a spool."""

    path: Path | None
    """None for a directory that has none."""
    size_bytes: int
    sessions: int
    problem: str
    """Why it is not used; empty when it is."""


class CatalogCache:
    """One cache file, kept open; digests are read when somebody asks for one."""

    def __init__(self, path: Path, priced: Callable[[SessionRow], SessionRow]) -> None:
        """`priced` adds to a row what its calls cost, as far as that is known at once. Raises CacheUnusable."""
        self._priced = priced
        try:
            source = Source(path)
        except FileNotFoundError:
            raise CacheUnusable("not written yet") from None
        except OSError as error:
            raise CacheUnusable(str(error)) from None
        self._source = source
        self.size_bytes = source.size
        head = source.pread(len(_MAGIC) + _SIZES.size, 0)
        if not head.startswith(_MAGIC) or len(head) < len(_MAGIC) + _SIZES.size:
            raise CacheUnusable("damaged, or of another version")
        count, names_bytes, blob_bytes, checksum = _SIZES.unpack_from(head, len(_MAGIC))
        columns_bytes = count * _WIDTH
        self._blob = len(head) + columns_bytes + names_bytes
        if source.size > MAX_CACHE_BYTES or self._blob + blob_bytes != source.size:
            raise CacheUnusable("damaged: not of the size that it says")
        index = source.pread(columns_bytes + names_bytes, len(head))
        if zlib.crc32(index) != checksum or len(index) != columns_bytes + names_bytes:
            raise CacheUnusable("damaged: its checksum does not fit")
        self._names = os.fsdecode(index[columns_bytes:]).split("\0")
        columns = _cut(index, count)
        self._stamp_columns, rest = columns[:3], columns[3:]
        self._starts, *self._places, self._statuses, self._counted = rest
        self._ids = dict(item.split("/", 1) for item in self._names[count:] if "/" in item)
        """Ids of the sessions whose file is not called after them."""
        del self._names[count:]
        self._numbers: dict[str, int] = {}

    @cached_property
    def stamps(self) -> dict[str, Stamp]:
        """Of the files that it knows, by name, newest first."""
        return dict(zip(self._names, zip(*self._stamp_columns, strict=True), strict=True))

    def newest(self, most: int) -> list[str]:
        """Names of the files that changed last."""
        return self._names[:most]

    def take_newest(self, root: str, files: dict[str, Stamp], most: int) -> dict[str, SessionRow]:
        """As `take`, of the newest alone, in a fraction of the time."""
        names = self._names[:most]
        self._numbers = {name: number for number, name in enumerate(names)}
        stamps = zip(*(column[:most] for column in self._stamp_columns), strict=True)
        return self._rows(root, files, dict(zip(names, stamps, strict=True)))

    def take(self, root: str, files: dict[str, Stamp]) -> dict[str, SessionRow]:
        """The rows of those of these files that are as they were, newest first."""
        return self._rows(root, files, self.stamps)

    def _rows(self, root: str, files: dict[str, Stamp], stamps: dict[str, Stamp]) -> dict[str, SessionRow]:
        """Of the files of these stamps, which are the first ones there are."""
        names = list(stamps)
        starts: Iterable[float] = islice(self._starts, len(names))
        statuses: Iterable[int] = islice(self._statuses, len(names))
        if files != stamps:
            same = [files.get(name) == stamp for name, stamp in stamps.items()]
            names = list(compress(names, same))
            starts, statuses = compress(starts, same), compress(statuses, same)
        ids: Iterable[str] = [name[:-_SUFFIX_LENGTH] for name in names]
        if self._ids:
            ids = [self._ids.get(name) or stem for name, stem in zip(names, ids, strict=True)]
        rows = deferred_rows(
            root,
            names,
            ids,
            [None if start != start else start for start in starts],
            repeat(self),
            map(_STATUSES.__getitem__, statuses),
        )
        return dict(zip(names, rows, strict=True))

    def glance(self, directory: str, name: str, field: str) -> Any:
        """See `Rest.glance`. Of sessions that were not counted here the index says enough."""
        counted = self._counted[self._number(name)]
        match field:
            case "size_bytes":
                return self.stamps[name][0]
            case "skipped" if not counted:
                return NOTHING_SKIPPED
            case "mended" if not counted:
                return 0
        digest = self.digest(name)
        return UNKNOWN if digest is None else digest.glance(directory, name, field)

    def row(self, directory: str, name: str) -> SessionRow:
        """All fields of a row; where its digest is damaged, what the file itself says."""
        digest = self.digest(name)
        row = read_again(Path(directory, name)) if digest is None else digest.row(directory, name)
        return self._priced(row)

    def digest(self, name: str) -> Digest | None:
        """The digest of a file; None when it is damaged."""
        number = self._number(name)
        offset, first, last, checksum = (column[number] for column in self._places)
        data = self._source.pread(first + last, self._blob + offset)
        if len(data) != first + last or zlib.crc32(data) != checksum:
            return None
        size, mtime_ns, _inode = self.stamps[name]
        return Digest(data[:first], data[first:], size, mtime_ns, bool(self._counted[number]))

    def _number(self, name: str) -> int:
        number = self._numbers.get(name)
        if number is None:
            self._numbers = {name: number for number, name in enumerate(self._names)}
            number = self._numbers[name]
        return number


def _cut(index: bytes, count: int) -> list[array[Any]]:
    columns = []
    start = 0
    for code in _COLUMNS:
        column = array(code)
        stop = start + count * column.itemsize
        column.frombytes(index[start:stop])
        columns.append(column)
        start = stop
    return columns


def cache_path(root: Path) -> Path | None:
    """Where the cache of a spool is; None for a directory that has none."""
    try:
        absolute = os.path.abspath(root)
    except OSError:  # the working directory is gone
        return None
    if os.path.basename(absolute) != SPOOL_NAME:
        return None
    # A name of its own for each path: a spool that was moved or copied starts afresh.
    name = f"{zlib.crc32(os.fsencode(absolute)):08x}"
    return Path(os.path.dirname(absolute), "cache", f"{name}.catalog")


class Kept(NamedTuple):
    """A session to be remembered."""

    name: str
    """Of its file."""
    stamp: Stamp
    row: SessionRow
    digest: Digest


def save(path: Path, sessions: Iterable[Kept]) -> None:
    """Write the cache with these sessions, newest first, as many as it may hold. Raises CacheUnusable."""
    columns: list[array[Any]] = [array(code) for code in _COLUMNS]
    names: list[str] = []
    ids: list[str] = []
    pieces: list[bytes] = []
    offset = 0
    for name, stamp, row, digest in sessions:
        status = row.status
        if status in (Status.RUNNING, Status.EMPTY):
            continue
        data = digest.first + digest.last
        if offset + len(data) + (len(names) + 1) * (_WIDTH + 2 * 256) > MAX_CACHE_BYTES:
            break
        started = float("nan") if row.started is None else row.started
        place = (offset, len(digest.first), len(digest.last), zlib.crc32(data))
        entry = (*stamp, started, *place, _STATUSES.index(status), digest.counted)
        for column, value in zip(columns, entry, strict=True):
            column.append(value)
        names.append(name)
        if row.session_id != name[:-_SUFFIX_LENGTH] and "\0" not in row.session_id:
            ids.append(f"{name}/{row.session_id}")
        pieces.append(data)
        offset += len(data)
    all_names = "\0".join([*names, *ids]).encode("utf-8", "surrogateescape")
    index = b"".join([*(column.tobytes() for column in columns), all_names])
    sizes = _SIZES.pack(len(names), len(all_names), offset, zlib.crc32(index))
    replace_file(path, [_MAGIC, sizes, index, *pieces])


def inspect(root: Path) -> CacheState:
    """The state of a spool's cache."""
    path = cache_path(root)
    if path is None:
        return CacheState(None, 0, 0, f"only a directory called {SPOOL_NAME!r} has one")
    try:
        cache = CatalogCache(path, lambda row: row)
    except CacheUnusable as why:
        size = path.lstat().st_size if os.path.lexists(path) else 0
        return CacheState(path, size, 0, str(why))
    return CacheState(path, cache.size_bytes, len(cache.stamps), "")


def replace_file(path: Path, pieces: list[bytes]) -> None:
    """Write a file of the cache, as a whole or not at all. Raises CacheUnusable."""
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
