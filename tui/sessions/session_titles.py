"""The titles over the columns of the session list."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.widget import Widget

from promptetheus.tui.fit import Pieces, aligned, joined
from promptetheus.tui.guard import Guarded
from promptetheus.tui.sessions.session_columns import GAP, Column, PlacedColumn
from promptetheus.tui.sessions.session_table import SessionTable
from promptetheus.tui.theme import looks_of


class SessionTitles(Guarded, Widget, can_focus=False):
    """The line of column titles above the table; a click on one sorts by it."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    SessionTitles { height: 1; }
    """

    def __init__(self, table: SessionTable) -> None:
        super().__init__()
        self._table = table
        self._drawn: tuple[list[PlacedColumn], Column, bool] | None = None

    def follow(self) -> None:
        """Draw again if the columns or their order changed."""
        if self._drawn != self._shown():
            self.refresh()

    def _shown(self) -> tuple[list[PlacedColumn], Column, bool]:
        sessions = self._table.sessions
        return self._table.columns, sessions.order, sessions.descending

    def render(self) -> Text:
        """Draw the titles over their columns, an arrow at the one that is sorted by."""
        looks = looks_of(self.app)
        columns, order, descending = self._drawn = self._shown()
        pieces: Pieces = [("  ", looks.muted)]
        for place, (column, cells) in enumerate(columns):
            # A right-aligned title may use a cell of the gap before it, which is where its arrow goes.
            spare = 1 if place and column.right else 0
            if place:
                pieces.append((" " * (GAP - spare), looks.muted))
            title = (column.title, looks.muted)
            if column is order:
                title = (f"{column.title}{'↓' if descending else '↑'}", looks.accent)
            pieces.extend(aligned([title], cells + spare, right=column.right))
        return joined(pieces)

    def on_click(self, event: events.Click) -> None:
        """Sort by the column under the pointer."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        left = 2
        for column, cells in self._table.columns:
            if left <= offset.x < left + cells + GAP:
                event.stop()
                self._table.sort_by(column)
                return
            left += cells + GAP
