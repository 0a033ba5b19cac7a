"""Which columns of `events` a query needs: DuckDB's own planner says so, on tables without rows.

A million events with their payloads fill the memory and spill to disk; counting their types needs none of them.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from promptetheus.queries.views import macros, views

if TYPE_CHECKING:
    import duckdb

_FIELDS = {
    "seq": "seq", "ts": "timestamp", "payload": "payload", "metadata": "metadata", "span_id": "span_id",
    "parent_id": "parent_id", "idempotency_key": "idempotency_key",
}  # fmt: skip
"""Columns that can be left out, and the field of a line that each is read from."""

_NULLS = {"seq": "bigint", "ts": "timestamp", "payload": "json", "metadata": "json"}


class Planner:
    """Plans queries over views without rows. Not safe to use from two threads at a time."""

    def __init__(self) -> None:
        self._connection: duckdb.DuckDBPyConnection | None = None

    def columns_needed(self, sql: str) -> frozenset[str] | None:
        """The columns of `events` that the answer depends on; None (all of them) where that cannot be known."""
        import duckdb

        try:
            connection = self._connection = self._connection or _connected()
            statements = connection.extract_statements(sql)
            if len(statements) != 1 or statements[0].type.name != "SELECT":
                return None
            # What an optimizer finds out about empty tables does not hold for full ones.
            plan = connection.execute(f"explain (format json) {statements[0].query}").fetchall()[0][1]
            return frozenset(_scanned(json.loads(plan)))
        except (duckdb.Error, ValueError, KeyError, IndexError, TypeError, RecursionError):
            return None

    def close(self) -> None:
        """Free it. It is made again when it is needed."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def events_query(columns: frozenset[str] | None) -> str:
    """The query of the view `events`, without the columns that nobody looks at: their text is not even copied."""
    view = next(view for view in views() if view.name == "events")
    if columns is None:
        return view.query
    before, after = view.query.split("\nfrom (", 1)
    items = {item.rstrip(",").rsplit(None, 1)[-1]: item.rstrip(",") for item in before.splitlines()[1:]}
    kept = _kept(columns)
    for column, field in _FIELDS.items():
        if column not in kept:
            after = _without(
                after, f'"{field}": "{"JSON" if column in ("payload", "metadata") else "VARCHAR"}"'
            )
    if kept.isdisjoint(_FIELDS):  # one field is found faster than transformed
        start, end = after.index("json_transform("), after.index(") as line")
        after = after[:start] + "struct_pack(type := json ->> 'type'" + after[end:]
    if not needs_files(columns):
        after = after.replace("select filename, ", "select ", 1).replace(
            "join spool.files using (filename)\n", "", 1
        )
    return (
        "select\n" + ",\n".join(items[name] for name, _ in view.columns if name in kept) + "\nfrom (" + after
    )


def events_view(columns: frozenset[str], table: str) -> str:
    """All columns of `events` over what `events_query` gave: NULL where nobody looks."""
    view = next(view for view in views() if view.name == "events")
    kept = _kept(columns)
    items = [
        name if name in kept else f"null::{_NULLS.get(name, 'varchar')} as {name}" for name, _ in view.columns
    ]
    return f"select {', '.join(items)} from {table}"


def _kept(columns: frozenset[str]) -> frozenset[str]:
    return columns | {"type"}


def needs_files(columns: frozenset[str] | None) -> bool:
    """Whether it matters from which file an event is: counting types does not take the join of a million rows."""
    return columns is None or not columns.isdisjoint(("session_id", "ts"))


def _without(query: str, entry: str) -> str:
    start = query.index(entry)
    end = start + len(entry)
    after = query[end:].lstrip(" \n")
    if after.startswith(","):
        return query[:start] + after[1:].lstrip(" \n")
    return query[:start].rstrip(" \n").rstrip(",") + query[end:]


def _connected() -> duckdb.DuckDBPyConnection:
    import duckdb

    settings: dict[str, Any] = {
        "memory_limit": "256MB",
        "threads": 1,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "python_enable_replacements": False,
    }
    connection = duckdb.connect(":memory:", config=settings)
    connection.execute("set TimeZone = 'UTC'")
    connection.execute("create schema spool")
    connection.execute("create table spool.session_rows (row json)")
    connection.execute("create table spool.files (filename varchar, session_id varchar, timed boolean)")
    connection.execute("create table spool.lines (json json, filename varchar)")
    for view in views():
        what = "table" if view.name in ("events", "sessions") else "view"
        connection.execute(f"create {what} {view.name} as {view.query}")
    for macro in macros():
        connection.execute(macro.statement)
    # Filters are to stay where they are, so that the columns that they test count as scanned.
    connection.execute(
        "set disabled_optimizers = 'statistics_propagation,empty_result_pullup,filter_pushdown,filter_pullup'"
    )
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def _scanned(plan: Any) -> set[str]:
    """All columns that a scan of `events` gives in a plan."""
    found: set[str] = set()
    waiting = list(plan) if isinstance(plan, list) else [plan]
    while waiting:
        node = waiting.pop()
        waiting += node.get("children", [])
        facts = node.get("extra_info", {})
        if str(facts.get("Table", "")).endswith(".events"):
            columns = facts["Projections"]
            found.update([columns] if isinstance(columns, str) else columns)
    return found - {""}
