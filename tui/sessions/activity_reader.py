"""Reads how busy sessions were, for the rows that somebody sees."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable

from promptetheus.queries.activity import Activity, activity
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.sessions.session_cells import ACTIVITY_CELLS


class ActivityReader:
    """Remembers what has been read; a file that changed since is read again."""

    def __init__(self) -> None:
        self._read: dict[str, float] = {}
        """When the files were last changed that have been read, by session id."""

    async def read(self, rows: Iterable[SessionRow]) -> AsyncIterator[tuple[SessionRow, Activity | None]]:
        """The activity of the rows that it is not known of, one after the other."""
        for row in rows:
            if row.is_timed and self._read.get(row.session_id) != row.mtime:
                self._read[row.session_id] = row.mtime
                yield row, await asyncio.to_thread(activity, row.path, ACTIVITY_CELLS)
