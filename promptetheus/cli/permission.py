"""What to say of a directory or file that belongs to somebody else."""

from __future__ import annotations

import argparse
import os
import pwd
from pathlib import Path

from promptetheus.display import printable_line


def closed_spool(arguments: argparse.Namespace) -> str | None:
    """Of the spools that a command was given, why the first closed one cannot be read, and what to do. None when all
    can be, or are not there yet."""
    named = getattr(arguments, "spools", None) or [getattr(arguments, "spool", None)]
    for spool in named:
        if isinstance(spool, Path) and os.path.isdir(spool) and not os.access(spool, os.R_OK | os.X_OK):
            return f"cannot read the spool {_shown(spool)}: {_closed(spool)}"
    return None


def denied(error: PermissionError) -> str:
    """What was refused, and what to do."""
    if not error.filename:
        return "permission denied"
    path = Path(os.fsdecode(error.filename))
    return f"may not read or write {_shown(path)}: {_closed(_nearest(path))}"


def _closed(path: Path) -> str:
    found = path.stat()
    owner, us = _user(found.st_uid), _user(os.geteuid())
    if owner == us:
        return f"its mode is {found.st_mode & 0o777:03o}. To open it: chmod u+rwX {_shown(path)}"
    return (
        f"it belongs to {owner} (mode {found.st_mode & 0o777:03o}) and this is {us}. Run this as {owner}, or have "
        f"{owner} let {us} read it"
    )


def _nearest(path: Path) -> Path:
    """The path itself, or the first directory above it of which we may know the owner."""
    for place in (path, *path.absolute().parents):
        try:
            place.lstat()
        except OSError:
            continue
        return place
    return Path("/")


def _user(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return f"user {number}"


def _shown(path: Path) -> str:
    return printable_line(str(path), 300)
