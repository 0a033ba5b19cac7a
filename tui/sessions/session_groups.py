"""Sessions in groups: by agent, goal or way of failing, each under a line that counts them."""

from __future__ import annotations

from collections.abc import Sequence, Set
from enum import StrEnum
from typing import NamedTuple

from promptetheus.display import counted, printable_line
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


class Group(NamedTuple):
    """The line over some sessions."""

    key: str
    title: str
    sessions: int
    failing: int
    running: int
    spent: str
    folded: bool


Listed = SessionRow | Group
"""A line of the list."""

_LEAST_TITLE_CELLS = 8


def grouped(rows: Sequence[SessionRow], by: Grouping, folded: Set[str]) -> list[Listed]:
    """The rows under the lines of their groups; groups stand in the order in which their first row stands."""
    groups: dict[str, list[SessionRow]] = {}
    for row in rows:
        groups.setdefault(_key(row, by), []).append(row)
    lines: list[Listed] = []
    for key, members in groups.items():
        failing = sum(row.status.is_failing for row in members)
        running = sum(row.status is Status.RUNNING for row in members)
        title, cost = _title(members[0], by), spent(members)
        lines.append(Group(key, title, len(members), failing, running, cost, key in folded))
        if key not in folded:
            lines.extend(members)
    return lines


def group_pieces(group: Group, looks: Looks, width: int) -> Pieces:
    """`▾ booking-agent   12 sessions · 3 failing · 41k tok · $0.39` in at most `width` cells: where there is no room
    for all of it, the title is cut, and the numbers only when next to nothing of it would be left."""
    numbers: Pieces = [(counted(group.sessions, "session"), looks.muted)]
    if group.running:
        numbers += [(" · ", looks.faint), (f"{group.running:,} running", looks.running)]
    if group.failing:
        numbers += [(" · ", looks.faint), (f"{group.failing:,} failing", looks.failed)]
    if group.spent:
        numbers += [(" · ", looks.faint), (group.spent, looks.muted)]
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


def _key(row: SessionRow, by: Grouping) -> str:
    match by:
        case Grouping.AGENT:
            return row.agent
        case Grouping.GOAL:
            return row.goal
        case _:
            return row.fingerprint


def _title(row: SessionRow, by: Grouping) -> str:
    match by:
        case Grouping.AGENT:
            return row.agent or "without an agent's name"
        case Grouping.GOAL:
            return row.goal or "without a goal"
        case _:
            return (
                f"{row.fingerprint[:6]} {row.label}" if row.fingerprint else "without a known way of failing"
            )
