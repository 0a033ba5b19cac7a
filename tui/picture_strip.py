"""A line of a picture on its way to the screen: the one kind of line that may hold the terminal's own graphics."""

from __future__ import annotations

from textual.strip import Strip


class PictureStrip(Strip):
    """Made by the code that draws pictures only; no text from a spool can bring one about."""


def without_graphics(strip: PictureStrip) -> Strip:
    """The line without what only the terminal can draw: for a screen that has another one in front of it."""
    return Strip([part for part in strip if not part.control], strip.cell_length)
