"""Sessions that go because a person says so: what that would delete, and deleting it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from promptetheus.delivery.overview import SessionDelivery
from promptetheus.delivery.record import record_path


@dataclass(frozen=True, slots=True)
class Purge:
    """What would be deleted."""

    sessions: tuple[Path, ...]
    dead: tuple[Path, ...]
    """Files of refused events."""
    events: int
    size_bytes: int
    running: int
    """Sessions that would have gone, and stay because they run."""

    @property
    def files(self) -> int:
        """How many files go, records of delivery not counted."""
        return len(self.sessions) + len(self.dead)


def plan_purge(
    entries: Iterable[SessionDelivery],
    *,
    running: Collection[str],
    events: Mapping[str, int],
    sent: bool,
    dead: Sequence[Path] = (),
) -> Purge:
    """What would go: sessions with something pending, or with `sent` those without.

    Args:
        running: Names of session files that are still written; they stay.
        events: By name of the file, how many events a session has.
    """
    chosen: list[Path] = []
    stay = 0
    for entry in entries:
        if bool(entry.pending_bytes) is sent:
            continue
        if entry.session_file.name in running:
            stay += 1
        else:
            chosen.append(entry.session_file)
    size_bytes = sum(_size(path) for path in (*chosen, *dead))
    number = sum(events.get(path.name, 0) for path in chosen)
    return Purge(tuple(chosen), tuple(dead), number, size_bytes, stay)


def purge(plan: Purge) -> None:
    """Delete it. Raises OSError where a file cannot be deleted; one that is gone already is no error."""
    for path in plan.sessions:
        path.unlink(missing_ok=True)
        record_path(path).unlink(missing_ok=True)
    for path in plan.dead:
        path.unlink(missing_ok=True)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
