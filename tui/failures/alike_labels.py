"""Labels that begin alike, cut so that they can be told apart."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from functools import lru_cache

from rich.cells import set_cell_size

from promptetheus.tui.fit import cells, cut

_SEEN_APART = 3
"""Characters that have to be seen of what a label does not share with another."""

_LEAST_CELLS = 12
"""In fewer, nothing could be read of either end."""


class AlikeLabels:
    """How much labels have in common, found as they come: five microseconds for a new one, none for one that is
    there."""

    def __init__(self, labels: Iterable[str] = ()) -> None:
        self._ordered: list[str] = []
        self._shared: dict[str, int] = {}
        for label in labels:
            self.add(label)

    def add(self, label: str) -> None:
        """Take another one into account."""
        if label in self._shared:
            return
        # Those that share most stand beside each other in this order.
        place = bisect_left(self._ordered, label)
        self._shared[label] = 0
        for beside in self._ordered[max(0, place - 1) : place + 1]:
            both = _shared(label, beside)
            self._shared[label] = max(self._shared[label], both)
            self._shared[beside] = max(self._shared[beside], both)
        self._ordered.insert(place, label)

    def shared(self, label: str) -> int:
        """How many characters a label shares with the one, of the others, that begins most like it."""
        return self._shared.get(label, 0)

    def cut(self, label: str, width: int) -> str:
        """A label in at most `width` cells, see `cut_where_alike`."""
        return cut_where_alike(label, width, self.shared(label))


def _shared(one: str, other: str) -> int:
    differs = (place for place, (each, beside) in enumerate(zip(one, other, strict=False)) if each != beside)
    return next(differs, min(len(one), len(other)))


def cuts_apart(labels: Iterable[str], width: int, alike: AlikeLabels) -> dict[str, str]:
    """The labels in at most `width` cells. What tells one from its neighbour may be said of others, too (`… was never
    called`): those that would look the same are cut before what tells these from each other."""
    shown = {label: cut_where_alike(label, width, alike.shared(label)) for label in labels}
    looking: dict[str, list[str]] = {}
    for label, text in shown.items():
        looking.setdefault(text, []).append(label)
    taken = set(looking)
    for same in looking.values():
        among = AlikeLabels(same)
        for label in same[1:]:
            other = cut_where_alike(label, width, among.shared(label))
            if other not in taken:
                shown[label] = other
                taken.add(other)
    return shown


@lru_cache(maxsize=1024)
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
