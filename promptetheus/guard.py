"""Nothing of ours raises into the host: a guard for every public entry, and the counts of what went wrong."""

from __future__ import annotations

import functools
import itertools
import logging
import os
import threading
import time
from collections.abc import Callable
from types import FrameType
from typing import Any, ParamSpec, TypeGuard, TypeVar

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
    except BaseException as problem:  # a broken logging handler, interpreter shutdown
        pass_on(problem)


def mistake(where: str, error: Exception) -> None:
    """Report an exception of ours that reached a public entry. Raises it again in our own tests, and when it is
    one of the host that only passed through here."""
    pass_on(error)
    if reraise:
        raise error
    report(f"failed.{where}", f"{where} could not be recorded", error)


def pass_on(error: BaseException) -> None:
    """Raise the exception again when it is the host's: it came while code of ours ran, but not because of it.

    We call code of the user for purposes of our own: a `__repr__`, a redactor, a tail policy, a transport. Whatever
    that raises stays here, also a SystemExit: no print of an object may end the agent. CancelledError and
    GeneratorExit likewise: nothing is cancelled or closed in a plain call, there they are the user's code's own
    (a `__repr__` that asks a cancelled future). Three kinds are the host's and pass:

    - KeyboardInterrupt: somebody wants the agent to stop;
    - what a signal handler raised (`sys.exit()` on SIGTERM, a time limit): Python runs it between two steps of
      whatever is running, which may be ours;
    - a BaseException that came up in a line of ours, none of which raises one: another thread put it there.
    """
    if isinstance(error, KeyboardInterrupt) or _is_from_outside(error):
        raise error


def is_a(value: object, kinds: type[R] | tuple[type[R], ...]) -> TypeGuard[R]:
    """`isinstance`, and False for a value that cannot be asked: a proxy with nothing behind it raises there."""
    try:
        return isinstance(value, kinds)
    except BaseException as error:
        pass_on(error)
        return False


def _is_from_outside(error: BaseException) -> bool:
    trace, frame = error.__traceback__, None
    while trace is not None:
        frame = trace.tb_frame
        if _is_signal_handler(frame):
            return True
        trace = trace.tb_next
    if frame is None or isinstance(error, Exception):
        return False
    return bool(frame.f_globals.get("__name__", "").startswith("promptetheus."))


def _is_signal_handler(frame: FrameType) -> bool:
    """Whether it was called as signal handlers are: with a number and the frame that was interrupted."""
    code, caller = frame.f_code, frame.f_back
    if caller is None:
        return False
    given = frame.f_locals
    for name in code.co_varnames[: code.co_argcount]:
        if given.get(name) is caller:
            return True
    if not code.co_flags & 0x04:  # CO_VARARGS
        return False
    rest = given.get(code.co_varnames[code.co_argcount + code.co_kwonlyargcount])
    return isinstance(rest, tuple) and len(rest) == 2 and rest[1] is caller


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
