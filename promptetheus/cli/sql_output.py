"""Rows of a query on the screen or into a pipe: as a table, as JSON, as CSV."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

from promptetheus.cli.output import out
from promptetheus.display import plain_value, printable_line
from promptetheus.queries.result_text import Rows, is_number, plain_text, write_csv, write_json

MAX_CELL = 60
"""Characters of a value that the table shows; --json and --csv have the whole of it."""


def print_table(columns: Sequence[str], types: Sequence[str], rows: Rows) -> int:
    """Print a table as wide as its values; returns the number of rows."""
    from rich.cells import cell_len

    heads = [printable_line(name, MAX_CELL) for name in columns]
    lines = [[_cell(value) for value in row] for row in rows]
    widths = [max(cell_len(line[column]) for line in (heads, *lines)) for column in range(len(heads))]
    right = [is_number(kind) for kind in types]

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
    """Print a list with one object a row."""
    return write_json(sys.stdout, columns, types, rows)


def print_csv(columns: Sequence[str], rows: Rows) -> int:
    """Values as they are into a file or a pipe; printable ones where a terminal shows them."""
    return write_csv(sys.stdout, columns, rows, printable_line if sys.stdout.isatty() else str)


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return plain_value(value, MAX_CELL)
    return printable_line(plain_text(value), MAX_CELL)
