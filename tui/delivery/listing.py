"""What the parts of the Delivery view share: the sessions by how far they are, as far as the filter shows them."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

from textual import work

from promptetheus.display import short_id
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.delivery.filtering import DeliveryFilter, delivery_filter
from promptetheus.tui.delivery.list import DeliveryList
from promptetheus.tui.delivery.row import DeliveryLine
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.filtered_list import FilteredListScreen

FILTERED_AT_ONCE = 500
"""Lines that are looked through without a pause, in a few milliseconds: a letter must not wait for ten thousand."""


class ListsDelivery(FilteredListScreen):
    """Keeps every line there is, and shows those that the filter lets through."""

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self.root = root
        self.clock = clock
        self.every: Sequence[DeliveryLine] = ()
        """Also what the filter hides."""
        self._list = DeliveryList(clock)

    @abstractmethod
    def read(self) -> object:
        """See how far each session is."""

    @abstractmethod
    def lines_changed(self) -> None:
        """Other lines are shown now: let everything around the list follow."""

    @property
    def listed(self) -> DeliveryList:
        """The list."""
        return self._list

    @property
    def hidden(self) -> int:
        """How many lines the filter hides."""
        self._settle()
        return len(self.every) - len(self._list.lines)

    def acted_on(self) -> list[DeliveryLine]:
        """The marked lines, else all that are shown; never one that the filter hides."""
        self._settle()
        if self._list.marks and not self._list.marked:
            return []  # Whoever marked something means that, and not all the others.
        return self._list.marked or list(self._list.lines)

    def rows(self) -> list[SessionRow]:
        """What the list of sessions knows."""
        return list(self.shell.sessions_screen.table.sessions.by_id.values())

    def take(self, every: Sequence[DeliveryLine]) -> None:
        """Show what was read."""
        self.every = every
        self.filter_changed()

    def filter_changed(self) -> None:
        """Show what the filter lets through; of many lines, the letter is shown before them."""
        wanted = delivery_filter(self.wanted.text)
        if wanted and len(self.every) > FILTERED_AT_ONCE:
            self._look_through(wanted)
        else:
            self._show_at_once(wanted)

    @work(group="filter", exclusive=True, exit_on_error=False)
    async def _look_through(self, wanted: DeliveryFilter) -> None:
        every = self.every
        shown: list[DeliveryLine] = []
        for start in range(0, len(every), FILTERED_AT_ONCE):
            shown += filter(wanted.matches, every[start : start + FILTERED_AT_ONCE])
            await asyncio.sleep(0)
        self._show(shown, wanted)

    def _settle(self) -> None:
        """What is done to the lines that are shown must not be done to those of a filter that was there before."""
        if self.is_at_work("filter"):
            self._show_at_once(delivery_filter(self.wanted.text))

    def _show_at_once(self, wanted: DeliveryFilter) -> None:
        self.workers.cancel_group(self, "filter")
        self._show(list(filter(wanted.matches, self.every)) if wanted else self.every, wanted)

    def _show(self, shown: Sequence[DeliveryLine], wanted: DeliveryFilter) -> None:
        self._list.show(shown, self.every)
        bar = self.query_one(FilterBar)
        if bar.is_active:
            pinned = self._list.pinned
            hides = short_id(pinned.stem) if pinned is not None and self._list.hides_pinned else ""
            bar.say(len(shown), len(self.every), hides, wanted.problems)
        self.lines_changed()
