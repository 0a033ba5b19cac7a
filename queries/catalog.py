"""All sessions of a spool, from the head and tail of each file; unchanged files are not opened again.

Safe to use from several threads: one refreshes, others read rows. What was read is kept for the next process too,
in a cache that is written after the rows were given out.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from promptetheus.queries.catalog_cache import CacheUnusable, CatalogCache, cache_path, save
from promptetheus.queries.digest import Digest
from promptetheus.queries.listing import SUFFIX, OpenedDirectory, list_files, stat_files
from promptetheus.queries.paging import newest_first
from promptetheus.queries.pricing import Pricer
from promptetheus.queries.row_reader import Reading, looks_sealed, read_ended, read_file, stamp_of
from promptetheus.queries.rows import Change, Problem, SessionRow, Skipped, Status
from promptetheus.queries.source import NotReadable

__all__ = ["Catalog", "Change", "Problem", "SessionRow", "Skipped", "Status"]

_FIRST_BATCH = 64
_BATCH = 512
_PATIENCE_S = 0.1
"""A batch is given out after this long, however small."""

_LONG_BYTES = 2 * 1024 * 1024
_RECHECK_S = 1.0

_WORTH_BYTES = 8 * 1024 * 1024
"""The cache is written when reading again what it does not hold would take about so much: fewer sessions are read
faster than a file is written."""

_ENDS_BYTES = 16 * 1024
"""What a sealed session counts for in that."""


class Catalog:
    """The sessions of one spool directory. A missing directory is an empty catalog; nothing here raises OSError."""

    def __init__(self, root: Path, *, cached: bool = True) -> None:
        """`cached`: whether to use and keep the cache beside the spool."""
        self.root = root
        self._readings: dict[str, Reading] = {}
        self._lock = threading.RLock()
        """Held while readings are replaced; who only looks takes a snapshot without it."""
        self._running: set[str] = set()
        self._rechecked_s = 0.0
        self._version = 0
        """Counts changes; what was sorted for an older one is sorted anew."""
        self._sorted: tuple[int, list[SessionRow]] = (0, [])
        self._pricer: Pricer | None = None
        self._cached = cached
        self._cache_path: Path | None = None
        self._cache: CatalogCache | None = None
        self._cache_opened = False
        self._uncached_bytes = 0
        self._saver: threading.Thread | None = None

    def scan(self) -> Iterator[list[SessionRow]]:
        """Read what is new or changed; gives all rows in batches, newest file first, the first batch small."""
        self._open_cache()
        files = list(list_files(self.root).items())
        files.sort(key=lambda item: item[1].st_mtime_ns, reverse=True)
        with self._lock:
            self._forget_others({name for name, _ in files})
        # Long files without a summary are read whole: last, so that nobody waits for them.
        late = {name for name, found in files if self._takes_long(name, found)}
        if late:
            files.sort(key=lambda item: item[0] in late)
        given_s = time.monotonic()
        with OpenedDirectory(self.root) as directory:
            for start, stop in _batches(len(files)):
                batch = self._take_cached(files[start:stop])
                if len(batch) < stop - start:
                    batch = []
                    for name, found in files[start:stop]:
                        with self._lock:
                            self._look_at(name, found, directory)
                            reading = self._readings.get(name)
                        if reading is not None and isinstance(reading.found, SessionRow):
                            batch.append(reading.found)
                            if time.monotonic() - given_s > _PATIENCE_S:
                                yield batch
                                batch, given_s = [], time.monotonic()
                if batch:
                    yield batch
                    given_s = time.monotonic()
        self._keep()

    def refresh(self, paths: Iterable[Path] | None = None) -> Change:
        """Look at these files again, or at all of them when None or when the root itself is among them.

        Writers of running sessions are looked up too, once a second and whenever `paths` is empty: one that died
        leaves no trace in its file.
        """
        self._open_cache()
        names = None if paths is None else self._names(paths)
        files = list_files(self.root) if names is None else stat_files(self.root, names)
        with self._lock, OpenedDirectory(self.root) as directory:
            fresh = self._take_cached(list(files.items())) if not self._readings else []
            gone = (self._readings.keys() if names is None else names) - files.keys()
            removed = [session_id for name in gone for session_id in self._forget(name)]
            changed = []
            for name, found in files.items():
                known = self._readings.get(name)
                was = known.found if known else None
                if self._look_at(name, found, directory):
                    changed.append(name)
                    now = self._readings[name].found
                    if isinstance(was, SessionRow) and isinstance(now, Problem):
                        removed.append(was.session_id)
            if not names or time.monotonic() - self._rechecked_s > _RECHECK_S:
                changed += self._recheck_running().difference(changed)
            rows = [*fresh, *(self._readings[name].found for name in changed)]
        self._keep()
        return Change([row for row in rows if isinstance(row, SessionRow)], removed)

    def rows(self) -> list[SessionRow]:
        """All sessions read so far, the one that started last first (files without a time by their own)."""
        version = self._version
        known_version, rows = self._sorted
        if known_version != version:
            found = [reading.found for reading in list(self._readings.values())]
            rows = sorted((row for row in found if isinstance(row, SessionRow)), key=newest_first)
            self._sorted = (version, rows)
        return list(rows)

    def row(self, session_id: str) -> SessionRow | None:
        """The session of this id, as read so far."""
        return next((row for row in self.rows() if row.session_id == session_id), None)

    def problems(self) -> list[Problem]:
        """Files that are no sessions, and why, by name."""
        found = [reading.found for reading in list(self._readings.values())]
        return sorted((item for item in found if isinstance(item, Problem)), key=lambda item: item.path.name)

    def price_rows(self) -> list[SessionRow]:
        """Price the calls whose cost was not recorded; returns the rows that changed.

        The price library takes about 250 ms to load: not for the first paint. From then on new rows are priced
        as they come.
        """
        pricer = self._pricer or Pricer()
        updated = []
        for name, reading in list(self._readings.items()):
            row = reading.found
            priced = pricer.priced(row) if isinstance(row, SessionRow) else row
            if priced is not row and isinstance(priced, SessionRow):
                with self._lock:
                    if self._readings.get(name) is reading and reading.found is row:
                        reading.found = priced
                        self._version += 1
                        updated.append(priced)
        self._pricer = pricer
        return updated

    def wait_until_kept(self) -> None:
        """Until the cache is written, if it is being written. A process that ends waits by itself."""
        saver = self._saver
        if saver is not None:
            saver.join()

    def _open_cache(self) -> None:
        if self._cache_opened or not self._cached:
            return
        self._cache_opened = True
        self._cache_path = cache_path(self.root)
        try:
            self._cache = CatalogCache(self._cache_path) if self._cache_path is not None else None
        except CacheUnusable:  # written anew when that is worth it
            pass

    def _take_cached(self, files: list[tuple[str, os.stat_result]]) -> list[SessionRow]:
        """The rows of those files that the cache knows and nobody looked at yet."""
        if self._cache is None:
            return []
        with self._lock:
            rows = self._cache.take(str(self.root), files, self._readings)
            self._version += 1
            if self._pricer is None:
                return rows
            for name, _ in files:
                reading = self._readings.get(name)
                if reading is not None and isinstance(reading.found, SessionRow):
                    reading.found = self._pricer.priced(reading.found)
        return []

    def _keep(self) -> None:
        """Write the cache in a thread of its own, when enough was read that it does not hold."""
        with self._lock:
            if not self._cached or self._saver is not None or self._uncached_bytes < _WORTH_BYTES:
                return
            if self._cache_path is None:
                return
            self._uncached_bytes = 0
            readings = sorted(self._readings.items(), key=lambda item: item[1].stamp[1], reverse=True)
            # Not a daemon: it would be killed when a short command ends, just before it is done.
            self._saver = threading.Thread(target=self._save, args=(self._cache_path, readings))
            self._saver.name = "promptetheus-catalog-cache"
        self._saver.start()

    def _save(self, path: Path, readings: list[tuple[str, Reading]]) -> None:
        try:
            save(path, readings)
        except CacheUnusable:  # a full disk, or a read-only one: lists take a little longer
            self._cached = False
        self._saver = None

    def _takes_long(self, name: str, found: os.stat_result) -> bool:
        if found.st_size <= _LONG_BYTES:
            return False
        if name in self._readings or (self._cache is not None and self._cache.holds(name, found)):
            return False
        return not looks_sealed(self.root / name)

    def _names(self, paths: Iterable[Path]) -> set[str] | None:
        names = set()
        for path in paths:
            if path == self.root:
                return None
            if path.name.endswith(SUFFIX):
                names.add(path.name)
        return names

    def _look_at(self, name: str, found: os.stat_result, directory: OpenedDirectory) -> bool:
        """Read one file unless it is as it was; whether what is known of it changed. Call with the lock held."""
        known = self._readings.get(name)
        if known is not None and known.stamp == stamp_of(found):
            return False
        reading = self._read(name, found, known, directory)
        if reading is None:
            return False
        if self._pricer is not None and isinstance(reading.found, SessionRow):
            reading.found = self._pricer.priced(reading.found)
        self._readings[name] = reading
        self._version += 1
        if isinstance(reading.found, SessionRow) and reading.found.status is Status.RUNNING:
            self._running.add(name)
        else:
            self._running.discard(name)
        return known is None or known.found != reading.found

    def _read(
        self, name: str, found: os.stat_result, known: Reading | None, directory: OpenedDirectory
    ) -> Reading | None:
        """What is in the file now; None when it is gone."""
        if known is None:
            inside = directory.fileno()
            ended = read_ended(str(self.root), inside, name, found) if inside is not None else None
            if ended is not None:
                self._uncached_bytes += _ENDS_BYTES
                return ended
        path = self.root / name
        try:
            reading = read_file(path, known)
        except FileNotFoundError:
            return None
        except NotReadable as reason:
            return Reading(stamp_of(found), Problem(path, str(reason)))
        except Exception as error:  # one file must not hide all others
            return Reading(stamp_of(found), Problem(path, f"cannot be read: {type(error).__name__}: {error}"))
        if isinstance(reading.digest, Digest):
            self._uncached_bytes += found.st_size if reading.digest.counted else _ENDS_BYTES
        return reading

    def _recheck_running(self) -> set[str]:
        """Sessions whose writer is gone by now."""
        self._rechecked_s = time.monotonic()
        crashed = set()
        for name in self._running:
            reading = self._readings[name]
            row, tally = reading.found, reading.tally
            if isinstance(row, SessionRow) and (tally is None or not tally.writer_lives(row.mtime)):
                reading.found = replace(row, status=Status.CRASHED)
                if tally is not None:
                    reading.digest = tally.digest()
                    self._uncached_bytes += row.size_bytes
                reading.tally = None
                crashed.add(name)
        self._running -= crashed
        if crashed:
            self._version += 1
        return crashed

    def _forget_others(self, present: set[str]) -> None:
        for name in self._readings.keys() - present:
            self._forget(name)

    def _forget(self, name: str) -> list[str]:
        """The id of the session that is gone, if the file was one."""
        reading = self._readings.pop(name, None)
        self._running.discard(name)
        self._version += 1
        return [reading.found.session_id] if reading and isinstance(reading.found, SessionRow) else []


def _batches(count: int) -> Iterator[tuple[int, int]]:
    start, size = 0, _FIRST_BATCH
    while start < count:
        yield start, min(count, start + size)
        start, size = start + size, _BATCH
