"""Nothing of ours raises into the host: a guard for every public entry, and the counts of what went wrong."""

from __future__ import annotations

import functools
import logging
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

logger = logging.getLogger("promptetheus")

_LOG_INTERVAL_S = 60.0
_logged_s: dict[str, float] = {}
_counts: dict[str, int] = {}

P = ParamSpec("P")
R = TypeVar("R")


def count(what: str, number: int = 1) -> None:
    """Add to the counter `what`, e.g. `dropped.invalid`."""
    _counts[what] = _counts.get(what, 0) + number


def counts() -> dict[str, int]:
    """What was recorded, dropped and failed in this process so far, by name."""
    return dict(sorted(_counts.items()))


def report(what: str, message: str, error: BaseException | None = None) -> None:
    """Count `what` and log the message, each kind at most once a minute. Never raises."""
    try:
        count(what)
        now = time.monotonic()
        if now - _logged_s.get(what, -_LOG_INTERVAL_S) >= _LOG_INTERVAL_S:
            _logged_s[what] = now
            logger.warning("promptetheus: %s", message, exc_info=error)
    except Exception:  # a broken logging handler, interpreter shutdown
        pass


def guarded(fallback: Callable[[], Any]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorator: an Exception inside becomes a report and the result of `fallback()`."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                name = getattr(function, "__name__", "call")
                report(f"failed.{name}", f"{name} could not be recorded: {type(error).__name__}", error)
                return fallback()  # type: ignore[no-any-return]

        return call

    return decorate
