"""The order of a list of sessions: by any column of the filter language, unknown values last, ties by id."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from operator import itemgetter
from typing import NamedTuple

from promptetheus.queries.filter_fields import NUMBER_FIELDS, SCORE, canonical
from promptetheus.queries.rows import SessionRow

_TEXTS: dict[str, Callable[[SessionRow], str]] = {
    "status": lambda row: row.status.value,
    "agent": lambda row: row.agent,
    "goal": lambda row: row.goal,
    "project": lambda row: row.project,
    "env": lambda row: row.environment,
    "fp": lambda row: row.fingerprint,
    "id": lambda row: row.session_id,
}
_TIMES: dict[str, Callable[[SessionRow], float | None]] = {
    "started": lambda row: row.started if row.started is not None else row.mtime,
    "ended": lambda row: row.ended,
}
SORT_COLUMNS = (*_TIMES, *_TEXTS, *NUMBER_FIELDS)
"""What a list can be sorted by; besides, `score.NAME`."""


class BadOrder(ValueError):
    """No column of a list; the message names those that are."""


class Order(NamedTuple):
    """By which column, and which way."""

    column: str
    descending: bool = False

    def __str__(self) -> str:
        return f"{self.column}:{'desc' if self.descending else 'asc'}"

    @property
    def is_text(self) -> bool:
        """Whether values are texts, compared without regard to case."""
        return self.column in _TEXTS

    def value(self, row: SessionRow) -> str | float | None:
        """What the row is sorted by; None stands last, whichever way."""
        if self.column in _TEXTS:
            return _TEXTS[self.column](row).casefold() or None
        if self.column in _TIMES:
            return _TIMES[self.column](row)
        known = NUMBER_FIELDS.get(self.column)
        if known is not None:
            return known.value(row)
        score = row.scores.get(self.column[len(SCORE) + 1 :])
        return None if score is None else float(score)


NEWEST_FIRST = Order("started", descending=True)


def parse_order(text: str) -> Order:
    """`cost`, `cost:desc` or `score.helpful:asc`. Raises BadOrder."""
    name, _, way = text.strip().rpartition(":")
    if way.casefold() not in ("asc", "desc"):
        name, way = text.strip(), "asc"
    column = canonical(name)
    if column not in SORT_COLUMNS and not (column.startswith(SCORE + ".") and len(column) > len(SCORE) + 1):
        close = get_close_matches(column, SORT_COLUMNS, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        known = ", ".join(SORT_COLUMNS)
        raise BadOrder(f"{name!r} is no column to sort by.{hint} There are {known}, score.NAME.")
    return Order(column, way.casefold() == "desc")


def in_order(rows: Iterable[SessionRow], order: Order) -> list[SessionRow]:
    """The rows, sorted; those without a value last, equal ones by id."""
    by_id = sorted(rows, key=lambda row: (row.session_id, str(row.path)))
    valued = [(value, row) for row in by_id if (value := order.value(row)) is not None]
    # Of one column: all texts, or all numbers.
    valued.sort(key=itemgetter(0), reverse=order.descending)
    return [row for _, row in valued] + [row for row in by_id if order.value(row) is None]
