"""The events of session files, of one or of several that belong together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from promptetheus.events import Event


def read_events(path: Path) -> list[Event]:
    """The events of a session file as far as it is written. Raises OSError when it cannot be read."""
    from promptetheus.queries.session_log import SessionLog

    log = SessionLog(path)
    try:
        while log.poll().more:
            pass
        return log.events()
    finally:
        log.close()


def merged(sessions: Sequence[Sequence[Event]]) -> list[Event]:
    """The events of sessions that ran at the same time as if they were one: by time, numbered anew."""
    if len(sessions) == 1:
        return list(sessions[0])
    everything = [event for events in sessions for event in events]
    everything.sort(key=lambda event: str(event.get("timestamp")))  # stable: within a session by seq
    return [{**event, "seq": number} for number, event in enumerate(everything)]
