"""Text that is selected with the mouse, in widgets that draw their own lines.

Textual selects in widgets whose every piece of text carries its place; here a line is made of cells, and the place is
reckoned from the pointer. A selection stays in the pane where it began, like one of tmux.
"""

from __future__ import annotations

from abc import abstractmethod

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.actions import SkipAction
from textual.geometry import Offset
from textual.screen import Screen
from textual.selection import Selection
from textual.strip import Strip
from textual.widget import Widget

from promptetheus.display import counted
from promptetheus.tui.clipboard import copy_text

MOST_LINES = 5_000
"""Selected at once; more is what exports are for."""

_SELECTED = Style(reverse=True)


class SelectsText(Widget):
    """Mix-in: dragging selects, a click elsewhere gives it up, and `ctrl+c` copies as in all of Textual."""

    _pressed_at: Offset | None = None
    """Line and cell at which the button went down."""
    _selected: Selection | None = None
    _dragged = False
    """Whether what ends now is a drag, and no click."""

    @abstractmethod
    def content_line(self, line: int) -> Strip | None:
        """A line as it is drawn, without what is selected; None below the last one."""

    @property
    def first_line(self) -> int:
        """Number of the line at the top of the screen."""
        return self.scroll_offset.y

    def get_selection(self, selection: Selection) -> tuple[str, str] | None:
        """The selected text, as it stands on the screen."""
        start, end = selection
        if start is None or end is None:
            return None
        lines = []
        for number in range(start.y, min(end.y, start.y + MOST_LINES - 1) + 1):
            line = self.content_line(number)
            if line is None:
                break
            first, last = _span(selection, number, line.cell_length)
            lines.append(line.crop(first, last).text.rstrip())
        return "\n".join(lines), "\n"

    def selection_updated(self, selection: Selection | None) -> None:
        """Show what is selected now."""
        self._selected = selection
        self.refresh()

    def with_selection(self, strip: Strip, line: int) -> Strip:
        """A drawn line with what is selected of it reversed."""
        selection = self._selected
        if selection is None or selection.start is None or selection.end is None:
            return strip
        if not selection.start.y <= line <= selection.end.y:
            return strip
        length = strip.cell_length
        first, last = _span(selection, line, length)
        before, chosen, after = strip.crop(0, first), strip.crop(first, last), strip.crop(last, length)
        return Strip.join([before, Strip(Segment.apply_style(chosen, post_style=_SELECTED)), after])

    # The mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        """Perhaps the beginning of a selection."""
        self._dragged = False
        if event.button == 1:
            self._pressed_at = self._place(event)
            self.capture_mouse()  # The next place may be outside already.

    def on_mouse_move(self, event: events.MouseMove) -> None:
        """Select up to the pointer while the button is held; past the edge, the pane scrolls."""
        start = self._pressed_at
        if start is None or event.button != 1:
            return
        end = self._place(event)
        if not self._dragged:
            if end == start:
                return
            self._dragged = True
        if self.is_scrollable and not 0 <= event.get_content_offset_capture(self).y < self.size.height:
            self.scroll_to(y=self.scroll_offset.y + (1 if end.y > start.y else -1), animate=False)
        first, last = sorted((start, end), key=lambda place: (place.y, place.x))
        self.screen.selections = {self: Selection(first, Offset(last.x + 1, last.y))}

    def on_mouse_up(self) -> None:
        """Say what to do with it."""
        self._pressed_at = None
        self.release_mouse()
        if not self._dragged:
            return
        text = self.screen.get_selected_text() or ""
        lines = text.count("\n") + 1
        if not text.strip():
            self.screen.clear_selection()
        else:
            what = counted(lines, "line") if lines > 1 else counted(len(text), "character")
            self.app.notify(f"Selected {what}: ctrl+c copies.", timeout=3)

    @property
    def was_dragged(self) -> bool:
        """Whether the click that arrives now only ends a drag, which means nothing else."""
        return self._dragged

    def _place(self, event: events.MouseEvent) -> Offset:
        offset = event.get_content_offset_capture(self)
        y = max(0, min(offset.y, self.size.height - 1))
        return Offset(max(0, min(offset.x, self.size.width - 1)), self.first_line + y)


def _span(selection: Selection, line: int, length: int) -> tuple[int, int]:
    """The selected cells of a line."""
    start, end = selection
    assert start is not None and end is not None
    return (start.x if line == start.y else 0), (min(end.x, length) if line == end.y else length)


class CopiesSelection(Screen[None]):
    """Mix-in for screens with such widgets."""

    def action_copy_text(self) -> None:
        """Copy what is selected, and say so."""
        selected = self.get_selected_text()
        if selected is None:
            raise SkipAction
        copy_text(self.app, selected)
