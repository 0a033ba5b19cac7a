"""A relational database as the gateway uses it: statements with `:name` parameters, rows as dictionaries.

What is written with it runs on SQLite and on PostgreSQL alike. Times are ISO 8601 texts in UTC, documents are JSON
objects or lists: `moment` and `document` read what either database gives back.
"""

from __future__ import annotations

import re
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson

Row = dict[str, Any]

_NUL = re.compile(r"(?<!\\)((?:\\\\)*)\\u0000")
"""PostgreSQL's jsonb has no NUL."""

EVERY_WORKSPACE = "*"
"""For what has to be looked up before it is known whose it is: a key, a project, what is past its retention."""


class Statements(Protocol):
    """A transaction."""

    def run(self, sql: str, **values: Any) -> list[Row]:
        """The rows of a statement; none for one that gives none."""


class Database(Protocol):
    """Transactions, each for one workspace: PostgreSQL lets it see no other one's rows."""

    def transaction(self, workspace_id: str) -> AbstractContextManager[Statements]:
        """Commits at its end, rolls back after an exception. Raises StoreUnavailable."""

    def close(self) -> None:
        """Give connections back."""


def moment(value: object) -> str | None:
    """A time as events carry it, from a column of either database."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value if isinstance(value, str) else None


def document(value: object) -> Any:
    """A JSON object or list, from a column of either database."""
    return orjson.loads(value) if isinstance(value, str) else value


def as_document(value: Any) -> str:
    """A JSON object or list, as a parameter for either database."""
    return _NUL.sub(r"\1\\ufffd", orjson.dumps(value).decode())
