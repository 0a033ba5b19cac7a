"""Reads one session file for the screen: what is there in portions, then what is appended, as it is appended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from promptetheus.cause.steps import Step
from promptetheus.cause.verdicts import Blame
from promptetheus.queries.rows import SessionRow, Status
from promptetheus.queries.session_log import NotReadable, SessionLog
from promptetheus.tui.session.verdict_reader import VerdictReader

FIRST_BYTES = 256 << 10
"""Read before anything is shown: more than a screen of steps, within a few hundredths of a second."""

PORTION_BYTES = 1 << 20
LOOK_AGAIN_S = 1.0
"""How often the file is looked at although nothing was reported: a writer that died changes nothing."""

SETTLE_S = 0.02
"""Changes that come faster than this are shown together."""

BUSY_EVENTS = 40
"""So many events in one look are more than a person reads as they come."""

BUSY_S = 0.1
"""How long changes are gathered then: ten times a second is plenty, and keys are answered in between."""


@dataclass(frozen=True, slots=True)
class Update:
    """What the screen has to show from now on."""

    steps: list[Step]
    """The log's own list; it grows on. `step_count` of it are to be shown."""
    step_count: int
    event_count: int
    started_over: bool
    """Whether step and event numbers from before are void."""
    complete: bool
    """Whether everything in the file has been read."""
    row: SessionRow | None
    """The session in numbers; None while the file is still being read."""
    blames: Mapping[int, Blame]
    """Calls that failed checks hold against the agent, by step."""
    problem: str
    """Why the file cannot be read, for people; "" when it can."""


class LogTail:
    """Yields updates until it is stopped. Reads in threads, one at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.log = SessionLog(path)
        # Counting a session that has no summary reads all of it, and would keep the screen waiting for its log.
        self._counted = SessionLog(path)
        self._row: SessionRow | None = None
        self._verdicts = VerdictReader()
        self._first: asyncio.Task[Update] | None = None
        self._stop = asyncio.Event()
        self._changed = asyncio.Event()

    def stop(self) -> None:
        """End `updates` and `watch`."""
        self._stop.set()
        self._changed.set()

    def look(self) -> None:
        """Look at the file now."""
        self._changed.set()

    def begin(self) -> None:
        """Read the first portion already, while the frame is painted that will show it."""
        self._first = asyncio.create_task(asyncio.to_thread(self._read, FIRST_BYTES))

    async def updates(self) -> AsyncIterator[Update]:
        """The first portion at once, the rest portion by portion, then every change."""
        limit, shown = FIRST_BYTES, 0
        while not self._stop.is_set():
            self._changed.clear()
            first, self._first = self._first, None
            update = await (first or asyncio.to_thread(self._read, limit))
            arrived, shown = update.event_count - shown, update.event_count
            yield update
            if not update.complete:
                if limit == FIRST_BYTES:  # The first screen is painted before more is read.
                    await asyncio.sleep(SETTLE_S)
                limit = PORTION_BYTES
                continue
            limit = PORTION_BYTES
            try:
                await asyncio.wait_for(self._changed.wait(), LOOK_AGAIN_S)
            except TimeoutError:
                continue
            await asyncio.sleep(BUSY_S if arrived > BUSY_EVENTS else SETTLE_S)

    async def watch(self) -> None:
        """Notice changes of the file the moment they happen; without it they are noticed within a second."""
        # watchfiles takes 50 ms to import, which the first frame must not wait for.
        from promptetheus.queries.live import changes

        root = self.path.parent
        async for paths in changes(root, stop=self._stop):
            if root in paths or any(path.name == self.path.name for path in paths):
                self._changed.set()

    def _read(self, limit: int) -> Update:
        problem, reset, more = "", False, False
        try:
            growth = self.log.poll(limit)
            reset, more = growth.reset, growth.more
            # A session that runs may have lost its writer, which changes no file.
            if not more and (growth.added or reset or self._row is None or is_live(self._row)):
                self._row = self._counted.row()
        except FileNotFoundError:
            problem = "its file is gone: pruned or deleted"
        except NotReadable as error:
            problem = str(error)
        except OSError as error:
            problem = f"its file cannot be read: {error.strerror or type(error).__name__}"
        # Counted before the steps are fed: events without steps are better than steps without events.
        events = len(self.log)
        steps = self.log.steps
        count = len(steps)
        if reset:
            self._verdicts = VerdictReader()
        blames = self._verdicts.blames(self.log, steps, count)
        return Update(steps, count, events, reset, not more, None if more else self._row, blames, problem)


def is_live(row: SessionRow | None) -> bool:
    """Whether more may come."""
    return row is not None and row.status in (Status.RUNNING, Status.EMPTY)
