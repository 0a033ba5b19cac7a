"""The last gate before the screen: what a list draws becomes segments in which nothing acts."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.segment import Segment
from rich.text import Text
from textual.strip import Strip

from promptetheus.display import printable_line

_PLAIN = Console(color_system=None, force_terminal=False, markup=False, emoji=False, highlight=False)
"""Turns Text into segments; never prints."""


def harmless_parts(row: Text | Strip) -> Iterator[Segment]:
    """The segments of a row. What is drawn has passed the gate before; this holds should somebody forget it."""
    for part in row if isinstance(row, Strip) else row.render(_PLAIN):
        yield part if part.text.isprintable() else Segment(printable_line(part.text), part.style)
