"""A spool that is asked many questions: what was read of it is kept, and looked at again before each answer."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from promptetheus.cause.explain import explain
from promptetheus.cause.first_mistake import Candidate, first_mistakes
from promptetheus.cause.narrative import did_fail
from promptetheus.mcp.answers import Refused, events_without_secrets
from promptetheus.mcp.lines import session_name
from promptetheus.queries.catalog import Catalog
from promptetheus.queries.rows import SessionRow
from promptetheus.queries.session_log import SessionLog

if TYPE_CHECKING:
    from promptetheus.queries.failure_list import ListedFailure
    from promptetheus.queries.isolated import IsolatedDatabase

MAX_LOGS = 8
"""So many sessions stay open; the one asked for the longest time ago is closed."""

MAX_OUTLINES = 64
"""Outlines that are remembered: of a session of 100,000 events one takes seconds."""

_ALL_LINES = 10_000


class SpoolReader:
    """The sessions of a spool, its failures and its SQL. Safe to use from several threads."""

    def __init__(self, spool: Path) -> None:
        self.spool = spool
        self._catalog = Catalog(spool)
        self._lock = threading.RLock()
        self._database: IsolatedDatabase | None = None
        self._logs: OrderedDict[Path, SessionLog] = OrderedDict()
        self._outlines: OrderedDict[tuple[Path, int, int], tuple[list[str], list[Candidate]]] = OrderedDict()
        """By session, its size and the budget."""
        self._rows: list[SessionRow] = []
        self._failures: list[ListedFailure] | None = None

    def close(self) -> None:
        """Close what is open, and end the process that answers SQL, if there is one."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None
            while self._logs:
                self._logs.popitem()[1].close()

    def rows(self) -> list[SessionRow]:
        """All sessions, newest first."""
        with self._lock:
            change = self._catalog.refresh()
            if change.updated or change.removed or not self._rows:
                self._rows, self._failures = self._catalog.rows(), None
            return self._rows

    def failures(self) -> list[ListedFailure]:
        """The failures of these sessions, the one seen last first, with the notes of people."""
        from promptetheus.queries.failure_list import list_failures, with_notes

        with self._lock:
            rows = self.rows()
            if self._failures is None:
                self._failures = list_failures(self.spool, rows)
            return with_notes(self.spool, self._failures)

    def open(self, session: str) -> tuple[SessionRow, SessionLog]:
        """A session by its id or the beginning of it. Raises Refused, for paths too."""
        from promptetheus.queries.resolve import AmbiguousSession, SessionNotFound, resolve

        if "/" in session or session.endswith((".json", ".jsonl")):
            raise Refused("A session is named by its id or the beginning of it, not by a path.")
        try:
            path = resolve(self.spool, session)
        except AmbiguousSession as error:
            named = ", ".join(map(session_name, error.candidates[:10]))
            raise Refused(f"{session[:80]!r} is the beginning of several sessions: {named}.") from None
        except SessionNotFound:
            newest = ", ".join(session_name(row.session_id) for row in self.rows()[:3]) or "none"
            raise Refused(f"There is no session {session[:80]!r}. The newest are: {newest}.") from None
        if path.parent.resolve() != self.spool.resolve():
            raise Refused("A session is named by its id or the beginning of it, not by a path.")
        with self._lock:
            log = self._logs.pop(path, None) or SessionLog(path)
            self._logs[path] = log
            try:
                while log.poll().more:
                    pass
            except OSError as error:
                raise Refused(f"Session {path.stem} cannot be read: {error.strerror or error}.") from None
            if len(self._logs) > MAX_LOGS:
                self._logs.popitem(last=False)[1].close()
            return log.row(), log

    def outline(self, row: SessionRow, log: SessionLog, max_bytes: int) -> tuple[list[str], list[Candidate]]:
        """What happened in a session, in lines, and its likeliest first mistakes when it failed."""
        key = (row.path, log.size_bytes, max_bytes)
        with self._lock:
            known = self._outlines.get(key)
            if known is None:
                # Before it is cut: half a secret is no longer known as one.
                events = events_without_secrets(log.events())
                lines = explain(events, lines=_ALL_LINES, max_bytes=max_bytes).splitlines()
                known = (lines, first_mistakes(events, limit=3) if did_fail(events) else [])
                self._outlines[key] = known
                if len(self._outlines) > MAX_OUTLINES:
                    self._outlines.popitem(last=False)
            return known

    def fingerprint(self, beginning: str, rows: Sequence[SessionRow]) -> str:
        """The fingerprint that begins so, or that of the session that does. Raises Refused."""
        known = sorted({row.fingerprint for row in rows if row.fingerprint})
        found = [each for each in known if beginning and each.startswith(beginning.lower())]
        if len(found) == 1:
            return found[0]
        if not found:
            of_session = {
                row.fingerprint for row in rows if beginning and row.session_id.startswith(beginning)
            }
            if len(of_session) == 1 and (only := of_session.pop()):
                return only
        what = "begins several of" if found else "is none of"
        raise Refused(
            f"{beginning[:40]!r} {what} the fingerprints: {', '.join(found or known[:20]) or 'there are none'}."
        )

    def database(self) -> IsolatedDatabase:
        """The process that answers SQL, started at the first question."""
        with self._lock:
            if self._database is None:
                from promptetheus.queries.isolated import IsolatedDatabase

                self._database = IsolatedDatabase(self.spool)
            return self._database
