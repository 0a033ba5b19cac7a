"""Files that a person keeps with the sessions of a project: rules and notes, beside the spool."""

from __future__ import annotations

from pathlib import Path

_SPOOL = "spool"


def beside(spool: Path, name: str) -> Path:
    """Where a project's file is: `.promptetheus/<name>` for `.promptetheus/spool`. A directory of sessions that is
    not called `spool` keeps it inside: what lies around it may be anything. Its name must not end in `.jsonl`."""
    root = Path.cwd() / spool if not spool.is_absolute() else spool
    return root.parent / name if root.name == _SPOOL else root / name
