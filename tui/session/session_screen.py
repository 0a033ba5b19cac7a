"""The Session view: one run from its first event to its last, live while it runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical

from promptetheus.cause.steps import Step
from promptetheus.display import duration, printable_line
from promptetheus.queries.filter_listed import ListedSteps
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.crumbs import AgentWanted
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.footer import KeyFooter
from promptetheus.tui.inspector.inspector import Glance
from promptetheus.tui.inspector.page_view import PageView
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.line_list import LineList
from promptetheus.tui.session.jump import JUMPS, jump_bindings
from promptetheus.tui.session.log_tail import Update
from promptetheus.tui.session.longest import next_longest
from promptetheus.tui.session.oddities import Oddities
from promptetheus.tui.session.ruler import WaterfallRuler
from promptetheus.tui.session.scrub_strip import ScrubStrip
from promptetheus.tui.session.session_bar import SessionBar
from promptetheus.tui.session.session_header import SessionHeader
from promptetheus.tui.session.session_shapes import ShapedScreen
from promptetheus.tui.session.session_subject import StepOf
from promptetheus.tui.session.shape import Shape
from promptetheus.tui.session.skipped_lines import skipped_text
from promptetheus.tui.session.step_row import STEP_MARKS
from promptetheus.tui.session.timeline import Timeline
from promptetheus.tui.session.trouble import Trouble
from promptetheus.tui.views import NotNow

if TYPE_CHECKING:
    from promptetheus.tui.shell import Shell


def open_view(app: Shell, subject: object) -> SessionScreen:
    """The session of a file; without one the highlighted session, else the one that was open last."""
    if subject is None:
        row = app.sessions_screen.table.highlighted
        subject = app.last_session if row is None else row.path
    step = None
    if isinstance(subject, StepOf):
        subject, step = subject
    if not isinstance(subject, Path):
        raise NotNow("There is no session to show yet.")
    app.sessions_screen.table.pin_path(subject)
    return SessionScreen(subject, step=step, clock=app.clock)


class SessionScreen(ShapedScreen):
    """Shows one session file."""

    VIEW = "session"
    MARKS = STEP_MARKS
    BINDING_GROUP_TITLE = "Session"
    _longest: int | None = None  # The step that the key for long ones went to last.
    CSS_PATH = "session.tcss"
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = [  # noqa: RUF012 (declared so by Textual)
        (0, "-stacked"),
        (100, "-beside"),
    ]
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-short"), (30, "-high")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", id="session.back", tooltip="Back one level"),
        *jump_bindings(shown="error"),
        Binding("d", "diff", "diff", id="session.diff", tooltip="Compare with the nearest session that passed"),
        Binding(
            "v", "next_shape", "shape", id="session.shape",
            tooltip="Steps, tree of spans, bars over time, or every event",
        ),
        Binding("r", "raw", "raw", show=False, id="session.raw", tooltip="The step's events as in the file"),
        Binding("L", "longest", "longest", show=False, id="session.longest", tooltip="To the longest step, then on"),
        Binding("slash", "filter", "filter", id="session.filter", tooltip="Filter the steps while you type"),
        Binding(
            "i", "inspector", "inspector", show=False, id="session.inspector", tooltip="Show or hide the inspector"
        ),
    ]  # fmt: skip

    # Building

    def compose(self) -> ComposeResult:
        """Header, filter, panes, map, bar, keys."""
        yield SessionHeader(self.path.name, clock=self.now_s)
        yield FilterBar(ListedSteps(lambda: self.timeline.steps.steps[: self.timeline.steps.count]))
        with Container(id="panes"):
            with Vertical(id="left"):
                yield WaterfallRuler(self.timeline)
                yield self.timeline
            yield self.inspector
        yield ScrubStrip()
        yield SessionBar()
        yield KeyFooter()

    def on_mount(self) -> None:
        """Paint while the first portion is read; show it then."""
        self.tail.begin()
        self.timeline.focus()
        self.query_one(SessionHeader).show_crumbs([screen.crumb for screen in self.shell.crumbs()])
        self.call_after_refresh(self.begin_reading)

    # What was read

    def took(self, update: Update, changed: Sequence[int], *, started_over: bool, ended: bool) -> None:
        """Show what an update brought."""
        if started_over and update.trouble is None:
            self.say("The file was replaced or cut: read again from its start.", news=True)
        if ended and update.row is not None:
            self.say(f"The session ended: {update.row.status.glyph} {update.row.status.word}", news=True)
        self._show_trouble(update.trouble)
        self.show_first_shape(update.complete)
        current = self.timeline.current_step
        if current is None:
            self.inspector.clear()
        elif self.inspector.shown is None or current.index in changed:
            self._inspect()
        if changed:
            self.show_course()
        self.show_position()

    def _show_trouble(self, trouble: Trouble | None) -> None:
        self._bar.show_problem("" if trouble is None else trouble.text)
        self.query_one(SessionHeader).show_trouble(trouble)

    def row_changed(self, row: SessionRow) -> None:
        """Show the session's numbers."""
        self.query_one(SessionHeader).show_row(row)

    def oddities_found(self, found: Oddities) -> None:
        """Show what looks wrong."""
        self.show_course()
        if self.timeline.current_step is not None:
            self._inspect()

    def ticked(self) -> None:
        """Header, bar and inspector go by one clock, as the rows do."""
        self.query_one(SessionHeader).refresh()
        self.show_position()
        step = self.timeline.current_step
        if step is not None and step.open:
            self._inspect()

    # Showing

    @property
    def _bar(self) -> SessionBar:
        return self.query_one(SessionBar)

    def say(self, text: str, *, news: bool = False) -> None:
        """Say something in the bar for a few seconds."""
        self._bar.say(text, news=news)

    @on(LineList.CursorMoved, "#timeline")
    def _cursor_moved(self) -> None:
        self.player.person_moved()
        self._bar.hush()
        self.share_room()
        self._inspect()
        self.show_position()

    @on(LineList.FollowChanged, "#timeline")
    def _follow_changed(self) -> None:
        self.show_position()

    @on(Timeline.WindowMoved)
    def _window_moved(self) -> None:
        self.query_one(WaterfallRuler).refresh()

    @on(Timeline.ShapeChanged)
    def _shape_changed(self, event: Timeline.ShapeChanged) -> None:
        self.query_one(SessionHeader).show_shape(event.shape)
        self.set_class(event.shape is Shape.WATERFALL, "-waterfall")
        self._inspect()
        self.show_position()

    @on(ScrubStrip.Scrubbed)
    def _scrubbed(self, event: ScrubStrip.Scrubbed) -> None:
        self.go_to(event.step)

    @on(ScrubStrip.StepsWanted)
    def _wheel_turned(self, event: ScrubStrip.StepsWanted) -> None:
        self.timeline.step_by(event.by)

    def _inspect(self) -> None:
        step = self.timeline.current_step
        if step is not None:
            self.inspector.inspect(self.glance_at(step), passing=self.timeline.following)

    def glance_at(self, step: Step) -> Glance:
        """What the inspector needs to know of a step."""
        timeline = self.timeline
        blame, odd = timeline.blames.get(step.index), timeline.oddities.get(step.index, ())
        elapsed_ms, stalled = timeline.elapsed_of(step)
        return Glance(
            step, timeline.current_event, timeline.steps.steps, timeline.running, blame, odd, elapsed_ms, stalled
        )  # fmt: skip

    def show_course(self) -> None:
        """Show where the steps lie on the map."""
        timeline = self.timeline
        wrong = [*timeline.blames, *timeline.oddities]
        self.query_one(ScrubStrip).show(timeline.course, timeline.steps, wrong)
        if timeline.shape is Shape.WATERFALL:
            self.query_one(WaterfallRuler).refresh()

    def show_position(self) -> None:
        """Show where the cursor stands, and what moves."""
        timeline = self.timeline
        step, playback = timeline.current_step, self.player.playback
        raw, course = timeline.shape is Shape.RAW, timeline.course
        at_ms = None if step is None or not course.timed else step.offset_ms
        if playback is not None and course.timed:
            at_ms = playback.at_ms
        # While it runs nobody knows how long it will be; the map ends with what was recorded last.
        of_ms = None if timeline.running else course.axis.end_ms
        if raw:
            # Of the file: events count from 0.
            self._bar.show_position(timeline.cursor + 1, timeline.row_count(), "line", at_ms, of_ms)
        else:
            self._bar.show_step(step, timeline.steps.moves, at_ms, of_ms)
        if step is not None:
            playhead = None
            if at_ms is not None and playback is not None:
                playhead = course.axis.position(at_ms)
            self.query_one(ScrubStrip).show_cursor(step.index, playhead)
        skipped = self.tail.log.skipped
        self._bar.show_state(
            live=timeline.running,
            following=timeline.following,
            unseen=self.waiting_steps if self.paused else timeline.unseen,
            reading=not self.loaded,
            # The last line of a running session is torn whenever one looks while it is written.
            skipped="" if timeline.running and skipped.total == skipped.torn else skipped_text(skipped),
            paused=self.paused,
            playing=0 if playback is None else playback.speed,
        )

    @on(events.DescendantFocus)
    def _focus_moved(self) -> None:
        self.set_class(self.inspector.has_focus, "-reading")

    # Keys

    def action_back(self) -> None:
        """From the inspector to the timeline, from a filter to all steps, from there to the view before."""
        bar = self.query_one(FilterBar)
        if self.player.playback is not None:
            self.player.stop()
        elif self.focused is not self.timeline:
            self.timeline.focus()
        elif bar.is_active:
            bar.clear()
        else:
            # In the app's own loop: one that belongs to this screen would wait for its own end.
            self.app.call_next(self.shell.leave)

    def action_jump(self, name: str, forward: bool) -> None:
        """To the next or previous step of a sort; says where there is one when there is none."""
        jump = JUMPS[name]
        found = self.timeline.find(name, forward=forward)
        if found is not None:
            self.timeline.go_to(found.index)
            if name == "screenshot":
                self.look_at_picture()
            return
        shown = " that the filter shows" if self.timeline.matches is not None else ""
        where, key = ("after", jump.key.upper()) if forward else ("before", jump.key)
        other = self.timeline.find(name, forward=not forward)
        here = self.timeline.current_step
        if other is not None:
            way = "back" if forward else "on"
            self.say(f"No {jump.word}{shown} {where} this step: {key} goes {way} to step {other.index}.")
        elif here is not None and self.timeline.is_one(name, here):
            self.say(f"This is the only {jump.word}{shown}.")
        else:
            self.say(f"There is no {jump.word}{shown or ' in this session'}.")

    def action_longest(self) -> None:
        """To the step that took longest; from there to the next longest."""
        timeline, here = self.timeline, self.timeline.current_step
        shown = range(timeline.steps.count) if timeline.matches is None else timeline.matches
        before = here if here is not None and here.index == self._longest else None
        found = next_longest((timeline.steps[index] for index in shown), before)
        if found is None:
            return self.say("No step took less." if before else "No step has a duration.")
        timeline.go_to(found.index)
        self._longest = found.index
        rank = "The longest of these steps" if before is None else "The next longest"
        self.say(f"{rank}: {duration(found.duration_ms)}", news=True)

    def action_raw(self) -> None:
        """The events of the step as they stand in the file, and back."""
        if self.timeline.shape is Shape.RAW:
            self.say(
                with_keys("The raw shape shows events as they are already: <session.shape:v> changes it.")
            )
            return
        self.inspector.raw = not self.inspector.raw
        self.inspector.shown = None
        self._inspect()

    def notes_changed(self) -> None:
        """The inspector shows notes too."""
        self.inspector.shown = None
        self._inspect()

    def action_inspector(self) -> None:
        """Show or hide the inspector."""
        self._show_inspector(self.has_class("-alone"))

    def _show_inspector(self, shown: bool) -> None:
        if not shown and self.inspector.has_focus:
            self.timeline.focus()
        self.set_class(not shown, "-alone")

    def begin_as(self, shape: Shape | None, *, inspector: bool) -> None:
        """Begin as a session was looked at last."""
        self._show_inspector(inspector)
        if shape is not None:
            self.begin_in(shape)

    def commands(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """What a click on the agent's name does."""
        agent = self.row.agent if self.row is not None else ""
        if agent:
            yield f"Sessions of {printable_line(agent, 60)}", partial(self.post_message, AgentWanted(agent))

    @on(LineList.Opened, "#timeline")
    def _step_opened(self) -> None:
        """Into the inspector; a span of the tree folds instead."""
        if not self.timeline.toggle_fold():
            self._show_inspector(True)
            self.inspector.focus()

    @on(PageView.StepWanted)
    def _step_wanted(self, event: PageView.StepWanted) -> None:
        self.timeline.focus()
        self.go_to(event.step)

    def go_to(self, step: int) -> None:
        """Put the cursor on a step, or say that the filter hides it."""
        if not self.timeline.go_to(step):
            self.say(with_keys(f"The filter hides step {step}: <session.back:escape> clears it."))

    @on(PageView.LeaveWanted)
    def _inspector_left(self) -> None:
        self.timeline.focus()
