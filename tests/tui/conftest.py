"""What tests of the terminal share: an app on a screen of a known size, its text, and waits that are not sleeps."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual.app import App
from textual.message import Message
from textual.pilot import Pilot
from textual.strip import Strip

from promptetheus.tui.app import PromptetheusApp
from tests.tui.recorded import NOW

DEADLINE_S = 20.0
"""How long something that must happen may take on a busy machine."""


def screen_lines(app: App[Any]) -> list[str]:
    """The screen as plain text, a string a line, without the spaces at the ends."""
    # The compositor is private to Textual; no other place in the tests reaches for it.
    return [strip.text.rstrip() for strip in screen_looks(app)]


def screen_text(app: App[Any]) -> str:
    """The screen as plain text."""
    return "\n".join(screen_lines(app))


def screen_looks(app: App[Any]) -> list[Strip]:
    """The screen with its colours."""
    return app.screen._compositor.render_strips()


class OnScreen:
    """A running app and the hands on its keyboard."""

    def __init__(self, app: App[Any], pilot: Pilot[Any]) -> None:
        self.app = app
        self.pilot = pilot
        self._stirred = asyncio.Event()

    def message_seen(self, _message: Message) -> None:
        """Something happened: waits look again."""
        self._stirred.set()

    @property
    def text(self) -> str:
        """The screen as plain text."""
        return screen_text(self.app)

    @property
    def lines(self) -> list[str]:
        """The screen, line by line."""
        return screen_lines(self.app)

    def line_with(self, words: str) -> str:
        """The first line that holds `words`."""
        return next(line for line in self.lines if words in line)

    async def press(self, *keys: str) -> None:
        """Press keys and wait until they have been handled."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Type text, a key at a time."""
        await self.press(*("space" if character == " " else character for character in text))

    async def until(self, happened: Callable[[], object], *, what: str = "") -> None:
        """Wait until `happened()` is true; it is asked again after every message of the app."""
        end = time.monotonic() + DEADLINE_S
        while not happened():
            if time.monotonic() > end:
                pytest.fail(f"did not happen: {what or happened}\n{self.text}")
            self._stirred.clear()
            try:
                # Some things change without a message, so look again after a while as well.
                await asyncio.wait_for(self._stirred.wait(), 0.1)
            except TimeoutError:
                pass

    async def until_text(self, words: str) -> None:
        """Wait until `words` are on screen."""
        await self.until(lambda: words in self.text, what=f"{words!r} on screen")


@asynccontextmanager
async def on_screen(app: App[Any], size: tuple[int, int] = (120, 40)) -> AsyncIterator[OnScreen]:
    """Run an app without a terminal. An error that the app reported and survived fails the test all the same."""
    seen: list[OnScreen] = []

    def hook(message: Message) -> None:
        for shown in seen:
            shown.message_seen(message)

    async with app.run_test(size=size, notifications=True, message_hook=hook) as pilot:
        shown = OnScreen(app, pilot)
        seen.append(shown)
        yield shown
    if isinstance(app, PromptetheusApp):
        assert not app.errors, app.errors[-1]


@pytest.fixture(autouse=True)
def a_known_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """The colours of the machine that runs the tests must not decide what they see."""
    for name in ("NO_COLOR", "COLORFGBG", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLORTERM", "truecolor")


@pytest.fixture
def sessions_app(spool: Path) -> Callable[..., PromptetheusApp]:
    """Makes an app on the test's spool, its clock standing still at `NOW`."""

    def make(**options: Any) -> PromptetheusApp:
        return PromptetheusApp(spool, clock=lambda: NOW, **options)

    return make
