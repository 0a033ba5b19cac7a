"""The way back at the start of a view's first line: the views underneath, each of them a click away."""

from __future__ import annotations

from rich.cells import cell_len
from textual.message import Message

from promptetheus.display import printable_line
from promptetheus.tui.fit import Pieces, cells_of
from promptetheus.tui.theme import Looks

ARROW = " › "


class CrumbWanted(Message):
    """The name of a view underneath was clicked."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.depth = depth
        """Its place among the crumbs, the list of sessions being 0."""


class Crumbs:
    """The names of the views underneath, and the cells in which they were drawn last."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._drawn: list[range] = []

    def name(self, names: list[str]) -> None:
        """Take the names, the list of sessions first."""
        self._names = [printable_line(name, 24) for name in names]

    def draw(self, looks: Looks, *, whole: bool) -> Pieces:
        """The names with their arrows; without `whole` a mark for each, where there is no room for them."""
        pieces: Pieces = []
        self._drawn = []
        for name in self._names if whole else ["‹"] * len(self._names):
            start = cells_of(pieces)
            pieces += [(name, looks.accent), (ARROW, looks.faint)]
            self._drawn.append(range(start, start + cell_len(name)))
        return pieces

    def wanted_at(self, x: int) -> CrumbWanted | None:
        """What a click on this cell of the line asks for."""
        found = next((depth for depth, cells in enumerate(self._drawn) if x in cells), None)
        return None if found is None else CrumbWanted(found)
