"""What an importer hands on: a run found in a foreign file, and its events before they have a number."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from promptetheus.importers.detect import Format
from promptetheus.importers.preview import cut

MAX_GOAL_CHARACTERS = 8_000
"""A goal is the same text for all runs of a task, so it is cut the same way for all."""

_MAX_KINDS = 200
_MAX_KIND_CHARACTERS = 160


@dataclass(slots=True)
class Draft:
    """An event to be: what the file says, without number, session and key."""

    type: str
    payload: dict[str, Any]
    key: str
    """What it was made from, stable while the file grows: the same key is never recorded twice."""
    timestamp: str | None = None
    """None where the file has none."""
    metadata: dict[str, Any] = field(default_factory=dict)
    span_id: str | None = None
    parent_id: str | None = None
    picture: bytes | None = None
    """The bytes of a `screenshot`; the recorder keeps them as an artifact and fills the payload."""


class Tally:
    """Counts by kind, of at most 200 kinds: kinds come from the file."""

    def __init__(self) -> None:
        self.counts: dict[str, int] = {}

    def add(self, kind: str, number: int = 1) -> None:
        """Count `number` of a kind."""
        kind = cut(kind, _MAX_KIND_CHARACTERS)
        if kind not in self.counts and len(self.counts) >= _MAX_KINDS:
            kind = "other"
        self.counts[kind] = self.counts.get(kind, 0) + number

    def merge(self, other: Tally) -> None:
        """Count what another tally counted."""
        for kind, number in other.counts.items():
            self.add(kind, number)


@dataclass(slots=True)
class ImportedRun:
    """One run of an agent as a foreign file tells it. It becomes one session."""

    session_id: str
    """From the format and the identity the file gives the run, never from its place: importing twice finds it."""
    format: Format
    source: str
    """Name of the file, without its directory."""
    sha256: str
    """Of the record, or of all lines of the run."""
    agent: str
    user_goal: str
    project_id: str
    tags: list[str]
    events: Callable[[], Iterator[Draft]]
    """The events between start and end, in order; the last one may be a `session_end`."""
    metadata: dict[str, Any] = field(default_factory=dict)
    """Facts about the run, `task_id` and `trial` among them where there are any."""
    system_prompt: str = ""
    timed: bool = False
    """Whether the file has times. Without, no duration and no latency is made up."""
    started: str | None = None
    timezone: str | None = None
    """Set when the times had no zone: how they were read."""
    record: int | str | None = None
    """Which record of the file: its position or name."""
    origin: str | None = None
    """Set for a run that may have grown since it was imported: what its first line was."""
    kept: Tally = field(default_factory=Tally)
    """What no event stands for and is kept as metadata, by kind."""
    skipped: Tally = field(default_factory=Tally)
    """What was left out, by kind."""


def agent_name(benchmark: str, domain: str, model: str) -> str:
    """Domain and model together: `agent:airline` and `agent:gpt-4o` are both to find the runs of `airline gpt-4o`."""
    return " ".join(part for part in (domain, model) if part) or f"{benchmark} agent"
