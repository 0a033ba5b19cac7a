"""Sessions in groups: by agent, goal or way of failing, each under a line that counts them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence, Set
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple

from promptetheus.display import counted, printable_line
from promptetheus.fingerprint import marked_label
from promptetheus.queries.rows import SessionRow, Status
from promptetheus.tui.fit import Pieces, cells_of, cut, cut_pieces
from promptetheus.tui.sessions.spent import spent
from promptetheus.tui.theme import Looks


class Grouping(StrEnum):
    """What sessions are put together by."""

    NONE = "no groups"
    AGENT = "agent"
    GOAL = "goal"
    FAILURE = "way of failing"


_KEYS: Mapping[Grouping, Callable[[SessionRow], str]] = {
    Grouping.AGENT: attrgetter("agent"),
    Grouping.GOAL: attrgetter("goal"),
    Grouping.FAILURE: attrgetter("fingerprint"),
}


class Group(NamedTuple):
    """The line over some sessions. What it says is worked out where it is on screen: with a goal of its own for each
    of ten thousand sessions there are as many groups."""

    key: str
    by: Grouping
    members: Sequence[SessionRow]
    """At least one."""
    folded: bool

    @property
    def title(self) -> str:
        """What the sessions have in common."""
        first = self.members[0]
        match self.by:
            case Grouping.AGENT:
                return first.agent or "without an agent's name"
            case Grouping.GOAL:
                return first.goal or "without a goal"
            case _:
                if not first.fingerprint:
                    return "without a known way of failing"
                return f"{first.fingerprint[:6]} {marked_label(first.label)}"


Listed = SessionRow | Group
"""A line of the list."""

_LEAST_TITLE_CELLS = 8


def grouped(rows: Sequence[SessionRow], by: Grouping, folded: Set[str]) -> list[Listed]:
    """The rows under the lines of their groups; groups stand in the order in which their first row stands."""
    groups: defaultdict[str, list[SessionRow]] = defaultdict(list)
    key_of = _KEYS[by]
    for row in rows:
        groups[key_of(row)].append(row)
    lines: list[Listed] = []
    for key, members in groups.items():
        is_folded = key in folded
        lines.append(Group(key, by, members, is_folded))
        if not is_folded:
            lines += members
    return lines


def group_pieces(group: Group, looks: Looks, width: int) -> Pieces:
    """`▾ booking-agent   12 sessions · 3 failing · 41k tok · $0.39` in at most `width` cells: where there is no room
    for all of it, the title is cut, and the numbers only when next to nothing of it would be left."""
    numbers: Pieces = [(counted(len(group.members), "session"), looks.muted)]
    if running := sum(row.status is Status.RUNNING for row in group.members):
        numbers += [(" · ", looks.faint), (f"{running:,} running", looks.running)]
    if failing := sum(row.status.is_failing for row in group.members):
        numbers += [(" · ", looks.faint), (f"{failing:,} failing", looks.failed)]
    if cost := spent(group.members):
        numbers += [(" · ", looks.faint), (cost, looks.muted)]
    room = max(_LEAST_TITLE_CELLS, width - cells_of(numbers) - 6)  # one from the scroll bar
    return cut_pieces(
        [
            ("▸ " if group.folded else "▾ ", looks.muted),
            (cut(printable_line(group.title, 400), room), looks.strong),
            ("   ", looks.muted),
            *numbers,
        ],
        width,
    )
