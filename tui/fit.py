"""Text cut and padded to screen cells. Nothing is cut without a mark, and wide characters count as they are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Span, Text

Pieces = list[tuple[str, Style]]
"""Text of one line, piece by piece, each with its style."""


_ONE_CELL = frozenset([*map(chr, range(0x20, 0x7F)), *"…·×✓✗●○→←↑↓▌█ "])
"""What nearly all rows are made of. Rich measures a text with any sign that is not in its table letter by letter."""


def cells(text: str) -> int:
    """Cells that a text takes on screen."""
    return len(text) if _ONE_CELL.issuperset(text) else cell_len(text)


def cut(text: str, width: int) -> str:
    """`text` in at most `width` cells, ending in `…` when something is missing."""
    if width <= 0:
        return ""
    if cells(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…"


def cut_middle(text: str, width: int) -> str:
    """`text` in at most `width` cells, its middle replaced by `…` when something is missing: for
    paths and names, whose end tells them apart."""
    if cells(text) <= width:
        return text
    if width < 8:
        return cut(text, width)
    tail = text[-(width * 2 // 3) :]
    while cells(tail) > width * 2 // 3:
        tail = tail[1:]
    return set_cell_size(text, width - 1 - cells(tail)) + "…" + tail


def named_in(names: Sequence[str], width: int, more: int = 0) -> str:
    """Names in at most `width` cells. Where not all of them fit, the first, cut in its middle, as what tells names
    apart is often at their end, and how many others there are: `booking-agent +1`.

    Args:
        more: How many there are that `names` does not hold.
    """
    whole = ", ".join(names)
    if not more and cells(whole) <= width:
        return whole
    others = len(names) - 1 + more
    counted = f" +{others}" if others else ""
    return cut_middle(names[0], width - len(counted)) + counted


def cut_pieces(pieces: Iterable[tuple[str, Style]], width: int) -> Pieces:
    """The pieces in at most `width` cells, the last one shown ending in `…` when something is missing."""
    shown: Pieces = []
    pending = list(pieces)
    room = width
    for place, (text, style) in enumerate(pending):
        taken = cells(text)
        if taken < room or (taken == room and not any(more for more, _ in pending[place + 1 :])):
            shown.append((text, style))
            room -= taken
            continue
        if text and room > 0:
            # A piece that fits exactly still gives up its last cell to say that more follows.
            shown.append((cut(text, room) if taken > room else set_cell_size(text, room - 1) + "…", style))
        break
    return shown


def aligned(
    pieces: Iterable[tuple[str, Style]], width: int, *, right: bool = False, is_name: bool = False
) -> Pieces:
    """The pieces in exactly `width` cells, cut (a name in its middle) or padded with spaces."""
    if is_name:
        pieces = [(cut_middle(text, width), style) for text, style in pieces]
    shown = cut_pieces(pieces, width)
    space = (" " * (width - cells_of(shown)), Style.null())
    return [space, *shown] if right else [*shown, space]


def joined(pieces: Iterable[tuple[str, Style]]) -> Text:
    """The pieces as one line of Text."""
    texts: list[str] = []
    spans: list[Span] = []
    start = 0
    for text, style in pieces:
        if text:
            end = start + len(text)
            texts.append(text)
            if style:
                spans.append(Span(start, end, style))
            start = end
    # As `Text.assemble` makes it, in a quarter of its time.
    line = Text("".join(texts), no_wrap=True, overflow="crop", end="", spans=spans)
    if len(line) != start:  # Rich left control characters out, and the spans are off.
        line.spans = []
    return line


def cells_of(pieces: Iterable[tuple[str, Style]]) -> int:
    """How many cells the pieces take."""
    return sum(cells(text) for text, _ in pieces)
