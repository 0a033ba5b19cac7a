"""What the Session view does before it shows anything: it reads its file, follows it, and can hold back the news."""

from __future__ import annotations

import asyncio
import time
from abc import abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from textual import on, work

from promptetheus.cause.steps import Step
from promptetheus.display import short_id
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.answering import Asked
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.guard import ErrorReporter
from promptetheus.tui.inspector.inspector import Glance, Inspector
from promptetheus.tui.session.jump import landing_step
from promptetheus.tui.session.log_tail import LogTail, Update, is_live
from promptetheus.tui.session.oddities import Oddities, read_oddities
from promptetheus.tui.session.step_filter import TimelineFilter
from promptetheus.tui.session.timeline import Timeline
from promptetheus.tui.session.trouble import Trouble
from promptetheus.tui.views import ViewScreen


class ReadingScreen(ViewScreen):
    """Keeps a timeline in step with a file; a subclass shows it.

    Args:
        path: A session's `.jsonl` in its spool, or an exported `.json`.
        step: Index of the step to open at; where the person wants to look first without one.
        clock: Seconds since the epoch.
    """

    def __init__(
        self, path: Path, *, step: int | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        super().__init__()
        self.path = path
        self.now_s = clock
        """Says what time it is."""
        self.row: SessionRow | None = None
        """The session in numbers, once its file has been read."""
        self.tail = LogTail(path, acted_s=self._acted_s)
        self.timeline = Timeline(self.tail.log, clock=clock, id="timeline")
        self.inspector = Inspector(self.tail.log, id="inspector")
        self.loaded = False
        """Whether the whole file has been read once."""
        self.paused = False
        """Whether what is read waits until the person wants to see it."""
        self.trouble: Trouble | None = None
        """What is wrong with the file."""
        self._follows_again = False
        """Whether the end was followed when the file went away."""
        self._held: Update | None = None
        """The latest of what waits."""
        self._first_step = step
        self._filter = TimelineFilter(self.timeline)

    @property
    def subject(self) -> Path:
        """The session's file."""
        return self.path

    def _acted_s(self) -> float:
        app = self.app
        return app.acted_s if isinstance(app, Asked) else 0.0

    @property
    def crumb(self) -> str:
        """The session's id, as lists show it."""
        return short_id(self.row.session_id if self.row is not None else self.path.stem)

    def begin_reading(self) -> None:
        """Read, and notice what is written from now on."""
        self._read()
        self._watch()
        self.set_interval(1.0, self._tick)

    def on_unmount(self) -> None:
        """Let go of the file and its watcher at once; the program waits for threads."""
        self.tail.stop()

    # What a subclass shows

    @abstractmethod
    def took(self, update: Update, changed: Sequence[int], *, started_over: bool, ended: bool) -> None:
        """Show what an update brought.

        Args:
            changed: Indexes of the steps that are new or changed.
            started_over: Whether all numbers from before are void.
            ended: Whether the session has just ended.
        """

    @abstractmethod
    def row_changed(self, row: SessionRow) -> None:
        """Show the session's numbers."""

    @abstractmethod
    def say(self, text: str, *, news: bool = False) -> None:
        """Say something for a few seconds; an answer to a key only until the next one, `news` all the while."""

    @abstractmethod
    def go_to(self, step: int) -> None:
        """Put the cursor on a step, or say why not."""

    @abstractmethod
    def glance_at(self, step: Step) -> Glance:
        """What the inspector needs to know of a step."""

    # Reading

    @work(group="read", exclusive=True, exit_on_error=False)
    async def _read(self) -> None:
        async for update in self.tail.updates():
            try:
                self._receive(update)
            except Exception as error:
                if self not in self.app.screen_stack:  # it is closing: its parts are gone
                    return
                if not isinstance(self.app, ErrorReporter) or not self.app.report_error(error):
                    raise

    @work(group="watch", exclusive=True, exit_on_error=False)
    async def _watch(self) -> None:
        await self.tail.watch()

    def _tick(self) -> None:
        self.timeline.tick()
        if self.timeline.running:
            self.ticked()

    @abstractmethod
    def ticked(self) -> None:
        """A second of a session that runs has passed."""

    @property
    def waiting_steps(self) -> int:
        """Steps that arrived while the view was paused."""
        return 0 if self._held is None else max(0, self._held.step_count - self.timeline.steps.count)

    def pause(self, paused: bool) -> None:
        """Let what arrives wait, or show all of it: every line is read all the while, and none is lost."""
        self.paused = paused
        held, self._held = self._held, None
        if held is not None and not paused:
            self._take(held)

    def _receive(self, update: Update) -> None:
        if not self.is_attached:
            return
        if self.paused and self.loaded:
            over = update.started_over or (self._held is not None and self._held.started_over)
            self._held = replace(update, started_over=over)
            self.took(update, (), started_over=False, ended=False)
        else:
            self._take(update)

    def _take(self, update: Update) -> None:
        timeline = self.timeline
        started_over = update.started_over or update.steps is not timeline.steps.steps
        stood_at = timeline.cursor
        if started_over:
            timeline.begin(update.steps)
            self.inspector.shown = None
        was_live, self.trouble = timeline.running, update.trouble
        is_over = update.trouble is not None and update.trouble.is_over
        if update.row is not None:
            self._take_row(update.row, is_over)
        if update.blames != timeline.blames:
            timeline.blames = update.blames
            timeline.refresh_rows()
        changed = timeline.take(update.step_count, update.event_count)
        if timeline.following and not timeline.can_follow and update.complete:
            timeline.following = False
        if self._filter.take(changed, started_over=started_over):
            self._look_at_more()
        if started_over and not timeline.following and timeline.cursor != stood_at:
            timeline.select(stood_at)
        first_time = update.complete and not self.loaded and update.row is not None
        if first_time and update.row is not None:
            self.loaded = True
            self._land(update.row)
        if update.complete and not timeline.running and (first_time or was_live or started_over):
            self._look_for_oddities(update.event_count)
        ended = was_live and update.row is not None and not timeline.running and not is_over
        self.took(update, changed, started_over=update.started_over and not first_time, ended=ended)

    def _take_row(self, row: SessionRow, is_over: bool) -> None:
        self.row = row
        self.row_changed(row)
        timeline, live = self.timeline, is_live(row) and not is_over
        if timeline.running != live:
            timeline.running = timeline.can_follow = live
            if not live:
                self._follows_again = is_over and timeline.following
                # A session that ended is followed to its last step, which has yet to be taken in.
                timeline.following = timeline.following and not is_over
            elif self._follows_again:
                timeline.follow_end()
            # Steps that ran have ended for good, or never will.
            timeline.refresh_rows()

    @work(group="oddities", exclusive=True, exit_on_error=False)
    async def _look_for_oddities(self, events: int) -> None:
        """Once the session has ended and is on screen: what looks wrong in it."""
        found = await asyncio.to_thread(read_oddities, self.tail.log, events)
        if self.is_attached:
            self.timeline.oddities = found
            self.timeline.refresh_rows()
            self.oddities_found(found)

    @abstractmethod
    def oddities_found(self, found: Oddities) -> None:
        """Show what looks wrong."""

    def _land(self, row: SessionRow) -> None:
        """Put the cursor where the person wants to look first, unless they are on their way already."""
        timeline = self.timeline
        if timeline.cursor or timeline.scroll_offset.y:
            return
        if self._first_step is not None:
            last = timeline.steps.count - 1
            timeline.go_to(min(self._first_step, last))
            if self._first_step > last:
                has = f"the session has {_steps_text(timeline.steps.moves)}"
                self.say(f"There is no step {self._first_step}: {has}.", news=True)
        elif is_live(row):
            timeline.follow_end()
        elif row.status.is_failing:
            failed = landing_step(timeline.steps.steps[: timeline.steps.count])
            if failed is not None:
                timeline.go_to(failed.index)
            elif row.status.value == "crashed":
                timeline.select(timeline.row_count() - 1)

    # Filter

    def action_filter(self) -> None:
        """Filter the steps while typing."""
        self._filter.hold()
        self.query_one(FilterBar).open()

    @on(FilterBar.Left)
    def _filter_left(self) -> None:
        self.timeline.focus()
        self._filter.release()

    @on(FilterBar.Changed)
    def _filter_changed(self, event: FilterBar.Changed) -> None:
        if self._filter.set(event.wanted):
            self._look_at_more()
        else:
            self.workers.cancel_group(self, "filter")

    @work(group="filter", exclusive=True, exit_on_error=False)
    async def _look_at_more(self) -> None:
        await self._filter.run(self.query_one(FilterBar))


def _steps_text(number: int) -> str:
    return f"{number:,} {'step' if number == 1 else 'steps'}"
