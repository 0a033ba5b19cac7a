"""A widget of one line that is drawn at nearly every key: straight into cells, past what is made for long texts."""

from __future__ import annotations

from abc import abstractmethod

from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip
from textual.widget import Widget

from promptetheus.tui.fit import Pieces
from promptetheus.tui.guard import Guarded


class LineWidget(Guarded, Widget, can_focus=False):
    """Subclasses say what the line consists of."""

    ALLOW_SELECT = False

    @abstractmethod
    def pieces(self, width: int) -> Pieces:
        """The line in at most `width` cells; longer ones are cut. The texts are printable."""

    def render_line(self, y: int) -> Strip:
        """Draw the line."""
        width, base = self.size.width, self.rich_style
        if y or not width:
            return Strip.blank(width, base)
        segments: list[Segment] = []
        run, style = "", Style.null()
        for text, own in self.pieces(width):
            if own == style:
                run += text
                continue
            if run:
                segments.append(Segment(run, style))
            run, style = text, own
        segments.append(Segment(run, style))
        return Strip(segments).adjust_cell_length(width, base).apply_style(base)
