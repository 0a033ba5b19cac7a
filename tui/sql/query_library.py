"""The queries of the SQL view: kept, documented or run before, and the names to write new ones with."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType

from promptetheus.queries.query_file import NamedQuery, examples
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.sql.query_book import QueryBook
from promptetheus.tui.sql.taking import TakingResult

if TYPE_CHECKING:
    from promptetheus.tui.sql.editor import SqlEditor


class QueryLibrary(TakingResult):
    """The keys that bring a query, and the one that keeps it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "ctrl+o", "queries", "examples", id="sql.queries",
            tooltip="Kept queries, worked examples, and those run before",
        ),
        Binding(
            "ctrl+t", "schema", "views", id="sql.schema",
            tooltip="The views, what their columns mean, the macros",
        ),
        Binding("ctrl+r", "history", "history", show=False, id="sql.history", tooltip="The queries that were run"),
        Binding("ctrl+s", "save", "keep", show=False, id="sql.save", tooltip="Keep this query under a name"),
    ]  # fmt: skip

    book: QueryBook
    editor: SqlEditor

    @abstractmethod
    def run_query(self, *, to_grid: bool = False) -> None:
        """Run what is in the editor, in place of what runs now."""

    async def action_queries(self) -> None:
        """Kept queries, worked examples, and those run before."""
        from promptetheus.tui.sql.choosers import QueryChooser

        await self.shell.open_screen(QueryChooser(self.book, self._take_query))

    async def action_history(self) -> None:
        """The queries that were run."""
        from promptetheus.tui.sql.choosers import QueryChooser

        await self.shell.open_screen(QueryChooser(self.book, self._take_query, only_history=True))

    def _take_query(self, sql: str) -> None:
        self.editor.put(sql.removesuffix(";"))
        self.run_query()

    async def action_schema(self) -> None:
        """The views, what their columns mean, the macros."""
        from promptetheus.tui.sql.choosers import SchemaChooser

        await self.shell.open_screen(SchemaChooser(self._take_name))

    def _take_name(self, name: str) -> None:
        self.editor.insert(name)
        self.editor.focus()

    async def action_save(self) -> None:
        """Ask for a name, then keep the query."""
        from promptetheus.tui.ask_words import AskWords

        if self.sql:
            await self.shell.open_screen(AskWords("Keep this query as", "", partial(self._save, self.sql)))
        else:
            self.app.notify("There is no query to keep.", timeout=3)

    def _save(self, sql: str, name: str) -> None:
        if not name.strip():
            return
        try:
            self.book.save(name.strip(), sql)
        except OSError as error:
            self.app.notify(f"It could not be kept: {error.strerror or error}.", severity="warning")
        else:
            lists = with_keys("<sql.queries:ctrl+o> lists it")
            self.app.notify(
                f"Kept as {name.strip()}: {lists}, {self.book.saved_path.name} holds it.", timeout=4
            )

    def commands(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """The worked examples, by what they answer."""
        queries: Sequence[NamedQuery] = [*self.book.saved(), *examples()]
        for query in queries:
            yield f"SQL: {query.name}", partial(self._take_query, query.sql)
