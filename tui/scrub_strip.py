"""The one-line map of a session under its panes: what happened where, and where the cursor stands."""

from __future__ import annotations

from collections.abc import Iterable

from rich.style import Style
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from promptetheus.tui.course import Course, Mark
from promptetheus.tui.fit import joined
from promptetheus.tui.guard import Guarded
from promptetheus.tui.step_list import StepList
from promptetheus.tui.theme import Looks, looks_of

_HEIGHTS = "▁▂▃▄▅"
Cells = list[tuple[str, Style]]


class ScrubStrip(Guarded, Widget, can_focus=False):
    """`├──────▇▇▇──▂▂▇─────s──s────────────────✗┤`; click it or drag along it."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    ScrubStrip { height: 1; padding: 0 1; }
    """

    class Scrubbed(Message):
        """The person pointed at a step."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

        def can_replace(self, message: Message) -> bool:
            """A drag passes over steps without stopping at each."""
            return isinstance(message, ScrubStrip.Scrubbed)

    def __init__(self) -> None:
        super().__init__()
        self._course = Course()
        self._steps = StepList()
        self._wrong: tuple[int, ...] = ()
        self._playhead: float | None = None
        self._cursor = 0
        self._dragging = False

    def show(self, course: Course, steps: StepList, wrong: Iterable[int]) -> None:
        """Show a session's course. `wrong`: steps that look wrong although nothing failed in them."""
        self._course, self._steps, self._wrong = course, steps, tuple(wrong)
        self.refresh()

    def show_cursor(self, step: int, playhead: float | None = None) -> None:
        """Mark where the cursor stands; while the session plays, where it has got to."""
        if (step, playhead) != (self._cursor, self._playhead):
            self._cursor, self._playhead = step, playhead
            self.refresh()

    def render(self) -> Text:
        """Draw the line."""
        looks, width = looks_of(self.app), self.size.width - 2
        if width < 1:
            return Text("")
        cells = strip_cells(self._course, width, looks)
        steps = self._steps
        for index in self._wrong:
            if index < steps.count:
                column = self._column(self._course.at(steps, index), width)
                if cells[column][0] not in "✗!":
                    cells[column] = ("≠", looks.warned)
        if steps.count:
            position = self._playhead
            if position is None:
                position = self._course.at(steps, min(self._cursor, steps.count - 1))
            column = self._column(position, width)
            cells[column] = (cells[column][0], looks.accent + Style(reverse=True))
        return joined([("├", looks.rule), *cells, ("┤", looks.rule)])

    def _column(self, position: float, width: int) -> int:
        return max(0, min(width - 1, int(position / self._course.length * width)))

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Go where the pointer is, and follow it."""
        self._dragging = True
        self.capture_mouse()
        self._point(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Follow the pointer while its button is held."""
        if self._dragging:
            self._point(event)

    def on_mouse_up(self) -> None:
        """Let go."""
        self._dragging = False
        self.release_mouse()

    def _point(self, event: events.MouseEvent) -> None:
        width = self.size.width - 2
        if width < 1 or not self._steps.count:
            return
        offset = event.get_content_offset_capture(self)
        column = max(0, min(width - 1, offset.x - 1))
        # The whole cell is the step's: its right edge, so that the last cell is the end.
        position = (column + 1) * self._course.length / width
        self.post_message(self.Scrubbed(self._course.step_at(self._steps, position)))


def strip_cells(course: Course, width: int, looks: Looks) -> Cells:
    """What each cell shows: the worst that happened in it, else how much of it was spent on models."""
    cells: Cells = []
    for marks, llm in course.columns(width):
        if marks & (Mark.ERROR | Mark.CHECK_FAILED):
            cells.append(("✗" if marks & Mark.CHECK_FAILED else "!", looks.failed))
        elif marks & Mark.CHECK_PASSED:
            cells.append(("✓", looks.passed))
        elif marks & Mark.SHOT:
            cells.append(("s", looks.text))
        elif llm > 0:
            cells.append((_HEIGHTS[min(4, int(llm * 5))], looks.faint))
        else:
            cells.append(("─", looks.muted if marks else looks.rule))
    if course.timed:
        for middle, _ in course.axis.cuts(0.0, course.length):
            column = min(width - 1, int(middle / course.length * width))
            if cells[column][0] == "─":
                cells[column] = ("╎", looks.faint)
    return cells
