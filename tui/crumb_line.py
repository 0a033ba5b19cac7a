"""The first line of a view: the views underneath, each a way back, and what this one is about."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.message import Message
from textual.widget import Widget

from promptetheus.display import printable_line
from promptetheus.tui.fit import Pieces, cut_pieces, joined
from promptetheus.tui.guard import Guarded
from promptetheus.tui.theme import looks_of

_ARROW = " › "
_WHOLE_NAMES_FROM_WIDTH = 60


class CrumbLine(Guarded, Widget, can_focus=False):
    """`sessions › failures › diff   Book Tuesday at 2pm            3 differences, 12 equal steps`."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    CrumbLine { height: 1; padding: 0 2; }
    """

    class Wanted(Message):
        """The name of a view underneath was clicked."""

        def __init__(self, depth: int) -> None:
            super().__init__()
            self.depth = depth
            """Its place among the crumbs, the list of sessions being 0."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self._below: list[str] = []
        self._about: Pieces = []
        self._right: Pieces = []
        self._crumbs: list[range] = []
        """The cells of each of them."""

    def show_crumbs(self, names: list[str]) -> None:
        """Name the views underneath, the list of sessions first."""
        self._below = [printable_line(name, 24) for name in names]
        self.refresh()

    def show(self, about: Pieces, right: Pieces) -> None:
        """Say what the view is about, and at the right how much there is. The texts are printable."""
        self._about, self._right = about, right
        self.refresh()

    def render(self) -> Text:
        """Draw what fits: the way back first of all, then the numbers, then as much of the rest as there is room."""
        looks, width = looks_of(self.app), self.size.width
        pieces: Pieces = []
        self._crumbs = []
        for name in self._below if width >= _WHOLE_NAMES_FROM_WIDTH else ["‹"] * len(self._below):
            start = _cells(pieces)
            pieces += [(name, looks.accent), (_ARROW, looks.faint)]
            self._crumbs.append(range(start, start + cell_len(name)))
        pieces.append((self._title, looks.strong))
        right = self._right if _cells(pieces) + _cells(self._right) + 2 <= width else []
        room = width - _cells(pieces) - _cells(right) - 5
        if self._about and room > 3:
            pieces += [("   ", looks.text), *cut_pieces(self._about, room)]
        space = max(0, width - _cells(pieces) - _cells(right))
        return joined([*pieces, (" " * space, looks.text), *right])

    def on_click(self, event: events.Click) -> None:
        """A crumb leads there."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        for depth, cells in enumerate(self._crumbs):
            if offset.x in cells:
                self.post_message(self.Wanted(depth))


def _cells(pieces: Pieces) -> int:
    return sum(cell_len(text) for text, _ in pieces)
