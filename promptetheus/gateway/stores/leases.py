"""Open things that are kept for the next request: a bounded table from which nothing is taken while it is in use."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class _Lease(Generic[V]):
    __slots__ = ("users", "value")

    def __init__(self, value: V) -> None:
        self.value = value
        self.users = 0


class Leases(Generic[K, V]):
    """One value per key, made at first use, closed when it has rested longest and there are too many.

    So two threads never have two values of one key: what is in use stays in the table.
    """

    def __init__(
        self,
        make: Callable[[K], V],
        close: Callable[[V], None],
        limit: int,
        weigh: Callable[[V], int] = lambda value: 0,
        max_weight: int = 0,
    ) -> None:
        self._make, self._close = make, close
        self._limit = limit
        self._weigh, self._max_weight = weigh, max_weight
        self._table: OrderedDict[K, _Lease[V]] = OrderedDict()
        self._guard = threading.Lock()

    @contextmanager
    def lease(self, key: K) -> Iterator[V]:
        """The value of a key, for as long as the block runs. Raises what making it raises."""
        with self._guard:
            lease = self._table.get(key)
            if lease is None:
                lease = self._table[key] = _Lease(self._make(key))
            self._table.move_to_end(key)
            lease.users += 1
        try:
            yield lease.value
        finally:
            with self._guard:
                lease.users -= 1
                resting = self._surplus()
            for value in resting:
                self._close(value)

    def close(self) -> None:
        """Close everything."""
        with self._guard:
            leases, self._table = list(self._table.values()), OrderedDict()
        for lease in leases:
            self._close(lease.value)

    def _surplus(self) -> list[V]:
        """Take out of the table what is too much, the longest at rest first."""
        weight = sum(self._weigh(lease.value) for lease in self._table.values()) if self._max_weight else 0
        if len(self._table) <= self._limit and weight <= self._max_weight:
            return []
        surplus: list[V] = []
        for key, lease in list(self._table.items())[:-1]:
            if len(self._table) <= self._limit and weight <= self._max_weight:
                break
            if not lease.users:
                del self._table[key]
                weight -= self._weigh(lease.value)
                surplus.append(lease.value)
        return surplus
