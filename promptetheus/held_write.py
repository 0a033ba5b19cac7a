"""A write that keeps the interpreter lock, for agents with a busy thread.

`os.write` gives the lock up, and next to a CPU-bound thread gets it back only when that thread's 5 ms slice ends:
a call that is paced costs 1 ms on average there instead of 6 µs. The same system call through `ctypes.PyDLL` does
not give it up: 50 µs. But then a disk that blocks would stop every thread of the agent. So it is used only while
`os.write` is seen to wait, and one slow write ends it for a minute.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from time import monotonic

SLOW_S = 0.001
"""A write of a line takes 2 µs; what takes longer than this was waiting for something."""

HELD_S = 10.0
"""How long the lock is held in writes before `os.write` is tried again."""

BARRED_S = 60.0
"""How long `os.write` is used whatever it takes after a write was slow while holding the lock: the disk is."""

_libc_write: Callable[[int, bytes, int], int] | None = None
_held_until_s = 0.0
_barred_until_s = 0.0


def noticed_wait(took_s: float) -> bool:
    """Tell how long a write of `os.write` took. True when the next ones should be made with `write`."""
    global _held_until_s
    now = monotonic()
    if took_s <= SLOW_S or now < _barred_until_s or not _load():
        return False
    _held_until_s = now + HELD_S
    return True


def is_held() -> bool:
    """Whether `write` holds the lock at the moment."""
    return monotonic() < _held_until_s


def write(fd: int, data: bytes) -> int:
    """Like `os.write`, holding the lock while `is_held`."""
    global _held_until_s, _barred_until_s
    began = monotonic()
    if began >= _held_until_s or _libc_write is None:
        return os.write(fd, data)
    done = _libc_write(fd, data, len(data))
    now = monotonic()
    if now - began > SLOW_S:
        _held_until_s, _barred_until_s = 0.0, now + BARRED_S
    return os.write(fd, data) if done < 0 else done  # once more, for the exception with its reason


def _load() -> bool:
    """Find the C library's `write`. False where there is none or no lock to hold."""
    global _libc_write
    if _libc_write is None:
        if not getattr(sys, "_is_gil_enabled", lambda: True)():
            return False
        try:
            import ctypes

            found = ctypes.PyDLL(None).write
            found.argtypes = (ctypes.c_int, ctypes.c_char_p, ctypes.c_size_t)
            found.restype = ctypes.c_ssize_t
        except (ImportError, OSError, AttributeError, TypeError):
            return False
        _libc_write = found
    return True
