"""Following the newest session: each one is gone to as it begins, and nobody is torn away from what they read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from promptetheus.queries.catalog import Catalog, SessionRow
from promptetheus.queries.rows import Status
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.help_screen import HelpScreen
from promptetheus.tui.newest import BETWEEN_S, TOGETHER_S, YIELDS_S, NewestSession, newest_begun
from promptetheus.tui.session.session_screen import SessionScreen
from promptetheus.tui.views import Place
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import a_failing, a_passing, a_running

MakeApp = Callable[..., PromptetheusApp]

LONG_AGO = float("-inf")


class Clock:
    """Stands still until a test moves it."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def newest(clock: Clock) -> NewestSession:
    """Switched on."""
    made = NewestSession(monotonic=clock)
    made.switch()
    return made


@pytest.fixture
def row(spool: Path) -> SessionRow:
    """A session that runs."""
    a_running(spool, "running")
    catalog = Catalog(spool)
    catalog.refresh()
    return catalog.rows()[0]


def begun(row: SessionRow, session_id: str, after_s: float = 0.0) -> SessionRow:
    return replace(row, session_id=session_id, started=(row.started or 0.0) + after_s)


def test_only_a_session_that_runs_and_was_not_known_begins(row: SessionRow) -> None:
    assert newest_begun([row], {}) is row
    assert newest_begun([row], {row.session_id: row}) is None
    assert newest_begun([replace(row, status=Status.PASSED)], {}) is None
    assert newest_begun([], {}) is None


def test_a_file_that_was_noticed_before_its_first_line_begins_with_that_line(row: SessionRow) -> None:
    assert newest_begun([row], {row.session_id: replace(row, status=Status.EMPTY)}) is row


def test_of_several_at_once_the_newest_counts(row: SessionRow) -> None:
    rows = [begun(row, "a", 1.0), begun(row, "b", 3.0), begun(row, "c", 2.0)]
    assert newest_begun(rows, {}) is rows[1]


def test_nothing_is_gone_to_until_it_is_switched_on_and_after_it_is_switched_off(
    row: SessionRow, clock: Clock
) -> None:
    newest = NewestSession(monotonic=clock)
    assert not newest.is_followed and newest.take(row) is None
    newest.switch()
    assert newest.take(None) is None
    assert newest.take(row) == TOGETHER_S
    newest.switch()
    assert newest.due(LONG_AGO) is None


def test_a_storm_moves_once_a_second_to_the_newest_of_it(
    newest: NewestSession, row: SessionRow, clock: Clock
) -> None:
    assert newest.take(begun(row, "first")) == TOGETHER_S
    first = newest.due(LONG_AGO)
    assert first is not None and first.session_id == "first"
    clock.now += 0.25
    delays = [newest.take(begun(row, f"s{number}", number)) for number in (1, 2, 4, 3)]
    assert delays == [BETWEEN_S - 0.25, None, None, None], (
        "one move comes, and waits until the second is over"
    )
    clock.now += 0.75
    second = newest.due(LONG_AGO)
    assert second is not None and second.session_id == "s4"
    assert newest.due(LONG_AGO) is None
    clock.now += 60
    assert newest.take(begun(row, "late", 60)) == TOGETHER_S


def test_it_yields_to_who_acted_just_now_and_goes_to_the_next(
    newest: NewestSession, row: SessionRow, clock: Clock
) -> None:
    acted_s = clock.now - YIELDS_S / 2
    newest.take(begun(row, "first"))
    assert newest.due(acted_s) is None
    clock.now += YIELDS_S
    assert newest.due(acted_s) is None, "what was yielded is not made up for"
    assert newest.take(begun(row, "second")) == TOGETHER_S, "nobody was moved, so nothing has to wait"
    after = newest.due(acted_s)
    assert after is not None and after.session_id == "second"


def rest(shown: OnScreen) -> None:
    """As if the last key had been long ago."""
    assert isinstance(shown.app, PromptetheusApp)
    shown.app.acted_s = LONG_AGO


def highlighted(shown: OnScreen) -> str:
    assert isinstance(shown.app, PromptetheusApp)
    row = shown.app.sessions_screen.table.highlighted
    return "" if row is None else row.session_id


async def list_followed(shown: OnScreen) -> None:
    """The list of three sessions, the cursor on the last."""
    await shown.until_text("live ●")
    await shown.press("G", "N")
    await shown.until(lambda: "newest · live ●" in shown.lines[0])
    await shown.until_text("N ends that")
    rest(shown)


@pytest.fixture
def three(spool: Path) -> None:
    for number in range(3):
        a_passing(spool, f"old{number}", ago=1000 + number)


async def come(shown: OnScreen, spool: Path, session_id: str) -> None:
    """A session begins, and what it leads to has happened."""
    app = shown.app
    assert isinstance(app, PromptetheusApp)
    newest, looked = app.sessions_screen.newest, False
    due = newest.due

    def watched(acted_s: float) -> SessionRow | None:
        nonlocal looked
        looked = True
        return due(acted_s)

    newest.due = watched  # type: ignore[method-assign]
    a_running(spool, session_id, ago=10)
    await shown.until(lambda: looked, what=f"{session_id} is noticed")
    newest.due = due  # type: ignore[method-assign]
    await shown.pilot.pause()


async def test_in_the_list_the_cursor_goes_on_a_session_that_begins(
    sessions_app: MakeApp, spool: Path, three: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await list_followed(shown)
        assert highlighted(shown) == "old2"
        await come(shown, spool, "new")
        assert highlighted(shown) == "new"
        await shown.press("G", "N")
        await shown.until_text("N follows them")
        assert "newest" not in shown.lines[0] and "live ●" in shown.lines[0]
        rest(shown)
        a_running(spool, "newer", ago=5)
        await shown.until_text("5 sessions")
        await shown.pilot.pause(2 * TOGETHER_S)
        assert highlighted(shown) == "old2"


async def test_a_session_that_came_ended_is_not_gone_to(
    sessions_app: MakeApp, spool: Path, tmp_path: Path, three: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await list_followed(shown)
        a_failing(tmp_path / "elsewhere", "ended", ago=20).path.rename(spool / "ended.jsonl")
        await shown.until_text("4 sessions")
        await come(shown, spool, "new")
        assert highlighted(shown) == "new"


async def test_who_pressed_a_key_just_now_stays_where_they_are(
    sessions_app: MakeApp, spool: Path, three: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await list_followed(shown)
        app = shown.app
        assert isinstance(app, PromptetheusApp)
        app.acted_s = float("inf")
        await come(shown, spool, "first")
        assert highlighted(shown) == "old2"
        rest(shown)
        await come(shown, spool, "second")
        assert highlighted(shown) == "second"


async def test_what_the_filter_hides_is_not_gone_to(sessions_app: MakeApp, spool: Path, three: None) -> None:
    async with on_screen(sessions_app(filter_text="status:passed")) as shown:
        await list_followed(shown)
        await come(shown, spool, "new")
        assert highlighted(shown) == "old2"


@pytest.mark.parametrize("keys", [("slash",), ("question_mark",), ("4",)])
async def test_who_types_a_filter_or_reads_something_else_is_not_torn_away(
    sessions_app: MakeApp, spool: Path, three: None, keys: tuple[str, ...]
) -> None:
    async with on_screen(sessions_app()) as shown:
        await list_followed(shown)
        await shown.press(*keys)
        screen, focused = shown.app.screen, shown.app.focused
        rest(shown)
        await come(shown, spool, "new")
        assert (shown.app.screen, shown.app.focused) == (screen, focused)
        assert highlighted(shown) == "old2"


def opened(shown: OnScreen) -> str:
    screen = shown.app.screen
    return screen.path.stem if isinstance(screen, SessionScreen) else ""


async def session_followed(shown: OnScreen) -> None:
    """An old session, with the newest followed."""
    await shown.until(lambda: opened(shown) == "old0")
    await shown.until_text("p play")
    await shown.press("N")
    await shown.until(lambda: "newest · ▶ p play" in shown.lines[-2])
    rest(shown)
    app = shown.app
    assert isinstance(app, PromptetheusApp)
    await shown.until(lambda: app.sessions_screen.scanned)


async def test_in_a_session_the_new_one_takes_its_place_followed_to_its_end(
    sessions_app: MakeApp, spool: Path, three: None
) -> None:
    app = sessions_app(start=Place("session", spool / "old0.jsonl"))
    async with on_screen(app, (80, 24)) as shown:
        await session_followed(shown)
        await come(shown, spool, "new")
        await shown.until(lambda: opened(shown) == "new")
        await shown.until_text("newest · following ●")
        assert len(app.views()) == 2, "it stands in the place of the other"
        await shown.press("minus")
        await shown.until(lambda: opened(shown) == "old0", what="one key leads back")
        await shown.press("1")
        await shown.until(lambda: "newest · live ●" in shown.lines[0])


@pytest.mark.parametrize("keys", [("enter",), ("slash",), ("question_mark",), ("o",)])
async def test_who_reads_the_inspector_or_a_dialog_of_a_session_stays(
    sessions_app: MakeApp, spool: Path, three: None, keys: tuple[str, ...]
) -> None:
    app = sessions_app(start=Place("session", spool / "old0.jsonl"))
    async with on_screen(app) as shown:
        await session_followed(shown)
        before = app.focused
        await shown.press(*keys)
        await shown.until(lambda: app.focused is not before)
        screen = app.screen
        rest(shown)
        await come(shown, spool, "new")
        assert app.screen is screen
        assert app.views()[-1].subject == spool / "old0.jsonl"


@pytest.mark.parametrize(
    ("size", "says"),
    [
        ((120, 40), "5 sessions · 1 running · 1 failing   newest · live ●"),
        ((80, 24), "5 sessions · 1 running · 1 failing   newest · live ●"),
        ((65, 20), "5 sessions · 1 running · 1 failing   newest ●"),
        ((40, 20), "5  ● 1  ✗ 1  newest ●"),
    ],
)
async def test_the_word_is_there_and_cuts_no_number(
    sessions_app: MakeApp, spool: Path, three: None, size: tuple[int, int], says: str
) -> None:
    a_failing(spool, "bad", ago=30)
    a_running(spool, "runs", ago=10)
    async with on_screen(sessions_app(), size) as shown:
        await shown.press("N")
        await shown.until(lambda: shown.lines[0].endswith(says), what=says)
        assert shown.lines[0].startswith("  promptetheus ")


async def test_the_palette_knows_it(sessions_app: MakeApp, three: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press("ctrl+p")
        await shown.type("each new session")
        await shown.until_text("Go to each new session as it begins, or no longer")
        await shown.press("enter")
        await shown.until(lambda: "newest · live ●" in shown.lines[0])
        await shown.press("question_mark")
        await shown.until(lambda: isinstance(shown.app.screen, HelpScreen))
        await shown.type("each new session")
        await shown.until_text("or no longer")
