"""How much a client may ask for in a while, and how many may ask at one time."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from promptetheus.gateway.errors import Refused

MAX_BUCKETS = 20_000
"""Callers that are remembered; the one that was quiet longest is forgotten first, which costs it nothing."""

_BURST_S = 2.0


class RateLimit:
    """A token bucket per caller. Used in the event loop only."""

    def __init__(self, per_s: float) -> None:
        self._per_s = per_s
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def wait_s(self, caller: str, cost: float = 1.0) -> float:
        """Take from the caller's bucket; 0, or how long to wait when it is empty."""
        if self._per_s <= 0:
            return 0.0
        now, full = time.monotonic(), max(1.0, self._per_s * _BURST_S)
        tokens, since = self._buckets.get(caller, (full, now))
        tokens = min(full, tokens + (now - since) * self._per_s)
        enough = tokens >= cost
        self._buckets[caller] = (tokens - cost if enough else tokens, now)
        self._buckets.move_to_end(caller)
        if len(self._buckets) > MAX_BUCKETS:
            self._buckets.popitem(last=False)
        return 0.0 if enough else (cost - tokens) / self._per_s


class Share:
    """A number of things that all callers have together, and each at most so many of. Used in the event loop only."""

    def __init__(self, name: str, total: int, each: int) -> None:
        self._name, self._total, self._each = name, total, each
        self._taken: dict[str, int] = {}
        self.used = 0

    @contextmanager
    def take(self, caller: str, amount: int = 1) -> Iterator[None]:
        """Have `amount` of it while the block runs. Raises Refused (503 for all, 429 for this caller)."""
        if self.used + amount > self._total:
            raise Refused(503, f"too many {self._name} at this moment: try again", retry_after_s=1.0)
        if self._taken.get(caller, 0) + amount > self._each:
            raise Refused(429, f"too many {self._name} of this project: try again", retry_after_s=1.0)
        self.used += amount
        self._taken[caller] = self._taken.get(caller, 0) + amount
        try:
            yield
        finally:
            self.used -= amount
            left = self._taken[caller] - amount
            if left:
                self._taken[caller] = left
            else:
                del self._taken[caller]
