"""The one-line map of a session under its panes: what happened where, and where the cursor stands."""

from __future__ import annotations

from collections.abc import Iterable

from rich.style import Style
from textual import events
from textual.message import Message

from promptetheus.tui.fit import Pieces
from promptetheus.tui.line_widget import LineWidget
from promptetheus.tui.session.course import Course, Mark
from promptetheus.tui.session.step_list import StepList
from promptetheus.tui.theme import Looks, looks_of

_HEIGHTS = "▁▂▃▄▅"


class ScrubStrip(LineWidget):
    """`├──────▇▇▇──▂▂▇─────s──s────────────────✗┤`; click it or drag along it."""

    DEFAULT_CSS = """
    ScrubStrip { height: 1; padding: 0 2; }
    """

    class Scrubbed(Message):
        """The person pointed at a step."""

        def __init__(self, step: int) -> None:
            super().__init__()
            self.step = step

        def can_replace(self, message: Message) -> bool:
            """A drag passes over steps without stopping at each."""
            return isinstance(message, ScrubStrip.Scrubbed)

    class StepsWanted(Message):
        """The wheel was turned over the map: a step on, or back."""

        def __init__(self, by: int) -> None:
            super().__init__()
            self.by = by

    def __init__(self) -> None:
        super().__init__()
        self._course = Course()
        self._steps = StepList()
        self._wrong: tuple[int, ...] = ()
        self._playhead: float | None = None
        self._cursor = 0
        self._dragging = False
        self._drawn: tuple[int, Looks, Pieces] | None = None
        """The map as it was drawn last, for which width and in which styles."""

    def show(self, course: Course, steps: StepList, wrong: Iterable[int]) -> None:
        """Show a session's course. `wrong`: steps that look wrong although nothing failed in them."""
        self._course, self._steps, self._wrong = course, steps, tuple(wrong)
        self._drawn = None
        self.refresh()

    def show_cursor(self, step: int, playhead: float | None = None) -> None:
        """Mark where the cursor stands; while the session plays, where it has got to."""
        if (step, playhead) != (self._cursor, self._playhead):
            self._cursor, self._playhead = step, playhead
            self.refresh()

    def pieces(self, width: int) -> Pieces:
        """The map, with the cursor on it."""
        looks, room = looks_of(self.app), width - 2
        if room < 1:
            return []
        cells, steps = list(self._map(room, looks)), self._steps
        if steps.count:
            position = self._playhead
            if position is None:
                position = self._course.at(steps, min(self._cursor, steps.count - 1))
            column = self._column(position, room)
            cells[column] = (cells[column][0], looks.accent + Style(reverse=True))
        return [("├", looks.rule), *cells, ("┤", looks.rule)]

    def _map(self, width: int, looks: Looks) -> Pieces:
        """The map without the cursor: worked out again only when there is something new on it."""
        if self._drawn is None or self._drawn[:2] != (width, looks):
            cells = strip_cells(self._course, width, looks)
            for index in self._wrong:
                if index < self._steps.count:
                    column = self._column(self._course.at(self._steps, index), width)
                    if cells[column][0] not in "✗!":
                        cells[column] = ("≠", looks.warned)
            self._drawn = width, looks, cells
        return self._drawn[2]

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

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """A step on."""
        event.stop()
        self.post_message(self.StepsWanted(1))

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """A step back."""
        event.stop()
        self.post_message(self.StepsWanted(-1))

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


def strip_cells(course: Course, width: int, looks: Looks) -> Pieces:
    """What each cell shows: the worst that happened in it, else how much of it was spent on models."""
    cells: Pieces = []
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
