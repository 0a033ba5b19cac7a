"""SQLite: the tables of a gateway on one machine."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

from promptetheus.gateway.errors import StoreUnavailable
from promptetheus.gateway.stores.database import Row, Statements
from promptetheus.spool import make_private_directory

MIGRATIONS = ("sqlite_0001_tables.sql",)
"""In the order they run. What has run is never changed, only added to."""

_BUSY_S = 10.0


class SqliteDatabase:
    """One connection, used by one thread at a time: a statement takes some 20 µs."""

    def __init__(self, path: Path) -> None:
        """Opens the file and brings its tables up to date. Raises StoreUnavailable."""
        self._lock = threading.RLock()
        try:
            make_private_directory(path.parent)
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
            self._connection = sqlite3.connect(
                path, timeout=_BUSY_S, isolation_level=None, check_same_thread=False
            )
            self._connection.row_factory = _as_dictionary
            # FULL: a key or a note that was acknowledged survives a power cut, too.
            self._connection.executescript(
                "pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on"
            )
            self._migrate()
        except (OSError, sqlite3.Error) as error:
            raise StoreUnavailable(f"cannot open {path}: {error}") from error

    def _migrate(self) -> None:
        done = self._connection.execute("pragma user_version").fetchone()["user_version"]
        for number, name in enumerate(MIGRATIONS, 1):
            if number > done:
                script = files("promptetheus.gateway.stores").joinpath(name).read_text(encoding="utf-8")
                self._connection.executescript(f"begin;\n{script}\npragma user_version = {number};\ncommit;")

    @contextmanager
    def transaction(self, workspace_id: str) -> Iterator[Statements]:
        """A transaction that nobody else writes during."""
        with self._lock:
            try:
                self._connection.execute("begin immediate")
                try:
                    yield self
                except BaseException:
                    self._connection.execute("rollback")
                    raise
                self._connection.execute("commit")
            except sqlite3.Error as error:
                raise StoreUnavailable(f"SQLite: {error}") from error

    def run(self, sql: str, **values: Any) -> list[Row]:
        """A statement of the transaction."""
        return self._connection.execute(sql, values).fetchall()

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._connection.close()


def _as_dictionary(cursor: sqlite3.Cursor, row: tuple[Any, ...]) -> Row:
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)}
