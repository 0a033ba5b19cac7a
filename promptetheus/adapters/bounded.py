"""What adapters remember between two calls of a framework, bounded: a run that never ends must not fill memory."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class BoundedRunState(Generic[T]):
    """Values by key, for several threads. Beyond `max_size` the oldest is given up.

    Mapping methods that callers of release 2.0.1 used, and no more: no iteration, which another thread could
    disturb.
    """

    def __init__(self, max_size: int = 1024) -> None:
        self._max_size = max(1, max_size)
        self._values: dict[str, T] = {}
        self._lock = threading.Lock()

    def put(self, key: str, value: T) -> T | None:
        """Keep a value as the newest; returns the one that had to go for it, if any."""
        with self._lock:
            self._values.pop(key, None)
            self._values[key] = value
            if len(self._values) <= self._max_size:
                return None
            return self._values.pop(next(iter(self._values)))

    def get(self, key: str) -> T | None:
        """The value of a key, or None."""
        return self._values.get(key)

    def pop(self, key: str) -> T | None:
        """Take a value out; None when it is not there (any more)."""
        with self._lock:
            return self._values.pop(key, None)

    def __setitem__(self, key: str, value: T) -> None:
        self.put(key, value)

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __len__(self) -> int:
        return len(self._values)
