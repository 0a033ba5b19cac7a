"""Reading a spool as plainly as can be: every line must be JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import promptetheus as pt

Event = dict[str, Any]


def lines_of(spool: Path) -> list[str]:
    """The lines of the only session in the spool."""
    (path,) = spool.glob("*.jsonl")
    text = path.read_bytes().decode()
    assert text.endswith("\n")
    return text[:-1].split("\n")  # `splitlines` would also split at U+2028


def events_of(spool: Path) -> list[Event]:
    """The events of the only session in the spool, as they stand in its file."""
    return [json.loads(line, parse_constant=_refuse) for line in lines_of(spool)]


def sessions_of(spool: Path) -> dict[str, list[Event]]:
    """The events of every session by the name of its file."""
    return {
        path.stem: [json.loads(line) for line in path.read_text().splitlines()]
        for path in sorted(spool.glob("*.jsonl"))
    }


def payloads(spool: Path, kind: str) -> list[Event]:
    """The payloads of all events of a type."""
    return [event["payload"] for event in events_of(spool) if event["type"] == kind]


def a_session(spool: Path, **options: Any) -> pt.Session:
    """A session in the spool."""
    return pt.start(**{"agent": "tester", "user_goal": "record", "spool_dir": spool, **options})


def _refuse(constant: str) -> None:
    raise AssertionError(f"{constant} is no JSON")
