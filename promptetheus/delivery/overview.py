"""What is pending, sent and dead, session by session: for `spool list`, `doctor` and the terminal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from promptetheus.delivery import dead_letters
from promptetheus.delivery.batches import read_batch
from promptetheus.delivery.record import DeliveryRecord, load, pending_bytes

_EVENTS_A_READ = 5000


@dataclass(frozen=True, slots=True)
class SessionDelivery:
    """How far the delivery of a session is."""

    session_file: Path
    is_meant: bool
    """Whether it was recorded with a gateway configured, or was sent before. Others are sent by `spool replay`
    only."""
    pending_events: int
    pending_bytes: int
    sent_events: int
    dead_events: int
    last_error: str
    """Why the last try failed; empty when it did not."""
    failed_at: float | None
    """When, in seconds since 1970."""

    @property
    def stem(self) -> str:
        """The name of the file without its suffix: the session's id, where that is safe."""
        return self.session_file.name.removesuffix(".jsonl")


class Totals(NamedTuple):
    """A spool in numbers."""

    pending_events: int
    pending_sessions: int
    pending_bytes: int
    sent_events: int
    dead_events: int


def totals(spool: Path, entries: Iterable[SessionDelivery]) -> Totals:
    """The sums over its sessions, and over refused events, also those whose session is gone."""
    known = list(entries)
    waiting = [entry for entry in known if entry.pending_bytes]
    return Totals(
        sum(entry.pending_events for entry in waiting),
        len(waiting),
        sum(entry.pending_bytes for entry in waiting),
        sum(entry.sent_events for entry in known),
        sum(len(dead_letters.read(path)[0]) for path in dead_letters.files(spool)),
    )


def report(spool: Path, entries: Sequence[SessionDelivery]) -> dict[str, Any]:
    """The same as data: what `promptetheus spool list --json` prints. Raises OSError."""
    sums = totals(spool, entries)
    return {
        "spool": str(spool),
        "pending": [_as_data(entry) for entry in entries if entry.pending_bytes],
        "sent": [_as_data(entry) for entry in entries if not entry.pending_bytes and entry.is_meant],
        "dead": [{"session": path.stem, "bytes": path.stat().st_size} for path in dead_letters.files(spool)],
        "totals": {
            "pending_events": sums.pending_events,
            "sent_events": sums.sent_events,
            "dead_events": sums.dead_events,
        },
    }


def _as_data(entry: SessionDelivery) -> dict[str, Any]:
    return {
        "session": entry.stem,
        "pending": entry.pending_events,
        "bytes": entry.pending_bytes,
        "sent": entry.sent_events,
        "dead": entry.dead_events,
        "automatic": entry.is_meant,
        "last_error": entry.last_error or None,
        "failed_at": entry.failed_at,
    }


def overview(
    spool: Path, events_of: Callable[[Path], int | None] = lambda path: None
) -> Iterator[SessionDelivery]:
    """Every session of a spool in order of name.

    Args:
        events_of: How many events a session file has, where that is known already (from a catalog); None: its
            lines are counted here.
    """
    dead = {path.name for path in dead_letters.files(spool)}
    for path in session_files(spool):
        record = load(path)
        waiting = pending_bytes(path, record)
        yield SessionDelivery(
            path,
            record is not None,
            _pending_events(path, record, waiting, events_of),
            waiting,
            record.acknowledged_events if record else 0,
            len(dead_letters.read(dead_letters.path_of(path))[0]) if path.name in dead else 0,
            record.last_error if record else "",
            record.failed_at if record else None,
        )


def session_files(spool: Path) -> list[Path]:
    """The session files of a spool in order of name: regular files, no links."""
    return [path for path in sorted(spool.glob("*.jsonl")) if not path.is_symlink() and path.is_file()]


def _pending_events(
    path: Path, record: DeliveryRecord | None, waiting: int, events_of: Callable[[Path], int | None]
) -> int:
    if not waiting:
        return 0
    if record is None or not record.acknowledged_bytes:
        known = events_of(path)
        if known is not None:
            return known
    try:
        with open(path, "rb") as file:
            number, offset = 0, record.acknowledged_bytes if record else 0
            while True:
                batch = read_batch(file, offset, _EVENTS_A_READ)
                number += len(batch.events)
                if batch.end == offset:
                    return number
                offset = batch.end
    except OSError:
        return 0
