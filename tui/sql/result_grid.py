"""The answer of a query: a grid of a million rows of which only what is on screen is fetched and drawn."""

from __future__ import annotations

import asyncio
from typing import Any, ClassVar

from rich.text import Text
from textual import events, work
from textual.binding import Binding, BindingType
from textual.message import Message

from promptetheus.queries.open_query import Row
from promptetheus.queries.open_result import OpenResult
from promptetheus.queries.sql_error import SqlError
from promptetheus.tui.fit import Pieces, aligned, joined
from promptetheus.tui.line_list import LineList
from promptetheus.tui.sql.result_cells import (
    GAP,
    GridColumn,
    PlacedColumn,
    cell_text,
    column_at,
    grid_columns,
    place_columns,
    widened,
)
from promptetheus.tui.sql.result_rows import ResultRows
from promptetheus.tui.theme import looks_of

FETCH_TIMEOUT_S = 60.0
_MEASURED_ROWS = 100
_LAST_ROW = 1_000_000


class ResultGrid(LineList):
    """Rows and columns with a cursor over cells."""

    BINDING_GROUP_TITLE = "Result"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "open_row", "open", id="list.open",
            tooltip="Open the session of this row; else the value in full",
        ),
        Binding("space", "value", "value", id="grid.value", tooltip="Show the value of this cell in full"),
        Binding("v", "whole_row", "row", show=False, id="grid.row", tooltip="Show the whole row"),
        Binding("left,h", "column(-1)", "left", show=False, id="grid.left", tooltip="One column to the left"),
        Binding("right,l", "column(1)", "right", show=False, id="grid.right", tooltip="One column to the right"),
        Binding(
            "0", "column(-1000)", "first column", show=False, id="grid.first_column",
            tooltip="To the first column",
        ),
        Binding(
            "dollar_sign", "column(1000)", "last column", show=False, id="grid.last_column",
            tooltip="To the last column",
        ),
    ]  # fmt: skip

    class ValueWanted(Message):
        """The person wants to see a value in full: of the cell, or of the whole row."""

        def __init__(self, whole_row: bool) -> None:
            super().__init__()
            self.whole_row = whole_row

    class Arranged(Message):
        """Columns or rows are others now: titles and numbers have to follow."""

        def can_replace(self, message: Message) -> bool:
            """Only the latest matters."""
            return isinstance(message, ResultGrid.Arranged)

    class Failed(Message):
        """Rows could not be fetched."""

        def __init__(self, error: SqlError) -> None:
            super().__init__()
            self.error = error

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.rows: ResultRows | None = None
        self.columns: list[GridColumn] = []
        self.column = 0
        """The one that the cursor is in."""
        self.going_to: int | None = None
        """A row far down that is being looked for."""
        self._first = 0
        """The leftmost column on screen."""
        self._placed: tuple[int, int, list[PlacedColumn]] | None = None
        self._wake = asyncio.Event()

    def on_mount(self) -> None:
        """Begin to wait for rows that are wanted."""
        self._fetch_wanted()

    # What owners call

    def show(self, result: OpenResult | None, first: list[Row]) -> None:
        """Show another result with its first rows; None for nothing."""
        names, types = ((), ()) if result is None else (result.columns, result.types)
        self.columns = grid_columns(names, types, first[:_MEASURED_ROWS])
        self.column = self._first = 0
        self._placed = None
        self.show_rows(result, first)

    def show_rows(self, result: OpenResult | None, first: list[Row]) -> None:
        """Show other rows with the same columns, the cursor on the first."""
        self.rows = None if result is None else ResultRows(result)
        if self.rows is not None:
            self.rows.take(0, first)
        self.going_to = None
        self.set_reactive(LineList.cursor, 0)
        self.scroll_to(y=0, animate=False, force=True)
        self.refresh_rows()
        self.post_message(self.Arranged())

    @property
    def current_row(self) -> Row | None:
        """The row under the cursor, where it is held."""
        if self.rows is None or self.cursor >= len(self.rows):
            return None
        return self.rows.row(self.cursor)

    @property
    def current_value(self) -> Any:
        """The value of the cell under the cursor; None where there is none."""
        row = self.current_row
        return None if row is None or self.column >= len(row) else row[self.column]

    @property
    def placed(self) -> list[PlacedColumn]:
        """The columns on screen."""
        width = self.row_width
        if self._placed is None or self._placed[:2] != (width, self._first):
            self._placed = width, self._first, place_columns(self.columns, self._first, width - 2)
        return self._placed[2]

    @property
    def hidden_columns(self) -> tuple[int, int]:
        """How many columns there are to the left and to the right of those on screen."""
        return self._first, len(self.columns) - self._first - len(self.placed)

    def stop_going(self) -> None:
        """Do not look for a row far down any more."""
        self.going_to = None
        self.post_message(self.Arranged())

    # Fetching

    @work(group="rows", exclusive=True, exit_on_error=False)
    async def _fetch_wanted(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            rows = self.rows
            if rows is None:
                continue
            wanted = rows.wanted if self.going_to is None else self.going_to
            if wanted is None:
                continue
            rows.wanted = None
            try:
                start, found = await asyncio.to_thread(rows.fetch, wanted, FETCH_TIMEOUT_S)
            except SqlError as error:
                if rows is self.rows:
                    self.going_to = None
                    self.post_message(self.Failed(error))
                continue
            if rows is self.rows:
                self._took(rows, start, found)

    def _took(self, rows: ResultRows, start: int, found: list[Row]) -> None:
        rows.take(start, found)
        columns = widened(self.columns, found[:_MEASURED_ROWS] + found[-_MEASURED_ROWS:])
        if columns != self.columns:
            self.columns, self._placed = columns, None
            start = 0
        self.refresh_rows(start)
        if self.going_to is not None:
            if self.going_to < len(rows) or rows.result.complete:
                target, self.going_to = min(self.going_to, len(rows) - 1), None
                self.select(target)
            else:
                self.select(len(rows) - 1)
                self._wake.set()
        self.post_message(self.Arranged())

    # What LineList asks

    def row_count(self) -> int:
        """Rows known so far."""
        return 0 if self.rows is None else len(self.rows)

    def render_row(self, index: int, width: int, selected: bool) -> Text:
        """Draw the cells that are on screen; a row that is not there yet is a mark that it comes."""
        looks = looks_of(self.app)
        row = None if self.rows is None else self.rows.row(index)
        if row is None:
            self._wake.set()
            return Text(" …", looks.faint)
        pieces: Pieces = [(" ", looks.text)]
        for place, (column, cells) in enumerate((each.column, each.width) for each in self.placed):
            if place:
                pieces.append((" " * GAP, looks.text))
            value = row[column.place]
            style = looks.faint if value is None else looks.text
            if selected and column.place == self.column:
                style = style + looks.match
            # Of a value only what the column shows is looked at: a cell may hold megabytes.
            pieces.extend(aligned([(cell_text(value, cells + 1), style)], cells, right=column.right))
        return joined(pieces)

    def render_empty(self, y: int, width: int) -> Text | None:
        """Say that the answer is empty."""
        if y != 0 or self.rows is None:
            return None
        return Text("  No rows.", looks_of(self.app).muted)

    # Keys

    def select(self, index: int, *, center: bool = False) -> None:
        """Put the cursor on a row; the end of what is known asks for more."""
        super().select(index, center=center)
        rows = self.rows
        if rows is not None and index >= len(rows) - 1 and not rows.result.complete and self.going_to is None:
            rows.wanted = len(rows)
            self._wake.set()

    def action_cursor_last(self) -> None:
        """To the last row, however far that is."""
        if self.rows is None or self.rows.result.complete:
            super().action_cursor_last()
            return
        self.going_to = _LAST_ROW
        self._wake.set()
        self.post_message(self.Arranged())

    def action_column(self, step: int) -> None:
        """To another column; those on screen move along."""
        if not self.columns:
            return
        self.column = max(0, min(self.column + step, len(self.columns) - 1))
        self._first = min(self._first, self.column)
        while self.column > self._first and self._is_cut(self.column):
            self._first += 1
        self.refresh_rows()
        self.post_message(self.Arranged())

    def _is_cut(self, column: int) -> bool:
        """Whether a column is off the screen, or narrower on it than it needs to be."""
        shown = next((each for each in self.placed if each.column.place == column), None)
        return shown is None or shown.width < min(shown.column.wanted, 20)

    def action_value(self) -> None:
        """Show the value of the cell in full."""
        if self.current_row is not None:
            self.post_message(self.ValueWanted(whole_row=False))

    def action_whole_row(self) -> None:
        """Show the whole row."""
        if self.current_row is not None:
            self.post_message(self.ValueWanted(whole_row=True))

    def watch_cursor(self, old: int, new: int) -> None:
        """Numbers beside the grid follow."""
        super().watch_cursor(old, new)
        self.post_message(self.Arranged())

    def on_resize(self) -> None:
        """Other columns may fit now."""
        super().on_resize()
        self.post_message(self.Arranged())

    def on_click(self, event: events.Click) -> None:
        """A click goes to a cell, a double click opens it."""
        offset = event.get_content_offset(self)
        if offset is not None:
            column = column_at(self.placed, offset.x)
            if column is not None:
                self.action_column(column - self.column)
        super().on_click(event)
