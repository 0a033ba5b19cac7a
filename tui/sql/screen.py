"""The SQL view: a query over the spool, and its answer in a grid."""

from __future__ import annotations

import asyncio
import atexit
import time
from collections import Counter
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from promptetheus.display import counted, duration, printable_line
from promptetheus.queries.filter_listed import ListedRows
from promptetheus.queries.isolated import IsolatedDatabase
from promptetheus.queries.isolated import Progress as QueryProgress
from promptetheus.queries.open_result import OpenResult
from promptetheus.queries.query_file import examples
from promptetheus.queries.rows import SessionRow
from promptetheus.queries.sql_error import SqlError
from promptetheus.tui.crumb_line import CrumbLine
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.fit import Pieces
from promptetheus.tui.footer import KeyFooter
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.progress import Progress, ProgressLine
from promptetheus.tui.sql.editor import CompletionLine, SqlEditor
from promptetheus.tui.sql.narrowing import FIRST_ROWS, NarrowingResult
from promptetheus.tui.sql.notice import SqlNotice
from promptetheus.tui.sql.opening import OpeningRow
from promptetheus.tui.sql.query_book import QueryBook
from promptetheus.tui.sql.query_library import QueryLibrary
from promptetheus.tui.sql.result_grid import ResultGrid
from promptetheus.tui.sql.result_titles import ResultTitles
from promptetheus.tui.theme import looks_of

if TYPE_CHECKING:
    from promptetheus.tui.shell import Shell

TIMEOUT_S = 600.0
"""A person sees that it runs, and can stop it."""

MOST_VALUES = 200
"""Texts of one column that complete a query."""


def open_view(app: Shell, subject: object) -> SqlScreen:
    """A statement is run at once; without one what was typed before stands there, else the last query."""
    return SqlScreen(app.root, subject if isinstance(subject, str) else "", app.drafts.get("sql", ""))


class SqlScreen(QueryLibrary, OpeningRow, NarrowingResult):
    """Editor over grid. Queries run in a process of their own, which ends with this view."""

    VIEW = "sql"
    BINDING_GROUP_TITLE = "SQL"
    DEFAULT_CSS = """
    SqlScreen {
        & > SqlEditor, & > SqlEditor:focus { border-top: solid $rule; }
        & > CompletionLine { height: 1; }
        & > ResultTitles { border-top: solid $rule; height: 2; }
        & > ResultGrid, & > SqlNotice { height: 1fr; }
        & > SqlNotice { border-top: solid $rule; }
        & > ToastRack { margin-bottom: 1; }
        & > ResultTitles, & > ResultGrid { display: none; }
        &.-answered > ResultTitles, &.-answered > ResultGrid { display: block; }
        &.-answered > SqlNotice { display: none; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", id="sql.back", tooltip="Cancel, clear the filter, else back one level"),
        Binding("e,i", "edit", "edit", id="sql.edit", tooltip="Edit the query"),
        Binding("f5,r", "run_query", "run", show=False, id="sql.run_again", tooltip="Run the query (again)"),
        Binding("ctrl+c", "cancel", "cancel", show=False, id="sql.cancel", tooltip="Cancel what runs"),
        Binding("tab", "edit", "edit", show=False, id="sql.to_editor"),
    ]  # fmt: skip

    def __init__(self, root: Path, sql: str = "", draft: str = "") -> None:
        super().__init__()
        self._draft = draft
        self.root = root
        self.book = QueryBook(root)
        self._asked = sql
        self.database = IsolatedDatabase(root)
        self._query: Progress | None = None
        self._cancelled: Progress | None = None
        """Of the query that the person wanted no longer."""
        self._began_s = 0.0
        self._values: dict[str, list[str]] = {}
        self._ran = ""
        self.editor = SqlEditor(sql or draft or self._ready_query(), lambda: self._values)
        self.grid = ResultGrid(id="grid")

    def _ready_query(self) -> str:
        before = self.book.history()
        return before[0] if before else examples()[2].sql.removesuffix(";")

    @property
    def subject(self) -> object:
        """The statement that was asked last."""
        return self._ran or self._asked or None

    @property
    def result(self) -> OpenResult | None:
        """The answer that is shown."""
        return None if self.grid.rows is None else self.grid.rows.result

    @property
    def sql(self) -> str:
        """The query in the editor."""
        return self.editor.text.strip()

    def compose(self) -> ComposeResult:
        """Where one is, the query, its completions, the answer or a lesson, the keys."""
        yield CrumbLine("SQL")
        yield self.editor
        yield CompletionLine(self.editor)
        yield ProgressLine()
        yield FilterBar(ListedRows())
        yield ResultTitles(self.grid)
        yield self.grid
        yield SqlNotice()
        yield KeyFooter()

    def on_mount(self) -> None:
        """Teach, or answer what was asked."""
        atexit.register(self.database.close)
        self.query_one(CrumbLine).show_crumbs([view.crumb for view in self.shell.crumbs()])
        self.query_one(SqlNotice).teach()
        self._gather_values()
        self.set_interval(0.1, self._tick)
        self.say()
        if self._asked:
            self.run_query(to_grid=True)
        else:
            if self._draft:
                self.editor.cursor_location = self.editor.document.end
            else:
                # What one types takes the place of the ready query; an arrow key begins to edit it.
                self.editor.select_all()
            self.editor.focus()

    def on_unmount(self) -> None:
        """Keep what was typed, and end the other process: the program would wait for its query."""
        self.shell.drafts["sql"] = self.editor.text
        self.database.interrupt()
        self.database.close()
        atexit.unregister(self.database.close)

    def _gather_values(self) -> None:
        """What is in the sessions completes strings."""
        agents, fingerprints, goals = Counter[str](), Counter[str](), Counter[str]()
        for row in self.sessions().values():
            agents[row.agent] += 1
            goals[row.goal] += 1
            fingerprints[row.fingerprint] += 1
        for column, seen in (("agent", agents), ("fingerprint", fingerprints), ("goal", goals)):
            self._values[column] = [text for text, _ in seen.most_common(MOST_VALUES) if text]

    def sessions(self) -> Mapping[str, SessionRow]:
        """What the list of sessions knows, by id."""
        return self.shell.sessions_screen.table.sessions.by_id

    # Running

    def action_run_query(self) -> None:
        """Run what is in the editor."""
        self.run_query()

    @on(SqlEditor.RunWanted)
    def _run_wanted(self) -> None:
        self.run_query()

    def run_query(self, *, to_grid: bool = False) -> None:
        """Run what is in the editor, in place of what runs now."""
        if not self.sql:
            self.app.notify(with_keys("There is no query yet: <sql.queries:ctrl+o> has examples."), timeout=3)
            return
        self._run(self.editor.text, to_grid or self.focused is not self.editor)

    @work(group="query", exclusive=True, exit_on_error=False)
    async def _run(self, sql: str, to_grid: bool) -> None:
        if self._query is not None:
            self.database.interrupt()
        self.forget_whole()
        progress = self._query = Progress()
        progress.what = "starting"
        self.editor.running = True
        self._began_s = time.monotonic()
        self._ran = sql.strip()
        self.query_one(ProgressLine).track(progress)
        try:
            result = await asyncio.to_thread(
                self.database.open, sql, timeout_s=TIMEOUT_S, progress=partial(_tell, progress)
            )
            first = await asyncio.to_thread(result.rows, 0, FIRST_ROWS, timeout_s=TIMEOUT_S)
            await asyncio.to_thread(self._remember, sql.strip())
        except SqlError as error:
            if progress is self._query:
                is_cancelled = progress is self._cancelled
                self._show_error(
                    SqlError(f"Cancelled after {self._elapsed}.") if is_cancelled else error, sql
                )
            return
        finally:
            if progress is self._query:
                self._query, self.editor.running = None, False
                self.query_one(ProgressLine).track(None)
        if progress is not self._query and self._query is not None:
            return  # Another query was asked meanwhile.
        self.editor.show_mistake(None)
        self.whole = result
        self.grid.show(result, first)
        self.add_class("-answered")
        if to_grid:
            self.grid.focus()
        self.say()

    def _remember(self, sql: str) -> None:
        try:
            self.book.remember(sql)
        except OSError:
            pass  # A spool that cannot be written to can be asked all the same.

    def _show_error(self, error: SqlError, sql: str) -> None:
        self.grid.show(None, [])
        self.remove_class("-answered")
        self.query_one(SqlNotice).show_error(error, sql)
        if error.position is not None and self.editor.text == sql:
            self.editor.show_mistake(range(error.position, error.position + max(1, error.length)))
        if self.focused is self.grid or self.focused is None:
            self.editor.focus()
        self.say()

    @on(SqlEditor.CancelWanted)
    def action_cancel(self) -> None:
        """Stop what runs, or what is looked for far down."""
        if self._query is not None:
            self._query.what = "cancelling"
            self._cancelled = self._query
            self.database.interrupt()
        elif self.grid.going_to is not None:
            self.grid.stop_going()
        elif self.writing is not None:
            self.writing.give_up()
        else:
            self.app.notify("Nothing runs that could be cancelled.", timeout=3)

    @property
    def _is_busy(self) -> bool:
        return self._query is not None or self.grid.going_to is not None or self.writing is not None

    def action_back(self) -> None:
        """Stop what runs; from a filter to the whole answer; else back one level."""
        if self._is_busy:
            self.action_cancel()
        elif self.query_one(FilterBar).is_active:
            self.query_one(FilterBar).clear()
        else:
            self.app.call_next(self.shell.leave)

    @on(ResultGrid.Failed)
    def _rows_failed(self, event: ResultGrid.Failed) -> None:
        self.app.notify(printable_line(str(event.error), 300), severity="warning", timeout=6)
        self.say()

    # Showing

    def _tick(self) -> None:
        progress = self._query
        if progress is not None:
            self.query_one(CrumbLine).show(
                self._about(), [(f"running  {self._elapsed}", looks_of(self.app).running)]
            )

    @property
    def _elapsed(self) -> str:
        return duration((time.monotonic() - self._began_s) * 1000)

    @on(ResultGrid.Arranged)
    def _arranged(self) -> None:
        self.query_one(ResultTitles).refresh()
        self.say()

    @on(SqlEditor.Completing)
    def _completing(self) -> None:
        self.query_one(CompletionLine).refresh()

    @on(events.DescendantFocus)
    @on(events.DescendantBlur)
    def _focus_moved(self) -> None:
        self.query_one(CompletionLine).refresh()
        self.query_one(ResultTitles).refresh()

    def _about(self) -> Pieces:
        return [
            ("read only, over ", looks_of(self.app).muted),
            (printable_line(self.root.name, 60), looks_of(self.app).muted),
        ]

    def say(self) -> None:
        """How many rows there are, and where the cursor is."""
        if self._query is not None:
            return
        looks, result, grid = looks_of(self.app), self.result, self.grid
        right: Pieces = []
        if result is not None:
            if grid.going_to is not None:
                right = [
                    (f"reading row {result.known:,} …", looks.running),
                    (with_keys("  <sql.back:escape> stops"), looks.muted),
                ]
            else:
                rows = self.how_many_rows()
                hidden = sum(grid.hidden_columns)
                column = f"column {grid.column + 1} of {len(grid.columns)}, " if hidden else ""
                place = f"{column}row {grid.cursor + 1:,} of " if grid.has_focus and result.known else ""
                right = [
                    (place, looks.muted),
                    (rows, looks.text),
                    (f"  {duration(result.elapsed_ms)}", looks.muted),
                ]
            notes = [
                "cut here, there are more" * result.truncated,
                f"{counted(result.skipped, 'line')} skipped" * bool(result.skipped),
            ]
            right = [*((f"{note}   ", looks.warned) for note in notes if note), *right]
        self.query_one(CrumbLine).show(self._about(), right)

    # Going on

    def action_edit(self) -> None:
        """Edit the query."""
        self.editor.focus()

    @on(SqlEditor.DownWanted)
    def _down_from_editor(self) -> None:
        if self.has_class("-answered"):
            self.grid.focus()

    @on(SqlEditor.Left)
    def _editor_left(self) -> None:
        if self.has_class("-answered"):
            self.grid.focus()
        elif not self._is_busy:
            self.app.call_next(self.shell.leave)


def _tell(progress: Progress, told: QueryProgress) -> None:
    """In the waiting thread: how far the query is."""
    progress.what, progress.share = told.phase, told.fraction
