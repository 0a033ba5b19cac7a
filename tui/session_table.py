"""The table of sessions: one line each, the cursor on a session and not on a place."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widget import Widget

from promptetheus.queries.filter import Filter
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.fit import Pieces, aligned, joined
from promptetheus.tui.guard import Guarded
from promptetheus.tui.line_list import LineList
from promptetheus.tui.session_columns import (
    COLUMN,
    GAP,
    Column,
    Moment,
    PlacedColumn,
    fit_columns,
)
from promptetheus.tui.session_list import SessionList
from promptetheus.tui.theme import looks_of

MARK = "◆"
"""Stands before a marked session."""


class SessionTable(LineList):
    """Shows a `SessionList`; the highlighted session stays highlighted while rows come, go and move."""

    BINDING_GROUP_TITLE = "List of sessions"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_row", "open", id="list.open", tooltip="Open the highlighted session"),
        Binding(
            "space", "mark", "mark", id="sessions.mark", tooltip="Mark the session, or take its mark away"
        ),
        Binding("o", "next_order", "sort", id="sessions.order", tooltip="Sort by the next column"),
        Binding(
            "O", "turn_order", "turn round", show=False, id="sessions.turn", tooltip="Turn the order round"
        ),
    ]

    class Arranged(Message):
        """Columns, order or rows changed: the titles above and the numbers beside have to follow."""

        def can_replace(self, message: Message) -> bool:
            """Only the latest arrangement matters."""
            return isinstance(message, SessionTable.Arranged)

    class Highlighted(Message):
        """Another session is highlighted, or the same one has changed."""

        def __init__(self, row: SessionRow | None) -> None:
            super().__init__()
            self.row = row

        def can_replace(self, message: Message) -> bool:
            """A held arrow key passes over rows without stopping at each."""
            return isinstance(message, SessionTable.Highlighted)

    def __init__(self, *, clock: Callable[[], float] = time.time, id: str | None = None) -> None:
        super().__init__(id=id)
        self.sessions = SessionList()
        self.marks: set[str] = set()
        """Ids of the marked sessions."""
        self.pinned: str | None = None
        """The session that the person chose; the cursor goes back to it when a filter stops hiding it."""
        self._clock = clock
        self._wanted_path: Path | None = None
        self._columns: tuple[int, list[PlacedColumn]] | None = None
        """The width they were fitted for, and the columns; None when rows changed since."""
        self._drawn_clocks: dict[int, tuple[str, str]] = {}
        """What the ticking cells of the rows on screen said when they were last looked at."""

    # What owners call

    def update(self, updated: Iterable[SessionRow], removed: Iterable[str] = ()) -> None:
        """Take in what the catalog found."""
        rows, gone = list(updated), list(removed)
        self.sessions.update(rows, gone)
        if self._wanted_path is not None:
            for row in rows:
                if row.path == self._wanted_path:
                    self.pinned, self._wanted_path = row.session_id, None
                    break
        self.marks.difference_update(gone)
        self._rearranged()

    def set_filter(self, wanted: Filter) -> None:
        """Show only what matches; the cursor returns to the chosen session as soon as it is visible again."""
        self.sessions.set_filter(wanted)
        self._rearranged()

    def clear_marks(self) -> None:
        """Take all marks away."""
        self.marks.clear()
        self.refresh_rows()
        self.post_message(self.Arranged())

    def pin_path(self, path: Path) -> None:
        """Highlight the session of a file as soon as it is read."""
        self._wanted_path = path

    def sort_by(self, column: Column, *, descending: bool | None = None) -> None:
        """Order by a column; asked for the same one again without a direction, turn it round."""
        if descending is None and column is self.sessions.order:
            descending = not self.sessions.descending
        self.sessions.sort_by(column, descending=descending)
        self._rearranged()

    @property
    def highlighted(self) -> SessionRow | None:
        """The session under the cursor."""
        visible = self.sessions.visible
        return visible[self.cursor] if self.cursor < len(visible) else None

    @property
    def hides_pinned(self) -> bool:
        """Whether the filter hides the session that the person had chosen."""
        return (
            self.pinned is not None
            and self.pinned in self.sessions.by_id
            and self.sessions.place_of(self.pinned) is None
        )

    @property
    def columns(self) -> list[PlacedColumn]:
        """The columns that fit, with their widths."""
        width = self.scrollable_content_region.width
        if self._columns is None or self._columns[0] != width:
            self._columns = width, fit_columns(width - 2, self.sessions.present, self.sessions.widest)
        return self._columns[1]

    def tick(self) -> None:
        """Let ages and running times go on; only rows whose text changes are drawn again."""
        looks, now = looks_of(self.app), self._clock()
        at = Moment(now, looks, self.sessions.repeats)
        drawn: dict[int, tuple[str, str]] = {}
        for index in self.visible_rows:
            row = self.sessions.visible[index]
            said = (COLUMN["started"].cell(row, at)[0][0], COLUMN["took"].cell(row, at)[0][0])
            drawn[index] = said
            if self._drawn_clocks.get(index) != said:
                self.refresh_row(index)
        self._drawn_clocks = drawn

    # What LineList asks

    def row_count(self) -> int:
        """The visible sessions."""
        return len(self.sessions.visible)

    def render_row(self, index: int, width: int, selected: bool) -> Text:
        """Draw one session."""
        row = self.sessions.visible[index]
        looks = looks_of(self.app)
        at = Moment(self._clock(), looks, self.sessions.repeats)
        pieces: Pieces = [(MARK if row.session_id in self.marks else " ", looks.accent)]
        for column, cells in self.columns:
            if len(pieces) > 1:
                pieces.append((" " * GAP, looks.text))
            pieces.extend(aligned(column.cell(row, at), cells, right=column.right))
        return joined(pieces)

    def render_empty(self, y: int, width: int) -> Text | None:
        """Say why nothing is shown."""
        if y != 1:
            return None
        looks = looks_of(self.app)
        if self.sessions.by_id:
            return Text("   No session matches this filter.", looks.muted)
        return Text("   Reading the spool …", looks.muted)

    # What the person does

    def action_mark(self) -> None:
        """Mark the highlighted session, or take its mark away, and go one row down."""
        row = self.highlighted
        if row is None:
            return
        self.marks.symmetric_difference_update({row.session_id})
        self.refresh_row(self.cursor)
        self.select(self.cursor + 1)
        self.post_message(self.Arranged())

    def action_next_order(self) -> None:
        """Sort by the next column to the right that is on screen."""
        shown = [placed.column for placed in self.columns]
        place = shown.index(self.sessions.order) if self.sessions.order in shown else -1
        self.sessions.sort_by(shown[(place + 1) % len(shown)])
        self._rearranged()

    def action_turn_order(self) -> None:
        """The same column, the other way round."""
        self.sort_by(self.sessions.order)

    def action_sort_by(self, key: str) -> None:
        """Sort by a column, named by its key."""
        self.sort_by(COLUMN[key])

    def select(self, index: int, *, center: bool = False) -> None:
        """Put the cursor on a row: from now on it stays on that session."""
        super().select(index, center=center)
        row = self.highlighted
        self.pinned = None if row is None else row.session_id

    def watch_cursor(self, old: int, new: int) -> None:
        """Tell the preview."""
        super().watch_cursor(old, new)
        self.post_message(self.Highlighted(self.highlighted))

    def on_resize(self) -> None:
        """Other columns may fit now."""
        super().on_resize()
        self.post_message(self.Arranged())

    def _rearranged(self) -> None:
        """Draw again, the cursor on the session it was on and the rows around it where they were."""
        self._columns = None
        before = self.cursor
        top = self.scroll_offset.y
        was_in_view = before in self.visible_rows
        place = None if self.pinned is None else self.sessions.place_of(self.pinned)
        self.set_reactive(LineList.cursor, self.cursor if place is None else place)
        self.refresh_rows()
        moved = self.cursor - before
        if moved and was_in_view and top:
            self.scroll_to(y=max(0, top + moved), animate=False, force=True)
        elif moved and was_in_view:
            self._show_cursor()
        self._drawn_clocks.clear()
        self.post_message(self.Arranged())
        self.post_message(self.Highlighted(self.highlighted))


class SessionTitles(Guarded, Widget, can_focus=False):
    """The line of column titles above the table; a click on one sorts by it."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    SessionTitles { height: 1; }
    """

    def __init__(self, table: SessionTable) -> None:
        super().__init__()
        self._table = table

    def render(self) -> Text:
        """Draw the titles over their columns, an arrow at the one that is sorted by."""
        looks = looks_of(self.app)
        pieces: Pieces = [("  ", looks.muted)]
        for place, (column, cells) in enumerate(self._table.columns):
            # A right-aligned title may use a cell of the gap before it, which is where its arrow goes.
            spare = 1 if place and column.right else 0
            if place:
                pieces.append((" " * (GAP - spare), looks.muted))
            title = (column.title, looks.muted)
            if column is self._table.sessions.order:
                title = (f"{column.title}{'↓' if self._table.sessions.descending else '↑'}", looks.accent)
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
