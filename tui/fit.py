"""Text cut and padded to screen cells. Nothing is cut without a mark, and wide characters count as they are drawn."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len, set_cell_size
from rich.style import Style
from rich.text import Text

Pieces = list[tuple[str, Style]]
"""Text of one line, piece by piece, each with its style."""


def cut(text: str, width: int) -> str:
    """`text` in at most `width` cells, ending in `…` when something is missing."""
    if width <= 0:
        return ""
    if cell_len(text) <= width:
        return text
    return set_cell_size(text, width - 1).rstrip() + "…"


def cut_middle(text: str, width: int) -> str:
    """`text` in at most `width` cells, its middle replaced by `…` when something is missing: for
    paths and names, whose end tells them apart."""
    if cell_len(text) <= width:
        return text
    if width < 8:
        return cut(text, width)
    tail = text[-(width * 2 // 3) :]
    while cell_len(tail) > width * 2 // 3:
        tail = tail[1:]
    return set_cell_size(text, width - 1 - cell_len(tail)) + "…" + tail


def named_in(names: Sequence[str], width: int, more: int = 0) -> str:
    """Names in at most `width` cells. Where not all of them fit, the first, cut in its middle, as what tells names
    apart is often at their end, and how many others there are: `booking-agent +1`.

    Args:
        more: How many there are that `names` does not hold.
    """
    whole = ", ".join(names)
    if not more and cell_len(whole) <= width:
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
        cells = cell_len(text)
        rest = any(more for more, _ in pending[place + 1 :])
        if cells < room or (cells == room and not rest):
            shown.append((text, style))
            room -= cells
            continue
        if text and room > 0:
            # A piece that fits exactly still gives up its last cell to say that more follows.
            shown.append((cut(text, room) if cells > room else set_cell_size(text, room - 1) + "…", style))
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
    return Text.assemble(*pieces, no_wrap=True, overflow="crop", end="")


def cells_of(pieces: Iterable[tuple[str, Style]]) -> int:
    """How many cells the pieces take."""
    return sum(cell_len(text) for text, _ in pieces)
