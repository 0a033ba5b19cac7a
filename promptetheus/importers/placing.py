"""Unfinished files in the spool, and how a finished one gets its name: whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from promptetheus.process import is_alive, this_host
from promptetheus.spool import make_private_directory

DRAFT_PREFIX = ".import-"
"""Unfinished files in the spool start with this and the pid of their writer."""


def draft_file(spool_dir: Path) -> tuple[Path, BinaryIO]:
    """A new unfinished file in the spool, under a name that readers ignore, open for writing."""
    make_private_directory(spool_dir)
    path = spool_dir / f"{DRAFT_PREFIX}{os.getpid()}-{os.urandom(4).hex()}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    return path, open(os.open(path, flags, 0o600), "wb", buffering=1 << 18)


def put_in_place(draft_path: Path, path: Path) -> bool:
    """Give the finished file its name. False when there is one of that name already: it is never replaced."""
    try:
        os.link(draft_path, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without hard links
        if path.exists():
            return False
        os.rename(draft_path, path)
    return True


def remove_leftovers(spool_dir: Path) -> int:
    """Remove the unfinished files of imports that died. Returns how many there were."""
    removed = 0
    for path in spool_dir.glob(DRAFT_PREFIX + "*"):
        pid = path.name.removeprefix(DRAFT_PREFIX).split("-")[0]
        if pid.isdigit() and is_alive(this_host(), int(pid), None) is False:
            path.unlink(missing_ok=True)
            removed += 1
    return removed
