"""Answers the person first: what a key did is shown at once, and whatever works by itself makes way meanwhile."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Protocol, runtime_checkable

from textual.app import App
from textual.screen import Screen

ANSWER_S = 0.1
"""For so long after a key or the mouse, what changes is taken for its answer."""

REST_S = 0.5
"""Without a key for so long, the person looks at what there is."""

AT_THE_LATEST_S = 30.0
"""Nothing waits longer for the person to rest: whoever presses keys all that while looks at what the keys do."""


@runtime_checkable
class Asked(Protocol):
    """An app that knows when the person acted last."""

    acted_s: float
    """By `time.monotonic()`."""


class AnswersAtOnce(Screen[None]):
    """Mix-in for screens.

    Textual draws sixty times a second and, once a frame took long, leaves the next one out: a key waited up to 33 ms
    for a frame that took six to draw. Frames that nobody asked for keep their pace.
    """

    _answered_s = float("-inf")
    """When the answer to a question that takes longer had come, by `time.monotonic()`."""

    def has_answer(self) -> None:
        """Draw what changes now at once: the person has waited for it."""
        self._answered_s = time.monotonic()
        self.check_idle()

    def on_idle(self) -> None:
        """Draw what changed, if the person waits for it, once no other key may be on its way through the app."""
        if not (self.is_asked or time.monotonic() - self._answered_s < ANSWER_S):
            return
        if self.app.message_queue_size:
            self.app.call_later(self.check_idle)
        else:
            self._on_timer_update()

    @property
    def is_asked(self) -> bool:
        """Whether the person waits for an answer."""
        return _acted_within(self.app, ANSWER_S)


async def until_rest(app: App[Any]) -> None:
    """Wait until the person presses no keys: for work that would double the time until they are answered."""
    latest = time.monotonic() + AT_THE_LATEST_S
    while _acted_within(app, REST_S) and time.monotonic() < latest:
        await asyncio.sleep(REST_S / 5)


def _acted_within(app: App[Any], seconds: float) -> bool:
    return isinstance(app, Asked) and time.monotonic() - app.acted_s < seconds
