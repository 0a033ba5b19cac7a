"""The table of views: number keys, history, breadcrumbs, and views that are missing or have nothing to show."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from textual.app import ComposeResult
from textual.widgets import Static

from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.history import MOST_PLACES, History
from promptetheus.tui.keymap import help_sections
from promptetheus.tui.session.session_screen import SessionScreen
from promptetheus.tui.session.session_subject import StepOf
from promptetheus.tui.sessions.sessions_screen import SessionsScreen
from promptetheus.tui.views import VIEWS, NotNow, Place, View, ViewScreen
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import a_failing, a_passing

MakeApp = Callable[..., PromptetheusApp]


class PluggedIn(ViewScreen):
    """A view as somebody else would write it."""

    VIEW = "diff"
    BINDINGS = [("escape", "app.leave", "back")]  # noqa: RUF012

    def __init__(self, about: object) -> None:
        super().__init__()
        self.about = about

    @property
    def subject(self) -> object:
        return self.about

    def compose(self) -> ComposeResult:
        yield Static(f"plugged in: {self.about}", markup=False)


def open_view(app: PromptetheusApp, subject: object) -> ViewScreen:
    if subject == "nothing":
        raise NotNow("There is nothing [b]to compare.")
    return PluggedIn(subject)


@pytest.fixture
def plugged_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The Diff view is the one above."""
    module = ModuleType("tests.tui.plugged_in")
    module.open_view = open_view  # type: ignore[attr-defined]
    module.__spec__ = sys.modules[__name__].__spec__
    monkeypatch.setitem(sys.modules, module.__name__, module)
    view = VIEWS["diff"]
    assert isinstance(VIEWS, dict)
    monkeypatch.setitem(
        VIEWS, "diff", View("diff", 3, view.title, view.sentence, module.__name__, view.subject)
    )
    yield


@pytest.fixture
def two(spool: Path) -> None:
    a_failing(spool, "01M8FAILED", ago=60)
    a_passing(spool, "01M8PASSED", ago=10)


async def ready(shown: OnScreen) -> PromptetheusApp:
    await shown.until_text("2 sessions")
    await shown.until_text("live ●")
    assert isinstance(shown.app, PromptetheusApp)
    return shown.app


async def shows(shown: OnScreen, kind: type[ViewScreen]) -> None:
    await shown.until(lambda: isinstance(shown.app.screen, kind), what=kind.__name__)


async def test_a_view_that_is_missing_says_so_and_stays(
    sessions_app: MakeApp, two: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(VIEWS, dict)
    monkeypatch.setitem(
        VIEWS, "delivery", View("delivery", 6, "delivery", "", "promptetheus.tui.no_such_screen", "")
    )
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("6")
        await shown.until_text("The delivery view is not part of this installation")
        assert isinstance(shown.app.screen, SessionsScreen)


async def test_a_view_with_nothing_to_show_says_why(
    sessions_app: MakeApp, two: None, plugged_in: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await ready(shown)
        assert not await app.go("diff", "nothing")
        await shown.until_text("There is nothing [b]to compare.")
        assert isinstance(app.screen, SessionsScreen)


async def test_every_numbered_view_is_a_key_and_is_in_the_help(sessions_app: MakeApp, two: None) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await ready(shown)
        keys = {
            key
            for section in help_sections(app.screen)
            for shortcut in section.shortcuts
            for key in shortcut.keys
        }
        assert {str(view.number) for view in VIEWS.values() if view.number} <= keys


async def test_views_stack_and_escape_goes_back_one_level(
    sessions_app: MakeApp, two: None, plugged_in: None, spool: Path
) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await ready(shown)
        await shown.press("3")
        await shows(shown, PluggedIn)
        await app.go("session", spool / "01M8FAILED.jsonl")
        await shown.until_text("sessions › diff › booking-agent")
        await shown.press("escape")
        await shows(shown, PluggedIn)
        await shown.press("escape")
        await shows(shown, SessionsScreen)


async def test_a_crumb_leads_to_its_view(
    sessions_app: MakeApp, two: None, plugged_in: None, spool: Path
) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await ready(shown)
        await shown.press("3")
        await app.go("session", spool / "01M8FAILED.jsonl")
        await shown.until_text("sessions › diff › booking-agent")
        line = shown.lines[0]
        await shown.pilot.click(offset=(line.index("diff") + 1, 0))
        await shows(shown, PluggedIn)
        await app.go("session", spool / "01M8FAILED.jsonl")
        await shown.until_text("sessions › diff › booking-agent")
        await shown.pilot.click(offset=(line.index("sessions") + 1, 0))
        await shows(shown, SessionsScreen)


async def test_a_view_stands_once_on_the_stack(
    sessions_app: MakeApp, two: None, plugged_in: None, spool: Path
) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await ready(shown)
        await app.go("diff", "one")
        await app.go("session", spool / "01M8FAILED.jsonl")
        await app.go("diff", "one")
        assert [screen.VIEW for screen in app.views()] == ["sessions", "diff"]
        await app.go("session", spool / "01M8FAILED.jsonl")
        await app.go("diff", "two")
        assert [(screen.VIEW, screen.subject) for screen in app.views()] == [
            ("sessions", None),
            ("diff", "two"),
        ]


async def test_brackets_walk_through_the_views_that_were_open(
    sessions_app: MakeApp, two: None, plugged_in: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("left_square_bracket")
        await shown.until_text("This is the first view")
        await shown.press("enter")
        await shows(shown, SessionScreen)
        await shown.press("3")
        await shows(shown, PluggedIn)
        await shown.press("left_square_bracket")
        await shows(shown, SessionScreen)
        await shown.press("left_square_bracket")
        await shows(shown, SessionsScreen)
        await shown.press("right_square_bracket", "right_square_bracket")
        await shows(shown, PluggedIn)
        await shown.press("right_square_bracket")
        await shown.until_text("There is no later view")
        await shown.press("minus")
        await shows(shown, SessionScreen)
        await shown.press("minus")
        await shows(shown, PluggedIn)


async def test_a_session_opens_at_a_step(sessions_app: MakeApp, two: None, spool: Path) -> None:
    async with on_screen(sessions_app()) as shown:
        app = await ready(shown)
        await app.go("session", StepOf(spool / "01M8FAILED.jsonl", 3))
        screen = app.screen
        assert isinstance(screen, SessionScreen)
        await shown.until(lambda: screen.loaded, what="the session is read")
        step = screen.timeline.current_step
        assert step is not None and step.index == 3


def test_history_forgets_what_lay_ahead_once_another_way_is_taken() -> None:
    history = History()
    for view in ("sessions", "session", "diff"):
        history.visit(Place(view))
    assert history.back() == Place("session")
    history.visit(Place("session"))
    assert history.forward() == Place("diff"), "being there again is no other way"
    assert history.back() == Place("session")
    history.visit(Place("sql"))
    assert history.forward() is None
    assert history.last == Place("session")


def test_history_is_bounded() -> None:
    history = History()
    for number in range(MOST_PLACES * 2):
        history.visit(Place("session", number))
    steps = 0
    while history.back() is not None:
        steps += 1
    assert steps == MOST_PLACES - 1


async def test_a_session_that_is_left_as_soon_as_it_opened_leaves_the_list_watched(
    sessions_app: MakeApp, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_passing(spool, "passing")
    app = sessions_app()
    async with on_screen(app) as shown:
        await shown.until_text("live ●")
        await app.open_session(spool / "passing.jsonl")
        done: list[str] = []
        # As one that closes before its next frame forgets what it was asked to do then.
        monkeypatch.setattr(app.screen, "_invoke_later", lambda *_: None)
        app.sessions_screen.call_after_refresh(done.append, "done")
        await shown.until(lambda: done, what="done whatever the view in front does")
