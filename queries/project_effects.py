"""What the tools of a project do to the world, told from its recent sessions and not only from two of them.

The evidence of a session is kept in a cache beside the spool, which may be deleted at any time: it is believed only
where size, time and inode of the session's file are as they were.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from promptetheus.cause.effects import COUNTED, Effect, Evidence, evidence_in
from promptetheus.queries.catalog_cache import cache_path
from promptetheus.queries.roots import Roots, roots_of
from promptetheus.queries.rows import SessionRow, Status
from promptetheus.queries.tasks import read_run
from promptetheus.spool import make_private_directory

MAX_SESSIONS = 200
"""Sessions of a spool that are looked at, the newest first."""

MAX_READ_BYTES = 24 << 20
"""Of session files, in one go: what is beyond is left for the next time, when the first are in the cache."""

MAX_FILE_BYTES = 4 << 20
"""Longer sessions are passed over: one of them would use up the time of a hundred."""

_VERSION = 1

Stamp = tuple[int, int, int]
Known = dict[str, tuple[Stamp, dict[str, Evidence]]]
"""By name of the session's file."""


def evidence_of(spools: Roots, rows: Iterable[SessionRow]) -> list[dict[str, Evidence]]:
    """What recent sessions show of their tools, session by session: for `effects.judge`.

    Args:
        rows: sessions of the spools, newest first.
    """
    return list(evidence_by_file(spools, rows).values())


def evidence_by_file(
    spools: Roots, rows: Iterable[SessionRow], most_bytes: int = MAX_READ_BYTES
) -> dict[Path, dict[str, Evidence]]:
    """The same with the file that each comes from.

    Args:
        most_bytes: of files that are read where the cache does not know them; 0 for what is known already.
    """
    roots = roots_of(spools)
    if len(roots) == 1:
        return _evidence_in(roots[0], rows, most_bytes)
    rows = list(rows)
    found: dict[Path, dict[str, Evidence]] = {}
    for root in roots:
        found |= _evidence_in(root, [row for row in rows if row.path.parent == root], most_bytes)
    return found


def _evidence_in(spool: Path, rows: Iterable[SessionRow], most_bytes: int) -> dict[Path, dict[str, Evidence]]:
    path = _path(spool)
    known = _read(path)
    kept: Known = {}
    found: dict[Path, dict[str, Evidence]] = {}
    room = most_bytes
    fresh = False
    for row in rows:
        if len(found) == MAX_SESSIONS:
            break
        if row.status in (Status.RUNNING, Status.EMPTY):
            continue
        try:
            there = os.stat(row.path)
        except OSError:
            continue
        stamp = (there.st_ino, there.st_size, there.st_mtime_ns)
        cached = known.get(row.path.name)
        if cached is not None and cached[0] == stamp:
            kept[row.path.name] = cached
            found[row.path] = cached[1]
        elif there.st_size <= min(room, MAX_FILE_BYTES):
            room -= there.st_size
            run = read_run(row.path)
            if run is not None:
                found[row.path] = evidence_in(run)
                kept[row.path.name] = (stamp, found[row.path])
                fresh = True
    if fresh and path is not None:
        _write(path, {**known, **kept})
    return found


def _path(spool: Path) -> Path | None:
    catalog = cache_path(spool)
    return None if catalog is None else catalog.with_suffix(".effects")


def _read(path: Path | None) -> Known:
    try:
        data: Any = orjson.loads(path.read_bytes()) if path is not None else {}
        if data.get("version") != _VERSION:
            return {}
        return {
            name: (_stamp(stamp), {tool: _evidence(item) for tool, item in tools.items()})
            for name, (stamp, tools) in data["sessions"].items()
        }
    except (OSError, ValueError, TypeError, KeyError, AttributeError):  # written anew
        return {}


def _stamp(numbers: Any) -> Stamp:
    inode, size, mtime_ns = (int(number) for number in numbers)
    return inode, size, mtime_ns


def _evidence(item: Any) -> Evidence:
    declared, *numbers = item
    if len(numbers) != len(COUNTED) or not all(type(number) is int for number in numbers):
        raise ValueError("of another version")
    return Evidence(Effect(declared) if declared else None, *numbers)


def _write(path: Path, known: Known) -> None:
    newest = list(known.items())[-4 * MAX_SESSIONS :]
    sessions = {
        name: [
            stamp,
            {
                tool: [found.declared, *(getattr(found, field) for field in COUNTED)]
                for tool, found in tools.items()
            },
        ]
        for name, (stamp, tools) in newest
    }
    draft = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        make_private_directory(path.parent)
        draft.write_bytes(orjson.dumps({"version": _VERSION, "sessions": sessions}))
        os.replace(draft, path)
    except (OSError, TypeError, ValueError):  # a full disk, a tool's name that is no text
        draft.unlink(missing_ok=True)
