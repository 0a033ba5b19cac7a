"""Long comparisons: how far they are is on screen, and they end when nobody waits for them any more."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest

from promptetheus.cause.effects import Effects
from promptetheus.queries.diffs import effects_for
from promptetheus.tui.diff.screen import DiffScreen
from promptetheus.tui.progress import GivenUp, Progress
from promptetheus.tui.sessions.sessions_screen import SessionsScreen
from tests.tui.compared import FAILED, PASSED, MakeApp, a_pair, diff_of
from tests.tui.conftest import on_screen
from tests.tui.recorded import Recording


class SlowComparison:
    """Stands in for reading: goes on and on, telling how far it is, until it is given up."""

    def __init__(self) -> None:
        self.ended = threading.Event()

    def __call__(self, _spool: Path, _paths: Any, _rows: Any, _noise: Any, progress: Progress) -> Any:
        end = time.monotonic() + 60
        try:
            while time.monotonic() < end:
                progress.told("looking for the nearest session that passed", 42, 200)
                time.sleep(0.01)
        except GivenUp:
            self.ended.set()
            raise
        raise AssertionError("nobody gave it up")


async def test_a_long_comparison_says_how_far_it_is_and_escape_gives_it_up(
    sessions_app: MakeApp, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowComparison()
    monkeypatch.setattr("promptetheus.tui.diff.comparing.read_and_compare", slow)
    a_pair(spool)
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press("d")
        await shown.until(lambda: isinstance(shown.app.screen, DiffScreen))
        await shown.until_text("looking for the nearest session that passed: 42 of 200 …   esc gives up")
        assert "━━━━━╌" in shown.text
        await shown.press("n", "i", "v", "enter", "y", "w", "f", "z", "o", "s")
        assert isinstance(shown.app.screen, DiffScreen), "keys have nothing to act on yet"
        await shown.press("escape")
        await shown.until(lambda: isinstance(shown.app.screen, SessionsScreen))
        await shown.until(slow.ended.is_set)


async def test_quitting_does_not_wait_for_a_long_comparison(
    sessions_app: MakeApp, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slow = SlowComparison()
    monkeypatch.setattr("promptetheus.tui.diff.comparing.read_and_compare", slow)
    a_pair(spool)
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press("d")
        await shown.until_text("42 of 200")
        await shown.press("q")
    assert slow.ended.wait(20)


async def test_a_comparison_that_breaks_says_so_and_the_program_goes_on(
    sessions_app: MakeApp, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr("promptetheus.tui.diff.comparing.read_and_compare", broken)
    a_pair(spool)
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press("d")
        await shown.until_text("They could not be compared: RuntimeError: a mistake of ours")
        await shown.press("escape")
        await shown.until(lambda: isinstance(shown.app.screen, SessionsScreen))
        shown.app.errors.clear()  # type: ignore[attr-defined]


async def test_what_other_sessions_tell_of_the_tools_comes_later_and_moves_nothing(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):  # The answer changes after `handle`, whose name says nothing of that.
        run = Recording(spool, f"01M7{number}", ago=900).tool("status", {"of": 1}, "open")
        run.tool("handle", {"of": 1}, "ok").tool("status", {"of": 1}, "closed").check(True).end()
    paths = []
    for session_id, of, passed in ((PASSED, 1, True), (FAILED, 2, False)):
        run = Recording(spool, session_id).user("Handle it").tool("handle", {"of": of}, "ok")
        paths.append(run.check(passed, *([] if passed else ["another one"])).end().path)
    may_read = threading.Event()
    told_of = effects_for

    def held(*arguments: Any, **options: Any) -> Effects:
        if "most_bytes" not in options:
            assert may_read.wait(60)
        return told_of(*arguments, **options)

    monkeypatch.setattr("promptetheus.tui.diff.reading.effects_for", held)
    async with diff_of(spool, *paths) as diff:
        await diff.shown.until_text("other sessions are being read")
        assert "matters from      none" in diff.text
        await diff.press("n")
        before = [line for line in diff.shown.lines if "handle(" in line]
        may_read.set()
        await diff.shown.until_text("matters from      step 2, handle, wrong arguments")
        await diff.shown.until(lambda: "are being read" not in diff.text)
        assert [line for line in diff.shown.lines if "handle(" in line] == before
        assert "handle(" in diff.here


def test_work_that_is_given_up_ends_at_the_next_word_of_it() -> None:
    progress = Progress()
    progress.told("reading", 1, 4)
    assert (progress.what, progress.share) == ("reading: 1 of 4", 0.25)
    progress.give_up()
    with pytest.raises(GivenUp):
        progress.say("comparing")
