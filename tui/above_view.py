"""A screen that a view opened for one value or picture: its first line is that of a view, and leads back like it."""

from __future__ import annotations

from textual import on
from textual.screen import Screen

from promptetheus.tui.crumb_line import CrumbLine
from promptetheus.tui.crumbs import CrumbWanted
from promptetheus.tui.shell import Shell
from promptetheus.tui.views import ViewScreen


class AboveView(Screen[None]):
    """A subclass yields a `CrumbLine` first, and calls `show_way` when it is mounted."""

    def show_way(self) -> None:
        """Name the view below, and those below that."""
        self.query_one(CrumbLine).show_crumbs([view.crumb for view in self._way])

    @property
    def _way(self) -> list[ViewScreen]:
        shell = self.app
        return [*shell.crumbs(), shell.views()[-1]] if isinstance(shell, Shell) else []

    @on(CrumbWanted)
    def _crumb_wanted(self, event: CrumbWanted) -> None:
        if isinstance(self.app, Shell):
            self.app.call_next(self.app.leave_to, self._way[event.depth])
