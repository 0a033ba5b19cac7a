"""The list of suspects, the best first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widget import Widget

from promptetheus.cause.suspects import Suspect
from promptetheus.tui.failures.suspect_row import (
    SuspectColumns,
    suspect_columns,
    suspect_row,
    suspect_titles,
)
from promptetheus.tui.fit import cut
from promptetheus.tui.guard import Guarded
from promptetheus.tui.line_list import LineList
from promptetheus.tui.theme import looks_of


class SuspectTable(LineList):
    """Shows what was found."""

    BINDING_GROUP_TITLE = "List of suspects"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "enter", "open_row", "in full", id="list.open", tooltip="All there is to say about this suspect"
        ),
    ]

    def __init__(self) -> None:
        super().__init__(id="suspect-table")
        self.suspects: Sequence[Suspect] = ()
        self.pinned: Suspect | None = None
        """The one that the person went to; the cursor goes back to it when the filter lets it."""
        self.why_empty = ""
        """What stands in a list without lines."""

    def show(self, suspects: Sequence[Suspect]) -> None:
        """Show these; the cursor stays on the suspect that it was on."""
        held = self.pinned or self.chosen
        self.suspects = suspects
        self.refresh_rows()
        if held is not None:
            super().select(next((n for n, each in enumerate(suspects) if _is_same(each, held)), 0))
        # Another one may be under the cursor although the cursor did not move.
        self.post_message(self.CursorMoved(self, self.cursor))

    def select(self, index: int, *, center: bool = False) -> None:
        """Put the cursor on a row: from now on it stays on that suspect."""
        super().select(index, center=center)
        self.pinned = self.chosen

    @property
    def hidden(self) -> Suspect | None:
        """The suspect that the person had gone to, where the filter hides it."""
        pinned = self.pinned
        return None if pinned is None or any(_is_same(each, pinned) for each in self.suspects) else pinned

    @property
    def chosen(self) -> Suspect | None:
        """The suspect under the cursor."""
        return self.suspects[self.cursor] if self.cursor < len(self.suspects) else None

    def columns(self, width: int) -> SuspectColumns:
        """The columns of the list in that many cells."""
        of = (max(each.counts.failing, each.counts.passing) for each in self.suspects)
        return suspect_columns(width, max(of, default=0))

    def row_count(self) -> int:
        """A line each."""
        return len(self.suspects)

    def render_row(self, index: int, width: int, selected: bool) -> Text:
        """Draw one."""
        row = suspect_row(self.suspects[index], self.columns(width - 2), self.looks)
        return Text(" ").append_text(row)

    def render_empty(self, y: int, width: int) -> Text | None:
        """Say why there is nothing."""
        return Text(cut(f"   {self.why_empty}", width), self.looks.muted) if y == 1 else None


def _is_same(one: Suspect, other: Suspect) -> bool:
    """Whether they are about the same, whatever the counts are now."""
    return (one.kind, one.text) == (other.kind, other.text)


class SuspectTitles(Guarded, Widget, can_focus=False):
    """The names of the columns over the list."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    SuspectTitles { height: 1; }
    """

    def __init__(self, table: SuspectTable) -> None:
        super().__init__()
        self._table = table

    def render(self) -> Text:
        """Over the columns, whose list keeps a cell for its marker, one for its scroll bar and one before that."""
        text = Text("  ")
        return text.append_text(suspect_titles(self._table.columns(self.size.width - 4), looks_of(self.app)))
