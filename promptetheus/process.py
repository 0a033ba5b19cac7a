"""Who writes a session: host, pid and when that process started, so that a crashed writer is told from a
running one even after its pid was given to another process."""

from __future__ import annotations

import os
import threading
from typing import Any

_TOLERANCE_S = 2.0
"""Start times are computed from boot time in ticks of 10 ms; clocks are adjusted. Two seconds is close enough
to tell a reused pid."""

fork_lock = threading.RLock()
"""Held while something is made anew after a fork; itself new in every child."""

forks = 0
"""How many forks lie between the import of this module and this process: whoever remembers another number is
in a child now."""

_own_facts: dict[str, Any] | None = None


def this_host() -> str:
    """The name of this machine, as writers record it."""
    return os.uname().nodename


def own_facts() -> dict[str, Any]:
    """Pid, host and start of this process, as a session's first line names its writer. Read once a process."""
    global _own_facts
    pid = os.getpid()
    if _own_facts is None or _own_facts["pid"] != pid:
        _own_facts = {"pid": pid, "host": this_host(), "process_started": process_started(pid)}
    return _own_facts


def process_started(pid: int) -> float | None:
    """When the process started, in seconds since 1970, or None when it does not exist or cannot be read.

    Source: field 22 of /proc/PID/stat in clock ticks since boot, /proc/stat btime (proc(5)).
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            fields = stat.read().rpartition(b")")[2].split()
        if fields[0] == b"Z":  # a zombie has ended, whatever its parent does
            return None
        with open("/proc/stat", "rb") as stat:
            boot = next(int(line.split()[1]) for line in stat if line.startswith(b"btime"))
        return boot + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError, StopIteration):
        return None


def is_alive(host: object, pid: object, started: object) -> bool | None:
    """Whether the writer of a session still runs; None when that cannot be known from here (another host)."""
    if not isinstance(pid, int) or isinstance(pid, bool) or pid <= 0 or host != this_host():
        return None
    if not os.path.exists("/proc/self/stat"):
        return _answers_signal(pid)
    now = process_started(pid)
    if now is None:
        return False
    if isinstance(started, int | float):
        return abs(now - started) <= _TOLERANCE_S
    return True


def _answers_signal(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _count_fork() -> None:
    global forks, fork_lock
    forks += 1
    fork_lock = threading.RLock()


os.register_at_fork(after_in_child=_count_fork)
