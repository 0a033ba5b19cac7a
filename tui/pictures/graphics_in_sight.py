"""Where the terminal may draw pictures: its graphics lie over whatever stands in front of them, so the lines of a
picture that a message or an offer lies on are drawn in half blocks until it is gone, and the others stay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from textual.geometry import Region
from textual.screen import Screen
from textual.widget import Widget

from promptetheus.tui.pictures.picture_way import PictureWay, canvas_of

_FLOATING = "Toast, FilterOffers, Tooltip"
"""What lies over a view without being a screen of its own."""


class GraphicsInSight:
    """What of one widget others lie on, as the last layout left it.

    Args:
        widget: Draws pictures.
        changed: Called when other parts of it are to be drawn with graphics than before.
    """

    def __init__(self, widget: Widget, changed: Callable[[], object]) -> None:
        self._widget = widget
        self._changed = changed
        self._covered: tuple[Region, ...] = ()
        """Within the widget, from its upper left corner."""

    def begin(self) -> None:
        """Look after each layout; call it when the widget is mounted."""
        self._widget.screen.screen_layout_refresh_signal.subscribe(self._widget, self._look)

    @property
    def is_partly_covered(self) -> bool:
        """Whether something lies on some of it."""
        return bool(self._covered)

    def allows(self, line: int, left: int, width: int) -> bool:
        """Whether graphics may be drawn into a line of the widget, `width` cells from cell `left` on."""
        # With the cell behind it: a line that is cut right at the end of its graphics loses them.
        place = Region(left, line, width + 1, 1)
        return self._widget.screen.is_active and not any(place.overlaps(over) for over in self._covered)

    def _look(self, screen: Screen[Any]) -> None:
        covered = self._covered
        self._covered = ()
        if canvas_of(self._widget.app).way is PictureWay.SIXEL:
            own = self._widget.content_region
            regions = (each.region for each in screen.query(_FLOATING))
            self._covered = tuple(
                each.intersection(own).translate(-own.offset) for each in regions if each.overlaps(own)
            )
        if self._covered != covered:
            self._changed()
