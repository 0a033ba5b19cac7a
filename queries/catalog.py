"""All sessions of a spool, from the head and tail of each file; unchanged files are not opened again.

Safe to use from several threads: one refreshes, others read rows.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from promptetheus.queries.pricing import Pricer
from promptetheus.queries.row_reader import Reading, read_file, stamp_of
from promptetheus.queries.rows import Change, Problem, SessionRow, Skipped, Status
from promptetheus.queries.source import NotReadable

__all__ = ["Catalog", "Change", "Problem", "SessionRow", "Skipped", "Status"]

SUFFIX = ".jsonl"
_FIRST_BATCH = 64
_BATCH = 512


class Catalog:
    """The sessions of one spool directory. A missing directory is an empty catalog; nothing here raises OSError."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._entries: dict[str, Reading] = {}
        self._lock = threading.RLock()
        self._pricer: Pricer | None = None

    def scan(self) -> Iterator[list[SessionRow]]:
        """Read what is new or changed and give all rows in batches, newest file first; the first batch is small."""
        files = self._list_files()
        files.sort(key=lambda item: item[1].st_mtime_ns, reverse=True)
        self._forget_others({name for name, _ in files})
        batch: list[SessionRow] = []
        limit = _FIRST_BATCH
        for name, found in files:
            with self._lock:
                self._look_at(name, found)
                entry = self._entries.get(name)
            if entry is not None and isinstance(entry.found, SessionRow):
                batch.append(entry.found)
            if len(batch) >= limit:
                yield batch
                batch, limit = [], _BATCH
        if batch:
            yield batch

    def refresh(self, paths: Iterable[Path] | None = None) -> Change:
        """Look at these files again, or at all of them when None or when the root itself is among them.

        Running sessions are checked too: a writer that died leaves no trace in its file.
        """
        names = None if paths is None else self._names(paths)
        with self._lock:
            before = {name: entry.found for name, entry in self._entries.items()}
            removed: list[str] = []
            changed: list[str] = []
            if names is None:
                files = self._list_files()
                present = {name for name, _ in files}
                removed = self._forget_others(present)
                changed = [name for name, found in files if self._look_at(name, found)]
            else:
                for name in sorted(names):
                    try:
                        found_now = os.lstat(self.root / name)
                    except OSError:
                        removed += self._forget(name)
                        continue
                    if self._look_at(name, found_now):
                        changed.append(name)
            changed += self._recheck_running(set(changed))
            updated = []
            for name in changed:
                now, was = self._entries[name].found, before.get(name)
                if isinstance(now, SessionRow):
                    updated.append(now)
                elif isinstance(was, SessionRow):
                    removed.append(was.session_id)
            return Change(updated, removed)

    def rows(self) -> list[SessionRow]:
        """All sessions read so far, the one that started last first (files without a time by their own)."""
        with self._lock:
            found = [entry.found for entry in self._entries.values() if isinstance(entry.found, SessionRow)]
        found.sort(key=_newest_first)
        return found

    def row(self, session_id: str) -> SessionRow | None:
        """The session of this id, as read so far."""
        return next((row for row in self.rows() if row.session_id == session_id), None)

    def problems(self) -> list[Problem]:
        """Files that are no sessions, and why, by name."""
        with self._lock:
            found = [entry.found for entry in self._entries.values() if isinstance(entry.found, Problem)]
        return sorted(found, key=lambda problem: problem.path.name)

    def price_rows(self) -> list[SessionRow]:
        """Price the calls whose cost was not recorded; returns the rows that changed.

        The price library takes about 250 ms to load: not for the first paint. From then on new rows are priced
        as they come.
        """
        pricer = self._pricer or Pricer()
        updated = []
        with self._lock:
            entries = list(self._entries.items())
        for name, entry in entries:
            if isinstance(entry.found, SessionRow):
                priced = pricer.priced(entry.found)
                if priced is not entry.found:
                    with self._lock:
                        if self._entries.get(name) is entry:
                            entry.found = priced
                            updated.append(priced)
        self._pricer = pricer
        return updated

    def _names(self, paths: Iterable[Path]) -> set[str] | None:
        names = set()
        for path in paths:
            if path == self.root:
                return None
            if path.name.endswith(SUFFIX) and path.parent == self.root:
                names.add(path.name)
        return names

    def _list_files(self) -> list[tuple[str, os.stat_result]]:
        files = []
        try:
            with os.scandir(self.root) as entries:
                for entry in entries:
                    if entry.name.endswith(SUFFIX):
                        try:
                            files.append((entry.name, entry.stat(follow_symlinks=False)))
                        except OSError:  # gone since it was listed
                            continue
        except OSError:
            pass
        return files

    def _look_at(self, name: str, found: os.stat_result) -> bool:
        """Read one file unless it is as it was; whether the entry changed. Call with the lock held."""
        stamp = stamp_of(found)
        known = self._entries.get(name)
        if known is not None and known.stamp == stamp:
            return False
        path = self.root / name
        try:
            entry = read_file(path, known)
        except FileNotFoundError:
            return False
        except NotReadable as reason:
            entry = Reading(stamp, Problem(path, str(reason)))
        if self._pricer is not None and isinstance(entry.found, SessionRow):
            entry.found = self._pricer.priced(entry.found)
        self._entries[name] = entry
        return known is None or known.found != entry.found

    def _recheck_running(self, but: set[str]) -> list[str]:
        changed = []
        for name, entry in self._entries.items():
            row = entry.found
            if name in but or not isinstance(row, SessionRow) or row.status is not Status.RUNNING:
                continue
            if entry.tally is not None and not entry.tally.writer_lives(row.mtime):
                entry.found = replace(row, status=Status.CRASHED)
                entry.tally = None
                changed.append(name)
        return changed

    def _forget_others(self, present: set[str]) -> list[str]:
        with self._lock:
            gone = [name for name in self._entries if name not in present]
            return [session_id for name in gone for session_id in self._forget(name)]

    def _forget(self, name: str) -> list[str]:
        entry = self._entries.pop(name, None)
        return [entry.found.session_id] if entry and isinstance(entry.found, SessionRow) else []


def _newest_first(row: SessionRow) -> tuple[float, str]:
    return (-(row.started if row.started is not None else row.mtime), row.session_id)
