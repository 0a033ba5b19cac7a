"""The reading half of the Sessions view: the spool is read and watched in workers, and the table takes in what they
bring."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path

from textual import work
from textual.message import Message

from promptetheus.display import counted
from promptetheus.queries.rows import Change, SessionRow
from promptetheus.tui.answering import Asked, until_rest
from promptetheus.tui.failures.failure_news import FailureNews
from promptetheus.tui.newest import FollowsNewest, NewestSession, newest_begun
from promptetheus.tui.sessions.activity_reader import ActivityReader
from promptetheus.tui.sessions.header import SpoolHeader
from promptetheus.tui.sessions.live_preview import LivePreview
from promptetheus.tui.sessions.session_feed import SessionFeed
from promptetheus.tui.sessions.session_table import SessionTable
from promptetheus.tui.sessions.taking import TakingSessions

ACTIVITY_DELAY_S = 0.15
"""How long the list has to rest before the activity of what is in sight is read."""

AWAY_S = 0.01
"""How long rows wait at a time while a key is answered."""

AGAIN_S = 0.05
"""How soon is looked again whether all rows were examined."""

PRICE_DELAY_S = 1.0
"""How long to gather changes before pricing them: a stream of events must not price every one."""


class ReadingSessions(TakingSessions, FollowsNewest):
    """Everything slow happens in workers; what was read stays whatever becomes of them."""

    class Scanned(Message):
        """Every session has been read."""

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self.root = root
        self.scanned = False
        """Whether every session has been read once."""
        self.watching = True
        """Whether what changes comes in by itself."""
        self.table = SessionTable(clock=clock)
        self.feed = SessionFeed(root)
        self.newest = NewestSession()
        """Whether and how the newest session is followed, in this view and in that of one session."""
        self._news = FailureNews()
        self._activity = ActivityReader()
        self._taking = asyncio.Lock()

    # What a subclass shows

    @abstractmethod
    def arranged(self) -> None:
        """Let everything around the table follow it."""

    @abstractmethod
    def say_counts(self) -> None:
        """Say how many sessions there are, and whether more come in."""

    # Reading

    def read_spool(self, root: Path) -> None:
        """Read another spool from now on."""
        for group in ("scan", "watch", "price", "examine", "look-after", "read-again"):
            self.workers.cancel_group(self, group)
        self.feed.stop()
        self.root, self.feed, self.scanned, self.watching = root, SessionFeed(root), False, True
        self.table.update([], list(self.table.sessions.by_id))
        self.scan()

    def on_unmount(self) -> None:
        """Let the watcher go at once; the program would wait for it."""
        self.feed.stop()

    @work(group="scan", exclusive=True, exit_on_error=False)
    async def scan(self) -> None:
        """Read every session once; follow the spool from then on."""
        async for rows in self.feed.scan():
            await self._take(Change(rows, []))
        self.scanned = True
        self.arranged()
        # What costs an import comes after the rows are on screen.
        self.call_after_refresh(self._go_on)

    def _go_on(self) -> None:
        # Watching begins with a look at everything, so nothing that changed during the scan is missed.
        self.follow_spool()
        self._price()
        self.post_message(self.Scanned())

    @work(group="watch", exclusive=True, exit_on_error=False)
    async def follow_spool(self) -> None:
        """Take in what changes from now on."""
        async for change in self.feed.changes():
            await self._take(change)
            if not self.is_running:
                return
            self.say_counts()
            if change.updated:
                self._price()

    @work(group="price", exclusive=True, exit_on_error=False)
    async def _price(self) -> None:
        sessions = self.table.sessions
        if sessions.priced or not self.feed.knows_prices:
            await asyncio.sleep(PRICE_DELAY_S)
            await until_rest(self.app)
        # What a row holds is worked out once, here or there.
        while not sessions.is_examined and self.is_at_work("examine"):
            await asyncio.sleep(AGAIN_S)
        found = await self.feed.price()
        preview = self.query_one(LivePreview)
        sessions.priced = preview.priced = True
        self.table.refresh_rows()
        preview.refresh()
        await self._take(Change(found, []))

    @work(group="read-again", exclusive=True, exit_on_error=False)
    async def read_again(self) -> None:
        """Read the whole spool once more."""
        rows = await self.feed.everything()
        gone = self.table.sessions.by_id.keys() - {row.session_id for row in rows}
        await self._take(Change(rows, list(gone)))
        self.app.notify(f"Read again: {counted(len(rows), 'session')}.", timeout=2)

    @work(group="look-after", exclusive=True, exit_on_error=False)
    async def look_after_running(self) -> None:
        """Notice that the writer of a session died."""
        running = self.table.sessions.running()
        if running:
            await self._take(await self.feed.look_after(running))

    @work(group="activity", exclusive=True, exit_on_error=False)
    async def read_activity(self) -> None:
        """How busy the sessions in sight were, once the list rests."""
        await asyncio.sleep(ACTIVITY_DELAY_S)
        async for row, found in self._activity.read(self.table.in_sight):
            self.table.show_activity(row, found)

    def worker_failed(self, group: str, error: Exception) -> None:
        """What it brought so far stays on screen, and says that nothing more comes."""
        match group:
            case "watch":
                self.watching = False
            case "scan":
                self.scanned = True
                self._go_on()
        self.arranged()

    async def _take(self, change: Change) -> None:
        """Show what was found, and tell of failures that are new; whoever waits for it may be cancelled."""
        if self.is_running and change:
            await asyncio.shield(self._take_in(change, self.feed))

    async def _take_in(self, change: Change, feed: SessionFeed) -> None:
        async with self._taking:
            begun = None
            if self.scanned:
                begun = newest_begun(change.updated, self.table.sessions.by_id)
                delay = self._news.take(change.updated, self.table.sessions.by_id)
                if delay is not None:
                    self.set_timer(delay, self._tell_news)
            for _ in self.table.taking(change.updated, change.removed):
                # A key passes a dozen hands until it is answered, and would wait for some rows at each.
                await asyncio.sleep(AWAY_S if self.is_asked else 0)
                if feed is not self.feed or not self.is_running:
                    return
        goes_in_s = self.newest.take(begun)
        if goes_in_s is not None:
            self.set_timer(goes_in_s, self._newest_is_due)
        if not self.table.sessions.is_examined:
            self._examine()

    @work(group="examine", exclusive=True, exit_on_error=False)
    async def _examine(self) -> None:
        """Look at all of many rows that came at once, by and by, once the person looks at what there is: a key passes
        a dozen hands until it is answered, and would wait for some rows at each."""
        await until_rest(self.app)
        while self.table.examine():
            await asyncio.sleep(AWAY_S)

    def _newest_is_due(self) -> None:
        app = self.app
        row = self.newest.due(app.acted_s if isinstance(app, Asked) else 0.0)
        front = app.screen
        if row is not None and isinstance(front, FollowsNewest):
            front.go_to_newest(row)

    def show_followed(self, followed: bool) -> None:
        """In the first line."""
        self.query_one(SpoolHeader).show_followed(followed)

    def go_to_newest(self, row: SessionRow) -> None:
        """Put the cursor on its line, where it has one and no filter is being typed."""
        place = self.table.sessions.place_of(row.session_id)
        if place is not None and self.focused is self.table:
            self.table.select(place)

    def _tell_news(self) -> None:
        news = self._news.tell()
        if news is not None:
            self.app.notify(news.text, title=news.title, severity="error")
            if self.shell.rings:
                self.app.bell()
