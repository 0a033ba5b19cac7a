"""Lets the answers to keys go before news: a person who presses a key looks at what it does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

ANSWER_S = 0.06
"""Within so long after a key its answer is drawn, in the timeline and in the inspector."""

AT_MOST_S = 0.25
"""News wait no longer than this at a time, however fast the keys follow each other."""


class KeysFirst:
    """Waits while keys are answered.

    Args:
        acted_s: When the person acted last, by `time.monotonic()`.
    """

    def __init__(self, acted_s: Callable[[], float]) -> None:
        self._acted_s = acted_s

    async def wait(self) -> None:
        """Until the last key is answered, or the news have waited long enough."""
        end = time.monotonic() + AT_MOST_S
        while (left := self._left_s(end)) > 0:
            await asyncio.sleep(left)

    def hold(self, end: float) -> None:
        """The same in a thread, until `end` by `time.monotonic()` at the latest: Python computes in one at a time."""
        while (left := self._left_s(end)) > 0:
            time.sleep(left)

    def _left_s(self, end: float) -> float:
        return min(self._acted_s() + ANSWER_S, end) - time.monotonic()
