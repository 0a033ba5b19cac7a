"""A list of one-line rows that costs the same for ten rows and for a million: only what is on screen is drawn.

Base of the session table, the timeline and every other list; a subclass says how many rows there are and
draws one.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import ClassVar

from rich.text import Text
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from promptetheus.tui.drawn_rows import DrawnRows
from promptetheus.tui.guard import Guarded
from promptetheus.tui.list_message import ListMessage
from promptetheus.tui.text_selection import SelectsText
from promptetheus.tui.theme import Looks, looks_of

CONTEXT_ROWS = 2
"""Rows to see around one that was jumped to."""


class LineList(Guarded, SelectsText, ScrollView, can_focus=True):
    """Rows of one line each with a cursor, paging, mouse, and a follow mode that sticks to the end.

    Subclasses implement `row_count` and `render_row`, and call `refresh_rows` when their data changed.
    """

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    LineList {
        height: 1fr;
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
    }
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "cursor_up", "Up", show=False, id="list.up"),
        Binding("down,j", "cursor_down", "Down", show=False, id="list.down"),
        Binding("pageup,ctrl+b", "cursor_page_up", "Page up", show=False, id="list.page_up"),
        Binding("pagedown,ctrl+f", "cursor_page_down", "Page down", show=False, id="list.page_down"),
        Binding("g,home", "cursor_first", "First", show=False, id="list.first"),
        Binding("G,end", "cursor_last", "Last", show=False, id="list.last"),
        Binding("enter", "open_row", "Open", show=False, id="list.open"),
    ]

    cursor: reactive[int] = reactive(0, repaint=False)  # two rows are drawn again then, not all on screen
    """Index of the highlighted row; always a row that exists, or 0 when there is none."""

    following: reactive[bool] = reactive(False, repaint=False)
    """Whether the cursor sticks to the end as rows arrive."""

    unseen: reactive[int] = reactive(0, repaint=False)
    """Rows that arrived below the screen since following stopped ("▼ 37 new")."""

    can_follow: bool = False
    """Whether rows may still arrive at the end; going to the last row then resumes following."""

    class CursorMoved(ListMessage):
        """The highlighted row is another one now. Only the latest is told: a held arrow key must not queue work."""

        replaceable = True

        def __init__(self, line_list: LineList, index: int) -> None:
            super().__init__(line_list)
            self.index = index

    class Opened(ListMessage):
        """The person asked to go into a row (enter or a double click)."""

        def __init__(self, line_list: LineList, index: int) -> None:
            super().__init__(line_list)
            self.index = index

    class FollowChanged(ListMessage):
        """Following began or yielded, or the number of unseen rows changed."""

        replaceable = True

        def __init__(self, line_list: LineList, following: bool, unseen: int) -> None:
            super().__init__(line_list)
            self.following = following
            self.unseen = unseen

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._drawn = DrawnRows(self)
        self._known = 0
        """Rows there were at the last refresh."""
        self._seen_to = 0
        """Rows above this index have been on screen, or were there when following stopped."""
        self._cursor_in_view = True
        """Whether a resize should keep the cursor on screen (not after the wheel moved away from it)."""

    # What a subclass says

    @abstractmethod
    def row_count(self) -> int:
        """How many rows there are now."""

    @abstractmethod
    def render_row(self, index: int, width: int, selected: bool) -> Text | Strip:
        """Draw one row of at most `width` cells; longer ones are cut. Called for rows on screen only, and cached."""

    def row_mark(self, index: int) -> str:
        """What a person put before a row, in one cell; "" for nothing. It stands at the edge of the list, on the bar
        where the row is highlighted."""
        return ""

    def render_empty(self, y: int, width: int) -> Text | None:
        """Draw screen line `y` of a list without rows."""
        return None

    @property
    def shows_cursor(self) -> bool:
        """Whether the highlighted row is marked at the moment."""
        return True

    # What owners call

    def refresh_rows(self, first: int = 0) -> None:
        """Take in that rows from `first` on changed, came or went.

        Keeps the cursor where it is, or moves it along when following.
        """
        self._drawn.forget(first)
        count = self.row_count()
        grown, self._known = count > self._known, count
        self._take_height(count)
        if self.is_attached and self.size:
            self._scroll_update(self.virtual_size)
        if self.following and count:
            self.cursor = count - 1
            self._scroll_to_end()
        elif self.cursor >= count:
            self.cursor = max(0, count - 1)
        if not grown:
            self._seen_to = min(self._seen_to, count)
        self._count_unseen()
        if first < self.scroll_offset.y + self.size.height:  # Else nothing of it is on screen.
            self.refresh()

    def refresh_row(self, index: int) -> None:
        """Draw one row again, when it is on screen: what a ticking clock calls."""
        self._drawn.forget_row(index, self.row_width)
        top = self.scroll_offset.y
        if top <= index < top + self.size.height:
            self.refresh_line(index)

    def select(self, index: int, *, center: bool = False) -> None:
        """Put the cursor on a row and bring it on screen, in the middle with `center`. Stops following."""
        count = self.row_count()
        if not count:
            return
        self.cursor = max(0, min(index, count - 1))
        self._stop_following_unless_last()
        self._show_cursor(center=center)

    def expect_scrolling(self) -> None:
        """Have the scroll bar in the first layout, for a list that is longer than the screen: Textual lays out
        without it, finds that it is needed, and lays out again."""
        self.set_reactive(LineList.show_vertical_scrollbar, True)
        self.vertical_scrollbar.display = True

    def follow_end(self) -> None:
        """Go to the last row and stay there as rows arrive."""
        self.following = True
        self.cursor = max(0, self.row_count() - 1)
        self._scroll_to_end()
        self._count_unseen()

    @property
    def visible_rows(self) -> range:
        """Indexes of the rows on screen."""
        top = self.scroll_offset.y
        return range(top, min(top + self.size.height, self.row_count()))

    # Moving

    def validate_cursor(self, cursor: int) -> int:
        """Keep the cursor on a row."""
        return max(0, min(cursor, self.row_count() - 1))

    def watch_cursor(self, old: int, new: int) -> None:
        """Redraw the two rows concerned and tell the owner."""
        self.refresh_row(old)
        self.refresh_row(new)
        self.post_message(self.CursorMoved(self, new))

    def watch_following(self, following: bool) -> None:
        """Start counting what arrives from here on."""
        self._seen_to = self.row_count()
        self._count_unseen()
        self.post_message(self.FollowChanged(self, following, self.unseen))

    def watch_unseen(self, unseen: int) -> None:
        """Tell the owner, who shows the hint."""
        self.post_message(self.FollowChanged(self, self.following, unseen))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Following yields when the person scrolls up."""
        super().watch_scroll_y(old_value, new_value)
        if self.following and new_value < old_value and new_value < self.max_scroll_y:
            self.following = False
        self._count_unseen()

    def action_cursor_up(self) -> None:
        """One row up."""
        self.select(self.cursor - 1)

    def action_cursor_down(self) -> None:
        """One row down."""
        self.select(self.cursor + 1)

    def action_cursor_page_up(self) -> None:
        """One screen up."""
        self.select(self.cursor - self._page)

    def action_cursor_page_down(self) -> None:
        """One screen down."""
        self.select(self.cursor + self._page)

    def action_cursor_first(self) -> None:
        """To the first row."""
        self.select(0)

    def action_cursor_last(self) -> None:
        """To the last row; resumes following where rows may still arrive."""
        if self.can_follow:
            self.follow_end()
        else:
            self.select(self.row_count() - 1)

    def action_open_row(self) -> None:
        """Go into the highlighted row."""
        if self.row_count():
            self.post_message(self.Opened(self, self.cursor))

    def on_click(self, event: events.Click) -> None:
        """A click highlights, a double click opens."""
        offset = event.get_content_offset(self)
        if offset is None or self.was_dragged:
            return
        index = self.scroll_offset.y + offset.y
        if index >= self.row_count():
            return
        event.stop()
        self.select(index)
        if event.chain == 2:
            self.action_open_row()

    def _on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        super()._on_mouse_scroll_down(event)
        self._note_whether_cursor_is_in_view()

    def _on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        super()._on_mouse_scroll_up(event)
        self._note_whether_cursor_is_in_view()

    def on_resize(self) -> None:
        """Keep the end, or the cursor, on screen."""
        if self.following:
            self._scroll_to_end()
        elif self._cursor_in_view:
            self._show_cursor()

    def on_focus(self) -> None:
        """Show the cursor as focused."""
        self.refresh_row(self.cursor)

    def on_blur(self) -> None:
        """Show the cursor as not focused."""
        self.refresh_row(self.cursor)

    # Drawing

    @property
    def looks(self) -> Looks:
        """The styles to draw rows with."""
        return looks_of(self.app)

    @property
    def row_width(self) -> int:
        """Cells in a line, marker included, scroll bar not."""
        return self.scrollable_content_region.width

    def notify_style_update(self) -> None:
        """The background may be another one now."""
        super().notify_style_update()
        self._drawn.forget_style()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw some lines of the screen.

        Textual keeps the lines of a widget as they stand on the screen, and forgets them at each step of a scroll.
        Rows are kept here already, with all that was made of them on the way to the terminal.
        """
        if self.styles.gutter or self.opacity < 1.0:
            return super().render_lines(crop)
        width, base = self.region.width, self._drawn.base
        filters, background = self.get_line_filters(), self.background_colors[1]
        strips = []
        row_width, count = self.row_width, self.row_count()
        for y in crop.line_range:
            strip = self._screen_line(y, row_width, count).adjust_cell_length(width, base)
            for line_filter in filters:
                strip = strip.apply_filter(line_filter, background)
            strips.append(strip)
        if crop.column_span != (0, width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        return self._screen_line(y, self.row_width, self.row_count())

    def _screen_line(self, y: int, width: int, count: int) -> Strip:
        index = self.scroll_offset.y + y
        if index >= count:
            text = self.render_empty(y, width - 1) if not count else None
            base = self.rich_style
            return Strip.blank(width, base) if text is None else self._drawn.strip(text, width, base)
        selected = index == self.cursor and self.shows_cursor
        return self.with_selection(self._drawn.row(index, selected, width), index)

    def content_line(self, line: int) -> Strip | None:
        """A row as it is drawn, for whoever selects it with the mouse."""
        return self._drawn.row(line, False, self.row_width) if line < self.row_count() else None

    # Scrolling

    @property
    def _page(self) -> int:
        return max(1, self.size.height - 1)

    def _show_cursor(self, *, center: bool = False) -> None:
        height = self.size.height
        self._cursor_in_view = True
        if not height:
            return
        top = self.scroll_offset.y
        margin = min(CONTEXT_ROWS, height // 4)
        if center and not top + margin <= self.cursor < top + height - margin:
            top = self.cursor - height // 2
        elif self.cursor < top:
            top = self.cursor
        elif self.cursor >= top + height:
            top = self.cursor - height + 1
        self.scroll_to_row(max(0, top))

    def scroll_to_row(self, top: float) -> None:
        """Bring a row to the top of the list, in the frame that shows the cursor on its new row: Textual would wait
        for that frame, and draw another one. It has to where the list itself grows first."""
        self.scroll_to(y=top, animate=False, force=True, immediate=not self.styles.is_auto_height)

    def _take_height(self, count: int) -> None:
        """Let the scroll bar know. Laying the whole screen out anew takes longer than drawing it: that is only done
        for a list that grows with its rows; a bar that appears or goes sees to it itself."""
        height = Size(0, count)
        if self.styles.is_auto_height:
            self.virtual_size = height
        else:
            self.set_reactive(LineList.virtual_size, height)

    def _scroll_to_end(self) -> None:
        self._cursor_in_view = True
        self.scroll_to_row(self.max_scroll_y)

    def _note_whether_cursor_is_in_view(self) -> None:
        self._cursor_in_view = self.cursor in self.visible_rows

    def _stop_following_unless_last(self) -> None:
        if self.following and self.cursor < self.row_count() - 1:
            self.following = False

    def _count_unseen(self) -> None:
        count = self.row_count()
        if self.following or not self.can_follow:
            self._seen_to = count
        else:
            self._seen_to = max(self._seen_to, self.scroll_offset.y + self.size.height)
        self.unseen = max(0, count - self._seen_to)
