"""Rows of a query as a table, as JSON and as CSV: written as they come, so that a million of them fit."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from promptetheus.cli.output import json_text, out
from promptetheus.display import plain_value, printable_line

MAX_CELL = 60
"""Characters of a value that the table shows; --json and --csv have the whole of it."""

Rows = Iterable[tuple[Any, ...]]


def print_table(columns: Sequence[str], types: Sequence[str], rows: Rows) -> int:
    """Print a table as wide as its values; returns the number of rows."""
    from rich.cells import cell_len

    heads = [printable_line(name, MAX_CELL) for name in columns]
    lines = [[_cell(value) for value in row] for row in rows]
    widths = [max(cell_len(line[column]) for line in (heads, *lines)) for column in range(len(heads))]
    right = [_is_number(kind) for kind in types]

    def padded(cells: list[str]) -> str:
        parts = []
        for cell, width, to_right in zip(cells, widths, right, strict=True):
            space = " " * (width - cell_len(cell))
            parts.append(space + cell if to_right else cell + space)
        return "  ".join(parts).rstrip()

    out(padded(heads))
    out("  ".join("─" * width for width in widths))
    for line in lines:
        out(padded(line))
    return len(lines)


def print_json_rows(columns: Sequence[str], types: Sequence[str], rows: Rows) -> int:
    """Print a list with one object a row, in ASCII. A name that occurs twice gets a number: no value is lost."""
    from promptetheus.queries.parquet import unique_names

    names = unique_names(columns)
    number = 0
    for row in rows:
        record = {name: _json_value(value, kind) for name, value, kind in zip(names, row, types, strict=True)}
        print("[" if number == 0 else ",")
        sys.stdout.write("  " + json_text(record).replace("\n", "\n  "))
        number += 1
    print("\n]" if number else "[]")
    return number


def print_csv(columns: Sequence[str], rows: Rows) -> int:
    """Values as they are into a file or a pipe; printable ones where a terminal shows them."""
    import csv

    shown = printable_line if sys.stdout.isatty() else str
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([shown(name) for name in columns])
    number = 0
    for row in rows:
        writer.writerow([shown(_text(value)) for value in row])
        number += 1
    return number


def _json_value(value: Any, kind: str = "") -> Any:
    if kind == "JSON" and isinstance(value, str):
        import json

        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime | date | timedelta):
        return _text(value)
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _json_value(item) for key, item in value.items()}
    return value


def _text(value: Any) -> str:
    """A value as CSV and the table write it: times in ISO 8601, NULL as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, list | tuple | dict):
        import json

        return json.dumps(_json_value(value), ensure_ascii=False, default=str)
    return str(value)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return plain_value(value, MAX_CELL)
    return printable_line(_text(value), MAX_CELL)


def _is_number(kind: str) -> bool:
    name = kind.partition("(")[0]
    return name.endswith("INT") or name in ("INTEGER", "UINTEGER", "DOUBLE", "FLOAT", "DECIMAL")
