"""Answering the person first: frames that do not wait for their turn, and work that makes way."""

from __future__ import annotations

import asyncio
import time

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Static

from promptetheus.tui.answering import AT_THE_LATEST_S, REST_S, AnswersAtOnce, until_rest


class Counting(AnswersAtOnce):
    """Shows how many keys were pressed."""

    pressed = 0

    def compose(self) -> ComposeResult:
        yield Static("0 keys")

    def on_key(self) -> None:
        self.pressed += 1
        self.query_one(Static).update(f"{self.pressed} keys")

    @property
    def painted(self) -> str:
        """What was sent to the terminal and not only noted to be drawn."""
        return self.screen.query_one(Static).render_line(0).text


class Asked(App[None]):
    acted_s = 0.0

    def __init__(self) -> None:
        super().__init__()
        self.frames = 0

    def get_default_screen(self) -> Counting:
        return Counting()

    async def on_event(self, event: events.Event) -> None:
        if isinstance(event, events.Key):
            self.acted_s = time.monotonic()
        await super().on_event(event)

    def _display(self, screen: object, renderable: object) -> None:
        self.frames += renderable is not None
        super()._display(screen, renderable)  # type: ignore[arg-type]


async def test_a_key_is_answered_although_the_next_frame_is_an_hour_away(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("textual.screen.UPDATE_PERIOD", 3600.0)
    app = Asked()
    async with app.run_test(size=(40, 5)) as pilot:
        for number in (1, 2, 3):
            before = app.frames
            await pilot.press("x")
            deadline = time.monotonic() + 20.0
            while app.frames == before and time.monotonic() < deadline:
                await pilot.pause(0.01)
            assert app.frames > before
            screen = app.screen
            assert isinstance(screen, Counting)
            assert screen.painted.startswith(f"{number} keys")


class BusyApp(Counting):
    """Its app has something else to do whenever it might draw, some times."""

    times = 3

    def on_idle(self) -> None:
        if self.pressed and self.times:
            self.times -= 1
            self.app.call_later(lambda: None)


async def test_an_answer_is_drawn_although_the_app_had_something_else_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("textual.screen.UPDATE_PERIOD", 3600.0)
    app = Asked()
    async with app.run_test(size=(40, 5)) as pilot:
        screen = BusyApp()
        await app.push_screen(screen)
        await pilot.pause()
        before = app.frames
        app.post_message(events.Key("x", "x"))
        deadline = time.monotonic() + 20.0
        while app.frames == before and time.monotonic() < deadline:
            app.acted_s = time.monotonic()  # however long it takes here
            await asyncio.sleep(0.01)
        assert app.frames > before
        assert not screen.times


async def test_nobody_waits_for_an_answer_who_pressed_nothing() -> None:
    app = Asked()
    async with app.run_test():
        assert isinstance(app.screen, Counting)
        assert not app.screen.is_asked
        app.acted_s = time.monotonic() + 60.0
        assert app.screen.is_asked


async def test_work_waits_until_the_person_rests() -> None:
    app = Asked()
    async with app.run_test():
        app.acted_s = began_s = time.monotonic()
        await until_rest(app)
        assert time.monotonic() - began_s >= REST_S


async def test_work_waits_for_a_busy_person_no_longer_than_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("promptetheus.tui.answering.AT_THE_LATEST_S", AT_THE_LATEST_S / 50)
    app = Asked()
    async with app.run_test():
        app.acted_s = time.monotonic() + 3600.0
        await until_rest(app)


async def test_an_app_that_notes_no_keys_is_drawn_as_ever() -> None:
    app: App[None] = App()
    async with app.run_test() as pilot:
        await app.push_screen(Counting())
        await pilot.press("x")
        await pilot.pause()
        assert isinstance(app.screen, Counting)
        assert not app.screen.is_asked
        await until_rest(app)
