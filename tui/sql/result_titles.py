"""The line over the grid: the names of its columns."""

from __future__ import annotations

from rich.text import Text
from textual import events
from textual.widget import Widget

from promptetheus.display import printable_line
from promptetheus.tui.fit import Pieces, aligned, joined
from promptetheus.tui.guard import Guarded
from promptetheus.tui.sql.result_cells import GAP, column_at
from promptetheus.tui.sql.result_grid import ResultGrid
from promptetheus.tui.theme import looks_of


class ResultTitles(Guarded, Widget, can_focus=False):
    """The names of the columns, and whether there are more to the left and to the right."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    ResultTitles { height: 1; }
    """

    def __init__(self, grid: ResultGrid) -> None:
        super().__init__()
        self._grid = grid

    def render(self) -> Text:
        """Draw the names over their columns, the one of the cursor bright."""
        looks, grid = looks_of(self.app), self._grid
        if not grid.columns:
            return Text("")
        before, after = grid.hidden_columns
        pieces: Pieces = [("‹ " if before else "  ", looks.accent)]
        for place, each in enumerate(grid.placed):
            if place:
                pieces.append((" " * GAP, looks.muted))
            style = looks.accent if each.column.place == grid.column and grid.has_focus else looks.muted
            name = printable_line(each.column.name, 80)
            pieces.extend(aligned([(name, style)], each.width, right=each.column.right))
        text = joined(pieces)
        if after:
            # The cell over the scroll bar is free.
            text.truncate(max(0, self.size.width - 1), pad=True)
            text.append("›", looks.accent)
        return text

    def on_click(self, event: events.Click) -> None:
        """Go to the column under the pointer."""
        offset = event.get_content_offset(self)
        column = None if offset is None else column_at(self._grid.placed, offset.x)
        if column is not None:
            self._grid.action_column(column - self._grid.column)
