"""The rows of the table of sessions: the cursor on a session and not on a place."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from operator import is_
from pathlib import Path

from rich.style import Style
from rich.text import Text
from textual import work
from textual.message import Message

from promptetheus.queries.activity import Activity
from promptetheus.queries.filter import Filter
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.drawn_rows import MARK
from promptetheus.tui.fit import Pieces, aligned, joined
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.line_list import LineList
from promptetheus.tui.project_notes import NOTED
from promptetheus.tui.sessions.session_cells import SHOWN_LENGTH, Moment
from promptetheus.tui.sessions.session_columns import (
    COLUMN,
    GAP,
    LEAST_WIDTH,
    Column,
    PlacedColumn,
    fit_columns,
)
from promptetheus.tui.sessions.session_groups import Group, Listed, group_pieces
from promptetheus.tui.sessions.session_list import EXAMINED_AT_ONCE, FILTERED_AT_ONCE, SessionList
from promptetheus.tui.theme import looks_of

_BETWEEN = (" " * GAP, Style.null())

UNFILTERED_AT_ONCE = 200
"""Rows taken in without a pause, where nothing is looked for in them."""

FEW_ROWS = 64
"""So many are examined as they come: what a live spool brings, and a first frame."""


class SessionRows(LineList):
    """Shows a `SessionList`; the highlighted session stays highlighted while rows come, go and move."""

    class Arranged(Message):
        """Columns, order or rows changed: the titles above and the numbers beside have to follow."""

        def can_replace(self, message: Message) -> bool:
            """Only the latest arrangement matters."""
            return isinstance(message, SessionRows.Arranged)

    class Highlighted(Message):
        """Another session is highlighted, or the same one has changed."""

        def __init__(self, row: SessionRow | None) -> None:
            super().__init__()
            self.row = row

        def can_replace(self, message: Message) -> bool:
            """A held arrow key passes over rows without stopping at each."""
            return isinstance(message, SessionRows.Highlighted)

    def __init__(self, *, clock: Callable[[], float] = time.time, id: str | None = None) -> None:
        super().__init__(id=id)
        self.sessions = SessionList()
        self.marks: dict[str, Path] = {}
        """Ids and files of the marked sessions, in the order in which they were marked."""
        self.noted: frozenset[str] = frozenset()
        """Ids of the sessions that somebody wrote a note about, or bookmarked something of."""
        self.activity: dict[str, Activity | None] = {}
        """How busy sessions were, by id, as far as it has been read; the screen reads it for what is in sight."""
        self.pinned: str | None = None
        """The session that the person chose; the cursor goes back to it when a filter stops hiding it."""
        self._is_at_start = True
        """Whether nobody has moved the cursor yet: it is on the first session then, and on no line over a group."""
        self.chosen_columns: tuple[str, ...] = ()
        """Keys of the columns that the person wants, in their order; none for as many as fit."""
        self.chosen_widths: dict[str, int] = {}
        """Cells that the person wants columns to have, by key."""
        self._clock = clock
        self._wanted_path: Path | None = None
        self._columns: tuple[int, list[PlacedColumn]] | None = None
        """The width they were fitted for, and the columns; None when rows changed since."""
        self._drawn_clocks: dict[int, tuple[str, str]] = {}
        """What the ticking cells of the rows on screen said when they were last looked at."""

    # What owners call

    def update(self, updated: Iterable[SessionRow], removed: Iterable[str] = ()) -> None:
        """Take in what the catalog found."""
        for _ in self.taking(updated, removed):
            pass
        while self.examine():
            pass

    def taking(self, updated: Iterable[SessionRow], removed: Iterable[str] = ()) -> Iterator[None]:
        """As `update`, with pauses: ten thousand rows that are filtered take half a second, and a key must not wait
        so long. Few are examined at once; many by and by, with `examine`."""
        listed, gone, by_id = list(updated), list(removed), self.sessions.by_id
        rows = [row for row in listed if by_id.get(row.session_id) is not row]
        if not rows and not gone and self._wanted_path is None:
            return
        shown = self._shown() if len(rows) > FEW_ROWS else None
        moved = self.sessions.take((), gone)
        portion = FILTERED_AT_ONCE if self.sessions.asks_all else UNFILTERED_AT_ONCE
        for start in range(0, len(rows), portion):
            if start:
                yield
            moved |= self.sessions.take(rows[start : start + portion])
            if self.sessions.asks_all:
                self.sessions.examine(portion)
        if len(rows) <= FEW_ROWS:
            self.sessions.examine(len(rows))
        if moved:
            self.sessions.arrange()
        if self._wanted_path is not None:
            wanted = next((row for row in listed if row.path == self._wanted_path), None)
            if wanted is not None:
                self.pinned, self._wanted_path = wanted.session_id, None
        for session_id in gone:
            self.marks.pop(session_id, None)
            self.activity.pop(session_id, None)
        self._rearranged(shown)

    def add_unseen(self, rows: Sequence[SessionRow]) -> None:
        """Take in older sessions than are on screen, which nobody has to look at yet."""
        if rows and self.sessions.take(rows):
            self.sessions.arrange()
            self.refresh_rows(len(self.sessions.lines) - len(rows))

    def examine(self) -> bool:
        """Examine some of the rows that came, within a millisecond; whether any are left. What that does to the
        columns is shown at the end: they would move again and again, and every row be drawn anew."""
        if self.sessions.examine(EXAMINED_AT_ONCE):
            return True
        self._columns = None
        self.refresh_rows()
        self.post_message(self.Arranged())
        return False

    def set_filter(self, wanted: Filter) -> None:
        """Show only what matches; the cursor returns to the chosen session as soon as it is visible again."""
        for _ in self.filtering(wanted):
            pass

    def filtering(self, wanted: Filter) -> Iterator[None]:
        """As `set_filter`, with pauses."""
        yield from self.sessions.filtering(wanted)
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
        self.once_examined(partial(self._sort_by, column, descending))

    def _sort_by(self, column: Column, descending: bool | None) -> None:
        self.sessions.sort_by(column, descending=descending)
        self._rearranged()

    def once_examined(self, arrange: Callable[[], None]) -> None:
        """Do what asks something of every row once that has been worked out, which takes a second for ten thousand:
        keys are answered meanwhile."""
        if self.sessions.is_examined:
            arrange()
        else:
            self._arrange_later(arrange)

    @work(group="arrange", exclusive=True, exit_on_error=False)
    async def _arrange_later(self, arrange: Callable[[], None]) -> None:
        while self.sessions.examine(EXAMINED_AT_ONCE):
            await asyncio.sleep(0)
        arrange()

    def choose_columns(self, keys: Sequence[str], widths: Mapping[str, int] | None = None) -> None:
        """Show these columns, in this order; without any, as many as fit. `widths` are cells by key."""
        self.chosen_columns = tuple(dict.fromkeys(key for key in keys if key in COLUMN))
        if widths is not None:
            self.chosen_widths = {
                key: max(LEAST_WIDTH, min(cells, SHOWN_LENGTH))
                for key, cells in widths.items()
                if key in COLUMN
            }
        self._rearranged()

    @property
    def highlighted(self) -> SessionRow | None:
        """The session under the cursor."""
        line = self._line(self.cursor)
        return line if isinstance(line, SessionRow) else None

    def _line(self, index: int) -> Listed | None:
        lines = self.sessions.lines
        return lines[index] if index < len(lines) else None

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
            present, widest = self.sessions.present, self.sessions.widest
            chosen, widths = self.chosen_columns, self.chosen_widths
            # A cell for the cursor and one for the mark; numbers keep one from the scroll bar.
            found = fit_columns(width - 2, present, widest, chosen, widths)
            if found and found[-1].column.right:
                found = fit_columns(width - 3, present, widest, chosen, widths)
            self._columns = width, found
        return self._columns[1]

    @property
    def in_sight(self) -> list[SessionRow]:
        """The sessions on screen."""
        lines = (self._line(index) for index in self.visible_rows)
        return [line for line in lines if isinstance(line, SessionRow)]

    def show_activity(self, row: SessionRow, found: Activity | None) -> None:
        """Show how busy a session was."""
        if self.activity.get(row.session_id) == found:
            return
        self.activity[row.session_id] = found
        place = self.sessions.place_of(row.session_id)
        if place is not None:
            self.refresh_row(place)

    def tick(self) -> None:
        """Let ages and running times go on; only rows whose text changes are drawn again."""
        looks, now = looks_of(self.app), self._clock()
        at = Moment(now, looks, self.sessions.repeats, self.activity, priced=self.sessions.priced)
        drawn: dict[int, tuple[str, str]] = {}
        for index in self.visible_rows:
            row = self._line(index)
            if not isinstance(row, SessionRow):
                continue
            said = (COLUMN["started"].cell(row, at)[0][0], COLUMN["took"].cell(row, at)[0][0])
            drawn[index] = said
            if self._drawn_clocks.get(index) != said:
                self.refresh_row(index)
        self._drawn_clocks = drawn

    # What LineList asks

    def row_count(self) -> int:
        """The visible sessions, and the lines over their groups."""
        return len(self.sessions.lines)

    def render_row(self, index: int, width: int, selected: bool) -> Text:
        """Draw one session."""
        row = self.sessions.lines[index]
        looks = looks_of(self.app)
        if isinstance(row, Group):
            return joined(group_pieces(row, looks, width))
        shown = self.sessions
        at = Moment(self._clock(), looks, shown.repeats, self.activity, shown.alike, shown.priced)
        pieces: Pieces = [(" ", looks.text)]
        for column, cells in self.columns:
            if len(pieces) > 1:
                pieces.append(_BETWEEN)
            cell = column.cell(row, at)
            if column.cut is not None:
                cell = column.cut(cell, cells, at)
            pieces.extend(aligned(cell, cells, right=column.right, is_name=column.is_name))
        return joined(pieces)

    def row_mark(self, index: int) -> str:
        """That a session is marked, else that somebody wrote about it."""
        row = self._line(index)
        if not isinstance(row, SessionRow):
            return ""
        return MARK if row.session_id in self.marks else NOTED if row.session_id in self.noted else ""

    def render_empty(self, y: int, width: int) -> Text | None:
        """Say why nothing is shown."""
        if y != 1:
            return None
        looks = looks_of(self.app)
        if self.sessions.by_id:
            said = "   No session matches this filter: <sessions.clear:escape> clears it"
            if any(not term.field for term in self.sessions.filter.terms):
                said += ", <app.search:backslash> searches all that was recorded"
            return Text(with_keys(f"{said}."), looks.muted, no_wrap=True, overflow="ellipsis")
        return Text("   Reading the spool …", looks.muted)

    def select(self, index: int, *, center: bool = False) -> None:
        """Put the cursor on a row: from now on it stays on that session."""
        super().select(index, center=center)
        self._is_at_start = False
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

    def _shown(self) -> tuple[list[PlacedColumn], list[Listed]]:
        """What the list shows, down to the end of the screen."""
        return self.columns, self.sessions.lines[: self.visible_rows.stop]

    def _rearranged(self, shown: tuple[list[PlacedColumn], list[Listed]] | None = None) -> None:
        """Draw again, the cursor on the session it was on and the rows around it where they were. What was shown
        before is left as it is where it is the same; None where the rows themselves look different now."""
        self._columns = None
        before = self.cursor
        top = self.scroll_offset.y
        was_in_view = before in self.visible_rows
        place = None if self.pinned is None else self.sessions.place_of(self.pinned)
        if place is None and self._is_at_start and isinstance(self._line(0), Group):
            place = min(1, len(self.sessions.lines) - 1)
        self.set_reactive(LineList.cursor, self.cursor if place is None else place)
        moved = self.cursor - before
        self.refresh_rows(0 if moved else self._first_changed(shown))
        if moved and was_in_view and top:
            self.scroll_to_row(max(0, top + moved))
        elif moved and was_in_view:
            self._show_cursor()
        self._drawn_clocks.clear()
        self.post_message(self.Arranged())
        self.post_message(self.Highlighted(self.highlighted))

    def _first_changed(self, shown: tuple[list[PlacedColumn], list[Listed]] | None) -> int:
        """The first row that has to be drawn again."""
        if shown is None:
            return 0
        columns, lines = shown
        now = self.sessions.lines[: len(lines)]
        is_same = len(now) == len(lines) and all(map(is_, lines, now)) and columns == self.columns
        return len(lines) if is_same else 0
