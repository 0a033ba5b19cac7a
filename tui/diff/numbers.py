"""The numbers of two sessions as a table: how long, how much, how often, and by how much the right one has more."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style

from promptetheus.cause.metric_changes import MetricChange
from promptetheus.display import printable_line
from promptetheus.tui.fit import Pieces, aligned, joined
from promptetheus.tui.inspector.page import Frame, Line

_MOST_NAME_CELLS = 32


@dataclass(slots=True)
class MetricsBlock:
    """A line a number; those that do not differ are grey."""

    metrics: Sequence[MetricChange]

    def lines(self, frame: Frame) -> list[Line]:
        """The table, with its titles."""
        looks = frame.looks
        rows = [(printable_line(m.name, 80), m.left_text, m.right_text, m.delta_text) for m in self.metrics]
        titles = ("", "left", "right", "difference")
        widths = [max(map(cell_len, column)) for column in zip(titles, *rows, strict=True)]
        widths[0] = max(4, min(widths[0], _MOST_NAME_CELLS, frame.width - sum(widths[1:]) - 6))
        found = [Line(joined(self._row(titles, widths, (looks.faint,) * 4)))]
        for metric, row in zip(self.metrics, rows, strict=True):
            quiet = not metric.differs
            ink = looks.faint if quiet else looks.text
            styles = (looks.muted, ink, ink, looks.faint if quiet else looks.warned)
            line = joined(self._row(row, widths, styles))
            found.append(Line(line, value=" ".join(row), title=row[0]))
        return found

    def _row(self, row: Sequence[str], widths: Sequence[int], styles: Sequence[Style]) -> Pieces:
        pieces: Pieces = []
        for place, (text, width, style) in enumerate(zip(row, widths, styles, strict=True)):
            last = place == len(row) - 1
            pieces += aligned([(text, style)], width, right=place > 0 and not last)
            pieces.append(("" if last else "  ", style))
        return pieces
