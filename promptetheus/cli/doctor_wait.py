"""`doctor --wait`: until an event of an agent arrives, at the gateway where one is configured, else in the spool."""

from __future__ import annotations

import itertools
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from promptetheus.delivery.destination import Destination
from promptetheus.delivery.overview import session_files
from promptetheus.delivery.record import load

if TYPE_CHECKING:
    from promptetheus.delivery.remote_project import ProjectReader

LOOK_S = 0.3
_NEWEST = 50
"""Sessions of the gateway that are looked at: one that gets its first event is the newest."""


class Arrival(NamedTuple):
    """What arrived."""

    where: Literal["gateway", "spool"]
    session: str
    """Its id, or the name of its file."""


class Waiting:
    """What was there at the beginning, to tell what is new."""

    def __init__(self, spool: Path, target: Destination | None) -> None:
        self._spool = spool
        self._sizes = self._spool_sizes()
        self._acknowledged = self._spool_acknowledged()
        self._stack = ExitStack()
        self._reader: ProjectReader | None = None
        if target is not None:
            from promptetheus.delivery.client import Client
            from promptetheus.delivery.remote_project import ProjectReader

            self._reader = ProjectReader(self._stack.enter_context(Client(target)), target.api_url)
        self._events = _newest(self._reader)
        self.recorded: Arrival | None = None
        """What is in the spool and not known to be at the gateway."""

    def until(self, deadline_s: float) -> Arrival | None:
        """The first event that arrives within so many seconds; None when there is none."""
        ends = time.monotonic() + deadline_s
        with self._stack:
            while True:
                found = self._look()
                left = ends - time.monotonic()
                if found is not None or left <= 0:
                    return found
                time.sleep(min(LOOK_S, left))

    def why_not(self) -> str:
        """Why what was recorded did not reach the gateway, as far as its last try says; empty when unknown."""
        if self.recorded is None:
            return ""
        record = load(self._spool / f"{self.recorded.session}.jsonl")
        return record.last_error if record is not None else "it was recorded without a key"

    def _look(self) -> Arrival | None:
        if self.recorded is None:
            self.recorded = _grown("spool", self._sizes, self._spool_sizes())
        if self._reader is None:
            return self.recorded
        events = _newest(self._reader)
        if self._events is None or events is None:
            self._events = events  # no list so far: what it names from now on can be new
        elif (found := _grown("gateway", self._events, events)) is not None:
            return found
        # A key that may only write sees no list: then the acknowledgement of what this spool sent tells.
        return _grown("gateway", self._acknowledged, self._spool_acknowledged())

    def _spool_sizes(self) -> dict[str, int]:
        return {path.stem: _size(path) for path in session_files(self._spool)}

    def _spool_acknowledged(self) -> dict[str, int]:
        records = {path.stem: load(path) for path in session_files(self._spool)}
        return {name: record.acknowledged_events for name, record in records.items() if record}


def _newest(reader: ProjectReader | None) -> dict[str, int] | None:
    """How many events the newest sessions have; None when the gateway does not say."""
    if reader is None:
        return None
    from promptetheus.delivery.remote_project import CannotRead

    try:
        return {entry.session_id: entry.events for entry in itertools.islice(reader.sessions(None), _NEWEST)}
    except CannotRead:  # the check of the connection says what is wrong
        return None


def _grown(where: Literal["gateway", "spool"], before: dict[str, int], now: dict[str, int]) -> Arrival | None:
    return next((Arrival(where, name) for name, number in now.items() if number > before.get(name, 0)), None)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
