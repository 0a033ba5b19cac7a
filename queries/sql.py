"""SQL over a spool, for anything that a person or an agent types: read only, bounded in time, rows and memory.

DuckDB reads the session files directly; there is no import before the first answer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptetheus.queries.catalog import Catalog
from promptetheus.queries.pruning import Planner
from promptetheus.queries.rows import SessionRow
from promptetheus.queries.views import event_types_of, mentioned

if TYPE_CHECKING:
    import duckdb

    from promptetheus.queries.sandbox import Sandbox

MAX_ROWS = 1000
TIMEOUT_S = 30.0
MAX_RESULT_BYTES = 64 * 1024 * 1024
"""Text and bytes in one result; a row beyond it is cut off like a row beyond `max_rows`."""

_QUERIES = ("SELECT", "EXPLAIN", "MULTI")
"""Statement types let through. To tell people early, not for safety; MULTI is what PIVOT is called."""

_OVER_CATALOG = frozenset(("sessions", "fingerprints"))
"""Views over what the catalog knows: 10,000 sessions take two seconds to load, and many queries want none."""

_ZONED = "TIMESTAMP WITH TIME ZONE"


class SqlError(Exception):
    """A query that cannot be run, was stopped or failed; the message is for the person who typed it."""


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


def run_sql(root: Path, sql: str, *, max_rows: int = MAX_ROWS, timeout_s: float = TIMEOUT_S) -> Result:
    """Run one query over the views of a spool; an empty or missing spool has all views without rows.

    Raises:
        SqlError: it is no single query, it failed, or it took longer than `timeout_s`.
    """
    database = SpoolDatabase(root)
    try:
        return database.run(sql, max_rows=max_rows, timeout_s=timeout_s)
    finally:
        database.close()


class SpoolDatabase:
    """A spool to ask again and again: what was loaded stays loaded until the spool changes.

    Safe to use from several threads; one query runs at a time. Nothing a query does lasts: it is rolled back.
    """

    def __init__(self, root: Path) -> None:
        self._catalog = Catalog(root)
        self._sandbox: Sandbox | None = None
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

    def run(self, sql: str, *, max_rows: int = MAX_ROWS, timeout_s: float = TIMEOUT_S) -> Result:
        """Like `run_sql`."""
        import duckdb

        with self._busy:
            started = time.perf_counter()
            self._stopped.clear()
            timer = threading.Timer(timeout_s, self.interrupt)
            timer.daemon = True
            timer.start()
            try:
                sandbox = self._up_to_date(sql)
                statement = _one_query(sandbox.connection, sql)
                with self.bounded():
                    columns, types, rows, truncated = self._fetch(sandbox.connection, statement, max_rows)
            except duckdb.InterruptException:
                took_s = time.perf_counter() - started
                raise SqlError(f"Stopped after {took_s:.1f} s. Ask for less, or allow more time.") from None
            except duckdb.Error as error:
                raise SqlError(_message(error)) from None
            finally:
                timer.cancel()
            skipped = sum(row.skipped.total for row in self._rows)
            elapsed_ms = (time.perf_counter() - started) * 1000
            return Result(columns, types, rows, truncated, elapsed_ms, skipped)

    def interrupt(self) -> None:
        """Stop the query that is running, from another thread; it raises SqlError there."""
        self._stopped.set()
        sandbox = self._sandbox
        if sandbox is not None:
            sandbox.interrupt()

    def close(self) -> None:
        """Free the memory. A later `run` loads again."""
        with self._busy:
            self._planner.close()
            self._discard()

    def bounded(self) -> AbstractContextManager[None]:
        """Around everything that runs what a stranger wrote: where its memory can be limited."""
        return nullcontext()

    def _up_to_date(self, sql: str) -> Sandbox:
        from promptetheus.queries.sandbox import Sandbox

        names = mentioned(sql)
        self._catalog.refresh()
        if "sessions" in names:
            self._catalog.price_rows()
        rows = self._catalog.rows()
        types = event_types_of(names)
        have = self._types
        covered = have is None or (types is not None and types <= have)
        columns = None
        if types is None or types:
            with self.bounded():
                columns = self._planner.columns_needed(sql)
        else:
            columns = frozenset()
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
        self._sandbox = Sandbox()
        try:
            self._sandbox.load(rows, types, columns, listed, self._raise_if_stopped)
        except BaseException:  # half loaded is not locked: nobody may ask it anything
            self._discard()
            raise
        self._rows, self._types, self._columns, self._listed = rows, types, columns, listed
        return self._sandbox

    def _discard(self) -> None:
        if self._sandbox is not None:
            self._sandbox.close()
        self._sandbox = None
        self._rows, self._types, self._columns, self._listed = [], frozenset(), frozenset(), False

    def _raise_if_stopped(self) -> None:
        if self._stopped.is_set():
            import duckdb

            raise duckdb.InterruptException("interrupted")

    def _fetch(
        self, connection: duckdb.DuckDBPyConnection, statement: duckdb.Statement, max_rows: int
    ) -> tuple[tuple[str, ...], tuple[str, ...], list[tuple[Any, ...]], bool]:
        connection.execute("begin transaction")
        try:
            self._raise_if_stopped()
            connection.execute(statement)
            described = connection.description or []
            columns = tuple(str(column[0]) for column in described)
            types = tuple(str(column[1]) for column in described)
            if any(_ZONED in name for name in types):
                # Times with a zone reach Python only through a package that is not ours to ask for.
                for part in _without_zones(statement.query, types):
                    connection.execute(part)
            rows, truncated = _take(connection, max_rows, self._raise_if_stopped)
            return columns, types, rows, truncated
        finally:
            self._rollback(connection)

    def _rollback(self, connection: duckdb.DuckDBPyConnection) -> None:
        import duckdb

        try:
            connection.execute("rollback")
        except duckdb.Error:  # stopped just now, or the transaction ended itself: start afresh next time
            self._discard()


def _one_query(connection: duckdb.DuckDBPyConnection, sql: str) -> duckdb.Statement:
    statements = connection.extract_statements(sql)
    if not statements:
        raise SqlError("There is no query.")
    if len(statements) > 1:
        raise SqlError(f"One query at a time; this is {len(statements)} statements.")
    kind = statements[0].type.name
    if kind not in _QUERIES:
        raise SqlError(f"Only queries run here, and {kind} is none: the spool is read, never changed.")
    return statements[0]


def _without_zones(query: str, types: tuple[str, ...]) -> tuple[str, str]:
    """The same query in two statements, its times as UTC. A view takes it with whatever ends or comments it."""
    names = [f"c{position}" for position in range(len(types))]
    casts = [
        f"{name}::{kind.replace(_ZONED, 'TIMESTAMP')}" if _ZONED in kind else name
        for name, kind in zip(names, types, strict=True)
    ]
    return (
        f"create temp view zoned ({', '.join(names)}) as {query}",
        f"select {', '.join(casts)} from zoned",
    )


def _take(
    connection: duckdb.DuckDBPyConnection, max_rows: int, check: Callable[[], None]
) -> tuple[list[tuple[Any, ...]], bool]:
    """Rows until there are enough: few at a time while they are large."""
    rows: list[tuple[Any, ...]] = []
    room = MAX_RESULT_BYTES
    step = 16
    while True:
        check()
        batch = connection.fetchmany(step)
        if not batch:
            return rows, False
        used = 0
        for row in batch:
            used += sum(len(cell) if isinstance(cell, str | bytes) else 16 for cell in row)
            if len(rows) >= max_rows or (used > room and rows):
                return rows, True
            rows.append(row)
        room -= used
        step = min(2000, step * 2) if used < 1 << 20 else 16


def _message(error: Exception) -> str:
    text = str(error)
    if "file system operations are disabled" in text or "allowed_directories" in text:
        return "Only the spool's views can be read here: no files, no network, no settings."
    if "pytz" in text:
        return "Times with a time zone cannot be shown: cast them to timestamp."
    return text
