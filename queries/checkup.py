"""How a spool is doing: what is in it, what cannot be read and why, whether it can be written and watched."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
from collections import Counter
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from promptetheus.queries.catalog import Catalog
from promptetheus.queries.catalog_cache import CacheState, inspect
from promptetheus.queries.live import Watcher
from promptetheus.queries.rows import Problem, Skipped, Status

LOW_DISK_BYTES = 256 * 1024 * 1024
_WATCH_PATIENCE_S = 3.0


@dataclass(frozen=True, slots=True)
class Checkup:
    """What was found."""

    root: Path
    exists: bool
    statuses: dict[Status, int]
    """Sessions by status, the statuses in their usual order, without those that have none."""
    events: int
    size_bytes: int
    """Of all session files."""
    skipped: Skipped
    """Lines that are no events, in all sessions together."""
    skipped_in: tuple[tuple[str, Skipped], ...]
    """Sessions with such lines."""
    problems: tuple[Problem, ...]
    """Files that are no sessions."""
    dead_letters: int
    """Events that the API refused for good."""
    cache: CacheState
    disk_free_bytes: int | None
    mode: int | None
    """Permissions of the directory."""
    writable: bool
    watch_mode: str
    """`native`, `polling`, or `waiting` where there is no directory yet."""
    watch_reason: str
    """Why it polls."""
    complaints: tuple[str, ...]
    """What a person should do something about, as sentences."""

    @property
    def sessions(self) -> int:
        return sum(self.statuses.values())


def examine(root: Path) -> Checkup:
    """Look at everything in a spool once; files are read, nothing is written but the catalog's cache."""
    catalog = Catalog(root)
    rows = [row for batch in catalog.scan() for row in batch]
    catalog.wait_until_kept()
    counted = Counter(row.status for row in rows)
    skipped_in = tuple((row.session_id, row.skipped) for row in rows if row.skipped.total)
    watcher = _watched(root)
    disk = _disk(root)
    found: dict[str, Any] = {
        "root": root,
        "exists": root.is_dir(),
        "statuses": {status: counted[status] for status in Status if counted[status]},
        "events": sum(row.events for row in rows),
        "size_bytes": sum(row.size_bytes for row in rows),
        "skipped": _sum([skipped for _, skipped in skipped_in]),
        "skipped_in": skipped_in,
        "problems": tuple(catalog.problems()),
        "dead_letters": _dead_letters(root / "dead-letter"),
        "cache": inspect(root),
        "disk_free_bytes": disk,
        "mode": _mode(root),
        "writable": _writable(root),
        "watch_mode": watcher.mode,
        "watch_reason": watcher.reason,
    }
    return Checkup(**found, complaints=tuple(_complaints(found)))


def _complaints(found: dict[str, Any]) -> list[str]:
    said = []
    if not found["writable"]:
        said.append("The spool cannot be written: agents record nothing there.")
    mode = found["mode"]
    if mode is not None and mode & 0o022:
        said.append(f"Others can write to the spool (mode {mode:o}): chmod 700 keeps them out.")
    free = found["disk_free_bytes"]
    if free is not None and free < LOW_DISK_BYTES:
        said.append("The disk is nearly full.")
    if found["watch_mode"] == "polling":
        said.append(f"Changes are polled for, which is slower: {found['watch_reason']}.")
    return said


def _sum(all_skipped: list[Skipped]) -> Skipped:
    return Skipped(
        sum(item.torn for item in all_skipped),
        sum(item.garbage for item in all_skipped),
        sum(item.foreign for item in all_skipped),
        sum(item.oversized for item in all_skipped),
    )


def _watched(root: Path) -> Watcher:
    """A watcher that has found out how it can watch."""
    watcher = Watcher(root)

    async def first_notice() -> None:
        stop = asyncio.Event()
        async with aclosing(watcher.changes(stop)) as changes:
            async for _ in changes:
                break
        stop.set()

    if root.is_dir():
        try:
            asyncio.run(asyncio.wait_for(first_notice(), _WATCH_PATIENCE_S))
        except (TimeoutError, OSError):
            pass
    return watcher


def _dead_letters(directory: Path) -> int:
    catalog = Catalog(directory, cached=False)
    return sum(row.events for batch in catalog.scan() for row in batch)


def _existing(root: Path) -> Path:
    """The directory itself, or the nearest one above it that exists."""
    path = Path(os.path.abspath(root))
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def _disk(root: Path) -> int | None:
    try:
        return shutil.disk_usage(_existing(root)).free
    except OSError:
        return None


def _mode(root: Path) -> int | None:
    try:
        return stat.S_IMODE(root.stat().st_mode)
    except OSError:
        return None


def _writable(root: Path) -> bool:
    path = _existing(root)
    return path.is_dir() and os.access(path, os.W_OK | os.X_OK)
