"""The Suspects view: ranked, with counts on both sides, and honest about how much they say."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from promptetheus.queries.sql import run_sql
from promptetheus.tui.diff.screen import DiffScreen
from promptetheus.tui.failures.suspects_screen import SuspectsScreen
from promptetheus.tui.inspector.full_view import FullView
from promptetheus.tui.menu import Menu
from promptetheus.tui.sessions.sessions_screen import SessionsScreen
from tests.tui.compared import MakeApp
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import Recording, a_failing, a_passing


def runs(spool: Path, failing: int, passing: int) -> None:
    """Failing runs all ask for Wednesday, passing ones for Tuesday."""
    for number in range(failing + passing):
        fails = number < failing
        run = Recording(spool, f"01M8{number:02}RUN", ago=1000 - number).user("Book Tuesday at 2pm")
        run.tool("search", {"day": "Wednesday" if fails else "Tuesday"}, "found").tool(
            "book", {"seat": number}, "ok"
        )
        run.check(not fails, *(["wrong day"] if fails else [])).end()


async def opened(shown: OnScreen) -> SuspectsScreen:
    await shown.until_text("live ●")
    await shown.press("G", "s")
    await shown.until(lambda: isinstance(shown.app.screen, SuspectsScreen))
    screen = shown.app.screen
    assert isinstance(screen, SuspectsScreen)
    await shown.until(lambda: screen.found is not None or "\n" not in shown.text)
    await shown.pilot.pause()
    return screen


async def test_what_separates_stands_first_with_counts_effect_and_corrected_p(
    sessions_app: MakeApp, spool: Path
) -> None:
    runs(spool, 8, 8)
    async with on_screen(sessions_app(), (140, 40)) as shown:
        await opened(shown)
        await shown.until_text("tells them apart more clearly than chance would")
        line = next(line for line in shown.lines if line.startswith("▌"))
        assert 'search(day="Wednesday")' in line
        assert "8 of 8" in line and "0 of 8" in line and "+100 pt" in line and "separates" in line
        await shown.until_text("Found together is not caused by")


async def test_every_number_of_a_line_is_said_in_words_below_it(sessions_app: MakeApp, spool: Path) -> None:
    runs(spool, 8, 8)
    async with on_screen(sessions_app(), (140, 40)) as shown:
        await opened(shown)
        await shown.until_text("It separates them: that is more than chance")
        titles = shown.line_with("what they do")
        assert titles.split()[-5:] == ["passing", "gap", "by", "chance", "verdict"]
        line = shown.line_with("▌ ")
        chance = line[: titles.index("by chance") + len("by chance")].split()[-1]
        assert chance.endswith("%"), "under its title"
        said = " ".join(shown.text.split())
        assert f"By chance {chance}: of suspects as clear as this one, so many are mere chance; " in said


async def test_with_few_sessions_it_says_how_many_more_would_tell(sessions_app: MakeApp, spool: Path) -> None:
    runs(spool, 2, 2)
    async with on_screen(sessions_app(), (140, 40)) as shown:
        await opened(shown)
        await shown.until_text("are too few to tell. About")
        await shown.until_text("more in the same proportion would settle it")
        assert "too few" in next(line for line in shown.lines if line.startswith("▌"))


async def test_what_it_is_stays_whole_where_it_is_narrow(sessions_app: MakeApp, spool: Path) -> None:
    for number in range(4):
        run = Recording(spool, f"01M8{number:02}RUN", ago=1000 - number).user("Book Tuesday at 2pm")
        day = "Wednesday" if number < 2 else "Tuesday"
        run.tool("search_calendar", {"day": f"{day} 2pm"}, "found")
        run.check(number > 1, *(["wrong day"] if number < 2 else [])).end()
    async with on_screen(sessions_app(), (80, 24)) as shown:
        await opened(shown)
        await shown.until(lambda: any(line.startswith("▌ search_calendar") for line in shown.lines))
        line = shown.line_with("▌ ")
        assert 'search_calendar(day="Wednesday 2pm")' in line and "2 of 2  " in line and "0 of 2  " in line
        titles = shown.line_with("what they do")
        assert titles.index("failing") + len("failing") == line.index("2 of 2") + len("2 of 2")


async def test_without_a_session_that_passed_there_is_nothing_to_compare(
    sessions_app: MakeApp, spool: Path
) -> None:
    a_failing(spool, "01M81FAILED")
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await shown.until_text("Nothing to compare: 1 failing and 0 passing sessions")
        await shown.until_text("It takes failing and passing sessions")
        a_passing(spool, "01M82PASSED", ago=2)
        await shown.until_text("1 failing and 1 passing session")


async def test_enter_shows_a_suspect_in_full(sessions_app: MakeApp, spool: Path) -> None:
    runs(spool, 3, 3)
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await shown.until_text("search(day=")
        await shown.press("enter")
        await shown.until(lambda: isinstance(shown.app.screen, FullView))
        await shown.until_text("In 3 of 3 failing and 0 of 3 passing sessions: a gap of 100 points")
        await shown.press("escape")
        await shown.until(lambda: isinstance(shown.app.screen, SuspectsScreen))


async def test_d_compares_the_newest_failing_session(sessions_app: MakeApp, spool: Path) -> None:
    runs(spool, 3, 3)
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await shown.until_text("search(day=")
        await shown.press("d")
        await shown.until(lambda: isinstance(shown.app.screen, DiffScreen))
        await shown.until_text("first divergence")


async def test_o_lists_the_failing_sessions_of_the_task(sessions_app: MakeApp, spool: Path) -> None:
    runs(spool, 3, 4)
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await shown.until_text("search(day=")
        await shown.press("o")
        await shown.until(lambda: isinstance(shown.app.screen, SessionsScreen))
        await shown.until_text("3 of 7")


async def test_the_filter_narrows_by_words(sessions_app: MakeApp, spool: Path) -> None:
    runs(spool, 8, 8)
    async with on_screen(sessions_app()) as shown:
        screen = await opened(shown)
        await shown.until_text("search(day=")
        await shown.press("slash")
        await shown.until(lambda: isinstance(shown.app.focused, Input))
        await shown.type("zebra")
        await shown.until_text("Nothing matches the filter")
        await shown.press("escape")
        await shown.until(lambda: screen.table.row_count() > 0)
        every = screen.table.row_count()
        await shown.press("slash")
        await shown.until(lambda: isinstance(shown.app.focused, Input))
        await shown.type("-search")
        await shown.until(lambda: screen.table.row_count() < every)
        assert all("search" not in suspect.text for suspect in screen.table.suspects)
        await shown.type(" agent:x")
        await shown.press("enter")
        await shown.until_text("this list is narrowed by words alone, agent means nothing here")


async def test_y_copies_a_suspect_in_words(
    sessions_app: MakeApp, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    monkeypatch.setattr("promptetheus.tui.taking.copy_text", lambda _app, text: copied.append(text))
    runs(spool, 3, 3)
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await shown.until_text("search(day=")
        await shown.press("y")
        await shown.until(lambda: isinstance(shown.app.screen, Menu))
        await shown.press("enter")
        await shown.until(lambda: copied)
        assert "In 3 of 3 failing" in copied[0]


async def test_the_view_follows_sessions_that_end_meanwhile(sessions_app: MakeApp, spool: Path) -> None:
    runs(spool, 2, 2)
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await shown.until_text("2 failing · 2 passing")
        a_passing(spool, "01M99PASSED", ago=1)
        await shown.until_text("2 failing · 3 passing")


async def test_a_key_that_does_nothing_here_says_why(sessions_app: MakeApp, spool: Path) -> None:
    runs(spool, 2, 2)
    async with on_screen(sessions_app()) as shown:
        await opened(shown)
        await shown.press("space")
        await shown.until_text("Only sessions are marked: o lists the failing ones")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50), (60, 14)])
async def test_it_fits_screens_of_all_sizes(
    sessions_app: MakeApp, spool: Path, size: tuple[int, int]
) -> None:
    runs(spool, 3, 3)
    async with on_screen(sessions_app(), size) as shown:
        await shown.until(lambda: shown.app.sessions_screen.scanned)  # type: ignore[attr-defined]
        await shown.press("G", "s")
        await shown.until_text("0 of 3")


async def test_the_sql_that_it_copies_gives_the_steps_of_both_groups(
    sessions_app: MakeApp, spool: Path
) -> None:
    runs(spool, 2, 3)
    async with on_screen(sessions_app(), (140, 40)) as shown:
        screen = await opened(shown)
        await shown.until_text("2 failing · 3 passing")
        sql = {copy.title: copy.text for copy in await screen.copies()}["The SQL behind both groups"]
    found = run_sql(spool, sql)
    sides = [row[found.columns.index("side")] for row in found.rows]
    assert sides.count("failing") >= 2 * 2 and sides.count("passing") >= 3 * 2
