"""The first line of a view: the views underneath, each a way back, and what this one is about."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from textual import events
from textual.widget import Widget

from promptetheus.tui.crumbs import Crumbs
from promptetheus.tui.fit import Pieces, cells_of, cut_pieces, joined
from promptetheus.tui.guard import Guarded
from promptetheus.tui.theme import looks_of

_WHOLE_NAMES_FROM_WIDTH = 60

Fitting = Callable[[int], Pieces]
"""Says the same in as many cells as there are."""


class CrumbLine(Guarded, Widget, can_focus=False):
    """`sessions › failures › diff   Book Tuesday at 2pm            3 differences, 12 equal steps`."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    CrumbLine { height: 1; padding: 0 2; }
    """

    def __init__(self, title: str) -> None:
        super().__init__()
        self._title = title
        self._crumbs = Crumbs()
        self._about: Pieces | Fitting = []
        self._right: Pieces = []
        self._more: Pieces = []

    def retitle(self, title: str) -> None:
        """Call the view something else."""
        self._title = title
        self.refresh()

    def show_crumbs(self, names: list[str]) -> None:
        """Name the views underneath, the list of sessions first."""
        self._crumbs.name(names)
        self.refresh()

    def show(self, about: Pieces | Fitting, right: Pieces, more: Pieces | None = None) -> None:
        """Say what the view is about, and at the right how much there is, followed by `more` where nothing else has
        to give way to it. The texts are printable. What cannot be cut at its end comes as a function of the room."""
        self._about, self._right, self._more = about, right, more or []
        self.refresh()

    def render(self) -> Text:
        """Draw what fits: the way back first of all, then the numbers, then as much of the rest as there is room."""
        looks, width = looks_of(self.app), self.size.width
        pieces = self._crumbs.draw(looks, whole=width >= _WHOLE_NAMES_FROM_WIDTH)
        pieces += cut_pieces([(self._title, looks.strong)], width - cells_of(pieces))
        right = self._right if cells_of(pieces) + cells_of(self._right) + 2 <= width else []
        room = width - cells_of(pieces) - cells_of(right) - (5 if right or not callable(self._about) else 3)
        about = self._about(room) if callable(self._about) else self._about
        if right and cells_of(about) + cells_of(self._more) <= room:
            right = [*right, *self._more]
            room -= cells_of(self._more)
        if about and room > 3:
            pieces += [("   ", looks.text), *cut_pieces(about, room)]
        space = max(0, width - cells_of(pieces) - cells_of(right))
        return joined([*pieces, (" " * space, looks.text), *right])

    def on_click(self, event: events.Click) -> None:
        """A crumb leads there."""
        offset = event.get_content_offset(self)
        wanted = None if offset is None else self._crumbs.wanted_at(offset.x)
        if wanted is not None:
            self.post_message(wanted)
