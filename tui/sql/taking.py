"""Taking things out of the SQL view: what `y` copies, what `x` writes to a file."""

from __future__ import annotations

import asyncio
import shlex
from abc import abstractmethod
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from textual import work
from textual.binding import Binding, BindingType

from promptetheus.display import counted, printable_line
from promptetheus.queries.parquet import CannotWrite
from promptetheus.queries.result_text import json_value
from promptetheus.queries.sql_error import SqlError
from promptetheus.tui.chooser import Choice
from promptetheus.tui.clipboard import copy_text
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.menu import Menu
from promptetheus.tui.progress import GivenUp, Progress, ProgressLine
from promptetheus.tui.sql.result_taking import MOST_COPIED_ROWS, Form, first_rows, result_text, write_result
from promptetheus.tui.taking import AtHand, TakingScreen, value_at_hand

if TYPE_CHECKING:
    from promptetheus.queries.open_result import OpenResult
    from promptetheus.tui.sql.result_grid import ResultGrid


class TakingResult(TakingScreen):
    """The keys that take something along."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "copy", "copy", id="sql.copy", tooltip="Copy: the cell, the row, the result, the query"),
        Binding(
            "Y", "copy_cell", "copy cell", show=False, id="sql.copy_cell", tooltip="Copy the cell without asking"
        ),
        Binding(
            "x", "export", "export", show=False, id="sql.export",
            tooltip="Write the result to a file: CSV, JSON, Parquet",
        ),
    ]  # fmt: skip
    NOTHING_YET = "There is no cell to show yet."

    root: Path
    grid: ResultGrid
    writing: Progress | None = None
    """A file that is being written."""

    @property
    @abstractmethod
    def result(self) -> OpenResult | None:
        """The answer that is shown."""

    @property
    @abstractmethod
    def is_narrowed(self) -> bool:
        """Whether only some rows of the answer are shown."""

    @property
    @abstractmethod
    def sql(self) -> str:
        """The query in the editor."""

    @property
    @abstractmethod
    def cell_note(self) -> str:
        """A hint of the value under the cursor."""

    @property
    @abstractmethod
    def session_note(self) -> str:
        """The id of the session that the row names, shortened; empty where it names none."""

    def action_copy_cell(self) -> None:
        """Copy the value under the cursor."""
        found = self.at_hand()
        if found is None:
            self.app.notify("There is no cell to copy.", timeout=3)
        else:
            copy_text(self.app, found.text)

    def at_hand(self) -> AtHand | None:
        """The value under the cursor."""
        row = self.grid.current_row
        if self.result is None or row is None:
            return None
        column = self.grid.columns[self.grid.column]
        return value_at_hand(json_value(row[column.place], column.type), column.name)

    async def action_copy(self) -> None:
        """Ask what to copy."""
        words = ["promptetheus", "sql", self.sql, "--spool", str(self.root)]
        shown = ["promptetheus", "tui", "--sql", self.sql, "--spool", str(self.root)]
        choices: list[Choice] = []
        if self.grid.current_row is not None:
            some = f"at most {MOST_COPIED_ROWS:,} rows"
            choices += [
                Choice("The cell", self.cell_note, self.action_copy_cell),
                Choice("The row as JSON", "", partial(self._copy_row, "json")),
                Choice("The row as CSV", "", partial(self._copy_row, "csv")),
                Choice(f"{self._taken} as CSV", some, partial(self._copy_result, "csv")),
                Choice(f"{self._taken} as JSON", some, partial(self._copy_result, "json")),
            ]
        copy: Callable[[str], None] = partial(copy_text, self.app)
        choices += [
            Choice("The query", printable_line(" ".join(self.sql.split()), 40), partial(copy, self.sql)),
            Choice("The command that answers it", "promptetheus sql …", partial(copy, shlex.join(words))),
            Choice(
                "The command that shows this", "promptetheus tui --sql …", partial(copy, shlex.join(shown))
            ),
        ]
        await self.shell.open_screen(Menu("Copy …", choices))

    @property
    def _taken(self) -> str:
        return "The rows that the filter shows" if self.is_narrowed else "The result"

    def _copy_row(self, form: Literal["csv", "json"]) -> None:
        result, row = self.result, self.grid.current_row
        if result is not None and row is not None:
            copy_text(self.app, result_text(result, form, [row]))

    @work(group="copy", exclusive=True, exit_on_error=False)
    async def _copy_result(self, form: Literal["csv", "json"]) -> None:
        result = self.result
        if result is None:
            return
        try:
            rows = await asyncio.to_thread(first_rows, result, MOST_COPIED_ROWS)
            text = await asyncio.to_thread(result_text, result, form, rows)
        except SqlError as error:
            self.app.notify(printable_line(str(error), 300), severity="warning", timeout=5)
            return
        copy_text(self.app, text)
        if not result.complete or result.known > len(rows):
            self.app.notify(
                with_keys(
                    f"Only the first {counted(len(rows), 'row')}: <sql.export:x> writes all of them to a file."
                ),
                timeout=5,
            )

    async def action_export(self) -> None:
        """Ask for a format, then write the file."""
        if self.result is None:
            self.app.notify("There is no result to write yet.", timeout=3)
            return
        choices = [
            Choice(title, self._export_path(form).name, partial(self._export, form))
            for title, form in (
                ("CSV: for a spreadsheet", "csv"),
                ("JSON: a list of objects", "json"),
                ("Parquet: with its types, small", "parquet"),
            )
        ]
        taken = self._taken[0].lower() + self._taken[1:]
        await self.shell.open_screen(Menu(f"Write {taken} to a file here", choices))

    def _export_path(self, form: str) -> Path:
        number = 0
        while True:
            name = f"result{f'-{number}' if number else ''}.{form}"
            path = Path.cwd() / name
            if not path.exists():
                return path
            number += 1

    @work(group="export", exclusive=True, exit_on_error=False)
    async def _export(self, form: Form) -> None:
        result = self.result
        if result is None:
            return
        path, progress = self._export_path(form), Progress()
        rows = "rows that the filter shows" if self.is_narrowed else "rows"
        self.writing = progress
        line = self.query_one(ProgressLine)
        line.track(progress)
        try:
            number = await asyncio.to_thread(write_result, result, form, path, progress)
        except GivenUp:
            self.app.notify(f"Given up; {path.name} was taken away again.", timeout=4)
        except (OSError, SqlError, CannotWrite) as error:
            said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            self.app.notify(f"{path.name}: {printable_line(said, 300)}", severity="warning", timeout=6)
        else:
            self.app.notify(f"Wrote {number:,} {rows} to {path.name}", timeout=4)
        finally:
            self.writing = None
            line.track(None)
