"""Nothing of ours raises into the host: a guard for every public entry, and the counts of what went wrong."""

from __future__ import annotations

import functools
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

logger = logging.getLogger("promptetheus")

reraise = False
"""Tests of ours set it, so that a mistake in the SDK is an error there and not a line in a log."""

_LOG_INTERVAL_S = 60.0
_KINDS = ("dropped", "truncated", "redacted", "failed", "settings", "pruned")

_lock = threading.RLock()  # a signal handler may record, too: it must not wait for its own thread
_logged_s: dict[str, float] = {}
_counts: dict[str, int] = {}
_messages: dict[str, str] = {}

P = ParamSpec("P")
R = TypeVar("R")


class _Tally:
    """A count that threads add to without a lock: `next` of `itertools.count` is one step for them."""

    def __init__(self) -> None:
        self._ticks = itertools.count()
        self._spent = 0
        self.add = self._ticks.__next__

    def value(self) -> int:
        with _lock:
            self._spent += 1  # reading takes a number, too
            return next(self._ticks) - (self._spent - 1)

    def reset(self) -> None:
        with _lock:
            number = self.value()
            self._spent += number


recorded = _Tally()
"""Events written by this process. `recorded.add()` counts one more."""


def count(what: str, number: int = 1) -> None:
    """Add to the counter `what`, e.g. `dropped.invalid`."""
    with _lock:
        _counts[what] = _counts.get(what, 0) + number


def counts() -> dict[str, int]:
    """What was recorded, dropped and failed in this process so far, by name."""
    with _lock:
        return dict(sorted({"recorded": recorded.value(), **_counts}.items()))


def stats() -> dict[str, Any]:
    """What this process recorded and what it did not, and why.

    `{"recorded": 512, "dropped": {"unwritable": 3}, "truncated": {}, "redacted": {"email": 2}, "failed": {},
    "settings": {}, "pruned": {}, "why": {"dropped.unwritable": "cannot write to …: No space left on device"}}`:
    the kinds are always there; `why` has the latest message of each kind.
    """
    found: dict[str, Any] = {"recorded": recorded.value(), **{kind: {} for kind in _KINDS}}
    with _lock:
        for name, number in sorted(_counts.items()):
            kind, _, reason = name.partition(".")
            found.setdefault(kind, {})[reason] = number
        found["why"] = dict(sorted(_messages.items()))
    return found


def report(what: str, message: str, error: BaseException | None = None) -> None:
    """Count `what` and log the message, each kind at most once a minute. Never raises.

    Of `error` only the class and the place are logged: its text may hold what redaction keeps from disk.
    """
    try:
        if error is not None:
            message = f"{message} ({type(error).__name__}{_place(error)})"
        now = time.monotonic()
        with _lock:
            _counts[what] = _counts.get(what, 0) + 1
            _messages[what] = message
            due = now - _logged_s.get(what, -_LOG_INTERVAL_S) >= _LOG_INTERVAL_S
            if due:
                _logged_s[what] = now
        if due:
            logger.warning("promptetheus: %s", message)
    except Exception:  # a broken logging handler, interpreter shutdown
        pass


def mistake(where: str, error: Exception) -> None:
    """Report an exception of ours that reached a public entry. Raises it again in our own tests."""
    if reraise:
        raise error
    report(f"failed.{where}", f"{where} could not be recorded", error)


def guarded(fallback: Callable[[], Any]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Decorator: an Exception inside becomes a report and the result of `fallback()`."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return function(*args, **kwargs)
            except Exception as error:
                mistake(getattr(function, "__name__", "call"), error)
                return fallback()  # type: ignore[no-any-return]

        return call

    return decorate


def forget() -> None:
    """Set all counts to 0 and forget what was logged. For tests."""
    with _lock:
        _counts.clear()
        _messages.clear()
        _logged_s.clear()
        recorded.reset()


def _after_fork() -> None:
    """The thread that held the lock may not exist in the child."""
    global _lock
    _lock = threading.RLock()


os.register_at_fork(after_in_child=_after_fork)


def _place(error: BaseException) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return ""
    file = trace.tb_frame.f_code.co_filename.rpartition("/")[2]
    return f" at {file}:{trace.tb_lineno}"
