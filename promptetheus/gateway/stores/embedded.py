"""The embedded store of events: a spool directory per project, which `promptetheus tui` opens like any other.

<directory>/gateway.db                                workspaces, projects, keys, incidents, runtime notes, audit
<directory>/projects/<project>/spool/<session>.jsonl  the lines, as an agent's own spool would have them
<directory>/projects/<project>/spool/artifacts/       pictures and recordings by hash
"""

from __future__ import annotations

import fcntl
import os
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from pathlib import Path

from promptetheus.cause.failures import Outcome
from promptetheus.events import Event
from promptetheus.gateway.errors import StoreUnavailable
from promptetheus.gateway.identity import Tenant
from promptetheus.gateway.intake import Incoming
from promptetheus.gateway.places import spool_below
from promptetheus.gateway.stores.events import Appended, Stored
from promptetheus.gateway.stores.leases import Leases
from promptetheus.gateway.stores.session_file import SessionFile
from promptetheus.gateway.stores.stored_session import outcome_of
from promptetheus.queries.catalog import Catalog
from promptetheus.queries.event_line import Reject, parse
from promptetheus.queries.paging import newest_first
from promptetheus.queries.rows import SessionRow, Status
from promptetheus.queries.session_log import NotReadable, SessionLog
from promptetheus.spool import make_private_directory, session_file_name

MAX_OPEN_FILES = 256
MAX_KNOWN_KEYS = 1_000_000
"""Of all sessions that are being received; about 120 bytes each. Those of a session that rests are read again."""

MAX_OPEN_LOGS = 32
MAX_OPEN_CATALOGS = 64
MIN_FREE_BYTES = 64 << 20
"""With less room on the disk the gateway says that it is not ready."""

_READ_BYTES = 4 << 20


class EmbeddedStore:
    """Events in files. One process has a directory at a time; its threads may all use it."""

    def __init__(self, directory: Path) -> None:
        """Takes the directory. Raises StoreUnavailable when another gateway has it."""
        self.directory = directory
        self._files = Leases(
            SessionFile, SessionFile.close, MAX_OPEN_FILES, lambda file: len(file.keys), MAX_KNOWN_KEYS
        )
        self._logs = Leases(SessionLog, SessionLog.close, MAX_OPEN_LOGS)
        self._catalogs: Leases[str, Catalog] = Leases(
            lambda project: Catalog(self.spool_of(project)), Catalog.wait_until_kept, MAX_OPEN_CATALOGS
        )
        try:
            make_private_directory(directory)
            self._claim = os.open(directory / "gateway.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreUnavailable(
                f"another gateway uses {directory}: stop it, or give this one a directory of its own (--dir)"
            ) from None
        except OSError as error:
            raise StoreUnavailable(f"cannot use {directory}: {error.strerror or error}") from error

    def spool_of(self, project_id: str) -> Path:
        """The spool directory of a project."""
        return spool_below(self.directory, project_id)

    def append(self, tenant: Tenant, session_id: str, events: Sequence[Incoming]) -> Appended:
        """Store what is new of a batch."""
        try:
            with self._files.lease(self._path(tenant, session_id)) as file:
                return file.append(events)
        except OSError as error:
            raise StoreUnavailable(f"cannot write: {error.strerror or error}") from error

    def has(self, tenant: Tenant, session_id: str) -> bool:
        """Whether the session has events."""
        try:
            return self._path(tenant, session_id).stat().st_size > 0
        except OSError:
            return False

    def row(self, tenant: Tenant, session_id: str) -> SessionRow | None:
        """The session as lists show it."""
        path = self._path(tenant, session_id)
        with self._catalogs.lease(tenant.project_id) as catalog:
            catalog.refresh([path])
            catalog.price_rows()
            return catalog.row(session_id)

    def rows(self, tenant: Tenant, after: tuple[float, str] | None, limit: int) -> list[SessionRow]:
        """Sessions behind a place in the list."""
        rows = self._all_rows(tenant)
        if after is not None:
            rows = [row for row in rows if newest_first(row) > after]
        return rows[:limit]

    def events(
        self, tenant: Tenant, session_id: str, after: tuple[int, int] | None, limit: int
    ) -> list[tuple[tuple[int, int], Event]]:
        """Events by (seq, arrival)."""
        with self._logs.lease(self._path(tenant, session_id)) as log:
            try:
                while log.poll().more:
                    pass
            except (OSError, NotReadable):
                return []

            def place(number: int) -> tuple[int, int]:
                return log.seq_of(number), log.offset_of(number)

            numbers = range(len(log))
            first = 0 if after is None else bisect_right(numbers, after, key=place)
            return [(place(number), log.event(number)) for number in numbers[first : first + limit]]

    def arrived(self, tenant: Tenant, session_id: str, position: int, limit: int) -> list[Stored]:
        """Events in the order of the file. A position is an offset in it."""
        found: list[Stored] = []
        try:
            fd = os.open(self._path(tenant, session_id), os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError:
            return found
        try:
            size = os.fstat(fd).st_size
            if position and (position > size or os.pread(fd, 1, position - 1) != b"\n"):
                return found  # no place of this file
            while len(found) < limit and position < size:
                block = os.pread(fd, _READ_BYTES, position)
                lines = block[: block.rfind(b"\n") + 1].splitlines(keepends=True)
                if not lines:
                    break
                for line in lines[: limit - len(found)]:
                    position += len(line)
                    event = parse(line)
                    if not isinstance(event, Reject):
                        found.append(Stored(position, event))
        except OSError as error:
            raise StoreUnavailable(f"cannot read: {error.strerror or error}") from error
        finally:
            os.close(fd)
        return found

    def positions(self, tenant: Tenant, since_s: float) -> dict[str, int]:
        """Sizes of the files that changed since then."""
        with self._catalogs.lease(tenant.project_id) as catalog:
            catalog.refresh()
            return {row.session_id: row.size_bytes for row in catalog.rows() if row.mtime >= since_s}

    def outcomes(self, tenant: Tenant) -> Iterable[Outcome]:
        """How the ended sessions ended."""
        for row in self._all_rows(tenant):
            if row.status not in (Status.RUNNING, Status.EMPTY):
                yield outcome_of(row)

    def delete(self, tenant: Tenant, session_id: str) -> bool:
        """Delete the file."""
        try:
            with self._files.lease(self._path(tenant, session_id)) as file:
                return file.delete()
        except OSError as error:
            raise StoreUnavailable(f"cannot delete: {error.strerror or error}") from error

    def older_than(self, tenant: Tenant, moment_s: float, limit: int) -> list[str]:
        """Sessions whose file was last written before a moment."""
        with self._catalogs.lease(tenant.project_id) as catalog:
            catalog.refresh()
            old = sorted((row.mtime, row.session_id) for row in catalog.rows() if row.mtime < moment_s)
        return [session_id for _, session_id in old[:limit]]

    def maintain(self) -> None:
        """Nothing: files need no care."""

    def check(self) -> None:
        """Raise StoreUnavailable when the disk is full or cannot be written."""
        try:
            free = os.statvfs(self.directory)
        except OSError as error:
            raise StoreUnavailable(f"cannot look at {self.directory}: {error.strerror}") from error
        if free.f_bavail * free.f_frsize < MIN_FREE_BYTES or not os.access(self.directory, os.W_OK):
            raise StoreUnavailable(f"no room, or no right to write, in {self.directory}")

    def close(self) -> None:
        """Close all files and leave the directory to another gateway."""
        self._files.close()
        self._logs.close()
        self._catalogs.close()
        if self._claim >= 0:
            os.close(self._claim)
            self._claim = -1

    def _path(self, tenant: Tenant, session_id: str) -> Path:
        return self.spool_of(tenant.project_id) / session_file_name(session_id)

    def _all_rows(self, tenant: Tenant) -> list[SessionRow]:
        with self._catalogs.lease(tenant.project_id) as catalog:
            for _ in catalog.scan():
                pass
            catalog.refresh([])
            catalog.price_rows()
            return catalog.rows()
