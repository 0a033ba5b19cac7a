"""What adapters remember between two calls of a framework, bounded: a run that never ends must not fill memory."""

from __future__ import annotations

import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")

_lock = threading.RLock()
"""Of all memories. Reentrant, because a finalizer or a signal handler may run in the midst of one and record, too;
made anew in a forked child, where the thread that held it may not exist."""


class BoundedRunState(Generic[T]):
    """Values by key, for several threads. Beyond `max_size` the oldest is given up.

    Mapping methods that callers of release 2.0.1 used, and no more: no iteration, which another thread could
    disturb. Looking and then acting on what was found are two steps for other threads, `update` is one.
    """

    def __init__(self, max_size: int = 1024) -> None:
        self._max_size = max(1, max_size)
        self._values: OrderedDict[str, T] = OrderedDict()

    def put(self, key: str, value: T) -> T | None:
        """Keep a value as the newest; returns the one that had to go for it, if any."""
        with _lock:
            self._values[key] = value
            self._values.move_to_end(key)
            return self._values.popitem(last=False)[1] if len(self._values) > self._max_size else None

    def get(self, key: str) -> T | None:
        """The value of a key, or None."""
        return self._values.get(key)

    def pop(self, key: str) -> T | None:
        """Take a value out; None when it is not there (any more). Of several threads one gets it."""
        with _lock:
            return self._values.pop(key, None)

    def update(self, key: str, change: Callable[[T | None], T | None]) -> T | None:
        """Replace a key's value by what `change` makes of it: None takes it out. Returns what was there before."""
        with _lock:
            before = self._values.get(key)
            after = change(before)
            if after is None:
                self.pop(key)
            else:
                self.put(key, after)
            return before

    def __setitem__(self, key: str, value: T) -> None:
        self.put(key, value)

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)


def _after_fork() -> None:
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_after_fork)
