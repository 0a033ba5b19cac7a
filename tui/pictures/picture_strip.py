"""A line of a picture on its way to the screen: the one kind of line that may hold the terminal's own graphics."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter
from textual.strip import Strip


class PictureStrip(Strip):
    """Made by the code that draws pictures only; no text from a spool can bring one about."""


def without_graphics(strip: PictureStrip) -> Strip:
    """The line without what only the terminal can draw: for a screen that has another one in front of it."""
    return Strip([part for part in strip if not part.control], strip.cell_length)


class _SparingGraphics(LineFilter):
    """A filter of Textual's that leaves graphics as they are: it would take them for text as long as their data."""

    def __init__(self, within: LineFilter) -> None:
        super().__init__(enabled=within.enabled)
        self._within = within

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """Filter the text between graphics."""
        if not any(segment.control for segment in segments):
            return self._within.apply(segments, background)
        found: list[Segment] = []
        for segment in segments:
            found += [segment] if segment.control else self._within.apply([segment], background)
        return found


@lru_cache(maxsize=16)
def _sparing(within: LineFilter) -> LineFilter:
    return _SparingGraphics(within)


def sparing_graphics(filters: Sequence[LineFilter]) -> list[LineFilter]:
    """The filters of a widget that may show graphics."""
    return [_sparing(within) for within in filters]
