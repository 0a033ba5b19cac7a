"""`:` goes anywhere by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.go_screen import GoScreen
from promptetheus.tui.go_words import GOALS
from promptetheus.tui.palette import PaletteScreen
from promptetheus.tui.session.session_screen import SessionScreen
from promptetheus.tui.views import VIEWS, ViewScreen
from tests.tui.compared import FAILED, PASSED, a_pair
from tests.tui.conftest import OnScreen, on_screen

MakeApp = Callable[..., PromptetheusApp]


@pytest.fixture
def pair(spool: Path) -> None:
    a_pair(spool)


async def going(shown: OnScreen, words: str) -> PromptetheusApp:
    """Type `:` and the words, and press enter."""
    await shown.press("colon")
    await shown.until(lambda: isinstance(shown.app.screen, GoScreen), what="the field")
    await shown.type(words)
    await shown.press("enter")
    assert isinstance(shown.app, PromptetheusApp)
    return shown.app


def view(app: PromptetheusApp) -> str:
    front = app.screen
    return front.VIEW if isinstance(front, ViewScreen) else ""


def step(app: PromptetheusApp) -> int | None:
    """The step under the cursor, where a session is in front."""
    front = app.screen
    chosen = front.timeline.current_step if isinstance(front, SessionScreen) else None
    return None if chosen is None else chosen.index


async def ready(shown: OnScreen) -> None:
    await shown.until_text("2 sessions")
    await shown.until_text("live ●")


def test_every_view_can_be_gone_to() -> None:
    assert {goal.word for goal in GOALS} >= VIEWS.keys()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("fail", "failures"),
        ("del", "delivery"),
        ("sql select 1", "sql"),
        ("diff", "diff"),
        ("session", "session"),
    ],
)
async def test_the_beginning_of_a_word_is_enough(
    sessions_app: MakeApp, pair: None, words: str, expected: str
) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        app = await going(shown, words)
        await shown.until(lambda: view(app) == expected, what=expected)


async def test_a_session_by_its_id_then_a_step_of_it(sessions_app: MakeApp, pair: None, spool: Path) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        app = await going(shown, f"session {PASSED.lower()}")
        await shown.until(lambda: view(app) == "session")
        app = await going(shown, "step 2")
        await shown.until(lambda: step(app) == 2)
        await going(shown, "3")
        await shown.until(lambda: step(app) == 3)
        assert isinstance(app.screen, SessionScreen)
        assert app.screen.path == spool / f"{PASSED}.jsonl"
        await going(shown, "sessions status:passed")
        await shown.until(lambda: view(app) == "sessions")
        assert app.screen.query_one(FilterBar).input.value == "status:passed"


async def test_two_sessions_are_compared(sessions_app: MakeApp, pair: None, spool: Path) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        app = await going(shown, f"diff {PASSED} {FAILED}")
        await shown.until(lambda: view(app) == "diff")
        front = app.screen
        assert isinstance(front, ViewScreen)
        assert front.subject == (spool / f"{PASSED}.jsonl", spool / f"{FAILED}.jsonl")


async def test_the_palette_goes_to_a_step_too(sessions_app: MakeApp, pair: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        app = await going(shown, f"session {PASSED.lower()}")
        await shown.until(lambda: view(app) == "session")
        for words in (":3", "step 2", "4", ":step 1"):
            await shown.press("ctrl+p")
            await shown.until(lambda: isinstance(app.screen, PaletteScreen), what="the palette")
            await shown.type(words)
            await shown.press("enter")
            await shown.until_text(f"step {words[-1]} of 12")


async def test_the_palette_says_that_a_step_needs_a_session(sessions_app: MakeApp, pair: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("ctrl+p")
        await shown.until(lambda: isinstance(shown.app.screen, PaletteScreen), what="the palette")
        for words in ("412", ":412", "step 412"):
            await shown.type(words)
            await shown.until_text("A step needs a session: open one first")
            await shown.press(*["backspace"] * len(words))


async def test_digits_that_begin_an_id_lead_to_the_session(sessions_app: MakeApp, pair: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        app = await going(shown, PASSED[:2])
        assert PASSED[:2].isdecimal()
        await shown.until(lambda: view(app) == "session")


@pytest.mark.parametrize("words", ["²", "step ²", "12345678901"])
async def test_what_looks_like_a_number_and_is_none_is_no_error(
    sessions_app: MakeApp, pair: None, words: str
) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        app = await going(shown, words)
        await shown.press("escape")
        await shown.until(lambda: view(app) == "sessions")


async def test_what_leads_nowhere_says_why(sessions_app: MakeApp, pair: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("colon")
        await shown.type("step 2")
        await shown.until_text("A step needs a session: open one first")
        await shown.press("enter")
        await shown.until_text("A step needs a session: open one first.")
        assert isinstance(shown.app.screen, GoScreen), "one can go on typing"
        await shown.press(*["backspace"] * 6)
        await shown.type("diff nosuch")
        await shown.until_text("nosuch is the beginning of no id, or of several")
        await shown.press(*["backspace"] * 11)
        await shown.type("zzz")
        await shown.until_text("Nothing fits these words.")
        await shown.press("escape")
        assert isinstance(shown.app.screen, ViewScreen)
