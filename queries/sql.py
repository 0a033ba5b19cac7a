"""SQL over spools, for anything that a person or an agent types: read only, bounded in time, rows and memory.

DuckDB reads the session files directly; there is no import before the first answer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from promptetheus.queries.open_query import MAX_RESULT_BYTES, OpenQuery
from promptetheus.queries.pruning import Planner
from promptetheus.queries.roots import Roots
from promptetheus.queries.rows import SessionRow
from promptetheus.queries.spools import Spools
from promptetheus.queries.sql_error import SqlError, from_duckdb
from promptetheus.queries.views import event_types_of, mentioned

if TYPE_CHECKING:
    from promptetheus.queries.sandbox import Sandbox

__all__ = ["MAX_RESULT_BYTES", "MAX_ROWS", "TIMEOUT_S", "Result", "SpoolDatabase", "SqlError", "run_sql"]

MAX_ROWS = 1000
TIMEOUT_S = 30.0

_OVER_CATALOG = frozenset(("sessions", "fingerprints"))
"""Views over what the catalog knows: 10,000 sessions take two seconds to load, and many queries want none."""


@dataclass(frozen=True, slots=True)
class Result:
    """What a query gave."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    """DuckDB's name of each column's type; JSON columns hold text."""
    rows: list[tuple[Any, ...]]
    truncated: bool
    """There are more rows than were asked for, or than fit `MAX_RESULT_BYTES`."""
    elapsed_ms: float
    """Reading the spool included."""
    skipped: int
    """Lines of the spool's session files that are no events; the query did not see them."""
    shadowed: int = 0
    """Sessions left out because a spool named earlier has one of the same id."""


def run_sql(roots: Roots, sql: str, *, max_rows: int = MAX_ROWS, timeout_s: float = TIMEOUT_S) -> Result:
    """Run one query over the views of a spool, or of several; one that is empty or missing adds no rows.

    Raises:
        SqlError: it is no single query, it failed, or it took longer than `timeout_s`.
    """
    database = SpoolDatabase(roots)
    try:
        return database.run(sql, max_rows=max_rows, timeout_s=timeout_s)
    finally:
        database.close()


class SpoolDatabase:
    """Spools to ask again and again: what was loaded stays loaded until they change.

    Safe to use from several threads; one query runs at a time. Nothing a query does lasts: it is rolled back.
    """

    def __init__(self, roots: Roots) -> None:
        self._spools = Spools(roots)
        self._sandbox: Sandbox | None = None
        self._query: OpenQuery | None = None
        self._rows: list[SessionRow] = []
        self._types: frozenset[str] | None = frozenset()
        """Event types in the sandbox; None for all."""
        self._columns: frozenset[str] | None = frozenset()
        """Columns of events in the sandbox; None for all."""
        self._listed = False
        """Whether the sandbox holds the sessions."""
        self._planner = Planner()
        self._busy = threading.Lock()
        self._stopped = threading.Event()
        self.phase = ""
        """What is being done, in words."""
        self.skipped = self.shadowed = 0
        """As in `Result`, of the query asked last."""

    def run(self, sql: str, *, max_rows: int = MAX_ROWS, timeout_s: float = TIMEOUT_S) -> Result:
        """Like `run_sql`."""
        with self._busy:
            started = time.perf_counter()
            self._finish()
            with self._limited(timeout_s, sql):
                try:
                    query = self._query = self._begun(sql)
                    with self.bounded():
                        rows, truncated = query.take(max_rows)
                finally:
                    self._finish()
            elapsed_ms = (time.perf_counter() - started) * 1000
            return Result(
                query.columns, query.types, rows, truncated, elapsed_ms, self.skipped, self.shadowed
            )

    def open(self, sql: str, *, timeout_s: float = TIMEOUT_S) -> OpenQuery:
        """Begin a query whose rows are taken with `take_more`, until the next `open`, `run` or `close`."""
        with self._busy:
            self._finish()
            with self._limited(timeout_s, sql):
                query = self._query = self._begun(sql)
            return query

    def take_more(
        self, max_rows: int, max_bytes: int = MAX_RESULT_BYTES, *, timeout_s: float = TIMEOUT_S
    ) -> tuple[list[tuple[Any, ...]], bool]:
        """The next rows of the open query, and whether there are more. Raises SqlError."""
        with self._busy:
            if self._query is None:
                raise SqlError("Another query has run since: run this one again.")
            with self._limited(timeout_s, ""):
                try:
                    with self.bounded():
                        return self._query.take(max_rows, max_bytes)
                except BaseException:
                    self._finish()
                    raise

    def progress(self) -> float | None:
        """How much of the running query is done, from 0 to 1, as DuckDB guesses; from another thread."""
        sandbox = self._sandbox
        return None if sandbox is None else sandbox.progress()

    def interrupt(self) -> None:
        """Stop the query that is running, from another thread; it raises SqlError there."""
        self._stopped.set()
        sandbox = self._sandbox
        if sandbox is not None:
            sandbox.interrupt()

    def close(self) -> None:
        """Free the memory. A later `run` loads again."""
        with self._busy:
            self._finish()
            self._planner.close()
            self._discard()

    def bounded(self) -> AbstractContextManager[None]:
        """Around everything that runs what a stranger wrote: where its memory can be limited."""
        return nullcontext()

    @contextmanager
    def _limited(self, timeout_s: float, sql: str) -> Iterator[None]:
        """Stops what runs inside after the time; its errors come out as SqlError."""
        import duckdb

        started = time.perf_counter()
        self._stopped.clear()
        timer = threading.Timer(timeout_s, self.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield
        except duckdb.InterruptException:
            took_s = time.perf_counter() - started
            raise SqlError(f"Stopped after {took_s:.1f} s. Ask for less, or allow more time.") from None
        except duckdb.Error as error:
            raise from_duckdb(error, sql) from None
        finally:
            timer.cancel()
            self.phase = ""

    def _begun(self, sql: str) -> OpenQuery:
        sandbox = self._up_to_date(sql)
        self.phase = "running the query"
        with self.bounded():
            return OpenQuery(sandbox.connection, sql, self._raise_if_stopped)

    def _finish(self) -> None:
        """End the open query, if there is one."""
        import duckdb

        query, self._query = self._query, None
        if query is not None:
            try:
                query.close()
            except duckdb.Error:  # stopped just now, or the transaction ended itself: start afresh next time
                self._discard()

    def _up_to_date(self, sql: str) -> Sandbox:
        from promptetheus.queries.sandbox import Sandbox

        names = mentioned(sql)
        types = event_types_of(names)
        self.phase = "looking through the spool"
        with ThreadPoolExecutor(1) as beside:  # DuckDB plans and starts while the files are looked at
            prepared = beside.submit(self._prepared, sql, types)
            self._spools.refresh()
        columns, fresh = prepared.result()
        if "sessions" in names:
            self._spools.price_rows()
        rows, self.shadowed = self._spools.distinct_rows()
        self.skipped = sum(row.skipped.total for row in rows)
        have = self._types
        covered = have is None or (types is not None and types <= have)
        listed = bool(names & _OVER_CATALOG)
        covered = covered and (self._listed or not listed)
        covered = covered and (self._columns is None or (columns is not None and columns <= self._columns))
        if self._sandbox is not None and covered and rows == self._rows:
            return self._sandbox
        if types is not None and have is not None:
            types |= have  # who asks for one kind now and another next asks for the first again
        if columns is not None and self._columns is not None:
            columns |= self._columns
        listed |= self._listed
        self._discard()
        self.phase = "reading events"
        self._sandbox = fresh or Sandbox()
        try:
            self._sandbox.load(rows, types, columns, listed, self._raise_if_stopped)
        except BaseException:  # half loaded is not locked: nobody may ask it anything
            self._discard()
            raise
        self._rows, self._types, self._columns, self._listed = rows, types, columns, listed
        return self._sandbox

    def _prepared(
        self, sql: str, types: frozenset[str] | None
    ) -> tuple[frozenset[str] | None, Sandbox | None]:
        """The columns of events that the query needs, and a sandbox where there is none yet."""
        from promptetheus.queries.sandbox import Sandbox

        columns: frozenset[str] | None = frozenset()
        if types is None or types:
            with self.bounded():
                columns = self._planner.columns_needed(sql)
        return columns, Sandbox() if self._sandbox is None else None

    def _discard(self) -> None:
        if self._sandbox is not None:
            self._sandbox.close()
        self._sandbox = None
        self._rows, self._types, self._columns, self._listed = [], frozenset(), frozenset(), False

    def _raise_if_stopped(self) -> None:
        if self._stopped.is_set():
            import duckdb

            raise duckdb.InterruptException("interrupted")
