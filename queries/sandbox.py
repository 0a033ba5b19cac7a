"""A DuckDB that holds copies of the views and can reach nothing else.

Statement types are no wall (a COPY inside a CTE is a SELECT) and allowed directories may be written to, so what a
person or an agent types runs on rows in memory, with all access to files, network and settings locked away.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from promptetheus.queries.clean_copy import copy_events, needs_copy
from promptetheus.queries.pruning import events_query, events_view, needs_files
from promptetheus.queries.rows import SessionRow, path_text
from promptetheus.queries.views import macros, views

if TYPE_CHECKING:
    import duckdb

MEMORY_LIMIT = "512MB"
"""Beyond this DuckDB spills to a private temporary directory."""

TEMP_LIMIT = "8GB"
THREADS = 2
MAX_OBJECT_BYTES = 32 * 1024 * 1024
_GROWTH_BYTES = 4 * 1024 * 1024
"""No line is longer than the largest file, with what may have been added to it since it was listed. DuckDB's buffers
have twice the size: with the most that it takes, reading many small files takes a tenth longer."""

_ROWS_AT_ONCE = 500
_WILD = re.compile(r"[*?\[]")

_LINES = """
create view spool.lines as
select json, filename
from read_ndjson_objects(
    getvariable('spool_files'), ignore_errors = true, allow_empty = true, filename = true,
    hive_partitioning = false, maximum_object_size = $longest
)
"""


class Sandbox:
    """One connection with what was asked for in memory; all views exist, some may hold no rows.

    Not safe to use from two threads at a time, except for `interrupt`.
    """

    def __init__(self) -> None:
        import duckdb

        self._directory = tempfile.mkdtemp(prefix="promptetheus-sql-")
        self._remove = weakref.finalize(self, shutil.rmtree, self._directory, ignore_errors=True)
        self.connection: duckdb.DuckDBPyConnection = duckdb.connect(
            ":memory:",
            config={
                "memory_limit": MEMORY_LIMIT,
                "threads": THREADS,
                "temp_directory": os.path.join(self._directory, "spill"),
                "max_temp_directory_size": TEMP_LIMIT,
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
                "python_enable_replacements": False,
                "errors_as_json": True,  # they say where in the text the mistake is
            },
        )
        self.connection.execute("set TimeZone = 'UTC'")
        self.connection.execute("set enable_progress_bar = true")  # counted, for `progress`
        self.connection.execute("set enable_progress_bar_print = false")

    def load(
        self,
        rows: Sequence[SessionRow],
        types: Collection[str] | None,
        columns: frozenset[str] | None = None,
        listed: bool = True,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        """Read sessions and events into memory, make the views over them, then lock the door. Called once.

        Args:
            rows: the catalog.
            types: event types to read; all when None, no file is opened when empty.
            columns: of `events`, those that are looked at; the others are NULL. All when None.
            listed: whether anybody looks at the sessions; without rows otherwise.
            check: called now and then; what it raises stops the loading.

        Raises `duckdb.Error`.
        """
        execute = self.connection.execute
        execute("create schema spool")
        execute("create table spool.session_rows (row json)")
        longest = self._load_files(rows if types is None or types else (), columns, check)
        execute(_LINES.replace("$longest", str(min(longest + _GROWTH_BYTES, MAX_OBJECT_BYTES))))
        # The order of files means nothing, and keeping it takes a third longer. A filter that is moved below the
        # extraction of the fields parses every line once more.
        execute("set preserve_insertion_order = false")
        execute("set disabled_optimizers = 'filter_pushdown'")
        for view in views():
            check()
            match view.name:
                case "sessions":
                    execute(f"create table sessions as {view.query}")
                    self._load_catalog(rows if listed else (), view.query)
                case "events":
                    self._load_events(types, columns)
                case _:
                    execute(f"create view {view.name} as {view.query}")
        for macro in macros():
            execute(macro.statement)
        for statement in (
            "drop schema spool cascade",
            "reset variable spool_files",
            "reset preserve_insertion_order",
            "reset disabled_optimizers",
            "set enable_external_access = false",
            "set lock_configuration = true",
        ):
            execute(statement)
        for name in os.listdir(self._directory):
            if name.endswith(".jsonl"):
                os.unlink(os.path.join(self._directory, name))

    def interrupt(self) -> None:
        """Stop what is running, from another thread."""
        self.connection.interrupt()

    def progress(self) -> float | None:
        """How much of the running query is done, from 0 to 1, as DuckDB guesses; from another thread."""
        percent = self.connection.query_progress()
        return min(1.0, percent / 100) if percent >= 0 else None

    def close(self) -> None:
        """Free the memory and remove what was spilled."""
        self.connection.close()
        self._remove()

    def _load_events(self, types: Collection[str] | None, columns: frozenset[str] | None) -> None:
        table = "events"
        if columns is not None:
            # Columns of NULLs take their share of time for each row.
            table = "kept.events"
            self.connection.execute("create schema kept")
        query = f"create table {table} as from ({events_query(columns)})"
        if types is None:
            self.connection.execute(query)
        else:
            self.connection.execute(f"{query} where list_contains($1::varchar[], type)", [list(types)])
        if columns is not None:
            self.connection.execute(f"create view events as {events_view(columns, table)}")

    def _load_files(
        self, rows: Sequence[SessionRow], columns: frozenset[str] | None, check: Callable[[], None]
    ) -> int:
        """Tell DuckDB the files of the sessions; the size of the largest."""
        paths: list[str] = []
        longest = 0
        for number, row in enumerate(rows):
            path = path_text(row)
            if needs_copy(row):
                check()
                path = os.path.join(self._directory, f"{number}.jsonl")
                copy_events(row.path, Path(path))
            paths.append(path)
            longest = max(longest, row.size_bytes)
        self.connection.execute(
            "create table spool.files (filename varchar, session_id varchar, timed boolean)"
        )
        if needs_files(columns):
            timed = columns is None or "ts" in columns
            files = [
                (path, row.session_id, row.is_timed if timed else True)
                for path, row in zip(paths, rows, strict=True)
            ]
            self._insert("spool.files select item ->> 0, item ->> 1, (item ->> 2)::boolean from $rows", files)
        # Without any file the reader would have other columns: there is always an empty one.
        nothing = os.path.join(self._directory, "empty.jsonl")
        with open(nothing, "wb"):
            pass
        names = [*map(_literal, paths), nothing]
        self.connection.execute("set variable spool_files = $1", [names])
        return longest

    def _load_catalog(self, rows: Sequence[SessionRow], query: str) -> None:
        """Some rows at a time: 10,000 at once took half a gigabyte, which stayed with the process."""
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[start : start + _ROWS_AT_ONCE]
            self._insert("spool.session_rows select item from $rows", [_as_json(row) for row in some])
            self.connection.execute(f"insert into sessions {query}")
            self.connection.execute("truncate spool.session_rows")

    def _insert(self, statement: str, items: Sequence[Any]) -> None:
        """One JSON parameter for all rows: `executemany` takes 640 ms a thousand, this 2."""
        source = "(select unnest(from_json($1::json, '[\"JSON\"]')) as item)"
        text = orjson.dumps(items, option=orjson.OPT_NON_STR_KEYS).decode()
        self.connection.execute("insert into " + statement.replace("$rows", source), [text])


def _literal(path: str) -> str:
    """A path in which DuckDB finds no wildcard. A class of one character stands for itself."""
    return _WILD.sub(r"[\g<0>]", path)


def _as_json(row: SessionRow) -> dict[str, Any]:
    return {
        "session_id": row.session_id,
        "status": row.status.value,
        "agent": row.agent,
        "goal": row.goal,
        "project": row.project,
        "environment": row.environment,
        "tags": row.tags,
        "started_us": _microseconds(row.started),
        "ended_us": _microseconds(row.ended),
        "duration_ms": row.duration_ms,
        "events": row.events,
        "steps": row.steps,
        "errors": row.errors,
        "llm_calls": row.llm_calls,
        "tool_calls": row.tool_calls,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "tokens": row.tokens,
        "cost_usd": row.cost_usd,
        "unpriced_calls": row.unpriced_calls,
        "failed_checks": row.failed_checks,
        "passed_checks": row.passed_checks,
        "fingerprint": row.fingerprint,
        "label": row.label,
        "error": row.error,
        "scores": row.scores,
        "tools": row.tools,
        "types": row.types,
        "metadata": row.metadata,
        "size_bytes": row.size_bytes,
        "skipped": row.skipped.total,
    }


def _microseconds(seconds: float | None) -> int | None:
    return None if seconds is None else round(seconds * 1_000_000)
