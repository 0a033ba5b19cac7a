"""The line of times over the waterfall."""

from __future__ import annotations

from rich.text import Text
from textual.widget import Widget

from promptetheus.tui.guard import Guarded
from promptetheus.tui.session.timeline import Timeline
from promptetheus.tui.session.waterfall import ruler
from promptetheus.tui.theme import looks_of


class WaterfallRuler(Guarded, Widget, can_focus=False):
    """Shows which part of the time the waterfall shows."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    WaterfallRuler { height: 1; display: none; }
    """

    def __init__(self, timeline: Timeline) -> None:
        super().__init__()
        self._timeline = timeline

    def render(self) -> Text:
        """Draw the times in the columns of the rows below."""
        width = self._timeline.room_in(self._timeline.row_width - 1)
        if width < 4:
            return Text("")
        # The rows begin with the cursor's mark.
        return Text(" ") + ruler(self._timeline.chart(width), self._timeline.course.axis, looks_of(self.app))
