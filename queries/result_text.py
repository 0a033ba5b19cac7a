"""Rows of a query as CSV and as JSON: written as they come, so that a million of them fit."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import IO, Any

from promptetheus.plain_json import json_text

Rows = Iterable[tuple[Any, ...]]


def write_csv(stream: IO[str], columns: Sequence[str], rows: Rows, shown: Callable[[str], str] = str) -> int:
    """A line of titles, then one a row; returns the number of rows. `shown` makes texts fit for a terminal."""
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow([shown(name) for name in columns])
    number = 0
    for row in rows:
        writer.writerow([shown(plain_text(value)) for value in row])
        number += 1
    return number


def write_json(stream: IO[str], columns: Sequence[str], types: Sequence[str], rows: Rows) -> int:
    """A list with one object a row, in ASCII; returns their number."""
    number = 0
    for row in rows:
        stream.write("[\n" if number == 0 else ",\n")
        stream.write("  " + json_text(record(columns, types, row)).replace("\n", "\n  "))
        number += 1
    stream.write("\n]\n" if number else "[]\n")
    return number


def record(columns: Sequence[str], types: Sequence[str], row: Sequence[Any]) -> dict[str, Any]:
    """A row as an object. A name that occurs twice gets a number: no value is lost."""
    from promptetheus.queries.parquet import unique_names

    names = unique_names(columns)
    return {name: json_value(value, kind) for name, value, kind in zip(names, row, types, strict=True)}


def json_value(value: Any, kind: str = "") -> Any:
    """A value of a row as JSON has it; JSON columns, which hold text, are parsed. `kind` is DuckDB's type."""
    if kind == "JSON" and isinstance(value, str):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime | date | timedelta):
        return plain_text(value)
    if isinstance(value, list | tuple):
        return [json_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): json_value(item) for key, item in value.items()}
    return value


def plain_text(value: Any) -> str:
    """A value as CSV and tables write it: times in ISO 8601, NULL as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, list | tuple | dict):
        return json.dumps(json_value(value), ensure_ascii=False, default=str)
    return str(value)


def is_number(kind: str) -> bool:
    """Whether DuckDB's type is one whose values stand right-aligned."""
    name = kind.partition("(")[0]
    return name.endswith("INT") or name in ("INTEGER", "UINTEGER", "DOUBLE", "FLOAT", "DECIMAL")
