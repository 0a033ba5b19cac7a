"""What opens from a row of a result: the session that it names, or a value with the screen to itself."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any

from textual import on

from promptetheus.display import short_id
from promptetheus.queries.result_text import json_value, record
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.inspector.full_view import FullView
from promptetheus.tui.inspector.page import Page
from promptetheus.tui.inspector.value_view import ValueBlock
from promptetheus.tui.line_list import LineList
from promptetheus.tui.session.session_subject import StepOf
from promptetheus.tui.sql.result_cells import cell_text
from promptetheus.tui.sql.result_grid import ResultGrid
from promptetheus.tui.sql.taking import TakingResult


class OpeningRow(TakingResult):
    """The keys that lead out of the grid."""

    @abstractmethod
    def sessions(self) -> Mapping[str, SessionRow]:
        """What the list of sessions knows, by id."""

    @property
    def selected(self) -> tuple[str, int | None]:
        """The session that the row under the cursor names."""
        row = self._session_of_row()
        return ("", None) if row is None else (row.session_id, self._step_of_row())

    @on(LineList.Opened)
    def _row_opened(self) -> None:
        """Open the session that the row names, at its step where it names one too; else the value."""
        row = self._session_of_row()
        if row is None:
            self.grid.action_value()
            return
        subject: object = row.path
        step = self._step_of_row()
        if step is not None:
            subject = StepOf(row.path, step)
        self.app.call_next(self.shell.go, "session", subject)

    def _session_of_row(self) -> SessionRow | None:
        values, known = self.grid.current_row, self.sessions()
        if values is None:
            return None
        for value in (self.grid.current_value, *values):
            if isinstance(value, str) and value in known:
                return known[value]
        return None

    def _step_of_row(self) -> int | None:
        values = self.grid.current_row or ()
        for column in self.grid.columns:
            value = values[column.place]
            if column.name.casefold() == "step" and type(value) is int:
                return value
        return None

    @on(ResultGrid.ValueWanted)
    async def _value_wanted(self, event: ResultGrid.ValueWanted) -> None:
        result, row = self.result, self.grid.current_row
        if result is None or row is None:
            return
        if event.whole_row:
            value: Any = record(result.columns, result.types, row)
            title = f"row {self.grid.cursor + 1:,}"
        else:
            column = self.grid.columns[self.grid.column]
            value, title = json_value(row[column.place], column.type), column.name
        block = ValueBlock(value, title, self.root)
        await self.shell.open_screen(FullView(title, lambda: Page([block]), self.root))

    @property
    def cell_note(self) -> str:
        """A hint of the value under the cursor."""
        return cell_text(self.grid.current_value, 40)

    @property
    def session_note(self) -> str:
        """The id of the session that the row names; empty where it names none."""
        row = self._session_of_row()
        return "" if row is None else short_id(row.session_id)
