"""The timeline of a session: its steps, its tree of spans, or every event, under one cursor."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.message import Message

from promptetheus.cause.describe import describe
from promptetheus.cause.steps import Step
from promptetheus.cause.verdicts import Blame
from promptetheus.queries.session_log import SessionLog
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.line_list import LineList
from promptetheus.tui.plain_prose import step_text
from promptetheus.tui.session.course import Course
from promptetheus.tui.session.event_row import event_row
from promptetheus.tui.session.event_rows import EventRows
from promptetheus.tui.session.jump import JumpIndex, nearest_of
from promptetheus.tui.session.running_time import elapsed_of
from promptetheus.tui.session.shape import Shape
from promptetheus.tui.session.step_list import StepList
from promptetheus.tui.session.step_row import DURATION_FROM_WIDTH, Columns, RowState, step_row
from promptetheus.tui.session.tree_place import NO_PLACE
from promptetheus.tui.session.tree_rows import TreeRows
from promptetheus.tui.session.waterfall import Chart, Window, Zoom, layout, waterfall_row


class Timeline(LineList):
    """Draws from the log what is on screen, and nothing else."""

    BINDING_GROUP_TITLE = "Timeline"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "left", "step(-1)", "step back", show=False, id="timeline.step_back",
            tooltip="One step back; in the tree, fold the span",
        ),
        Binding(
            "right", "step(1)", "step on", show=False, id="timeline.step_on",
            tooltip="One step on; in the tree, unfold the span",
        ),
        Binding("h", "fold", "fold", show=False, id="timeline.fold", tooltip="Fold the span (tree)"),
        Binding(
            "l", "unfold", "unfold", show=False, id="timeline.unfold",
            tooltip="Unfold the span (tree), or go into the inspector",
        ),
    ]  # fmt: skip

    class ShapeChanged(Message):
        """Another shape is shown."""

        def __init__(self, shape: Shape) -> None:
            super().__init__()
            self.shape = shape

    class WindowMoved(Message):
        """The waterfall shows another part of the time."""

    def __init__(
        self, log: SessionLog, *, clock: Callable[[], float] = time.time, id: str | None = None
    ) -> None:
        super().__init__(id=id)
        self.session_log = log
        self.steps = StepList()
        self.shape = Shape.STEPS
        self.running = False
        """Whether the session still runs: only then do open steps tick."""
        self.matches: list[int] | None = None
        """Indexes of the steps that a filter lets through; None without a filter."""
        self.blames: Mapping[int, Blame] = {}
        """Calls that failed checks hold against the agent, by step: marked, and errors to the jump keys."""
        self._raw = EventRows(self.steps)
        self._tree = TreeRows(self.steps, log)
        self._jumps = JumpIndex()
        self._clock = clock
        self.course = Course()
        """Where the steps lie on one line of time; the scrub strip draws it too."""
        self.zoom = Zoom()
        """Of the waterfall."""
        self.oddities: Mapping[int, Sequence[str]] = {}
        """What looks wrong about steps although nothing failed in them."""

    # What the screen tells

    def begin(self, steps: list[Step]) -> None:
        """Start over with the list of steps of a log that was read from the start."""
        self.steps = StepList(steps)
        self._raw = EventRows(self.steps)
        self._tree = TreeRows(self.steps, self.session_log)
        self.matches = None
        self.blames = {}
        self.oddities = {}
        self.course = Course()
        self._jumps = JumpIndex()
        self.refresh_rows()

    def take(self, steps: int, events: int) -> list[int]:
        """Show the first `steps` and `events` of the log. Returns the indexes of new and changed steps."""
        columns, first_new = self._columns, self.steps.count
        held = self.current_step
        changed = self.steps.take(steps)
        first_event = self._raw.events
        self.course.take(self.steps, changed, self.session_log.type_of)
        self._jumps.take(self.steps.steps, changed, self.session_log.type_of)
        self._raw.take(changed, events)
        if self.shape is Shape.TREE:
            self._tree.grow()
        self._look_at_cursor()
        if self.matches is not None or self.shape is Shape.TREE:
            self.refresh_rows()
            if held is not None and not self.following:
                self._hold(held.index)
        elif self.shape is Shape.RAW:
            self.refresh_rows(first_event)
        else:
            # A longer duration than any before shortens all bars, and later steps those over time.
            unchanged = self._columns == columns and changed and self.shape is not Shape.WATERFALL
            self.refresh_rows(min(first_new, changed[0]) if unchanged else 0)
        return changed

    def show_matches(self, matches: list[int] | None, held: Step | None = None) -> None:
        """Show only these steps (with the spans around them, or their events); all of them with None.

        The cursor goes to `held`, or stays on its own step, as near as the filter lets it.
        """
        held = held or self.current_step
        self.matches = matches
        self._raw.show_matches(matches)
        self._tree.show_matches(matches)
        self._show_rows(held)

    @property
    def tree_is_far(self) -> bool:
        """Whether the tree takes so long to build that `prepare_tree` should run in a thread first."""
        return self._tree.is_far

    def prepare_tree(self) -> None:
        """Build the tree without showing it."""
        self._tree.prepare()

    def show_shape(self, shape: Shape) -> None:
        """Show the session in another way, with the cursor on the same step."""
        if shape is self.shape:
            return
        held = self.current_step
        self.shape = shape
        if shape is Shape.TREE:
            self._tree.grow()
        self._show_rows(held)
        self._look_at_cursor()
        self.post_message(self.ShapeChanged(shape))

    def _show_rows(self, held: Step | None) -> None:
        self.refresh_rows()
        if held is not None and not self.following:
            self._hold(held.index)
            self._show_cursor(center=True)
        # The row under the cursor may be another one although the cursor did not move.
        self.post_message(self.CursorMoved(self, self.cursor))

    def _hold(self, step: int) -> None:
        row = self._row_near(step)
        if row is not None and self.step_at(self.cursor) is not self.steps[step]:
            self.cursor = row

    def tick(self) -> None:
        """Let the clocks of running steps on screen go on."""
        if self.running and self.shape is not Shape.RAW and self.steps.open_steps:
            for row in self.visible_rows:
                step = self.step_at(row)
                if step is not None and step.open:
                    self.refresh_row(row)

    # What is under the cursor

    @property
    def current_step(self) -> Step | None:
        """The step under the cursor; in the raw shape, the one that the event belongs to."""
        return self.step_at(self.cursor)

    @property
    def current_event(self) -> int | None:
        """The number of the event under the cursor, in the raw shape."""
        if self.shape is not Shape.RAW or not self.row_count():
            return None
        return self._raw.event_at(self.cursor)

    def step_at(self, row: int) -> Step | None:
        """The step shown in a row."""
        if not 0 <= row < self.row_count():
            return None
        if self.shape is Shape.RAW:
            index = self._raw.step_of(self._raw.event_at(row))
            return None if index < 0 else self.steps[index]
        return self.steps[self._step_index_at(row)]

    def go_to(self, step: int) -> bool:
        """Put the cursor on a step; False when a filter hides it."""
        if self.shape is Shape.TREE and self._tree.reveal(step):
            self.refresh_rows()
        row = self._row_near(step)
        if row is None or self.step_at(row) is not self.steps[step]:
            return False
        self.select(row, center=True)
        return True

    def find(self, name: str, *, forward: bool) -> Step | None:
        """The next or previous step of a sort among those that the filter lets through."""
        current = self.current_step
        here = -1 if current is None else current.index
        found = [nearest_of(some, here, self.matches, forward=forward) for some in self._of_sort(name)]
        index = (min if forward else max)((index for index in found if index is not None), default=None)
        return None if index is None else self.steps[index]

    def is_one(self, name: str, step: Step) -> bool:
        """Whether a step is of that sort."""
        return any(step.index in some for some in self._of_sort(name))

    def _of_sort(self, name: str) -> Iterator[Sequence[int]]:
        """Steps of a sort by their indexes; a call that a failed check blames counts as an error."""
        yield self._jumps.of(name)
        if name == "error":
            yield sorted(self.blames)
        elif name == "oddity":
            yield sorted(self.oddities)

    # The waterfall

    @property
    def has_times(self) -> bool:
        """Whether steps are told by when they began; else by their numbers."""
        return self.steps.timed and not self.course.at_once

    def room_in(self, width: int) -> int:
        """Cells of a row that are drawn in: one is kept from the scroll bar where words can spare it."""
        return width - 1 if width >= DURATION_FROM_WIDTH else width

    def chart(self, width: int) -> Chart:
        """How the waterfall divides a row of `width` cells, and which part of the time it shows."""
        return layout(width, self.zoom.window or Window(0.0, self.course.length), self.course.axis)

    def zoom_by(self, levels: int) -> bool:
        """Show less time around the highlighted step, or more; False at either end."""
        changed = self.zoom.by(levels)
        self._look_at_cursor()
        return changed

    def _look_at_cursor(self) -> None:
        """Have the highlighted step's bar on screen."""
        step = self.current_step
        if self.shape is not Shape.WATERFALL or step is None:
            return
        if self.zoom.look_at(self.course.ends(self.steps, step.index), self.course.length):
            self.refresh_rows()
            self.post_message(self.WindowMoved())

    def watch_cursor(self, old: int, new: int) -> None:
        """Keep the highlighted step inside the window."""
        super().watch_cursor(old, new)
        self._look_at_cursor()

    # Folding

    def action_fold(self) -> None:
        """Fold the span under the cursor, or go to the one around it."""
        step = self.current_step
        if self.shape is not Shape.TREE or step is None:
            self.app.notify(with_keys("Only the tree folds: <session.shape:v> changes the shape."), timeout=2)
        elif self._tree.fold(step.index):
            self._after_folding()
        elif (around := self._tree.span_around(step.index)) is not None:
            self.go_to(around)
        else:
            self.app.notify("No span is around this step.", timeout=2)

    def action_unfold(self) -> None:
        """Unfold the span under the cursor; elsewhere go into the step."""
        step = self.current_step
        if self.shape is Shape.TREE and step is not None:
            if self._tree.unfold(step.index):
                self._after_folding()
                return
            if self._tree.has_inside(step.index):
                self.action_cursor_down()
                return
        self.action_open_row()

    def action_step(self, by: int) -> None:
        """To the step before or after; in the tree, fold or unfold."""
        if self.shape is Shape.TREE:
            (self.action_unfold if by > 0 else self.action_fold)()
        else:
            self.step_by(by)

    def step_by(self, by: int) -> None:
        """To a step before or after this one, of those that the filter lets through."""
        step = self.current_step
        order: Sequence[int] = range(self.steps.count) if self.matches is None else self.matches
        if step is None or not order:
            return
        place = bisect_left(order, step.index) + by
        if 0 <= place < len(order):
            self.go_to(order[place])

    def toggle_fold(self) -> bool:
        """Fold or unfold the span under the cursor; False where nothing folds."""
        step = self.current_step
        if self.shape is not Shape.TREE or step is None:
            return False
        if not (self._tree.fold(step.index) or self._tree.unfold(step.index)):
            return False
        self._after_folding()
        return True

    def _after_folding(self) -> None:
        self.following = False
        self.refresh_rows()

    # Drawing

    def row_count(self) -> int:
        """Rows of the shape, as the filter and the folds leave them."""
        match self.shape:
            case Shape.RAW:
                return len(self._raw)
            case Shape.TREE:
                return len(self._tree)
            case _:
                return self.steps.count if self.matches is None else len(self.matches)

    def render_row(self, index: int, width: int, selected: bool) -> Text:
        """Draw one step or event."""
        width = self.room_in(width)
        if self.shape is Shape.RAW:
            number = self._raw.event_at(index)
            step = self.step_at(index)
            failed = step is not None and step.ok is False and number == step.events[-1]
            cells = len(str(max(self._raw.events, 1)))
            return event_row(self.session_log.event(number), width, cells, self.looks, failed)
        step = self.steps[self._step_index_at(index)]
        state = self._state_of(step)
        description = step_text(step, describe(step, self.session_log.event))
        if self.shape is Shape.WATERFALL:
            ends = self.course.ends(self.steps, step.index)
            return waterfall_row(step, description, ends, self.chart(width), self.looks, state)
        return step_row(step, description, width, self._columns, self.looks, state)

    def render_empty(self, y: int, width: int) -> Text | None:
        """Say why there is nothing."""
        if y != 1:
            return None
        empty = "No events yet." if self.running else "No events."
        text = "Nothing matches the filter." if self.matches is not None else empty
        return Text(f"   {text}", self.looks.muted)

    @property
    def _columns(self) -> Columns:
        steps, timed = self.steps, self.has_times
        return Columns(timed, steps.when_cells(timed), steps.has_durations, steps.longest_ms)

    def elapsed_of(self, step: Step) -> tuple[float | None, bool]:
        """How long a step that runs has run so far, None for all others; and whether it has stalled."""
        if not (step.open and self.running):
            return None, False
        return elapsed_of(step, self.session_log, self._raw.events, self._clock())

    def _state_of(self, step: Step) -> RowState:
        elapsed, stalled = self.elapsed_of(step)
        never_ended = step.open and not self.running
        blamed, odd = step.index in self.blames, step.index in self.oddities
        place = self._tree.place_of(step) if self.shape is Shape.TREE else NO_PLACE
        return RowState(elapsed, stalled, never_ended, blamed, odd, *place)

    # Rows, steps, events

    def _step_index_at(self, row: int) -> int:
        if self.shape is Shape.TREE:
            return self._tree.step_at(row)
        return row if self.matches is None else self.matches[row]

    def _row_near(self, step: int) -> int | None:
        """The row of a step; of the next one shown, where it is hidden itself."""
        count = self.row_count()
        if not count or step >= self.steps.count:
            return None
        match self.shape:
            case Shape.RAW:
                row = self._raw.row_near(self.steps[step])
            case Shape.TREE:
                row = self._tree.row_near(step)
            case _:
                row = step if self.matches is None else bisect_left(self.matches, step)
        return min(row, count - 1)
