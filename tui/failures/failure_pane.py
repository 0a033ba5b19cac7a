"""The pane below the list of failures: the highlighted one, and all that its label leaves out."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from textual import work
from textual.cache import LRUCache

from promptetheus.fingerprint import leaves_out
from promptetheus.queries.failure_list import ListedFailure
from promptetheus.queries.outcome import outcome_sentence
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.answering import AnswersAtOnce
from promptetheus.tui.failures.failure_page import failure_page
from promptetheus.tui.inspector.page import Page
from promptetheus.tui.inspector.page_view import PageView

READ_DELAY_S = 0.1
"""How long the cursor has to rest on a failure before a session of it is read: a held arrow key reads nothing."""

AWAY_S = 0.01
"""How long reading waits at a time while a key is answered."""

_KEPT = 64

_State = tuple[Path, int, float]
"""A session's file as it was read: its path, size and last change."""


class FailurePane(PageView):
    """Shows a failure at once, and what its newest session says of it as soon as that is read."""

    said = ""
    """What the newest session of the failure says in full; "" where its label does, or as long as it is not read."""

    def __init__(self, spool: Path, *, id: str) -> None:
        super().__init__(spool, id=id)
        self._newest: SessionRow | None = None
        """The session whose sentence is wanted."""
        self._page_with: Callable[[str], Page] = _no_page
        """What to show, given that sentence."""
        self._sentences: LRUCache[_State, str] = LRUCache(_KEPT)

    def show_failure(self, listed: ListedFailure, sessions: Sequence[SessionRow], now_s: float) -> None:
        """Be about another failure, or about the same one with news.

        Args:
            sessions: Those that failed so, the newest first.
        """
        self._newest = newest = sessions[0] if sessions and leaves_out(listed.failure.label) else None
        known = None if newest is None else self._sentences.get(_state(newest))
        self.said = known or ""
        self._page_with = partial(failure_page, listed, sessions, now_s)
        self.show(partial(self._page_with, self.said))
        if newest is not None and known is None:
            self._read_sentence()

    def show_nothing(self) -> None:
        """The filter hides what it was about."""
        self._newest, self.said = None, ""
        if self.lines:
            self.show(partial(_no_page, ""))

    @work(group="sentence", exclusive=True, exit_on_error=False)
    async def _read_sentence(self) -> None:
        newest = self._newest
        await asyncio.sleep(READ_DELAY_S)
        if newest is None or self._newest is not newest:
            return
        said = await asyncio.to_thread(outcome_sentence, newest.path, partial(self._has_left, newest))
        if said and self._newest is newest:
            self._sentences[_state(newest)] = self.said = said
            self.show(partial(self._page_with, said), keep_place=True)

    def _has_left(self, newest: SessionRow) -> bool:
        """Whether nobody waits for a sentence any more. Asked by the thread that reads, again and again."""
        screen = self.screen
        if isinstance(screen, AnswersAtOnce) and screen.is_asked:
            time.sleep(AWAY_S)  # Python computes in one thread at a time.
        return self._newest is not newest


def _no_page(_said: str) -> Page:
    return Page([])


def _state(row: SessionRow) -> _State:
    return row.path, row.size_bytes, row.mtime
