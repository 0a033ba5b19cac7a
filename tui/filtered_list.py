"""A view of one list with a filter above it and a pane below: the way in, the way back, and what one takes along."""

from __future__ import annotations

from abc import abstractmethod

from textual import on

from promptetheus.queries.filter import Filter
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.inspector.page_view import PageView
from promptetheus.tui.line_list import LineList
from promptetheus.tui.taking import TakingScreen


class FilteredListScreen(TakingScreen):
    """A subclass shows a `FilterBar` and its list, and binds keys to `filter` and `back`."""

    wanted = Filter("", (), ())
    """The filter in force."""

    @property
    @abstractmethod
    def listed(self) -> LineList:
        """The list."""

    @abstractmethod
    def filter_changed(self) -> None:
        """Show what `wanted` lets through."""

    def give_up(self) -> None:
        """End what is being read: the person leaves."""

    def action_filter(self) -> None:
        """Filter while typing."""
        self.query_one(FilterBar).open()

    def action_back(self) -> None:
        """From the pane below to the list, from a filter to the whole list, from there to the view before."""
        bar = self.query_one(FilterBar)
        if self.focused is not self.listed and self.listed.is_on_screen:
            self.listed.focus()
        elif bar.is_active:
            bar.clear()
        else:
            self.give_up()
            self.app.call_next(self.shell.leave)

    @on(FilterBar.Changed)
    def _filter_changed(self, event: FilterBar.Changed) -> None:
        self.wanted = event.wanted
        self.filter_changed()

    @on(FilterBar.Left)
    def _filter_left(self) -> None:
        self.listed.focus()

    @on(PageView.LeaveWanted)
    def _left_pane(self, event: PageView.LeaveWanted) -> None:
        event.stop()
        self.listed.focus()
