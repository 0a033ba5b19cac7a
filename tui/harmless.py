"""The last gate before the screen: what a list draws becomes segments in which nothing acts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.segment import Segment
from rich.style import Style
from rich.text import Text
from textual.strip import Strip

from promptetheus.display import printable_line

_PLAIN = Console(color_system=None, force_terminal=False, markup=False, emoji=False, highlight=False)
"""Turns Text into segments; never prints."""


def harmless_parts(row: Text | Strip) -> Iterator[Segment]:
    """The segments of a row. What is drawn has passed the gate before; this holds should somebody forget it."""
    if isinstance(row, Text) and row.plain.isprintable():
        yield from _parts_of(row)
        return
    for part in row if isinstance(row, Strip) else _parts_of(row):
        yield part if part.text.isprintable() else Segment(printable_line(part.text), part.style)


def _parts_of(text: Text) -> Iterable[Segment]:
    """As `Text.render`, in a third of its time for a text that was put together piece by piece, as rows are; and
    with the text's own style where it has no pieces."""
    plain, base = text.plain, text.style
    if not isinstance(base, Style):
        if base:
            return text.render(_PLAIN)
        base = Style.null()
    parts: list[Segment] = []
    done = 0
    is_based = bool(base)
    for start, end, style in text.spans:
        if start < done or not isinstance(style, Style):
            return text.render(_PLAIN)
        if start > done:
            parts.append(Segment(plain[done:start], base))
        if end > start:
            parts.append(Segment(plain[start:end], base + style if is_based else style))
            done = end
    if done < len(plain):
        parts.append(Segment(plain[done:], base))
    return parts
