"""The Sessions view: every session of a spool, newest first, growing live, with a preview of the highlighted one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.css.scalar import Scalar
from textual.message import Message
from textual.widgets._toast import ToastRack

from promptetheus.display import short_id
from promptetheus.queries.filter import Filter
from promptetheus.queries.filter_listed import ListedSessions
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.footer import KeyFooter
from promptetheus.tui.keymap import chosen_key
from promptetheus.tui.line_list import LineList
from promptetheus.tui.message_log import Trouble
from promptetheus.tui.pictures.before_screen import LooksBefore
from promptetheus.tui.sessions.empty_state import EmptyState, why_empty
from promptetheus.tui.sessions.header import SpoolHeader
from promptetheus.tui.sessions.list_troubles import list_troubles
from promptetheus.tui.sessions.live_preview import LivePreview
from promptetheus.tui.sessions.preview_lines import USUAL_HEIGHTS, preview_height
from promptetheus.tui.sessions.session_cells import newest
from promptetheus.tui.sessions.session_columns import COLUMNS
from promptetheus.tui.sessions.session_table import SessionTable
from promptetheus.tui.sessions.session_titles import SessionTitles
from promptetheus.tui.sessions.sessions_reading import ReadingSessions
from promptetheus.tui.sessions.spent import spent

PAGES_AT_ONCE = 5
"""So many can be leafed through before all sessions are read."""

SCAN_AFTER_S = 0.1
"""Where sessions are remembered, they have been on screen for so long when all of them are read."""

LOOK_AFTER_S = 2.0
"""How often sessions that run are looked at again, to notice that their writer died."""

FILTERED_AT_ONCE = 2_000
"""Sessions that are looked through within a frame; of more, the letter is shown before the list."""

FILTERS_FOR_S = 0.004
"""How long without a pause."""


class SessionsScreen(ReadingSessions, LooksBefore):
    """The first view. Everything slow happens in workers; the frame is there before the first file is read."""

    VIEW = "sessions"
    BINDING_GROUP_TITLE = "Sessions"
    AUTO_FOCUS = "SessionTable"
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = [  # noqa: RUF012 (declared so by Textual)
        (0, "-tiny"),
        (USUAL_HEIGHTS[-1][0], "-previewing"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", id="sessions.filter", tooltip="Filter while you type"),
        Binding("D", "demo", "load the demo", id="sessions.demo", tooltip="Record the demo and open it"),
        Binding(
            "d",
            "diff",
            "diff",
            id="sessions.diff",
            tooltip="Compare the two marked sessions, or this one with the nearest that passed",
        ),
        Binding(
            "s",
            "suspects",
            "suspects",
            id="sessions.suspects",
            tooltip="What failing sessions of this task do that passing ones do not",
        ),
        Binding(
            "escape",
            "clear",
            "clear",
            show=False,
            id="sessions.clear",
            tooltip="Clear the filter, then the marks",
        ),
        Binding(
            "r", "scan", "read again", show=False, id="sessions.scan", tooltip="Read the whole spool again"
        ),
    ]

    NOT_NOW: ClassVar[dict[str, str]] = {
        "demo": "There are sessions here already. `promptetheus demo` records the demo beside them.",
        **dict.fromkeys(
            ("filter", "diff", "suspects", "page_before"),
            "Nothing is recorded here yet: <sessions.demo:D> records the demo.",
        ),
    }

    class SessionWanted(Message):
        """The person wants to see a session."""

        def __init__(self, path: Path) -> None:
            super().__init__()
            self.path = path

    class ViewWanted(Message):
        """The person wants to see a view of some sessions."""

        def __init__(self, view: str, subject: object) -> None:
            super().__init__()
            self.view = view
            self.subject = subject

    class DemoWanted(Message):
        """The person wants to see the demo."""

    def __init__(
        self,
        root: Path,
        *,
        filter_text: str = "",
        clock: Callable[[], float] = time.time,
        why_stale: Callable[[], str] = lambda: "",
    ) -> None:
        super().__init__(root, clock=clock)
        self._why_stale = why_stale
        self._is_stale = False
        self._filter_text = filter_text
        self._typed: Filter | None = None
        """A filter that is not in force yet: the letter that made it is shown first."""

    def compose(self) -> ComposeResult:
        """Header, filter, titles over the table or the lesson, preview, keys."""
        yield SpoolHeader(self.root)
        yield FilterBar(ListedSessions(lambda: list(self.table.sessions.by_id.values())), self._filter_text)
        with Vertical(id="sessions"):
            yield SessionTitles(self.table)
            yield self.table
        yield EmptyState(self.root)
        yield LivePreview(lambda: [*self.table.sessions.by_id.values()])
        yield KeyFooter()

    def on_mount(self) -> None:
        """Read in a thread while the frame is painted, which shows already what is remembered."""
        self.table.focus()
        height = self.app.size.height
        remembered = [] if self._filter_text else self.feed.glance(PAGES_AT_ONCE * height)
        self.table.update(remembered[:height])
        self.table.add_unseen(remembered[height:])
        if len(remembered) > height:
            self.table.expect_scrolling()
        # Before anything is laid out: afterwards each of these would lay the first frame out anew.
        self._share_height()
        self.query_one(ToastRack).display = False
        if remembered:
            # The thread that reads would take its share of the first frame, and of the answer to the first key.
            self.set_timer(SCAN_AFTER_S, self.scan)
        else:
            self.scan()
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self.set_interval(1.0, self._tick)
        self.set_interval(LOOK_AFTER_S, self.look_after_running)

    def show_spool(self, root: Path) -> None:
        """Turn to another spool."""
        self.query_one(SpoolHeader).show_root(root)
        self.query_one(EmptyState).show_root(root)
        self.read_spool(root)

    # Showing

    def _tick(self) -> None:
        if not self.is_active:
            return  # Nobody sees it; what changed meanwhile is drawn when the view comes back.
        self.table.tick()
        self._say_why_empty()
        self.say_counts()
        self._tell_staleness()

    def _tell_staleness(self) -> None:
        why = self._why_stale()
        if bool(why) != self._is_stale:
            self._is_stale = bool(why)
            if why:
                text = (
                    f"{why}\nShown is what was fetched before; what is new comes in when the gateway answers."
                )
                self.app.notify(text, title="Nothing comes in from the gateway", severity="warning")

    @on(SessionTable.Arranged)
    def arranged(self) -> None:
        """Let everything around the table follow it."""
        sessions = self.table.sessions
        empty = self.scanned and not sessions.by_id
        if empty != self.has_class("-empty"):
            self.set_class(empty, "-empty")
            lesson = self.query_one(EmptyState)
            # Only the keys that the hidden half had move over to the other one.
            if empty and self.focused is self.table:
                lesson.focus()
            elif not empty and self.focused in (lesson, None):
                self.table.focus()
            self.refresh_bindings()
        self._say_why_empty()
        self.say_counts()
        self._share_height()
        self.query_one(SessionTitles).follow()
        bar = self.query_one(FilterBar)
        if bar.is_active:
            hides = short_id(self.table.pinned or "") if self.table.hides_pinned else ""
            together = spent(sessions.visible)
            bar.say(len(sessions.visible), len(sessions.by_id), hides, sessions.filter.problems, together)

    def _say_why_empty(self) -> None:
        if self.has_class("-empty"):
            self.query_one(EmptyState).say_why(why_empty(self.root, self.feed.catalog.problems()))

    def _share_height(self) -> None:
        """What a short list leaves blank is the preview's."""
        listed = max(len(self.table.sessions.by_id), len(self.table.sessions.lines))
        height = preview_height(self.app.size.height, listed)
        preview = self.query_one(LivePreview)
        if height and preview.styles.height != Scalar.from_number(height):
            preview.styles.height = height
        # Messages stand over the list, above the preview: what one reads there is about the same session.
        for rack in self.query(ToastRack):
            if rack.styles.margin.bottom != height + 1:
                rack.styles.margin = (0, 0, height + 1, 0)

    def say_counts(self) -> None:
        """In the first line."""
        mode = "reading" if not self.scanned else self.feed.mode if self.watching else "stopped"
        if self.scanned and self._why_stale():
            mode = "stale"
        skipped = len(self.feed.catalog.problems()) if self.scanned else 0
        self.query_one(SpoolHeader).say(self.table.sessions.counts(), mode, skipped)

    def troubles(self) -> list[Trouble]:
        """What keeps the list from being complete and up to date."""
        found = list_troubles(
            self.feed.catalog.problems(),
            watching=self.watching,
            why_polling=self.feed.why_polling,
            why_stale=self._why_stale(),
        )
        return list(found)

    @on(SessionTable.Highlighted)
    def _highlighted(self, event: SessionTable.Highlighted) -> None:
        self.query_one(LivePreview).follow(event.row)
        if self.scanned:
            self.read_activity()

    @on(LineList.Opened)
    def _opened(self) -> None:
        row = self.table.highlighted
        if row is not None:
            self.post_message(self.SessionWanted(row.path))

    @on(FilterBar.Changed)
    def _filter_changed(self, event: FilterBar.Changed) -> None:
        self._typed = event.wanted
        if len(self.table.sessions.by_id) < FILTERED_AT_ONCE:
            self._take_filter()
        else:
            self.call_after_refresh(self._filter_by_and_by)

    @work(group="filter", exclusive=True, exit_on_error=False)
    async def _filter_by_and_by(self) -> None:
        """Let letters be shown that are typed meanwhile; of several filters only the last is wanted."""
        typed = self._typed
        if typed is None:
            return
        began_s = time.monotonic()
        for _ in self.table.filtering(typed):
            if time.monotonic() - began_s > FILTERS_FOR_S:
                await asyncio.sleep(0)
                began_s = time.monotonic()
        if self._typed is typed:
            self._typed = None

    def _take_filter(self) -> None:
        """Show what the filter lets through, at once: the next key is about that."""
        self.workers.cancel_group(self, "filter")
        typed, self._typed = self._typed, None
        if typed is not None:
            self.table.set_filter(typed)

    @on(FilterBar.Left)
    def _filter_left(self) -> None:
        self._take_filter()
        self.table.focus()

    # What the person does

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The demo is offered where there is nothing to see, the other keys where there is something."""
        empty = self.has_class("-empty")
        return action != "demo" if not empty else action not in ("filter", "diff", "suspects", "page_before")

    def action_filter(self) -> None:
        """Filter while typing."""
        self.query_one(FilterBar).open()

    def action_clear(self) -> None:
        """Clear the filter, else the marks; say so when there is nothing to go back from."""
        bar = self.query_one(FilterBar)
        if bar.is_active:
            bar.clear()
        elif self.table.marks:
            self.table.clear_marks()
        else:
            quits = chosen_key(self.app, "app.quit", "q")
            self.app.notify(f"This is the first view. {quits} quits.", timeout=3)

    def action_diff(self) -> None:
        """Compare the marked sessions, or the highlighted one with another that the view chooses."""
        marked = tuple(self.table.marks.values())
        row = self.table.highlighted
        if len(marked) > 2:
            clears = chosen_key(self.app, "sessions.clear", "escape")
            self.app.notify(
                f"{len(marked)} sessions are marked: a diff takes two. {clears} clears.", timeout=4
            )
        elif marked:
            self.post_message(self.ViewWanted("diff", marked))
        elif row is not None:
            self.post_message(self.ViewWanted("diff", (row.path,)))

    def highlighted_session(self) -> SessionRow | None:
        """The one that `b` is about."""
        return self.table.highlighted

    def all_sessions(self) -> list[SessionRow]:
        """Those of the spool."""
        return list(self.table.sessions.by_id.values())

    def action_suspects(self) -> None:
        """What the failing sessions of this task do that passing ones do not."""
        row = self.table.highlighted
        if row is not None:
            self.post_message(self.ViewWanted("suspects", row.path))

    def action_scan(self) -> None:
        """Read the whole spool again, and watch it again if that had failed."""
        self.read_again()
        if not self.watching:
            self.watching = True
            self.follow_spool()

    def action_demo(self) -> None:
        """Ask for the demo."""
        self.post_message(self.DemoWanted())

    @property
    def selected(self) -> tuple[str, int | None]:
        """The highlighted session."""
        row = self.table.highlighted
        return ("" if row is None else row.session_id), None

    def commands(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """Sorting by any column."""
        for column in COLUMNS:
            yield (
                f"Sort by {column.name}",
                partial(self.table.sort_by, column, descending=column.descending),
            )

    def sessions(self) -> list[SessionRow]:
        """All sessions, newest first, for the palette."""
        return sorted(self.table.sessions.by_id.values(), key=newest, reverse=True)
