"""Looks for garbage while the person rests: a look through all that is held takes 70 ms with 10,000 sessions listed,
and left to Python it comes at any key."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager

RESTS_AFTER_S = 1.0
"""Without a key for so long, nobody notices a pause."""

WORTH_IT = 10
"""Looks at what is young after which Python would look through everything."""

AT_THE_LATEST = 1_000
"""As many looks as that are never outwaited, however busy the person is."""


@contextmanager
def not_looked_for() -> Iterator[None]:
    """Read much without passes over it: what is parsed has no cycles, and passes take the longer, the more there is.

    Several threads may do so at once.
    """
    looked = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if looked:
            gc.enable()


class GarbageAtRest:
    """Decides when; nothing changes for the process until `begin`."""

    def __init__(self) -> None:
        self._began = False

    def begin(self) -> None:
        """Take over, once everything is loaded that stays until the end. Garbage is looked for from now on."""
        gc.freeze()
        young, middle, _ = gc.get_threshold()
        gc.set_threshold(young, middle, AT_THE_LATEST)
        gc.enable()
        self._began = True

    def look(self, acted_s: float) -> None:
        """Look through everything if that is worth it and the person rests; to be called once in a while.

        Args:
            acted_s: When the person acted last, by `time.monotonic()`.
        """
        rests = time.monotonic() - acted_s > RESTS_AFTER_S
        if self._began and rests and gc.get_count()[2] >= WORTH_IT:
            gc.collect()
