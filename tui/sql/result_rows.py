"""The rows of a result as a grid needs them: at once where they are held, else noted as wanted."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

from promptetheus.queries.open_query import Row

if TYPE_CHECKING:
    from promptetheus.queries.open_result import OpenResult

AT_ONCE = 300
"""Rows that are fetched together: some screens."""

_HELD = 12
"""Stretches of rows that are held."""


class ResultRows:
    """Rows seen lately. Only `fetch` waits; the rest is for the thread that draws."""

    def __init__(self, result: OpenResult) -> None:
        self.result = result
        self.wanted: int | None = None
        """A row that was asked for and is not held."""
        self._stretches: OrderedDict[int, list[Row]] = OrderedDict()

    def __len__(self) -> int:
        """Rows known so far."""
        return self.result.known

    def row(self, index: int) -> Row | None:
        """A row that is held; else None, and it is wanted from now on."""
        for start, rows in self._stretches.items():
            if start <= index < start + len(rows):
                self._stretches.move_to_end(start)
                return rows[index - start]
        self.wanted = index
        return None

    def fetch(self, index: int, timeout_s: float) -> tuple[int, list[Row]]:
        """Rows from about `index` on, and the number of the first. Blocks; raises SqlError."""
        start = max(0, index - AT_ONCE // 3)
        return start, self.result.rows(start, AT_ONCE, timeout_s=timeout_s)

    def take(self, start: int, rows: list[Row]) -> None:
        """Hold what `fetch` brought."""
        if not rows:
            return
        self._stretches[start] = rows
        self._stretches.move_to_end(start)
        while len(self._stretches) > _HELD:
            self._stretches.popitem(last=False)
