"""Brings the sessions of a spool to the screen: the first scan batch by batch, then every change as it happens."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from promptetheus.queries.catalog import Catalog
from promptetheus.queries.rows import Change, SessionRow

if TYPE_CHECKING:
    from promptetheus.queries.live import Watcher

BATCH_S = 0.1
"""Batches that arrive faster than this are shown together: ten redraws a second are plenty."""


class SessionFeed:
    """Reads in threads, one at a time; the screen only ever waits for what is finished."""

    def __init__(self, root: Path) -> None:
        self.catalog = Catalog(root)
        self._root = root
        # The catalog is read by one thread at a time: scan, changes and the look after running sessions take turns.
        self._turn = asyncio.Lock()
        self._stop = asyncio.Event()
        self._watcher: Watcher | None = None

    @property
    def mode(self) -> str:
        """How changes are noticed: "native", "polling", or "waiting" for a directory that does not exist yet."""
        return "waiting" if self._watcher is None else self._watcher.mode

    @property
    def why_polling(self) -> str:
        """Why the system's own notices are not used; "" where they are."""
        return self._watcher.reason if self._watcher is not None and self.mode == "polling" else ""

    def stop(self) -> None:
        """End `changes`."""
        self._stop.set()

    def glance(self, most: int) -> list[SessionRow]:
        """The newest `most` sessions as they were remembered, at once: a first frame need not wait for `scan`."""
        return self.catalog.glance(most)

    async def scan(self) -> AsyncIterator[list[SessionRow]]:
        """Every session there is, newest files first, in batches as they are read."""
        async with self._turn:
            batches = iter(self.catalog.scan())
            pending: list[SessionRow] = []
            shown = 0.0
            while (batch := await asyncio.to_thread(_next, batches)) is not None:
                pending += batch
                if time.monotonic() - shown >= BATCH_S:
                    yield pending
                    pending, shown = [], time.monotonic()
            if pending:
                yield pending

    async def everything(self) -> list[SessionRow]:
        """All sessions after another look at every file."""
        await self._refreshed(None)
        return self.catalog.rows()

    async def price(self) -> list[SessionRow]:
        """The rows whose cost became known. Reads the price list the first time, so it comes last."""
        async with self._turn:
            return await asyncio.to_thread(self.catalog.price_rows)

    @property
    def knows_prices(self) -> bool:
        """Whether prices are remembered, so that `price` need not read the list."""
        return self.catalog.knows_prices

    async def changes(self) -> AsyncIterator[Change]:
        """What changes on disk: first whatever has changed since the scan, then everything as it happens."""
        self._watcher = await asyncio.to_thread(_new_watcher, self._root)
        async for paths in self._watcher.changes(self._stop):
            yield await self._refreshed(None if self._root in paths else paths)
            # What changes meanwhile is gathered: thousands of events a second must not be read one by one.
            await asyncio.sleep(BATCH_S)

    async def look_after(self, rows: list[SessionRow]) -> Change:
        """Look again at sessions that nobody writes to: a killed writer changes no file."""
        return await self._refreshed({row.path for row in rows})

    async def _refreshed(self, paths: set[Path] | None) -> Change:
        async with self._turn:
            return await asyncio.to_thread(self.catalog.refresh, paths)


def _next(batches: Iterator[list[SessionRow]]) -> list[SessionRow] | None:
    """The next batch, or None: a StopIteration cannot cross from a thread into a coroutine."""
    return next(batches, None)


def _new_watcher(root: Path) -> Watcher:
    # watchfiles takes 50 ms to import, which the first frame must not wait for.
    from promptetheus.queries.live import Watcher

    return Watcher(root)
