"""PostgreSQL: a pool of connections, migrations that run once, transactions that see one workspace."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from promptetheus.gateway.errors import StoreUnavailable
from promptetheus.gateway.stores.database import EVERY_WORKSPACE, Row

Connection = psycopg.Connection[Row]

MIGRATIONS = ("postgres_0001_tables.sql", "postgres_0002_row_security.sql")
"""In the order they run. What has run is never changed, only added to."""

MIN_VERSION = 15_00_00
DAYS_AHEAD = 7
"""So many days have their partition of events before they come."""

_MIGRATION_LOCK = 0x70745F6D
_WAIT_S = 10.0
_STATEMENT_TIMEOUT_MS = 30_000
_PARAMETER = re.compile(r"(?<!:):([a-z_]+)\b")


@lru_cache(maxsize=512)
def translated(sql: str) -> str:
    """A statement with `:name` parameters as psycopg wants it: `%(name)s`."""
    return _PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%"))


class PostgresStatements:
    """A transaction on one connection."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def run(self, sql: str, **values: Any) -> list[Row]:
        """The rows of a statement; none for one that gives none."""
        cursor = self.connection.execute(translated(sql), values)
        return cursor.fetchall() if cursor.description else []

    def count(self, sql: str, **values: Any) -> int:
        """How many rows a statement changed."""
        return self.connection.execute(translated(sql), values).rowcount


class PostgresDatabase:
    """Connections that are kept; a dead one is replaced, a database that is away raises StoreUnavailable."""

    def __init__(self, url: str, pool_size: int) -> None:
        """Connects and brings the tables up to date. Raises StoreUnavailable."""
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            connection_class=psycopg.Connection[Row],
            kwargs={"row_factory": dict_row, "autocommit": True, "application_name": "promptetheus"},
            configure=_configure,
            min_size=min(2, pool_size),
            max_size=pool_size,
            timeout=_WAIT_S,
            open=False,
        )
        try:
            self._pool.open(wait=True, timeout=_WAIT_S)
            with self._pool.connection() as connection:
                if connection.info.server_version < MIN_VERSION:
                    raise StoreUnavailable(
                        f"PostgreSQL 15 or newer is needed, this is {connection.info.server_version // 10000}"
                    )
                migrate(connection)
        except (psycopg.Error, PoolTimeout) as error:
            self._pool.close()
            raise StoreUnavailable(f"cannot use the database: {_plain(error)}") from error

    @contextmanager
    def transaction(self, workspace_id: str, prepare: str = "") -> Iterator[PostgresStatements]:
        """A transaction in which row level security shows the rows of this workspace.

        `prepare`: statements that go along with its beginning, so that the way to the server is made once.
        """
        begin = (
            f"begin; select set_config('promptetheus.workspace', {_quoted(workspace_id)}, true); {prepare}"
        )
        try:
            with self._pool.connection() as connection:
                connection.execute(begin.encode())
                try:
                    yield PostgresStatements(connection)
                    connection.execute("commit")
                except BaseException:
                    if not connection.broken:
                        connection.execute("rollback")
                    raise
        except (psycopg.Error, PoolTimeout) as error:
            raise StoreUnavailable(f"PostgreSQL: {_plain(error)}") from error

    def make_partitions(self, today: date) -> None:
        """Have the partitions of today and the next days ready, once and for all gateways."""
        with self._pool.connection() as connection, connection.transaction():
            connection.execute("select pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
            for ahead in range(-1, DAYS_AHEAD):
                _make_partition(connection, today + timedelta(days=ahead))

    def drop_empty_partitions(self, before: date) -> int:
        """Drop the partitions of days of which no session is left; how many."""
        dropped = 0
        with self._pool.connection() as connection, connection.transaction():
            connection.execute("select pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
            connection.execute("select set_config('promptetheus.workspace', %s, true)", (EVERY_WORKSPACE,))
            for day, table in _partitions(connection):
                if (
                    day < before
                    and not connection.execute(
                        "select 1 from session where day = %s limit 1", (day,)
                    ).fetchone()
                ):
                    connection.execute(f"drop table {table}")
                    dropped += 1
        return dropped

    def close(self) -> None:
        """Close all connections."""
        self._pool.close()


def migrate(connection: Connection) -> None:
    """Run what has not run yet, in one transaction; others wait meanwhile."""
    with connection.transaction():
        connection.execute("select pg_advisory_xact_lock(%s)", (_MIGRATION_LOCK,))
        connection.execute(
            "create table if not exists migration "
            "(number integer primary key, name text not null, ran_at timestamptz not null)"
        )
        done = {row["number"] for row in connection.execute("select number from migration")}
        for number, name in enumerate(MIGRATIONS, 1):
            if number not in done:
                script = files("promptetheus.gateway.stores").joinpath(name).read_text(encoding="utf-8")
                connection.execute(script.encode())
                connection.execute(
                    "insert into migration values (%s, %s, %s)", (number, name, datetime.now(UTC))
                )
        for ahead in range(-1, DAYS_AHEAD):
            _make_partition(connection, datetime.now(UTC).date() + timedelta(days=ahead))


def _quoted(text: str) -> str:
    """A text as a literal of SQL. What was quoted by hand is checked: no statement of ours needs more than this."""
    if "\0" in text:
        raise ValueError("a workspace id holds no NUL")
    return "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def _configure(connection: Connection) -> None:
    connection.execute(f"set statement_timeout = {_STATEMENT_TIMEOUT_MS}")
    connection.execute("set client_min_messages = warning")
    connection.execute("set timezone = 'UTC'")


def _make_partition(connection: Connection, day: date) -> None:
    table = f"event_{day:%Y%m%d}"
    if connection.execute("select to_regclass(%s) as found", (table,)).fetchone() != {"found": None}:
        return
    connection.execute(
        f"create table {table} partition of event for values from ('{day}') to ('{day + timedelta(days=1)}')".encode()
    )
    # Through `event` its policy counts; on its own nobody but a superuser reads it.
    connection.execute(f"alter table {table} enable row level security".encode())
    connection.execute(f"alter table {table} force row level security".encode())


def _partitions(connection: Connection) -> list[tuple[date, str]]:
    rows = connection.execute(
        "select inhrelid::regclass::text as name from pg_inherits where inhparent = 'event'::regclass"
    ).fetchall()
    found = []
    for row in rows:
        digits = row["name"].rpartition("_")[2]
        if len(digits) == 8 and digits.isdecimal():
            found.append((datetime.strptime(digits, "%Y%m%d").replace(tzinfo=UTC).date(), row["name"]))
    return found


def _plain(error: Exception) -> str:
    """What went wrong, without the connection string that some messages carry."""
    diagnosed = getattr(getattr(error, "diag", None), "message_primary", None)
    return str(diagnosed or type(error).__name__)
