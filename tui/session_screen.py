"""The Session view: one run from its first event to its last, live while it runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import Screen

from promptetheus.describe import describe
from promptetheus.display import short_id
from promptetheus.queries.rows import SessionRow
from promptetheus.steps import Step
from promptetheus.tui.clipboard import copy_text, step_markdown
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.footer import KeyFooter
from promptetheus.tui.full_view import FullView
from promptetheus.tui.guard import ErrorReporter, Guarded
from promptetheus.tui.inspector import Glance, Inspector, plan_for
from promptetheus.tui.jump import JUMPS, jump_bindings, landing_step
from promptetheus.tui.line_list import LineList
from promptetheus.tui.log_tail import LogTail, Update, is_live
from promptetheus.tui.page import Page
from promptetheus.tui.page_view import PageView
from promptetheus.tui.session_bar import SessionBar
from promptetheus.tui.session_header import SessionHeader
from promptetheus.tui.shape import Shape
from promptetheus.tui.step_filter import TimelineFilter
from promptetheus.tui.timeline import Timeline

_NO_LATER = {True: "after", False: "before"}


class SessionScreen(Guarded, Screen[None]):
    """Shows one session file.

    Args:
        path: A session's `.jsonl` in its spool, or an exported `.json`.
    """

    BINDING_GROUP_TITLE = "Session"
    CSS_PATH = "session.tcss"
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = [  # noqa: RUF012 (declared so by Textual)
        (0, "-stacked"),
        (100, "-beside"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", id="session.back", tooltip="Back one level"),
        *jump_bindings(shown="error"),
        Binding(
            "v", "next_shape", "shape", id="session.shape", tooltip="Steps, tree of spans, or every event"
        ),
        Binding("r", "raw", "raw", id="session.raw", tooltip="The step's events as they stand in the file"),
        Binding(
            "o", "open_in_full", "open", id="session.open", tooltip="Give the step or value the whole screen"
        ),
        Binding("slash", "filter", "filter", id="session.filter", tooltip="Filter the steps while you type"),
        Binding(
            "y", "copy", "copy", show=False, id="session.copy", tooltip="Copy the step, or the value at hand"
        ),
        Binding("i", "inspector", "inspector", show=False, id="session.inspector", tooltip="Show or hide it"),
        Binding("F", "follow", "follow", show=False, id="session.follow", tooltip="Follow the end, or stop"),
    ]

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self.path = path
        self.row: SessionRow | None = None
        """The session in numbers, once its file has been read."""
        self.tail = LogTail(path)
        self.timeline = Timeline(self.tail.log, clock=clock, id="timeline")
        self.inspector = Inspector(self.tail.log, id="inspector")
        self.loaded = False
        """Whether the whole file has been read once."""
        self._filter = TimelineFilter(self.timeline)

    # Building

    def compose(self) -> ComposeResult:
        """Header, filter, panes, bar, keys."""
        yield SessionHeader(self.path.name)
        yield FilterBar(lambda: [] if self.row is None else [self.row])
        with Container(id="panes"):
            yield self.timeline
            yield self.inspector
        yield SessionBar()
        yield KeyFooter()

    def on_mount(self) -> None:
        """Paint first, read then."""
        self.timeline.focus()
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        self._read()
        self._watch()
        self.set_interval(1.0, self.timeline.tick)

    def on_unmount(self) -> None:
        """Let go of the file and its watcher at once; the program waits for threads."""
        self.tail.stop()

    # Reading

    @work(group="read", exclusive=True, exit_on_error=False)
    async def _read(self) -> None:
        async for update in self.tail.updates():
            try:
                self._take(update)
            except Exception as error:
                if not isinstance(self.app, ErrorReporter) or not self.app.report_error(error):
                    raise

    @work(group="watch", exclusive=True, exit_on_error=False)
    async def _watch(self) -> None:
        await self.tail.watch()

    def _take(self, update: Update) -> None:
        """Show what was read."""
        if not self.is_attached:
            return
        timeline = self.timeline
        started_over = update.started_over or update.steps is not timeline.steps.steps
        if started_over:
            timeline.begin(update.steps)
            self.inspector.shown = None
        was_live = timeline.running
        if update.row is not None:
            self._take_row(update.row)
        if update.blames != timeline.blames:
            timeline.blames = update.blames
            timeline.refresh_rows()
        changed = timeline.take(update.step_count, update.event_count)
        if self._filter.take(changed, started_over=started_over):
            self._run_filter()
        if update.complete and not self.loaded and update.row is not None:
            self.loaded = True
            self._land(update.row)
        elif update.started_over:
            self._bar.say("The file was replaced or cut: read again from its start.", news=True)
        if was_live and update.row is not None and not timeline.running:
            self._bar.say(f"The session ended: {update.row.status.glyph} {update.row.status.word}", news=True)
        self._bar.show_problem(f"Cannot read on: {update.problem}." if update.problem else "")
        current = timeline.current_step
        if current is not None and (self.inspector.shown is None or current.index in changed):
            self._inspect()
        self._show_position()

    def _take_row(self, row: SessionRow) -> None:
        self.row = row
        self.query_one(SessionHeader).show_row(row)
        timeline, live = self.timeline, is_live(row)
        if timeline.running != live:
            timeline.running = timeline.can_follow = live
            if not live:
                timeline.following = False
            # Steps that ran have ended for good, or never will.
            timeline.refresh_rows()

    def _land(self, row: SessionRow) -> None:
        """Put the cursor where the person wants to look first, unless they are on their way already."""
        timeline = self.timeline
        if timeline.cursor or timeline.scroll_offset.y:
            return
        if is_live(row):
            timeline.follow_end()
        elif row.status.is_failing:
            failed = landing_step(timeline.steps.steps[: timeline.steps.count])
            if failed is not None:
                timeline.go_to(failed.index)
            elif row.status.value == "crashed":
                timeline.select(timeline.row_count() - 1)

    # Showing

    @property
    def _bar(self) -> SessionBar:
        return self.query_one(SessionBar)

    @on(LineList.CursorMoved, "#timeline")
    def _cursor_moved(self) -> None:
        self._bar.hush()
        self._inspect()
        self._show_position()

    @on(LineList.FollowChanged, "#timeline")
    def _follow_changed(self) -> None:
        self._show_position()

    @on(Timeline.ShapeChanged)
    def _shape_changed(self, event: Timeline.ShapeChanged) -> None:
        self.query_one(SessionHeader).show_shape(event.shape)
        self._inspect()
        self._show_position()

    def _inspect(self) -> None:
        step = self.timeline.current_step
        if step is not None:
            self.inspector.inspect(self._glance_at(step))

    def _glance_at(self, step: Step) -> Glance:
        timeline = self.timeline
        blame = timeline.blames.get(step.index)
        return Glance(step, timeline.current_event, timeline.steps.steps, timeline.running, blame)

    def _show_position(self) -> None:
        timeline, row = self.timeline, self.row
        step = timeline.current_step
        raw = timeline.shape is Shape.RAW
        number = timeline.cursor + 1 if raw or step is None else step.index
        # Steps are numbered from the session's start, which is number 0.
        total = timeline.row_count() if raw else max(0, timeline.steps.count - 1)
        at_ms = None if step is None else step.offset_ms
        of_ms = row.duration_ms if row is not None and timeline.steps.timed else None
        self._bar.show_position(number, total, "event" if raw else "step", at_ms, of_ms)
        skipped = self.tail.log.skipped
        self._bar.show_state(
            live=timeline.running,
            following=timeline.following,
            unseen=timeline.unseen,
            reading=not self.loaded,
            # The last line of a running session is torn whenever one looks while it is written.
            skipped="" if timeline.running and skipped.total == skipped.torn else skipped.describe(),
        )

    @on(events.DescendantFocus)
    def _focus_moved(self) -> None:
        self.set_class(self.inspector.has_focus, "-reading")

    # Keys

    def action_back(self) -> None:
        """From the inspector to the timeline, from a filter to all steps, from there to the list."""
        bar = self.query_one(FilterBar)
        if self.focused is not self.timeline:
            self.timeline.focus()
        elif bar.is_active:
            bar.clear()
        else:
            self._to_the_list()

    @on(SessionHeader.BackWanted)
    def _to_the_list(self) -> None:
        # In the app's own loop: one that belongs to this screen would wait for its own end.
        self.app.call_next(self.app.run_action, "app.show_sessions")

    def action_jump(self, name: str, forward: bool) -> None:
        """To the next or previous step of a sort; says so when there is none."""
        jump = JUMPS[name]
        found = self.timeline.find(jump, forward=forward)
        if found is not None:
            self.timeline.go_to(found.index)
            return
        hidden = " that the filter shows" if self.timeline.matches is not None else ""
        self._bar.say(f"No {jump.word}{hidden} {_NO_LATER[forward]} this step.")

    def action_next_shape(self) -> None:
        """Steps, tree, raw, and around."""
        shapes = list(Shape)
        self._show_shape(shapes[(shapes.index(self.timeline.shape) + 1) % len(shapes)])

    @on(SessionHeader.ShapeWanted)
    def _shape_wanted(self, event: SessionHeader.ShapeWanted) -> None:
        self._show_shape(event.shape)

    @work(group="shape", exclusive=True, exit_on_error=False)
    async def _show_shape(self, shape: Shape) -> None:
        if shape is Shape.TREE and self.timeline.tree_is_far:
            self._bar.say("Building the tree …", news=True)
            await asyncio.to_thread(self.timeline.prepare_tree)
        self.timeline.show_shape(shape)

    def action_raw(self) -> None:
        """The events of the step as they stand in the file, and back."""
        if self.timeline.shape is Shape.RAW:
            self._bar.say("The raw shape shows events as they are already: v changes it.")
            return
        self.inspector.raw = not self.inspector.raw
        self.inspector.shown = None
        self._inspect()

    def action_inspector(self) -> None:
        """Show or hide the inspector."""
        self._show_inspector(self.has_class("-alone"))

    def _show_inspector(self, shown: bool) -> None:
        if not shown and self.inspector.has_focus:
            self.timeline.focus()
        self.set_class(not shown, "-alone")

    def action_follow(self) -> None:
        """Follow the end of a running session, or stop."""
        timeline = self.timeline
        if not timeline.can_follow:
            self._bar.say("The session has ended: there is nothing to follow.")
        elif timeline.following:
            timeline.following = False
        else:
            timeline.follow_end()

    @on(SessionBar.FollowWanted)
    def _follow_wanted(self) -> None:
        self.timeline.follow_end()

    @on(LineList.Opened, "#timeline")
    def _step_opened(self) -> None:
        """Into the inspector; a span of the tree folds instead."""
        if not self.timeline.toggle_fold():
            self._show_inspector(True)
            self.inspector.focus()

    @on(PageView.StepWanted)
    def _step_wanted(self, event: PageView.StepWanted) -> None:
        self.timeline.focus()
        if not self.timeline.go_to(event.step):
            self._bar.say(f"The filter hides step {event.step}: esc clears it.")

    @on(PageView.LeaveWanted)
    def _inspector_left(self) -> None:
        self.timeline.focus()

    def action_open_in_full(self) -> None:
        """The step, or in the inspector the value under the cursor, with the screen to itself."""
        if self.inspector.has_focus:
            self.inspector.open_in_full()
        else:
            self._open_step()

    @on(PageView.OpenWanted)
    def _open_wanted(self, event: PageView.OpenWanted) -> None:
        block = event.block
        if block is None:
            self._open_step()
        else:
            title = f"{self._step_title()} › {event.title}"
            self.app.push_screen(FullView(title, lambda: Page([block]), self.inspector.spool))

    def _open_step(self) -> None:
        step = self.timeline.current_step
        if step is not None:
            plan = plan_for(self.tail.log, self._glance_at(step), raw=self.inspector.raw)
            self.app.push_screen(FullView(self._step_title(), plan, self.inspector.spool))

    def _step_title(self) -> str:
        step = self.timeline.current_step
        session = short_id(self.row.session_id if self.row is not None else self.path.stem)
        return session if step is None else f"{session} › step {step.index}"

    def action_copy(self) -> None:
        """The value under the cursor of the inspector, or the step as Markdown."""
        if self.inspector.has_focus:
            copy_text(self.app, self.inspector.copied_text())
            return
        step = self.timeline.current_step
        log = self.tail.log
        if step is not None:
            found = [log.event(number) for number in step.events]
            copy_text(self.app, step_markdown(step, found, describe(step, log.event)))

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
            self._run_filter()
        else:
            self.workers.cancel_group(self, "filter")

    @work(group="filter", exclusive=True, exit_on_error=False)
    async def _run_filter(self) -> None:
        await self._filter.run(self.query_one(FilterBar))
