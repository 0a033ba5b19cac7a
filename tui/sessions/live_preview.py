"""Keeps the preview about the session that is highlighted: reads it in threads, once somebody stays on it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial

from textual import work
from textual.worker import Worker, WorkerState

from promptetheus.queries.rows import SessionRow
from promptetheus.tui.answering import AnswersAtOnce
from promptetheus.tui.sessions.preview import PreviewPane, PreviewReader
from promptetheus.tui.sessions.preview_difference import difference

PREVIEW_DELAY_S = 0.1
"""How long the cursor has to rest on a session before its file is read: a held arrow key reads nothing."""

DIFFERENCE_DELAY_S = 0.3
"""How long the cursor has to rest on a failing session before it is compared with others."""

AWAY_S = 0.01
"""How long reading waits at a time while a key is answered."""

PREVIEW_AGAIN_S = 0.25
"""How often the preview of a session that grows is read again."""


class LivePreview(PreviewPane):
    """Follows the highlighted session.

    Args:
        sessions: All sessions there are now: a failing one is compared with those that passed.
    """

    def __init__(self, sessions: Callable[[], Sequence[SessionRow]]) -> None:
        super().__init__()
        self._sessions = sessions
        self._reader = PreviewReader()
        self._wanted = asyncio.Event()

    def on_mount(self) -> None:
        """Begin to wait for sessions."""
        self._read()

    def follow(self, row: SessionRow | None) -> None:
        """Be about another session, or about the same one that has changed."""
        if self.show_row(row):
            self._wanted.set()

    @work(group="preview", exclusive=True, exit_on_error=False)
    async def _read(self) -> None:
        """Read previews one after the other, always of the session that is highlighted by then."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            before = self.row
            await asyncio.sleep(PREVIEW_DELAY_S)
            while not self.screen.is_active:  # Nobody sees it, and the view in front needs the processor.
                await asyncio.sleep(PREVIEW_AGAIN_S)
            row = self.row
            if row is None or self.knows(row):
                continue
            if before is None or before.path != row.path:
                self._wanted.set()  # The cursor went on meanwhile.
                continue
            try:
                preview = await asyncio.to_thread(self._reader.read, row, partial(self._has_left, row))
            except Exception as error:
                self.show_problem(row, f"{type(error).__name__}: {error}")
                continue
            if preview is not None:
                self.show_preview(row, preview)
                if row.status.is_failing:
                    self._compare(row)
                await asyncio.sleep(PREVIEW_AGAIN_S if self._wanted.is_set() and self.is_about(row) else 0)

    @work(group="difference", exclusive=True, exit_on_error=False)
    async def _compare(self, row: SessionRow) -> None:
        """Where a failing session parts from one that passed."""
        await asyncio.sleep(DIFFERENCE_DELAY_S)
        if self.is_about(row):
            given_up, width = partial(self._has_left, row), self.content_size.width
            found = await asyncio.to_thread(difference, row, self._sessions(), given_up, width)
            if found:
                self.show_difference(row, found)

    def _has_left(self, row: SessionRow) -> bool:
        """Whether nobody waits for a session any more. Asked by the threads that read, again and again."""
        screen = self.screen
        if isinstance(screen, AnswersAtOnce) and screen.is_asked:
            time.sleep(AWAY_S)  # Python computes in one thread at a time.
        return self.is_not_about(row)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Go on reading after a failure, which the screen tells of."""
        if event.state is WorkerState.ERROR and event.worker.group == "preview":
            self._read()
