"""Reads one session file for the screen: what is there in portions, then what is appended, as it is appended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from promptetheus.cause.steps import Step
from promptetheus.cause.verdicts import Blame
from promptetheus.queries.pricing import Pricer
from promptetheus.queries.rows import SessionRow, Status
from promptetheus.queries.session_log import SessionLog
from promptetheus.tui.session.keys_first import AT_MOST_S, KeysFirst
from promptetheus.tui.session.trouble import DISK_FULL, Trouble, emptied, is_disk_full, trouble_of
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

AT_ONCE = 250
"""Steps of a stream of news that are shown together, within two milliseconds: no key waits longer for them."""


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
    trouble: Trouble | None
    """What is wrong with the file; None when nothing is."""


class LogTail:
    """Yields updates until it is stopped. Reads in threads, one at a time.

    Args:
        acted_s: When the person acted last, by `time.monotonic()`: a stream of news lets answers to keys go first.
        clock: Seconds since the epoch, for saying when something happened to the file.
    """

    def __init__(
        self,
        path: Path,
        *,
        acted_s: Callable[[], float] = lambda: float("-inf"),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.path = path
        self._keys = KeysFirst(acted_s)
        self._clock = clock
        self.log = SessionLog(path)
        # Counting a session that has no summary reads all of it, and would keep the screen waiting for its log.
        self._counted = SessionLog(path)
        self._row: SessionRow | None = None
        self._trouble: Trouble | None = None
        self._held_events = False
        """Whether the file ever held an event."""
        self.priced = False
        """Whether the session's numbers hold what its calls cost by list price; until then nobody knows."""
        self._pricer: Pricer | None = None
        """Made once something has been shown: the list of prices takes a quarter of a second to load."""
        self._verdicts = VerdictReader()
        self._busy = False
        """Whether more comes than a person reads as it comes."""
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
        limit, shown, steps = FIRST_BYTES, 0, 0
        while not self._stop.is_set():
            self._changed.clear()
            first, self._first = self._first, None
            update = await (first or asyncio.to_thread(self._read, limit))
            arrived, shown = update.event_count - shown, update.event_count
            if self._busy:
                await self._keys.wait()
                for part in portions(update, steps):
                    yield part
                    await asyncio.sleep(0.001)
                    await self._keys.wait()
            yield update
            steps = update.step_count
            self._pricer = self._pricer or Pricer(self.path.parent)
            if not update.complete:
                if limit == FIRST_BYTES:  # The first screen is painted before more is read.
                    await asyncio.sleep(SETTLE_S)
                limit = PORTION_BYTES
                continue
            limit = PORTION_BYTES
            try:
                await asyncio.wait_for(self._changed.wait(), LOOK_AGAIN_S)
            except TimeoutError:
                self._busy = False
                continue
            self._busy = arrived > BUSY_EVENTS
            await asyncio.sleep(BUSY_S if self._busy else SETTLE_S)
            if self._busy:
                await self._keys.wait()

    async def watch(self) -> None:
        """Notice changes of the file the moment they happen; without it they are noticed within a second."""
        # watchfiles takes 50 ms to import, which the first frame must not wait for.
        from promptetheus.queries.live import changes

        root = self.path.parent
        async for paths in changes(root, stop=self._stop):
            if root in paths or any(path.name == self.path.name for path in paths):
                self._changed.set()

    def _read(self, limit: int) -> Update:
        trouble, reset, more = None, False, False
        end = time.monotonic() + AT_MOST_S
        try:
            growth = self.log.poll(limit)
            reset, more = growth.reset, growth.more
            # A session that runs may have lost its writer, which changes no file.
            if not more and (growth.added or reset or self._row is None or is_live(self._row)):
                self._hold(end)
                # As much as the rows show, and not what was written since.
                self._row = self._counted.row(self.log.size_bytes)
            trouble = self._trouble_now(more)
        except OSError as error:
            trouble = trouble_of(error, self.path, self._clock(), was_read=len(self.log) > 0)
        if self._trouble is None or trouble is None or self._trouble.word != trouble.word:
            self._trouble = trouble  # else it is still the one that was noticed first
        # Counted before the steps are fed: events without steps are better than steps without events.
        events = len(self.log)
        while self.log.build_steps():
            self._hold(end)
        steps = self.log.steps
        count = len(steps)
        if reset:
            self._verdicts = VerdictReader()
        blames = self._verdicts.blames(self.log, steps, count)
        if self._row is not None and self._pricer is not None:
            self._row, self.priced = self._pricer.priced(self._row), True
            self._pricer.keep()
        return Update(
            steps, count, events, reset, not more, None if more else self._row, blames, self._trouble
        )

    def _hold(self, end: float) -> None:
        if self._busy:
            self._keys.hold(end)

    def _trouble_now(self, more: bool) -> Trouble | None:
        """What is wrong with a file that can be read."""
        self._held_events = self._held_events or len(self.log) > 0
        if self._held_events and not more and not len(self.log):
            return emptied(self._clock())
        return DISK_FULL if is_live(self._row) and is_disk_full(self.path) else None


def portions(update: Update, before: int) -> Iterator[Update]:
    """All of an update but its end, a few steps at a time after the `before` that are shown already. What is said of
    the whole session comes with the end, the update itself."""
    if not update.started_over:
        for count in range(before + AT_ONCE, update.step_count, AT_ONCE):
            yield replace(update, step_count=count, row=None)


def is_live(row: SessionRow | None) -> bool:
    """Whether more may come."""
    return row is not None and row.status in (Status.RUNNING, Status.EMPTY)
