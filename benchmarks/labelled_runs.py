"""Published runs as the code under test may see them: imported, and without anything that tells how they ended."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from promptetheus.cause.signatures import Run, make_run
from promptetheus.events import Event
from promptetheus.importers.intake import import_paths

VERDICTS = frozenset({"goal_check", "score", "session_end"})
"""Types of events that say, or are made of, whether a run was right."""


class Labelled(NamedTuple):
    """A run and how to find its label."""

    known: dict[str, Any]
    """Metadata, record, file and agent: for choosing pairs and for scoring only."""
    run: Run
    """Without verdict and without metadata."""
    events: list[Event]
    """As imported, the verdict with them: what fingerprints are made of."""


def imported(source: Path, spool: Path) -> list[Labelled]:
    """The runs of a file or directory."""
    list(import_paths([source], spool))
    return [labelled(events) for events in sessions(spool)]


def sessions(spool: Path) -> Iterator[list[Event]]:
    """The events of each session of a spool."""
    for path in sorted(spool.glob("*.jsonl")):
        yield [json.loads(line) for line in path.read_text().splitlines()]


def labelled(events: list[Event]) -> Labelled:
    """A session with its verdict taken away."""
    started = events[0]
    about = started["metadata"]
    agent = started["payload"]["after"]["agent"]
    known = {**about["session_metadata"], "agent": agent, **about["imported"]}
    blind = {**started, "metadata": {**about, "session_metadata": {}}}
    kept = [blind, *(event for event in events[1:] if event["type"] not in VERDICTS)]
    return Labelled(known, make_run(kept), events)
