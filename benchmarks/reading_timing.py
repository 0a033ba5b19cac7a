"""What the measurements of `reading.py` are made of: work that is timed, on data that lies in a directory."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Times = dict[str, tuple[float, float]]
"""Wall and CPU milliseconds by name."""


class NotInstalled(Exception):
    """The other program is not there; the message names it."""


def timed(name: str, work: Callable[[], object]) -> Times:
    """How long the work takes, by that name."""
    wall, cpu = time.perf_counter(), _cpu_s()
    work()
    return {name: ((time.perf_counter() - wall) * 1000, (_cpu_s() - cpu) * 1000)}


def _cpu_s() -> float:
    """Of this process and of those that it waited for."""
    used = os.times()
    own = time.process_time()  # finer than the ticks of `times`
    return own + used.children_user + used.children_system


def spool_of(data: Path) -> Path:
    """The spool of many sessions."""
    return data / "many" / "spool"


def timed_command(name: str, words: list[str], **more: Any) -> Times:
    """The same for another program. Raises NotInstalled."""
    if shutil.which(words[0]) is None:
        raise NotInstalled(words[0])
    return timed(name, lambda: subprocess.run(words, stdout=subprocess.DEVNULL, check=False, **more))
