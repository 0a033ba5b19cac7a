"""The list of the Delivery view; the cursor stays on its session as others come and go."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from promptetheus.tui.delivery.row import Column, DeliveryLine, columns_for, delivery_row, titles
from promptetheus.tui.drawn_rows import MARK
from promptetheus.tui.fit import cut_pieces, joined
from promptetheus.tui.guard import Guarded
from promptetheus.tui.line_list import LineList
from promptetheus.tui.theme import looks_of

_MEASURED = 200
"""Lines that say how wide a column should be."""


class DeliveryList(LineList):
    """Sessions, those with trouble first."""

    BINDING_GROUP_TITLE = "List of sessions"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_row", "open", id="list.open", tooltip="Open the session"),
        Binding(
            "space", "mark", "mark", id="delivery.mark", tooltip="Mark the session, or take its mark away"
        ),
    ]

    class Marked(Message):
        """Other sessions are marked now."""

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__(id="delivery-list")
        self.lines: Sequence[DeliveryLine] = ()
        self.marks: set[Path] = set()
        """Files of the marked sessions."""
        self.pinned: Path | None = None
        """File of the session that the person went to; the cursor goes back to it when the filter lets it."""
        self.why_empty = ""
        self._clock = clock
        self._columns: tuple[int, Sequence[Column]] | None = None
        """The width that they were fitted for, and the columns; None when other lines are shown since."""

    def show(self, lines: Sequence[DeliveryLine], every: Sequence[DeliveryLine]) -> None:
        """Show these of every line there is, with the cursor on the session that it was on.

        A mark stays while its line is not shown, and goes with its session.
        """
        held = self.pinned or (None if self.chosen is None else self.chosen.entry.session_file)
        self.lines = lines
        self._columns = None
        if self.marks:
            self.marks &= {line.entry.session_file for line in every}
        place = next((n for n, line in enumerate(lines) if line.entry.session_file == held), None)
        self.refresh_rows()
        if place is not None and place != self.cursor:
            super().select(place)
        if self.pinned is not None and place is None:
            files = (line.entry.session_file for line in every)
            self.pinned = self.pinned if self.pinned in files else None

    def select(self, index: int, *, center: bool = False) -> None:
        """Put the cursor on a row: from now on it stays on that session."""
        super().select(index, center=center)
        self.pinned = None if self.chosen is None else self.chosen.entry.session_file

    @property
    def hides_pinned(self) -> bool:
        """Whether the filter hides the session that the person had gone to."""
        return self.pinned is not None and all(line.entry.session_file != self.pinned for line in self.lines)

    @property
    def chosen(self) -> DeliveryLine | None:
        """The session under the cursor."""
        return self.lines[self.cursor] if self.cursor < len(self.lines) else None

    @property
    def marked(self) -> list[DeliveryLine]:
        """The marked sessions that are shown, as they stand in the list."""
        return [line for line in self.lines if line.entry.session_file in self.marks]

    def columns(self, width: int) -> Sequence[Column]:
        """The columns that fit a row of so many cells."""
        if self._columns is None or self._columns[0] != width:
            self._columns = width, columns_for(width, self.lines[:_MEASURED])
        return self._columns[1]

    def row_count(self) -> int:
        """A line each."""
        return len(self.lines)

    def render_row(self, index: int, width: int, selected: bool) -> Text:
        """Draw one."""
        line = self.lines[index]
        return joined(cut_pieces(delivery_row(line, self.columns(width), self.looks, self._clock()), width))

    def row_mark(self, index: int) -> str:
        """That a session is marked."""
        return MARK if self.lines[index].entry.session_file in self.marks else ""

    def render_empty(self, y: int, width: int) -> Text | None:
        """Say why there is nothing."""
        return Text(f"   {self.why_empty}", self.looks.muted) if y == 1 else None

    def action_mark(self) -> None:
        """Mark the session, or take its mark away, and go one down."""
        chosen = self.chosen
        if chosen is None:
            return
        self.marks ^= {chosen.entry.session_file}
        self.refresh_row(self.cursor)
        self.select(self.cursor + 1)
        self.post_message(self.Marked())


class DeliveryTitles(Guarded, Widget, can_focus=False):
    """The names of the columns over the list."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    DeliveryTitles { height: 1; }
    """

    def __init__(self, listed: DeliveryList) -> None:
        super().__init__()
        self._listed = listed

    def render(self) -> Text:
        """The list keeps a cell for its marker and one for its scroll bar."""
        return joined(titles(self._listed.columns(self.size.width - 2), looks_of(self.app)))
