"""A line of the Delivery view: how far a session is on its way to the API."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import NamedTuple

from rich.cells import cell_len
from rich.style import Style

from promptetheus.delivery.overview import SessionDelivery
from promptetheus.display import age, count, printable_line, short_id, size
from promptetheus.queries.filter import searched
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.fit import Pieces, aligned
from promptetheus.tui.theme import Looks

GAP = 2
_SAYS_NOTHING = re.compile(
    r'(?<=^HTTP \d{3}):\s*(?:\{\s*\}|\[\s*\]|\{\s*"detail":\s*(?:null|"\s*")\s*\}|null|"\s*")?\s*$'
)
_MOST_AGENT, _MOST_AGENT_IF_WIDE = 24, 48
_WIDE = 150
_LEAST_AGENT = 10
"""Cells below which a name that is cut in its middle says nothing."""
_LEAST_ERROR, _USUAL_ERROR = 16, 40
"""Cells below which the last error is not worth its column, and those that other columns leave it."""
_LEAST_GOAL, _MOST_GOAL = 16, 48


class Standing(Enum):
    """How a session stands, the ones to look at first."""

    FAILED = ("!", "failed")
    """The last try failed; what is pending is tried again."""
    DEAD = ("✗", "refused")
    """The API refused events of it for good."""
    PENDING = ("○", "pending")
    SENT = ("✓", "sent")
    LOCAL = ("·", "local")
    """Recorded without an API: it stays here unless a person sends it."""

    @property
    def glyph(self) -> str:
        """One cell wide."""
        return self.value[0]

    @property
    def word(self) -> str:
        """What people read."""
        return self.value[1]

    def style(self, looks: Looks) -> Style:
        """Its colour."""
        match self:
            case Standing.FAILED | Standing.DEAD:
                return looks.failed
            case Standing.PENDING:
                return looks.running
            case Standing.SENT:
                return looks.passed
            case _:
                return looks.muted


def standing_of(entry: SessionDelivery) -> Standing:
    """How a session stands."""
    if entry.pending_bytes and entry.last_error:
        return Standing.FAILED
    if entry.dead_events:
        return Standing.DEAD
    if entry.pending_bytes:
        return Standing.PENDING if entry.is_meant else Standing.LOCAL
    return Standing.SENT if entry.is_meant else Standing.LOCAL


class DeliveryLine(NamedTuple):
    """What one line shows."""

    entry: SessionDelivery
    row: SessionRow | None
    """What the list of sessions knows of it; None while it was not read."""
    standing: Standing
    words: str
    """What plain words of a filter are looked for in; none of them has a capital."""


def delivery_line(entry: SessionDelivery, row: SessionRow | None) -> DeliveryLine:
    """The line of a session, made when it is read: a filter looks through all of them at each letter."""
    standing = standing_of(entry)
    words = f"{entry.stem}\n{standing.word}\n{entry.last_error}".casefold()
    return DeliveryLine(entry, row, standing, words if row is None else f"{words}\n{searched(row)}")


class Column(NamedTuple):
    """One column of the list."""

    title: str
    width: int
    right: bool = False


_STARTED = Column("started", 8)


def columns_for(width: int, lines: Sequence[DeliveryLine]) -> list[Column]:
    """The columns that fit, the last error, if there is one, taking what is left.

    Where a line is wide, they also tell one session of an agent from the next: when it began, and its goal.
    """
    most = _MOST_AGENT if width < _WIDE else _MOST_AGENT_IF_WIDE
    agents = max((cell_len(printable_line(line.row.agent, most)) for line in lines if line.row), default=0)
    wanted = [
        Column("state", 9),
        Column("session", 12),
        Column("pending", 7, True),
        Column("bytes", 8, True),
        Column("sent", 5, True),
        Column("refused", 7, True),
        Column("agent", max(5, min(most, agents))),
    ]
    chosen: list[Column] = []
    room = width - 2
    for column in wanted:
        if column.width + GAP <= room:
            chosen.append(column)
            room -= column.width + GAP
        elif column.title == "agent" and room >= _LEAST_AGENT + GAP:
            chosen.append(column._replace(width=room - GAP))
            room = 0
    has_errors = any(line.entry.last_error for line in lines)
    kept = _USUAL_ERROR if has_errors else 0
    if room - kept >= _STARTED.width + GAP:
        chosen.insert(2, _STARTED)
        room -= _STARTED.width + GAP
    goals = max(
        (cell_len(printable_line(line.row.goal, _MOST_GOAL)) for line in lines if line.row), default=0
    )
    goal = max(len("goal"), min(goals, room - kept - GAP))
    if goals and goal >= min(goals, _LEAST_GOAL):
        chosen.append(Column("goal", goal))
        room -= goal + GAP
    if has_errors and room >= _LEAST_ERROR:
        chosen.append(Column("last error", room))
    return chosen


def titles(columns: Sequence[Column], looks: Looks) -> Pieces:
    """The names of the columns."""
    pieces: Pieces = [("  ", looks.muted)]
    for place, column in enumerate(columns):
        if place:
            pieces.append((" " * GAP, looks.muted))
        pieces.extend(aligned([(column.title, looks.muted)], column.width, right=column.right))
    return pieces


def delivery_row(line: DeliveryLine, columns: Sequence[Column], looks: Looks, now_s: float) -> Pieces:
    """The cells of one line."""
    pieces: Pieces = [(" ", looks.text)]
    for place, column in enumerate(columns):
        if place:
            pieces.append((" " * GAP, looks.text))
        cell = _cell(column.title, line, looks, now_s)
        pieces += aligned(cell, column.width, right=column.right, is_name=column.title == "agent")
    return pieces


def _cell(title: str, line: DeliveryLine, looks: Looks, now_s: float) -> Pieces:
    entry, standing = line.entry, line.standing
    match title:
        case "state":
            return [(f"{standing.glyph} {standing.word}", standing.style(looks))]
        case "session":
            return [(short_id(line.row.session_id if line.row else entry.stem), looks.text)]
        case "agent":
            return [(printable_line(line.row.agent, 120) if line.row else "", looks.muted)]
        case "goal":
            return [(printable_line(line.row.goal, 200) if line.row else "", looks.text)]
        case "started":
            started = line.row.started if line.row else None
            return [(age(None if started is None else now_s - started), looks.muted)]
        case "pending":
            return _number(entry.pending_events, looks)
        case "bytes":
            return [(size(entry.pending_bytes) if entry.pending_bytes else "–", looks.muted)]
        case "sent":
            return _number(entry.sent_events, looks)
        case "refused":
            return _number(entry.dead_events, looks, looks.failed)
        case _:
            return _trouble(entry, looks, now_s)


def _number(number: int, looks: Looks, style: Style | None = None) -> Pieces:
    return [(count(number), style or looks.text)] if number else [("–", looks.faint)]


def _trouble(entry: SessionDelivery, looks: Looks, now_s: float) -> Pieces:
    if not entry.last_error:
        return []
    when = "" if entry.failed_at is None else f"  {age(max(0.0, now_s - entry.failed_at))}"
    return [(printable_line(as_noted(entry.last_error), 300), looks.warned), (when, looks.muted)]


def as_noted(error: str) -> str:
    """An error as it was noted down, without the body of an answer that said nothing."""
    return _SAYS_NOTHING.sub("", error)
