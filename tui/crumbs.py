"""The way back at the start of a view's first line: the views underneath, each of them a click away."""

from __future__ import annotations

from rich.cells import cell_len
from textual.message import Message

from promptetheus.display import printable_line
from promptetheus.tui.fit import Pieces, cells_of, named_in
from promptetheus.tui.theme import Looks

ARROW = " › "
MOST_AGENT_CELLS = 32
LEAST_AGENT_CELLS = 6


class CrumbWanted(Message):
    """The name of a view underneath was clicked."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        self.depth = depth
        """Its place among the crumbs, the list of sessions being 0."""


class AgentWanted(Message):
    """The name of an agent was clicked: its sessions are wanted."""

    def __init__(self, agent: str) -> None:
        super().__init__()
        self.agent = agent


class Crumbs:
    """The names of the views underneath, and the cells in which they were drawn last."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._drawn: list[range] = []
        self._agent: tuple[range, str] | None = None

    def name(self, names: list[str]) -> None:
        """Take the names, the list of sessions first."""
        self._names = [printable_line(name, 24) for name in names]

    def draw(self, looks: Looks, *, whole: bool) -> Pieces:
        """The names with their arrows; without `whole` a mark for each, where there is no room for them."""
        pieces: Pieces = []
        self._drawn = []
        self._agent = None
        for name in self._names if whole else ["‹"] * len(self._names):
            start = cells_of(pieces)
            pieces += [(name, looks.accent), (ARROW, looks.faint)]
            self._drawn.append(range(start, start + cell_len(name)))
        return pieces

    def draw_agent(self, agent: str, start: int, room: int, looks: Looks) -> Pieces:
        """The crumb that leads to the sessions of an agent, in at most `room` cells from cell `start` of the line on;
        nothing where that is not enough to know it by."""
        shown = named_in([printable_line(agent, 60)], min(room, MOST_AGENT_CELLS)) if agent else ""
        if not shown or cell_len(shown) < min(LEAST_AGENT_CELLS, cell_len(agent)):
            return []
        self._agent = (range(start, start + cell_len(shown)), agent)
        return [(shown, looks.accent), (ARROW, looks.faint)]

    def wanted_at(self, x: int) -> CrumbWanted | AgentWanted | None:
        """What a click on this cell of the line asks for."""
        if self._agent is not None and x in self._agent[0]:
            return AgentWanted(self._agent[1])
        found = next((depth for depth, cells in enumerate(self._drawn) if x in cells), None)
        return None if found is None else CrumbWanted(found)
