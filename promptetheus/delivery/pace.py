"""When to try again: backoff with full jitter, `Retry-After`, and a circuit breaker.

Full jitter: a wait drawn evenly between 0 and an exponentially growing cap, so that many agents that lost the
same gateway do not come back at the same moment (Brooker, "Exponential Backoff And Jitter", 2015).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Literal

BASE_S = 0.5
LONGEST_S = 30.0
MAX_RETRY_AFTER_S = 600.0

State = Literal["closed", "open", "half_open"]


class Pace:
    """The breaker of one destination. Not thread-safe: the uploader's thread is the only one that asks.

    Args:
        threshold: So many failures in a row open the circuit.
        reset_s: For so long it stays open; then one try decides.
        clock: Seconds, monotonic.
        draw: A number evenly from [0, its argument].
    """

    def __init__(
        self,
        *,
        threshold: int = 5,
        reset_s: float = 30.0,
        clock: Callable[[], float] = time.monotonic,
        draw: Callable[[float], float] = lambda cap: random.uniform(0.0, cap),
    ) -> None:
        self._threshold, self._reset_s = threshold, reset_s
        self._clock, self._draw = clock, draw
        self._failures = 0
        self._not_before = 0.0

    @property
    def failures(self) -> int:
        """Failures in a row."""
        return self._failures

    @property
    def state(self) -> State:
        """closed: all is well or nearly; open: nothing is tried; half_open: the next try decides."""
        if self._failures < self._threshold:
            return "closed"
        return "open" if self.wait_s() > 0 else "half_open"

    def wait_s(self) -> float:
        """Seconds until the next try is allowed; 0.0 means now."""
        return max(0.0, self._not_before - self._clock())

    def succeeded(self) -> None:
        """A request was answered as it should be."""
        self._failures, self._not_before = 0, 0.0

    def failed(self, retry_after_s: float | None = None) -> None:
        """A request was not answered, or with a request to come back later."""
        cap = min(BASE_S * 2 ** min(self._failures, 10), LONGEST_S)
        self._failures += 1
        wait = self._reset_s if self._failures >= self._threshold else self._draw(cap)
        if retry_after_s is not None:
            wait = max(wait, min(retry_after_s, MAX_RETRY_AFTER_S))
        self._not_before = self._clock() + wait
