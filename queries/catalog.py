"""All sessions of a spool, from the head and tail of each file; unchanged files are not opened again.

Safe to use from several threads: one refreshes, others read rows.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from promptetheus.queries.pricing import Pricer
from promptetheus.queries.row_reader import Reading, looks_sealed, read_file, stamp_of
from promptetheus.queries.rows import Change, Problem, SessionRow, Skipped, Status
from promptetheus.queries.source import NotReadable

__all__ = ["Catalog", "Change", "Problem", "SessionRow", "Skipped", "Status"]

SUFFIX = ".jsonl"
_FIRST_BATCH = 64
_BATCH = 512
_PATIENCE_S = 0.1
"""A batch is given out after this long, however small."""

_LONG_BYTES = 2 * 1024 * 1024
_RECHECK_S = 1.0


class Catalog:
    """The sessions of one spool directory. A missing directory is an empty catalog; nothing here raises OSError."""

    def __init__(self, root: Path) -> None:
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

    def scan(self) -> Iterator[list[SessionRow]]:
        """Read what is new or changed; gives all rows in batches, newest file first, the first batch small."""
        files = list(self._list_files().items())
        files.sort(key=lambda item: item[1].st_mtime_ns, reverse=True)
        with self._lock:
            self._forget_others({name for name, _ in files})
        batch: list[SessionRow] = []
        limit = _FIRST_BATCH
        given_s = time.monotonic()
        # Long files without a summary are read whole: last, so that nobody waits for them.
        for name, found in sorted(files, key=lambda item: self._takes_long(*item)):
            with self._lock:
                self._look_at(name, found)
                reading = self._readings.get(name)
            if reading is not None and isinstance(reading.found, SessionRow):
                batch.append(reading.found)
            if len(batch) >= limit or (batch and time.monotonic() - given_s > _PATIENCE_S):
                yield batch
                batch, limit, given_s = [], _BATCH, time.monotonic()
        if batch:
            yield batch

    def refresh(self, paths: Iterable[Path] | None = None) -> Change:
        """Look at these files again, or at all of them when None or when the root itself is among them.

        Writers of running sessions are looked up too, once a second and whenever `paths` is empty: one that died
        leaves no trace in its file.
        """
        names = None if paths is None else self._names(paths)
        files = self._list_files() if names is None else self._stat_files(names)
        with self._lock:
            gone = (self._readings.keys() if names is None else names) - files.keys()
            removed = [session_id for name in gone for session_id in self._forget(name)]
            changed = []
            for name, found in files.items():
                known = self._readings.get(name)
                was = known.found if known else None
                if self._look_at(name, found):
                    changed.append(name)
                    now = self._readings[name].found
                    if isinstance(was, SessionRow) and isinstance(now, Problem):
                        removed.append(was.session_id)
            if not names or time.monotonic() - self._rechecked_s > _RECHECK_S:
                changed += self._recheck_running().difference(changed)
            rows = [self._readings[name].found for name in changed]
            return Change([row for row in rows if isinstance(row, SessionRow)], removed)

    def rows(self) -> list[SessionRow]:
        """All sessions read so far, the one that started last first (files without a time by their own)."""
        version = self._version
        known_version, rows = self._sorted
        if known_version != version:
            found = [reading.found for reading in list(self._readings.values())]
            rows = sorted((row for row in found if isinstance(row, SessionRow)), key=_newest_first)
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

    def _takes_long(self, name: str, found: os.stat_result) -> bool:
        return (
            found.st_size > _LONG_BYTES and name not in self._readings and not looks_sealed(self.root / name)
        )

    def _names(self, paths: Iterable[Path]) -> set[str] | None:
        names = set()
        for path in paths:
            if path == self.root:
                return None
            if path.name.endswith(SUFFIX):
                names.add(path.name)
        return names

    def _list_files(self) -> dict[str, os.stat_result]:
        files = {}
        try:
            with os.scandir(self.root) as entries:
                for entry in entries:
                    if entry.name.endswith(SUFFIX):
                        try:
                            files[entry.name] = entry.stat(follow_symlinks=False)
                        except OSError:  # gone since it was listed
                            continue
        except OSError:
            pass
        return files

    def _stat_files(self, names: Iterable[str]) -> dict[str, os.stat_result]:
        files = {}
        for name in sorted(names):
            try:
                files[name] = os.lstat(self.root / name)
            except OSError:
                continue
        return files

    def _look_at(self, name: str, found: os.stat_result) -> bool:
        """Read one file unless it is as it was; whether what is known of it changed. Call with the lock held."""
        stamp = stamp_of(found)
        known = self._readings.get(name)
        if known is not None and known.stamp == stamp:
            return False
        path = self.root / name
        try:
            reading = read_file(path, known)
        except FileNotFoundError:
            return False
        except NotReadable as reason:
            reading = Reading(stamp, Problem(path, str(reason)))
        except Exception as error:  # one file must not hide all others
            reading = Reading(stamp, Problem(path, f"cannot be read: {type(error).__name__}: {error}"))
        if self._pricer is not None and isinstance(reading.found, SessionRow):
            reading.found = self._pricer.priced(reading.found)
        self._readings[name] = reading
        self._version += 1
        if isinstance(reading.found, SessionRow) and reading.found.status is Status.RUNNING:
            self._running.add(name)
        else:
            self._running.discard(name)
        return known is None or known.found != reading.found

    def _recheck_running(self) -> set[str]:
        """Sessions whose writer is gone by now."""
        self._rechecked_s = time.monotonic()
        crashed = set()
        for name in self._running:
            reading = self._readings[name]
            row, tally = reading.found, reading.tally
            if isinstance(row, SessionRow) and (tally is None or not tally.writer_lives(row.mtime)):
                reading.found = replace(row, status=Status.CRASHED)
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


def _newest_first(row: SessionRow) -> tuple[float, str]:
    return (-(row.started if row.started is not None else row.mtime), row.session_id)
