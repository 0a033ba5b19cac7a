"""A query that runs: its columns are known, its rows come when they are asked for."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from promptetheus.queries.sql_error import SqlError

if TYPE_CHECKING:
    import duckdb

MAX_RESULT_BYTES = 64 * 1024 * 1024
"""Text and bytes taken at once; a row beyond it is left for later like a row beyond the number asked for."""

_QUERIES = ("SELECT", "EXPLAIN", "MULTI")
"""Statement types let through. To tell people early, not for safety; MULTI is what PIVOT is called."""

_ZONED = "TIMESTAMP WITH TIME ZONE"

Row = tuple[Any, ...]


class OpenQuery:
    """The rows of one query, in a transaction that is rolled back at the end: nothing a query does lasts.

    DuckDB computes rows as they are fetched, so that a query over a million rows costs what is looked at (one that
    sorts or groups has to see everything first). Not safe to use from two threads at a time.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, sql: str, check: Callable[[], None]) -> None:
        """Begin it. Raises SqlError for what is no single query, and `duckdb.Error`.

        Args:
            check: called between blocks of rows; what it raises ends the query.
        """
        statement = _one_query(connection, sql)
        self._connection = connection
        self._check = check
        self._waiting: list[Row] = []
        connection.execute("begin transaction")
        try:
            check()
            connection.execute(statement)
            described = connection.description or []
            self.columns = tuple(str(column[0]) for column in described)
            self.types = tuple(str(column[1]) for column in described)
            """DuckDB's names of the types; JSON columns hold text."""
            if any(_ZONED in name for name in self.types):
                # Times with a zone reach Python only through a package that is not ours to ask for.
                for part in _without_zones(statement.query, self.types):
                    connection.execute(part)
        except BaseException:
            connection.execute("rollback")
            raise

    def take(self, max_rows: int, max_bytes: int = MAX_RESULT_BYTES) -> tuple[list[Row], bool]:
        """The next rows, and whether there are more. Few at a time while they are large. Raises `duckdb.Error`."""
        rows: list[Row] = []
        room = max_bytes
        step = 16
        while True:
            self._check()
            batch = self._waiting or self._connection.fetchmany(step)
            self._waiting = []
            if not batch:
                return rows, False
            used = 0
            for number, row in enumerate(batch):
                used += sum(len(cell) if isinstance(cell, str | bytes) else 16 for cell in row)
                if len(rows) >= max_rows or (used > room and rows):
                    self._waiting = batch[number:]
                    return rows, True
                rows.append(row)
            room -= used
            step = min(2000, step * 2) if used < 1 << 20 else 16

    def close(self) -> None:
        """Give it up. Raises `duckdb.Error` where the connection is of no use afterwards."""
        self._waiting = []
        self._connection.execute("rollback")


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
