"""How the values of a query look in a grid: on one line, numbers at the right, columns as wide as what is in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from rich.cells import cell_len

from promptetheus.display import plain_value, printable_line
from promptetheus.queries.result_text import is_number, plain_text

NOTHING = "–"
"""Stands for NULL."""

GAP = 2
NARROWEST = 3
WIDEST = 48
"""Cells of a column while others want room too."""

_MEASURED_CHARACTERS = 200


@dataclass(frozen=True, slots=True)
class GridColumn:
    """One column of a result."""

    place: int
    name: str
    type: str
    """DuckDB's name of it."""
    right: bool
    """Whether its values stand at the right."""
    wanted: int
    """Cells that its widest value takes, of the rows that were looked at."""


@dataclass(frozen=True, slots=True)
class PlacedColumn:
    """A column on the screen."""

    column: GridColumn
    width: int


def cell_text(value: Any, limit: int = 400) -> str:
    """A value on one printable line of at most `limit` characters."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, datetime):
        text = value.isoformat(" ", "milliseconds")
        return text.removesuffix(".000")
    if isinstance(value, str | list | dict):
        return plain_value(value, limit)
    return printable_line(plain_text(value), limit)


def grid_columns(
    names: Sequence[str], types: Sequence[str], rows: Sequence[Sequence[Any]]
) -> list[GridColumn]:
    """The columns, measured by these rows."""
    found = []
    for place, (name, kind) in enumerate(zip(names, types, strict=True)):
        widest = max((cell_len(cell_text(row[place], _MEASURED_CHARACTERS)) for row in rows), default=0)
        title = cell_len(printable_line(name, 80))
        found.append(GridColumn(place, name, kind, is_number(kind), max(NARROWEST, widest, title)))
    return found


def widened(columns: Sequence[GridColumn], rows: Sequence[Sequence[Any]]) -> list[GridColumn]:
    """The columns with room for these rows as well; none gets narrower."""
    measured = grid_columns([each.name for each in columns], [each.type for each in columns], rows)
    return [old if old.wanted >= new.wanted else new for old, new in zip(columns, measured, strict=True)]


def place_columns(columns: Sequence[GridColumn], first: int, room: int) -> list[PlacedColumn]:
    """The columns from `first` on that fit into `room` cells; room that is left goes to those that want it.

    The last one may be narrower than it would like to be; one is always there.
    """
    placed: list[PlacedColumn] = []
    left = room
    for column in columns[first:]:
        gap = GAP if placed else 0
        width = min(column.wanted, WIDEST)
        if left - gap < min(width, 8) and placed:
            break
        width = max(1, min(width, left - gap))
        placed.append(PlacedColumn(column, width))
        left -= gap + width
    for place, each in enumerate(placed):
        more = min(left, each.column.wanted - each.width)
        if more > 0:
            placed[place] = PlacedColumn(each.column, each.width + more)
            left -= more
    return placed


def column_at(placed: list[PlacedColumn], x: int) -> int | None:
    """The column at a cell of the line; None beside all of them."""
    left = 2
    for each in placed:
        if left <= x < left + each.width + GAP:
            return each.column.place
        left += each.width + GAP
    return None
