"""What has become of a session's file under whoever reads it, in words."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a file tells nothing new."""

    word: str
    """How the session stands because of it, where its status would stand: `gone`."""
    text: str
    """What happened, when, and what is left, for people."""
    is_over: bool = True
    """Whether nothing can be read any more until the file is there again."""


DISK_FULL = Trouble("disk full", "The disk is full: what the agent does now may not be recorded.", False)


def trouble_of(error: OSError, path: Path, at_s: float, *, was_read: bool) -> Trouble:
    """What an error of reading means.

    Args:
        at_s: When it was noticed, in seconds since the epoch.
        was_read: Whether there is something on screen that stays.
    """
    if isinstance(error, FileNotFoundError):
        if not was_read:
            return Trouble("no file", "There is no such file: it was deleted, or nothing is written yet.")
        what = "file" if path.parent.is_dir() else "spool"
        text = f"The {what} was deleted at {_clock(at_s)}: what was read stays here until you leave."
        return Trouble("gone", text)
    # Ours say why in their own words, the system's in its own.
    why = error.strerror or str(error) or type(error).__name__
    if not was_read:
        return Trouble("unreadable", f"The file cannot be read: {why}.")
    text = f"The file cannot be read since {_clock(at_s)}: {why}. What was read stays."
    return Trouble("unreadable", text)


def emptied(at_s: float) -> Trouble:
    """A file that held events holds none now."""
    return Trouble(
        "emptied", f"The file was cut to nothing at {_clock(at_s)}: nothing is left of it to show."
    )


def is_disk_full(path: Path) -> bool:
    """Whether nothing more fits where a file stands."""
    try:
        found = os.statvfs(path.parent)
    except OSError:
        return False
    return found.f_blocks > 0 and found.f_bavail == 0


def _clock(at_s: float) -> str:
    return time.strftime("%H:%M:%S", time.localtime(at_s))
