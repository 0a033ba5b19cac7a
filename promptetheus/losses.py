"""What sessions say about themselves in their last line: events that could not be written, and what the limits of
the summary left out."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import orjson

_TAIL_BYTES = 1 << 17


class Losses(NamedTuple):
    """Of all ended sessions of a spool together."""

    lost_events: int
    """Events that could not be written: a full disk, a directory without permission."""
    sessions: int
    """Sessions that lost some."""
    left_out: dict[str, int]
    """What is in the events and not in the summaries, by kind."""


def losses(spool: Path) -> Losses:
    """Read the last line of every session. What cannot be read says nothing."""
    lost = sessions = 0
    left_out: Counter[str] = Counter()
    try:
        paths = [
            entry.path for entry in os.scandir(spool) if entry.name.endswith(".jsonl") and entry.is_file()
        ]
    except OSError:
        return Losses(0, 0, {})
    for path in paths:
        metadata = _closing_metadata(path)
        number = metadata.get("lost_events")
        if isinstance(number, int) and not isinstance(number, bool) and number > 0:
            lost += number
            sessions += 1
        summary = metadata.get("summary")
        kinds = summary.get("left_out") if isinstance(summary, dict) else None
        for kind, count in kinds.items() if isinstance(kinds, dict) else ():
            if isinstance(count, int):
                left_out[kind] += count
    return Losses(lost, sessions, dict(sorted(left_out.items())))


def _closing_metadata(path: str) -> dict[str, object]:
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - _TAIL_BYTES))
            event = orjson.loads(file.read().rstrip(b"\n").rpartition(b"\n")[2])
        if event["type"] == "session_end" and isinstance(event["metadata"], dict):
            return dict(event["metadata"])
    except (OSError, ValueError, TypeError, KeyError):
        pass
    return {}
