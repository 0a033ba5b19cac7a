"""PostgreSQL: a pool of connections, migrations that run once, transactions that see one workspace."""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

import psycopg
from psycopg.rows import dict_row
from psycopg_pool import ConnectionPool, PoolTimeout

from promptetheus.gateway.errors import StoreUnavailable
from promptetheus.gateway.stores.database import EVERY_WORKSPACE, Row

Connection = psycopg.Connection[Row]

_log = logging.getLogger(__name__)

MIGRATIONS = (
    "postgres_0001_tables.sql",
    "postgres_0002_row_security.sql",
    "postgres_0003_news.sql",
    "postgres_0004_pages.sql",
)
"""In the order they run. What has run is never changed, only added to."""

MIN_VERSION = 15_00_00
DAYS_AHEAD = 7
"""So many days have their partition of events before they come."""

_MIGRATION_LOCK = 0x70745F6D
_WAIT_S = 10.0
_WAIT_AGAIN_S = 0.5
"""For a connection, after somebody waited for one in vain: requests do not pile up before a database that is away."""

_TIMEOUT = "set_config('statement_timeout', '30s', true)"
_FOR_WORKSPACE = f"select set_config('promptetheus.workspace', %s, true), {_TIMEOUT}"
_PARAMETER = re.compile(r"(?<!:):([a-z_]+)\b")


@lru_cache(maxsize=512)
def translated(sql: str) -> str:
    """A statement with `:name` parameters as psycopg wants it: `%(name)s`."""
    return _PARAMETER.sub(r"%(\1)s", sql.replace("%", "%%"))


def _is_news(record: logging.LogRecord) -> bool:
    """A pipeline that failed raises; that it could not end in order after that is not worth a line of its own."""
    return "error ignored terminating" not in record.msg


logging.getLogger("psycopg").addFilter(_is_news)


class Statement(NamedTuple):
    """A statement with `:name` parameters, and their values."""

    sql: str
    values: dict[str, Any]


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
        self._is_away = False
        self._pool: ConnectionPool[Connection] = ConnectionPool(
            url,
            connection_class=psycopg.Connection[Row],
            kwargs={"row_factory": dict_row, "autocommit": True, "application_name": "promptetheus"},
            configure=_configure,
            min_size=min(2, pool_size),
            max_size=pool_size,
            timeout=_WAIT_S,
            reconnect_timeout=_WAIT_S,
            open=False,
        )
        try:
            with _first_connection(url) as connection:
                if connection.info.server_version < MIN_VERSION:
                    raise StoreUnavailable(
                        f"PostgreSQL 15 or newer is needed, this is {connection.info.server_version // 10000}"
                    )
                migrate(connection)
                _warn_of_a_role_that_sees_all(connection)
            self._pool.open(wait=True, timeout=_WAIT_S)
        except (psycopg.Error, PoolTimeout) as error:
            self._pool.close()
            raise StoreUnavailable(f"cannot use the database: {_plain(error)}") from error

    @contextmanager
    def transaction(self, workspace_id: str) -> Iterator[PostgresStatements]:
        """A transaction in which row level security shows the rows of this workspace."""
        begin = (
            f"begin; select set_config('promptetheus.workspace', {_quoted(workspace_id)}, true), {_TIMEOUT}"
        )
        with self._connection() as connection:
            connection.execute(begin.encode())
            yield PostgresStatements(connection)
            connection.execute("commit")

    def at_once(self, workspace_id: str, statements: Sequence[Statement]) -> list[list[Row]]:
        """The rows of statements that make up a whole transaction.

        It goes to the server in one piece and is committed there: no row stays locked while this process is busy.
        Raises UniqueViolation, after which nothing of it is stored, and StoreUnavailable.
        """
        with self._connection() as connection:
            with connection.pipeline():
                connection.execute("begin")
                connection.execute(_FOR_WORKSPACE, (workspace_id,))
                cursors = [connection.execute(translated(sql), values) for sql, values in statements]
                connection.execute("commit")
            return [cursor.fetchall() if cursor.description else [] for cursor in cursors]

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        """A connection that is outside of any transaction again, whatever happens."""
        try:
            with self._pool.connection(_WAIT_AGAIN_S if self._is_away else _WAIT_S) as connection:
                self._is_away = False
                try:
                    yield connection
                except BaseException:
                    if not connection.broken:
                        # Not as a statement: this forgets what was prepared, and what a failed pipeline skipped.
                        connection.rollback()
                    raise
        except psycopg.errors.UniqueViolation:
            raise
        except (psycopg.Error, PoolTimeout) as error:
            self._is_away = isinstance(error, PoolTimeout)
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


def _first_connection(url: str) -> Connection:
    """Waits for a database that is just starting. Unlike the pool, says in the end what was wrong. Raises
    StoreUnavailable and psycopg's errors."""
    deadline = time.monotonic() + _WAIT_S
    while True:
        try:
            connection = psycopg.Connection[Row].connect(
                url, row_factory=dict_row, autocommit=True, connect_timeout=math.ceil(_WAIT_S)
            )
            _configure(connection)
            return connection
        except psycopg.ProgrammingError as error:
            raise StoreUnavailable(
                "the address of the database is not understood: postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
            ) from error
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_WAIT_AGAIN_S)


def _warn_of_a_role_that_sees_all(connection: Connection) -> None:
    role = connection.execute(
        "select rolname as name from pg_roles where rolname = current_user and (rolsuper or rolbypassrls)"
    ).fetchone()
    if role is not None:
        _log.warning(
            "the database role %r passes by row level security: workspaces are kept apart by the gateway alone. "
            "Give it a role and a schema of its own: docs/deploy says how",
            role["name"],
        )


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
    """Behind a pooler each transaction may be another server's, which knows no statement prepared elsewhere. That it
    is one shows in the number of the server's process: a pooler makes one up. Nothing else is set here, for the same
    reason: what a transaction needs it sets for itself."""
    if connection.execute("select pg_backend_pid() as pid").fetchone() != {
        "pid": connection.info.backend_pid
    }:
        connection.prepare_threshold = None


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
    if not diagnosed and isinstance(error, psycopg.OperationalError):
        # No server has said this: libpq has, which names the address and the user, never the password.
        diagnosed = next(iter(str(error).splitlines()), "").removeprefix("connection failed: ")
    return str(diagnosed or type(error).__name__)
