"""The rows of a list as they are on the screen: drawn once, kept while nothing about them changes, harmless."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.cache import LRUCache
from textual.strip import Strip

from promptetheus.display import printable_line
from promptetheus.tui.fit import cells
from promptetheus.tui.harmless import harmless_parts
from promptetheus.tui.pictures.picture_strip import PictureStrip
from promptetheus.tui.theme import Looks

if TYPE_CHECKING:
    from promptetheus.tui.line_list import LineList

MARKER = "▌"
"""Stands before the highlighted row, so that it is seen without colours too."""

MARK = "◆"
"""Stands before a row that the person marked."""

CACHED_ROWS = 1024
"""Drawn rows kept: several screens, so that scrolling back and forth draws nothing twice."""


_UNMARKED: Sequence[Segment] = (Segment(" "),)
_ON_THE_BAR = Style(reverse=True)


class DrawnRows:
    """Draws the rows of one list."""

    def __init__(self, line_list: LineList) -> None:
        self._list = line_list
        self._strips: LRUCache[tuple[int, bool, int], Strip] = LRUCache(CACHED_ROWS)
        self._drawn_with: Looks | None = None
        """The styles that `_strips` were drawn with; another theme makes them worthless."""
        self._base: Style | None = None

    @property
    def base(self) -> Style:
        """The list's own style, under everything: worked out from all that is around the list, so kept."""
        if self._base is None:
            self._base = self._list.rich_style
        return self._base

    def forget_style(self) -> None:
        """The list, or something around it, looks different now."""
        self._base = None
        self.forget()

    def forget(self, first: int = 0) -> None:
        """Rows from `first` on look different now."""
        for key in list(self._strips.keys()):
            if key[0] >= first:
                self._strips.discard(key)

    def forget_row(self, index: int, width: int) -> None:
        """One row looks different now."""
        self._strips.discard((index, True, width))
        self._strips.discard((index, False, width))

    def row(self, index: int, selected: bool, width: int) -> Strip:
        """One row in `width` cells, marker included."""
        looks = self._list.looks
        if looks is not self._drawn_with:
            self._strips.clear()
            self._drawn_with = looks
        key = (index, selected, width)
        strip = self._strips.get(key)
        if strip is None:
            strip = self._strips[key] = self._draw(index, selected, width, looks)
        return strip

    def _draw(self, index: int, selected: bool, width: int, looks: Looks) -> Strip:
        line_list = self._list
        base = self.base
        try:
            row = line_list.render_row(index, width - 1, selected)
            mark = line_list.row_mark(index)
            margin = (Segment(mark, looks.accent),) if mark else _UNMARKED
            if selected:
                bar, under = (
                    (looks.accent, looks.cursor)
                    if line_list.has_focus
                    else (looks.muted, looks.cursor_blurred)
                )
                base = base + under
                # Both have the one cell: a mark stands on a bar as wide as the cell.
                margin = (Segment(mark, bar + _ON_THE_BAR) if mark else Segment(MARKER, bar),)
            return self.strip(row, width, base, margin)
        except Exception as error:
            # One row that cannot be drawn must not take the program, and with it the evidence, away.
            message = printable_line(f"this row could not be drawn: {type(error).__name__}: {error}", 400)
            return self.strip(Text(message, looks.failed), width, base)

    def strip(
        self, row: Text | Strip, width: int, base: Style, margin: Sequence[Segment] = _UNMARKED
    ) -> Strip:
        """What was drawn, behind its margin and without anything that a terminal would obey."""
        # Reversed, each colour of the row would be a block of its own: what reverses goes over them, not under.
        under, over = (None, base) if base.reverse else (base, None)
        if isinstance(row, PictureStrip):
            parts = [*margin, *row]
            return Strip(Segment.apply_style(parts, under, over)).adjust_cell_length(width, base)
        parts = [*margin, *harmless_parts(row)]
        left = width - sum([cells(part.text) for part in parts])
        if left > 0:
            parts.append(Segment(" " * left, base))
        strip = Strip(Segment.apply_style(parts, under, over), width - min(0, left))
        return strip if left >= 0 else strip.adjust_cell_length(width, base)
