"""All sessions of a spool, from the head and tail of each file; unchanged files are not opened again.

Safe to use from several threads: one refreshes, others read rows. What was read is kept for the next process too,
in a cache that is written after the rows were given out.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Container, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from promptetheus.queries.catalog_cache import CacheUnusable, CatalogCache, Kept, cache_path, save
from promptetheus.queries.digest import Digest
from promptetheus.queries.listing import SUFFIX, OpenedDirectory, Stamp, list_files, stat_files
from promptetheus.queries.paging import sorted_newest_first
from promptetheus.queries.pricing import Pricer
from promptetheus.queries.row_reader import Reading, looks_sealed, read_ended, read_file
from promptetheus.queries.rows import Change, Problem, SessionRow, Skipped, Status
from promptetheus.queries.source import NotReadable
from promptetheus.queries.tally import Tally

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
        self._stamps: dict[str, Stamp] = {}
        """Of every file that was looked at, as it was then. Here and below: by file name."""
        self._rows: dict[str, SessionRow] = {}
        self._problems: dict[str, Problem] = {}
        self._digests: dict[str, Digest] = {}
        """What the cache is made from, of sessions that were not in it."""
        self._tallies: dict[str, Tally] = {}
        """Of sessions to which more lines may come."""
        self._running: set[str] = set()
        self._lock = threading.RLock()
        """Held while any of these change; who only looks takes a copy without it."""
        self._rechecked_s = 0.0
        self._version = 0
        """Counts changes; what was sorted for an older one is sorted anew."""
        self._sorted: tuple[int, list[SessionRow]] = (0, [])
        self._pricer = Pricer(root)
        self._prices_all = False
        """Whether rows that are read from now on are priced as they come."""
        self._cached = cached
        self._cache_path: Path | None = None
        self._cache: CatalogCache | None = None
        self._cache_opened = False
        self._cache_taken = False
        self._glanced: dict[str, SessionRow] = {}
        """Given out before the scan, by name."""
        self._uncached_bytes = 0
        self._saver: threading.Thread | None = None

    def glance(self, most: int = _FIRST_BATCH) -> list[SessionRow]:
        """The newest `most` files as the cache knows them, those that are as they were, without a look at all
        others: for a first frame. `scan` gives them again."""
        with self._lock:
            cache = self._open_cache()
            if cache is None:
                return []
            files = stat_files(self.root, cache.newest(most))
            self._glanced = cache.take_newest(str(self.root), files, most)
            return list(self._glanced.values())

    def scan(self) -> Iterator[list[SessionRow]]:
        """Read what is new or changed; gives all rows in batches, newest file first, the first batch small."""
        files = list_files(self.root)
        with self._lock:
            self._forget_others(files)
            self._take_cached(files)
            unread = self._changed(files)
            changed = frozenset(unread)
            names = [name for name in self._stamps if name not in changed] if changed else list(self._stamps)
            names += unread
        # What the cache knew is in order, so that sorting takes no time.
        times = {name: stamp[1] for name, stamp in files.items()}
        names.sort(key=times.__getitem__, reverse=True)
        # Long files without a summary are read whole: last, so that nobody waits for them.
        late = {
            name for name in changed if files[name][0] > _LONG_BYTES and not looks_sealed(self.root / name)
        }
        if late:
            names.sort(key=late.__contains__)
        with OpenedDirectory(self.root) as directory:
            for start, stop in _batches(len(names)):
                yield from self._read_batch(names[start:stop], files, changed, directory)
        self._keep()

    def refresh(self, paths: Iterable[Path] | None = None) -> Change:
        """Look at these files again, or at all of them when None or when the root itself is among them.

        Writers of running sessions are looked up too, once a second and whenever `paths` is empty: one that died
        leaves no trace in its file.
        """
        wanted = None if paths is None else self._names(paths)
        files = list_files(self.root) if wanted is None else stat_files(self.root, wanted)
        with self._lock, OpenedDirectory(self.root) as directory:
            fresh = self._take_cached(files)
            known = self._stamps.keys() if wanted is None else wanted
            gone = [] if files.keys() == known else list(known - files.keys())
            removed = [session_id for name in gone for session_id in self._forget(name)]
            names = self._changed(files)
            before = {name: self._rows.get(name) for name in names}
            for name in self._read_ended(names, files, directory):
                self._look_at(name, files[name])
            changed = [name for name in names if name in self._rows and self._rows[name] != before[name]]
            replaced = [(before[name], name) for name in names if name in self._problems]
            removed += [row.session_id for row, _ in replaced if row is not None]
            if not wanted or time.monotonic() - self._rechecked_s > _RECHECK_S:
                changed += self._recheck_running().difference(changed)
            rows = [*fresh, *(self._rows[name] for name in changed)]
        self._keep()
        return Change(rows, removed)

    def rows(self) -> list[SessionRow]:
        """All sessions read so far, the one that started last first (files without a time by their own)."""
        version = self._version
        known_version, rows = self._sorted
        if known_version != version:
            rows = sorted_newest_first(list(self._rows.values()))
            self._sorted = (version, rows)
        return list(rows)

    def row(self, session_id: str) -> SessionRow | None:
        """The session of this id, as read so far."""
        return next((row for row in self.rows() if row.session_id == session_id), None)

    def problems(self) -> list[Problem]:
        """Files that are no sessions, and why, by name."""
        return sorted(self._problems.values(), key=lambda item: item.path.name)

    def price_rows(self) -> list[SessionRow]:
        """Price the calls whose cost was not recorded; returns the rows that changed.

        The price library takes about 250 ms to load where it has to be asked: not for the first paint. From then on
        new rows are priced as they come.
        """
        updated = []
        for name, row in list(self._rows.items()):
            priced = self._pricer.priced(row)
            if priced is not row:
                with self._lock:
                    if self._rows.get(name) is row:
                        self._rows[name] = priced
                        self._version += 1
                        updated.append(priced)
        self._prices_all = True
        self._pricer.keep()
        return updated

    @property
    def knows_prices(self) -> bool:
        """Whether prices are remembered, so that `price_rows` takes no time."""
        return self._pricer.knows_prices

    def wait_until_kept(self) -> None:
        """Until the cache is written, if it is being written. A process that ends waits by itself."""
        saver = self._saver
        if saver is not None:
            saver.join()

    def _take_cached(self, files: dict[str, Stamp]) -> list[SessionRow]:
        """At the first look: the rows of those of these files that the cache knows."""
        cache = None if self._cache_taken else self._open_cache()
        self._cache_taken = True
        if cache is None:
            return []
        rows = cache.take(str(self.root), files)
        # The same objects again: nobody has to work them out, or to draw them, a second time.
        rows.update((name, row) for name, row in self._glanced.items() if name in rows)
        self._glanced = {}
        self._stamps = {name: files[name] for name in rows}
        self._rows = rows
        self._version += 1
        return list(rows.values())

    def _open_cache(self) -> CatalogCache | None:
        if self._cached and not self._cache_opened:
            self._cache_opened = True
            self._cache_path = cache_path(self.root)
            try:
                if self._cache_path is not None:
                    self._cache = CatalogCache(self._cache_path, self._pricer.priced_at_once)
            except CacheUnusable:  # written anew when that is worth it
                pass
        return self._cache

    def _keep(self) -> None:
        """Write the cache in a thread of its own, when enough was read that it does not hold."""
        with self._lock:
            if not self._cached or self._saver is not None or self._uncached_bytes < _WORTH_BYTES:
                return
            if self._cache_path is None:
                return
            self._uncached_bytes = 0
            sessions = [(name, self._stamps[name], row) for name, row in self._rows.items()]
            # Not a daemon: it would be killed when a short command ends, just before it is done.
            self._saver = threading.Thread(target=self._save, args=(self._cache_path, sessions))
            self._saver.name = "promptetheus-catalog-cache"
        self._saver.start()

    def _save(self, path: Path, sessions: list[tuple[str, Stamp, SessionRow]]) -> None:
        sessions.sort(key=lambda session: session[1][1], reverse=True)
        try:
            save(path, self._kept(sessions))
        except CacheUnusable:  # a full disk, or a read-only one: lists take a little longer
            self._cached = False
        self._saver = None

    def _kept(self, sessions: list[tuple[str, Stamp, SessionRow]]) -> Iterator[Kept]:
        """Those of these sessions of which there is what their rows were made from."""
        for name, stamp, row in sessions:
            digest = self._digests.get(name)
            if digest is None and self._cache is not None and self._cache.stamps.get(name) == stamp:
                digest = self._cache.digest(name)
            if digest is not None:
                yield Kept(name, stamp, row, digest)

    def _names(self, paths: Iterable[Path]) -> set[str] | None:
        names = set()
        for path in paths:
            if path == self.root:
                return None
            if path.name.endswith(SUFFIX):
                names.add(path.name)
        return names

    def _changed(self, files: dict[str, Stamp]) -> list[str]:
        """Those of these files that were not looked at as they are now."""
        stamps = self._stamps
        # Comparing ten thousand entries in one go takes a tenth of a millisecond.
        return [] if files == stamps else [name for name, stamp in files.items() if stamps.get(name) != stamp]

    def _read_batch(
        self, names: list[str], files: dict[str, Stamp], changed: frozenset[str], directory: OpenedDirectory
    ) -> Iterator[list[SessionRow]]:
        """The rows of these files. One that takes long does not keep the others waiting."""
        began_s = time.monotonic()
        unread = [name for name in names if name in changed] if changed else []
        with self._lock:
            unread = self._read_ended(unread, files, directory)
        left = names
        for name in unread:
            with self._lock:
                self._look_at(name, files[name])
            if time.monotonic() - began_s > _PATIENCE_S:
                place = left.index(name) + 1
                yield self._known(left[:place])
                left, began_s = left[place:], time.monotonic()
        rows = self._known(left)
        if rows:
            yield rows

    def _known(self, names: list[str]) -> list[SessionRow]:
        rows = self._rows
        return [rows[name] for name in names if name in rows]

    def _read_ended(self, names: list[str], files: dict[str, Stamp], directory: OpenedDirectory) -> list[str]:
        """Read those of these files that are sealed sessions; the others. Call with the lock held."""
        inside = directory.fileno() if names else None
        if inside is None:
            return names
        ended = read_ended(str(self.root), inside, [(name, files[name]) for name in names])
        if self._prices_all:
            ended.rows[:] = map(self._pricer.priced, ended.rows)
        for name in ended.names:
            if name in self._stamps:
                self._forget(name)
            self._stamps[name] = files[name]
        self._version += 1
        self._rows.update(zip(ended.names, ended.rows, strict=True))
        self._digests.update(zip(ended.names, ended.digests, strict=True))
        self._uncached_bytes += len(ended.names) * _ENDS_BYTES
        read = frozenset(ended.names)
        return [name for name in names if name not in read]

    def _look_at(self, name: str, listed: Stamp) -> None:
        """Read one file unless it is as it was. Call with the lock held."""
        if self._stamps.get(name) == listed:
            return
        reading = self._read(name, listed)
        if reading is None:
            return
        self._forget(name)
        self._stamps[name] = reading.stamp
        if isinstance(reading.found, Problem):
            self._problems[name] = reading.found
            return
        row = self._pricer.priced(reading.found) if self._prices_all else reading.found
        self._rows[name] = row
        if reading.digest is not None:
            self._digests[name] = reading.digest
            self._uncached_bytes += listed[0] if reading.digest.counted else _ENDS_BYTES
        if reading.tally is not None:
            self._tallies[name] = reading.tally
        if row.status is Status.RUNNING:
            self._running.add(name)

    def _read(self, name: str, listed: Stamp) -> Reading | None:
        """What is in the file now; None when it is gone."""
        path = self.root / name
        tally, row = self._tallies.get(name), self._rows.get(name)
        known = Reading(self._stamps[name], row, tally) if tally is not None and row is not None else None
        try:
            return read_file(path, known)
        except FileNotFoundError:
            return None
        except NotReadable as reason:
            return Reading(listed, Problem(path, str(reason)))
        except Exception as error:  # one file must not hide all others
            return Reading(listed, Problem(path, f"cannot be read: {type(error).__name__}: {error}"))

    def _recheck_running(self) -> set[str]:
        """Sessions whose writer is gone by now."""
        self._rechecked_s = time.monotonic()
        crashed = set()
        for name in self._running:
            row, tally = self._rows[name], self._tallies.get(name)
            if tally is not None and tally.writer_lives(row.mtime):
                continue
            self._rows[name] = replace(row, status=Status.CRASHED)
            digest = tally.digest() if tally is not None else None
            if digest is not None:
                self._digests[name] = digest
                self._uncached_bytes += row.size_bytes
            self._tallies.pop(name, None)
            crashed.add(name)
        self._running -= crashed
        if crashed:
            self._version += 1
        return crashed

    def _forget_others(self, present: Container[str]) -> None:
        for name in [name for name in self._stamps if name not in present]:
            self._forget(name)

    def _forget(self, name: str) -> list[str]:
        """The id of the session that is gone, if the file was one."""
        self._version += 1
        self._stamps.pop(name, None)
        for held in (self._digests, self._tallies, self._problems):
            held.pop(name, None)
        self._running.discard(name)
        row = self._rows.pop(name, None)
        return [] if row is None else [row.session_id]


def _batches(count: int) -> Iterator[tuple[int, int]]:
    start, size = 0, _FIRST_BATCH
    while start < count:
        yield start, min(count, start + size)
        start, size = start + size, _BATCH
