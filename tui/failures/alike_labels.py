"""Labels that begin alike, cut so that they can be told apart."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

from rich.cells import set_cell_size

from promptetheus.tui.fit import cells, cut

_SEEN_APART = 3
"""Characters that have to be seen of what a label does not share with another."""

_LEAST_CELLS = 12
"""In fewer, nothing could be read of either end."""


def shared_beginnings(labels: Iterable[str]) -> dict[str, int]:
    """How many characters each label shares with the one, of the others, that begins most like it."""
    ordered = sorted(set(labels))
    shared = dict.fromkeys(ordered, 0)
    # Those that share most stand beside each other in this order.
    for one, other in pairwise(ordered):
        both = _shared(one, other)
        shared[one], shared[other] = max(shared[one], both), max(shared[other], both)
    return shared


def _shared(one: str, other: str) -> int:
    differs = (place for place, (each, beside) in enumerate(zip(one, other, strict=False)) if each != beside)
    return next(differs, min(len(one), len(other)))


def cut_where_alike(text: str, width: int, shared: int) -> str:
    """`text` in at most `width` cells: cut at its end, as long as what tells it apart is seen then, else before that:
    `the final ans… expected one: michel`.

    Args:
        shared: Characters that another label begins with, too.
    """
    is_seen = cells(text[: shared + _SEEN_APART]) < width
    if cells(text) <= width or is_seen or width < _LEAST_CELLS:
        return cut(text, width)
    room = width - width // 3 - 1
    # From the beginning of a word, when it is not so long that nothing would be seen of the difference.
    apart = max(text.rfind(" ", 0, shared) + 1, shared - room // 4, 1)
    start = apart
    while cells(text[start - 1 :]) <= room:
        start -= 1
    start = text.find(" ", start - 1, apart) + 1 or apart  # what is before it may be part of a word
    tail = cut(text[start:], room)
    return f"{set_cell_size(text, width - 1 - cells(tail)).rstrip()}…{tail}"
