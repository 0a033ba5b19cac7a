"""A line of a picture on its way to the screen: the one kind of line that may hold the terminal's own graphics."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter
from textual.strip import Strip


class PictureStrip(Strip):
    """Made by the code that draws pictures only; no text from a spool can bring one about.

    Args:
        instead: The same line as text, where something lies over it; None where it is text already.
    """

    def __init__(self, segments: Iterable[Segment], cell_length: int, instead: Strip | None = None) -> None:
        super().__init__(segments, cell_length)
        self._instead = instead

    @property
    def as_text(self) -> Strip:
        """The line without what only the terminal can draw over everything that is there."""
        return self if self._instead is None else self._instead


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
