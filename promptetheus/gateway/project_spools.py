"""A project of the gateway as a spool directory, for everything that reads spools.

With the embedded store that is where its lines are. With a database the newest sessions are copied into a directory
that goes with this process, and brought up to date when somebody asks.
"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from pathlib import Path

from promptetheus.encoding import encode_line
from promptetheus.gateway.identity import Tenant
from promptetheus.gateway.stores.embedded import EmbeddedStore
from promptetheus.gateway.stores.events import EventStore
from promptetheus.spool import make_private_directory, session_file_name

MAX_SESSIONS = 500
"""So many of a project's newest sessions are copied."""

_PAGE = 2_000
_OVERLAP_S = 10.0
"""How far back it is asked for news: clocks of several gateways differ, and transactions end out of order."""


class ProjectSpools:
    """Spool directories by project. Safe to use from several threads."""

    def __init__(self, store: EventStore) -> None:
        self._store = store
        self._copies: dict[Tenant, _Copy] = {}
        self._lock = threading.Lock()
        self._folder: Path | None = None

    def spool_of(self, tenant: Tenant) -> Path:
        """The directory, as new as the store. May raise StoreUnavailable and OSError."""
        if isinstance(self._store, EmbeddedStore):
            return self._store.spool_of(tenant.project_id)
        with self._lock:
            if self._folder is None:
                self._folder = Path(tempfile.mkdtemp(prefix="promptetheus-"))
            copy = self._copies.get(tenant)
            if copy is None:
                spool = self._folder / f"{len(self._copies)}" / "spool"
                copy = self._copies[tenant] = _Copy(self._store, tenant, spool)
        copy.refresh()
        return copy.spool

    def close(self) -> None:
        """Delete the copies."""
        with self._lock:
            folder, self._folder = self._folder, None
            self._copies.clear()
        if folder is not None:
            shutil.rmtree(folder, ignore_errors=True)


class _Copy:
    """The newest sessions of one project, in files."""

    def __init__(self, store: EventStore, tenant: Tenant, spool: Path) -> None:
        self._store, self._tenant, self.spool = store, tenant, spool
        self._positions: dict[str, int] = {}
        self._asked_s = 0.0
        self._lock = threading.Lock()

    def refresh(self) -> None:
        """Append what arrived since the last time."""
        with self._lock:
            make_private_directory(self.spool)
            now = time.time()
            if self._asked_s:
                ends = self._store.positions(self._tenant, self._asked_s - _OVERLAP_S)
                changed = [name for name, end in ends.items() if end > self._positions.get(name, 0)]
            else:
                rows = self._store.rows(self._tenant, None, MAX_SESSIONS)
                changed = [row.session_id for row in rows]
            for name in changed:
                self._append(name)
            self._asked_s = now

    def _append(self, session_id: str) -> None:
        position = self._positions.get(session_id, 0)
        with open(self.spool / session_file_name(session_id), "ab") as file:
            while found := self._store.arrived(self._tenant, session_id, position, _PAGE):
                file.writelines(encode_line(stored.event) for stored in found)
                position = found[-1].position
        self._positions[session_id] = position
