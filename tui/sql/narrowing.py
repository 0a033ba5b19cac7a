"""`/` in the answer of a query: only the rows that hold some words, found while one types."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType

from promptetheus.display import printable_line
from promptetheus.queries.sql_error import SqlError
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.sql.taking import TakingResult

if TYPE_CHECKING:
    from promptetheus.queries.isolated import IsolatedDatabase
    from promptetheus.queries.open_result import OpenResult

FIRST_ROWS = 100
_TYPING_PAUSE_S = 0.12
"""Without a letter, before the rows are looked at."""

_FAR = 1_000_000
"""No result has a row of this number: asked for it, the other process looks on for a moment."""


class NarrowingResult(TakingResult):
    """The key that filters rows. They are looked at in the process of the query, which keeps them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", id="sql.filter", tooltip="Filter the rows while you type"),
    ]  # fmt: skip

    database: IsolatedDatabase
    whole: OpenResult | None = None
    """The answer without a filter; None while there is none, or while another query runs."""

    @abstractmethod
    def say(self) -> None:
        """Say how many rows there are, and where the cursor is."""

    @property
    def is_narrowed(self) -> bool:
        """Whether only some rows of the answer are shown."""
        return self.whole is not None and self.result is not self.whole

    def how_many_rows(self) -> str:
        """`12 of 1,000,000 rows`; a plus stands for those that nobody looked at yet."""
        result, whole = self.result, self.whole
        if result is None:
            return ""
        found = f"{result.known:,}{'' if result.complete else '+'}"
        if whole is None or not self.is_narrowed:
            return f"{found} {'row' if result.known == 1 else 'rows'}"
        return f"{found} of {whole.known:,}{'' if whole.complete else '+'} rows"

    def action_filter(self) -> None:
        """Filter while typing."""
        if self.whole is None:
            self.app.notify("There is no result to filter yet.", timeout=3)
        else:
            self.query_one(FilterBar).open()

    def forget_whole(self) -> None:
        """Another query is asked: what the filter was about is gone."""
        self.whole = None
        self.workers.cancel_group(self, "narrow")
        self.query_one(FilterBar).clear()

    @on(FilterBar.Changed)
    def _filter_changed(self, event: FilterBar.Changed) -> None:
        if self.whole is not None:
            self._narrow(self.whole, event.wanted.text.strip())

    @on(FilterBar.Left)
    def _filter_left(self) -> None:
        self.grid.focus()

    @work(group="narrow", exclusive=True, exit_on_error=False)
    async def _narrow(self, whole: OpenResult, words: str) -> None:
        if not words and self.result is whole:
            return
        try:
            if words:
                await asyncio.sleep(_TYPING_PAUSE_S)
                await self._look_for(whole, words)
            else:
                self.grid.show_rows(whole, await asyncio.to_thread(whole.rows, 0, FIRST_ROWS))
                self.say()
        except SqlError as error:
            if whole is self.whole:
                self.app.notify(printable_line(str(error), 300), severity="warning", timeout=5)

    async def _look_for(self, whole: OpenResult, words: str) -> None:
        found = await asyncio.to_thread(self.database.narrow, whole, words)
        self.grid.show_rows(found, await asyncio.to_thread(found.rows, 0, FIRST_ROWS))
        self._say_found(found, whole)
        while not found.complete:
            await asyncio.to_thread(found.rows, _FAR, 1)
            self.grid.refresh_rows(max(0, len(self.grid.rows or ()) - 1) if found.known else 0)
            self._say_found(found, whole)

    def _say_found(self, found: OpenResult, whole: OpenResult) -> None:
        self.query_one(FilterBar).say(found.known, whole.known, of="rows", so_far=not found.complete)
        self.say()
