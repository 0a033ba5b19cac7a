"""A result as a Parquet file, written by us from the rows: the query itself has no way to any file."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from promptetheus.encoding import jsonable
from promptetheus.queries.open_query import Row

_BATCH_ROWS = 2000
_AS_TEXT = re.compile(r"NULL|ENUM\(.*|UNION\(.*|BIT|\"NULL\"")
"""Types that Parquet has no counterpart for, or that have no text to be read back from."""


class CannotWrite(Exception):
    """The file cannot be written, or a value has no place in one; the message says why."""


def write_parquet(columns: Sequence[str], types: Sequence[str], rows: Iterable[Row], path: Path) -> int:
    """Write the rows, in place of what is there; returns their number. Raises CannotWrite, and what `rows` raises.

    Args:
        types: DuckDB's names.
    """
    import duckdb

    try:
        return _write(columns, types, rows, path)
    except OSError as error:
        raise CannotWrite(error.strerror or type(error).__name__) from None
    except duckdb.Error as error:
        raise CannotWrite(str(error)) from None


def _write(columns: Sequence[str], kinds: Sequence[str], rows: Iterable[Row], path: Path) -> int:
    import duckdb

    names = unique_names(columns)
    types = ["VARCHAR" if _AS_TEXT.fullmatch(kind) else kind for kind in kinds]
    number = 0
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.draft")
    connection = duckdb.connect(":memory:", config={"python_enable_replacements": False})
    try:
        connection.execute("set TimeZone = 'UTC'")
        declared = ", ".join(f"{_quoted(name)} {kind}" for name, kind in zip(names, types, strict=True))
        connection.execute(f"create table result ({declared})")
        casts = ", ".join(_cast(position, kind) for position, kind in enumerate(types))
        insert = f"insert into result select {casts} from (select unnest(from_json($1::json, '[\"JSON\"]')) as row)"
        for batch in _batches(rows):
            number += len(batch)
            data = [[_plain(cell, kind) for cell, kind in zip(row, types, strict=True)] for row in batch]
            connection.execute(insert, [orjson.dumps(data).decode()])
        # Made first, so that a path which cannot be written says so in the words of the system.
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        target = str(draft).replace("'", "''")
        connection.execute(f"copy result to '{target}' (format parquet, compression zstd)")
        os.replace(draft, path)
        return number
    finally:
        connection.close()
        draft.unlink(missing_ok=True)


def unique_names(columns: Sequence[str]) -> list[str]:
    """The names of the columns; one that occurs twice gets a number, so that no value is lost."""
    names: list[str] = []
    for column in columns:
        unique, number = column, 2
        while unique.casefold() in {name.casefold() for name in names}:
            unique, number = f"{column}_{number}", number + 1
        names.append(unique)
    return names


def _batches(rows: Iterable[Row]) -> Iterator[list[Row]]:
    waiting = iter(rows)
    while batch := list(islice(waiting, _BATCH_ROWS)):
        yield batch


def _is_nested(kind: str) -> bool:
    return kind.endswith("]") or kind.startswith(("STRUCT(", "MAP("))


def _cast(position: int, kind: str) -> str:
    if kind == "BLOB":
        return f"unhex(row ->> {position})"
    if kind == "JSON":
        return f"(row ->> {position})::JSON"
    if _is_nested(kind):
        return f"(row -> {position})::{kind}"
    return f"(row ->> {position})::{kind}"


def _plain(value: Any, kind: str) -> Any:
    """A cell as JSON from which DuckDB reads the same value back."""
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, timedelta):
        return f"{value // timedelta(microseconds=1)} microseconds"
    if _is_nested(kind):
        return _nested(value)
    return str(value)


def _nested(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _nested(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_nested(item) for item in value]
    if value is None or isinstance(value, bool | int | float | str):
        return jsonable(value)
    return _plain(value, "")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
