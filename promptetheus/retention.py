"""Keeping the spool below its byte cap: whole ended sessions go, the ones that matter least first.

Never a running session, and while an API is configured never one that it has not acknowledged. What was taken
away is counted in `<spool>/.retention.json`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from promptetheus import guard
from promptetheus.events import Event
from promptetheus.fingerprint import SUCCESS_STATUSES
from promptetheus.process import is_alive

CHECK_INTERVAL_S = 600.0
"""A spool is looked through at most this often, by whichever process ends a session first."""

_FILL = 0.9
"""What is over the cap is pruned down to this share of it, so that not every session prunes again."""

_TAIL_BYTES = 1 << 17
_STATE = ".retention.json"
_MANY_FILES = 500
"""From here on looking takes more than a millisecond or two: other processes are told that it was done."""

_MAX_SPOOLS = 1_000
"""A process that writes to more spools than this looks through some of them more often."""

_looked_s: dict[str, float] = {}


class Pruned(NamedTuple):
    """What one look through the spool took away."""

    sessions: int
    artifacts: int
    size_bytes: int


class _Session(NamedTuple):
    path: Path
    size_bytes: int
    mtime: float
    is_delivered: bool
    has_passed: bool
    first: Event


def is_due(spool: Path) -> bool:
    """Whether neither this process nor, in a spool of many sessions, any other has looked for a while."""
    now = time.monotonic()
    if now - _looked_s.get(str(spool), -CHECK_INTERVAL_S) < CHECK_INTERVAL_S:
        return False
    if len(_looked_s) >= _MAX_SPOOLS:
        _looked_s.clear()
    _looked_s[str(spool)] = now
    try:
        return time.time() - (spool / _STATE).stat().st_mtime > CHECK_INTERVAL_S
    except (OSError, ValueError):
        return True


def prune(spool: Path, cap_bytes: int, *, keep_undelivered: bool, only_count: bool = False) -> Pruned:
    """Take sessions away until the spool is below the cap (0: no cap). Raises OSError when it cannot look.

    Delivered ones go first, then passed ones, the oldest first. Artifacts go when they were last used before
    the oldest session that is left began. With `only_count` nothing is touched: what would go is counted.
    """
    if cap_bytes <= 0:
        return Pruned(0, 0, 0)
    files = [entry for entry in os.scandir(spool) if entry.name.endswith(".jsonl") and entry.is_file()]
    artifacts = list(_files_below(spool / "artifacts"))
    total = sum(entry.stat().st_size for entry in files) + sum(size for _, size, _ in artifacts)
    pruned = Pruned(0, 0, 0)
    if total > cap_bytes:
        pruned = _prune(spool, files, artifacts, total - int(cap_bytes * _FILL), keep_undelivered, only_count)
    if only_count:
        return pruned
    if pruned.sessions or pruned.artifacts or len(files) > _MANY_FILES:
        _remember(spool, total - pruned.size_bytes, cap_bytes, pruned)
    return pruned


def state(spool: Path) -> dict[str, Any]:
    """What is known of the last prune and of all of them: `size_bytes`, `cap_bytes`, `checked`, `pruned_sessions`,
    `pruned_artifacts`, `pruned_bytes`; empty when there was none."""
    try:
        found = orjson.loads((spool / _STATE).read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _prune(
    spool: Path,
    files: list[os.DirEntry[str]],
    artifacts: list[tuple[Path, int, float]],
    excess: int,
    keep_undelivered: bool,
    only_count: bool,
) -> Pruned:
    ended, kept_since = [], time.time()
    for entry in files:
        session = _ended_session(spool, Path(entry.path))
        if session is not None and (session.is_delivered or not keep_undelivered):
            ended.append(session)
        else:
            kept_since = min(kept_since, _began(session, entry))
    ended.sort(key=lambda session: (not session.is_delivered, not session.has_passed, session.mtime))
    left_since = [kept_since]  # by how many of the sessions at the end of the order stay
    for session in reversed(ended):
        left_since.append(min(left_since[-1], _start_s(session.first) or 0.0))
    artifacts.sort(key=lambda artifact: artifact[2])
    sessions = gone_artifacts = gone_bytes = 0
    for session in ended:
        if gone_bytes >= excess:
            break
        if not only_count and not _deleted(session.path):
            continue
        sessions += 1
        gone_bytes += session.size_bytes
        oldest_left = left_since[len(ended) - sessions]
        while artifacts and artifacts[0][2] < oldest_left - 1:
            path, size, _ = artifacts.pop(0)
            if not only_count and not _deleted(path):
                continue
            gone_artifacts += 1
            gone_bytes += size
    if not only_count:
        guard.count("pruned.sessions", sessions)
        guard.count("pruned.artifacts", gone_artifacts)
    return Pruned(sessions, gone_artifacts, gone_bytes)


def _deleted(path: Path) -> bool:
    """Delete a session with its record of delivery, or an artifact; whether that went well."""
    try:
        path.unlink()
        if path.suffix == ".jsonl":
            path.with_name(path.stem + ".delivery.json").unlink(missing_ok=True)
    except OSError:
        return False
    return True


def _ended_session(spool: Path, path: Path) -> _Session | None:
    """What is to be known of a session to prune it; None while it runs or cannot be read."""
    try:
        with open(path, "rb") as file:
            found = os.fstat(file.fileno())
            first = _event(file.readline(_TAIL_BYTES))
            file.seek(max(0, found.st_size - _TAIL_BYTES))
            last = _event(file.read().rstrip(b"\n").rpartition(b"\n")[2])
    except OSError:
        return None
    metadata = first.get("metadata")
    writer = metadata if isinstance(metadata, dict) else {}
    if last.get("type") != "session_end":
        alive = is_alive(writer.get("host"), writer.get("pid"), writer.get("process_started"))
        if alive is not False:
            return None
    delivered = _acknowledged_bytes(spool, path) >= found.st_size
    return _Session(path, found.st_size, found.st_mtime, delivered, _has_passed(last), first)


def _has_passed(last: Event) -> bool:
    payload, metadata = last.get("payload"), last.get("metadata")
    summary = metadata.get("summary") if isinstance(metadata, dict) else None
    if last.get("type") != "session_end" or not isinstance(payload, dict) or not isinstance(summary, dict):
        return False
    fine = payload.get("status") in SUCCESS_STATUSES and not payload.get("error")
    return fine and not summary.get("failed_checks") and not summary.get("errors")


def _acknowledged_bytes(spool: Path, path: Path) -> int:
    try:
        record = orjson.loads((spool / f"{path.stem}.delivery.json").read_bytes())
        return int(record["acknowledged_bytes"])
    except (OSError, ValueError, TypeError, KeyError):
        return -1


def _event(line: bytes) -> Event:
    try:
        event = orjson.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}


def _start_s(first: Event) -> float | None:
    from promptetheus.clock import parse_timestamp

    return parse_timestamp(first.get("timestamp"))


def _began(session: _Session | None, entry: os.DirEntry[str]) -> float:
    """When a session began at the latest, 0 when nobody knows: then all artifacts stay."""
    if session is not None:
        return _start_s(session.first) or 0.0
    try:
        with open(entry.path, "rb") as file:
            return _start_s(_event(file.readline(_TAIL_BYTES))) or 0.0
    except OSError:
        return 0.0


def _files_below(folder: Path) -> Iterator[tuple[Path, int, float]]:
    for root, _, names in os.walk(folder):
        for name in names:
            path = Path(root, name)
            try:
                found = path.lstat()
            except OSError:
                continue
            yield path, found.st_size, found.st_mtime


def _remember(spool: Path, size_bytes: int, cap_bytes: int, pruned: Pruned) -> None:
    before = state(spool)

    def sum_of(name: str, more: int) -> int:
        known = before.get(name)
        return (known if isinstance(known, int) else 0) + more

    record = {
        "checked": time.time(),
        "size_bytes": size_bytes,
        "cap_bytes": cap_bytes,
        "pruned_sessions": sum_of("pruned_sessions", pruned.sessions),
        "pruned_artifacts": sum_of("pruned_artifacts", pruned.artifacts),
        "pruned_bytes": sum_of("pruned_bytes", pruned.size_bytes),
    }
    draft = spool / f"{_STATE}.{os.getpid()}"
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(fd, "wb") as file:
        file.write(orjson.dumps(record))
    os.replace(draft, spool / _STATE)
