"""The rows of a query that runs elsewhere, for a grid that somebody scrolls."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from promptetheus.queries.open_query import Row
from promptetheus.queries.sql import TIMEOUT_S

_HELD_BLOCKS = 8
"""Blocks of rows that are held here; each has a thousand rows or 4 MB at most, or one row."""

_BLOCKS_AT_ONCE = 4

Fetched = tuple[list[Row], int, bool, bool]
"""Rows of one block, how many rows are known, whether these are all, whether a limit cut them."""

Fetch = Callable[[int, float], Fetched]
"""Asks for the rows from one on, with a timeout in seconds. Raises SqlError."""


class OpenResult:
    """The rows of a query, computed as they are looked at, in any order; at most a million, in bounded memory.

    Also those of them that hold some words: then `known` counts what was found so far.

    Good until the next `open`, `run` or `close` of its database, or until `interrupt` while rows are waited for: then
    rows that are not held any more raise SqlError.
    """

    def __init__(self, opened: tuple[Any, ...], fetch: Fetch, elapsed_ms: float, *, token: int = 0) -> None:
        """`opened` is what the process said of it: columns, types, the first rows, lines and sessions left out."""
        self.token = token
        """Number of the question that it answers."""
        columns, types, first, skipped, shadowed = opened
        self.columns: tuple[str, ...] = columns
        self.types: tuple[str, ...] = types
        """DuckDB's name of each column's type; JSON columns hold text."""
        self.elapsed_ms = elapsed_ms
        """Until the first rows were there, reading the spool included."""
        self.skipped: int = skipped
        """Lines of the spool's session files that are no events; the query did not see them."""
        self.shadowed: int = shadowed
        """Sessions left out because a spool named earlier has one of the same id."""
        self.known = 0
        """Number of rows known so far; grows as rows further on are asked for."""
        self.complete = False
        """`known` is the number of all rows."""
        self.truncated = False
        """There are more rows than the limit of a million (or 4 GB) allows."""
        self._fetch = fetch
        self._lock = threading.Lock()
        self._blocks: OrderedDict[int, list[Row]] = OrderedDict()
        """By first row, the one used last at the end."""
        self._take_in(0, first)

    def rows(self, start: int, count: int, *, timeout_s: float = TIMEOUT_S) -> list[Row]:
        """Up to `count` rows from row `start` on: fewer at the end, and where rows are large.

        An empty list means that there is no such row, or, while not `complete`, that it was not reached within half a
        second: `known` says how far it is; ask again. Raises SqlError.
        """
        with self._lock:
            found: list[Row] = []
            fetched = 0
            while len(found) < count:
                place = start + len(found)
                if self.complete and place >= self.known:
                    break
                block = self._held(place)
                if block is None:
                    if fetched == _BLOCKS_AT_ONCE:
                        break
                    fetched += 1
                    self._take_in(place, self._fetch(place, timeout_s))
                    block = self._held(place)
                if block is None:
                    break
                found += block[: count - len(found)]
            return found

    def learn(self, known: int, complete: bool, truncated: bool) -> None:
        """Somebody else's question found out how many rows there are."""
        self.known, self.complete, self.truncated = known, complete, truncated

    def _held(self, row: int) -> list[Row] | None:
        for first, block in self._blocks.items():
            if first <= row < first + len(block):
                self._blocks.move_to_end(first)
                return block[row - first :]
        return None

    def _take_in(self, start: int, found: Fetched) -> None:
        rows, known, complete, truncated = found
        self.learn(known, complete, truncated)
        if rows:
            self._blocks[start] = rows
            while len(self._blocks) > _HELD_BLOCKS:
                self._blocks.popitem(last=False)
