"""The list is live: sessions come, grow, end, fail and die while somebody looks at it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.notifications import Notification
from textual.widgets._toast import Toast

from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.sessions.session_table import SessionTable
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import NOW, Recording, a_failing, a_passing, a_running

MakeApp = Callable[..., PromptetheusApp]


def toasts(shown: OnScreen) -> list[Notification]:
    return [toast._notification for toast in shown.app.screen.query(Toast)]


async def reading_is_over(shown: OnScreen) -> None:
    await shown.until_text("live ●")


async def test_a_running_session_grows_on_screen(sessions_app: MakeApp, spool: Path) -> None:
    recording = a_running(spool, "running")
    async with on_screen(sessions_app()) as shown:
        await reading_is_over(shown)
        await shown.until_text("● running")
        recording.tool("search_calendar", {"day": "Tuesday"}, ["Tuesday 2pm"])
        await shown.until_text('search_calendar(day="Tuesday")')
        recording.check(True).end()
        await shown.until_text("✓ passed")
        assert "1 running" not in shown.lines[0]


async def test_a_directory_that_appears_later_is_noticed(sessions_app: MakeApp, spool: Path) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("waiting ○")
        a_running(spool, "first")
        await shown.until_text("● running")
        await shown.until_text("live ●")


async def test_a_session_whose_file_is_gone_leaves_the_list(sessions_app: MakeApp, spool: Path) -> None:
    a_passing(spool, "stays")
    recording = a_failing(spool, "goes")
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("2 sessions")
        await reading_is_over(shown)
        recording.path.unlink()
        await shown.until_text("1 session ")
        assert "failed goal" not in shown.text


async def test_a_session_whose_writer_dies_becomes_crashed_though_no_file_changes(
    sessions_app: MakeApp, spool: Path
) -> None:
    writer = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        Recording(spool, "doomed", pid=writer.pid).user("hello")
        async with on_screen(sessions_app()) as shown:
            await shown.until_text("● running")
            await reading_is_over(shown)
            writer.kill()
            writer.wait()
            await shown.until_text("∅ crashed")
            await shown.until_text("Crashed.")
    finally:
        writer.kill()
        writer.communicate()


async def test_time_goes_on_for_what_is_on_screen(spool: Path) -> None:
    a_running(spool, "running", ago=4)
    a_passing(spool, "passed", ago=30)
    now = NOW
    app = PromptetheusApp(spool, clock=lambda: now)
    async with on_screen(app) as shown:
        await shown.until_text("2 sessions")
        assert "4.0s" in shown.line_with("● running")
        assert "30s ago" in shown.line_with("✓ passed")
        now += 42
        await shown.until_text("46.0s")
        await shown.until_text("1m ago")


async def test_only_rows_whose_words_change_are_drawn_again(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_passing(spool, "old", ago=4000)
    a_running(spool, "running", ago=4)
    now = NOW
    app = PromptetheusApp(spool, clock=lambda: now)
    async with on_screen(app) as shown:
        await shown.until_text("2 sessions")
        await reading_is_over(shown)
        table = shown.app.screen.query_one(SessionTable)
        table.tick()
        drawn: list[int] = []
        monkeypatch.setattr(table, "refresh_row", drawn.append)
        now += 1
        table.tick()
        assert drawn == [0]


async def test_a_failure_raises_one_toast(sessions_app: MakeApp, spool: Path) -> None:
    recording = a_running(spool, "running")
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("● running")
        await reading_is_over(shown)
        recording.check(False, "selected Wednesday, not Tuesday").end()
        await shown.until(lambda: toasts(shown))
        assert "failed goal" in toasts(shown)[0].title
        assert "selected wednesday" in toasts(shown)[0].message


async def test_many_failures_raise_one_toast(sessions_app: MakeApp, spool: Path) -> None:
    running = [a_running(spool, f"running-{number}") for number in range(12)]
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("12 running")
        await reading_is_over(shown)
        for recording in running:
            recording.check(False, "selected Wednesday, not Tuesday").end()
        await shown.until_text("12 failing")
        await shown.until(lambda: toasts(shown))
        assert [toast.title for toast in toasts(shown)] == ["12 sessions failed"]


async def test_failures_that_were_there_before_raise_no_toast(sessions_app: MakeApp, spool: Path) -> None:
    a_failing(spool, "before")
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("1 failing")
        await reading_is_over(shown)
        recording = a_running(spool, "running")
        await shown.until_text("● running")
        recording.check(True).end()
        await shown.until_text("✓ passed")
        assert not toasts(shown)


async def test_a_worker_that_fails_says_so_and_the_list_stays(
    sessions_app: MakeApp, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_passing(spool, "passed")
    app = sessions_app()

    def broken(_paths: object) -> None:
        raise OSError("the disk is on fire")

    async with on_screen(app) as shown:
        await shown.until_text("✓ passed")
        await reading_is_over(shown)
        monkeypatch.setattr(app.sessions_screen.feed.catalog, "refresh", broken)
        a_passing(spool, "another")
        await shown.until_text("the disk is on fire")
        assert "✓ passed" in shown.text
        assert "not watching ○" in shown.lines[0]
        assert len(app.errors) == 1
        app.errors.clear()
        monkeypatch.undo()
        await shown.press("r")
        await shown.until_text("2 sessions")
        await reading_is_over(shown)


async def test_a_list_of_thousands_arrives_in_batches_and_stays_usable(
    sessions_app: MakeApp, spool: Path
) -> None:
    for number in range(1500):
        Recording(spool, f"s{number:04}", ago=number, goal=f"goal {number:04}")
    async with on_screen(sessions_app(), (100, 24)) as shown:
        await shown.until_text("goal 0000")
        await shown.press("j")
        await shown.until_text("1,500 sessions")
        assert shown.app.screen.query_one(SessionTable).cursor == 1
        await shown.press("G")
        assert "goal 1499" in shown.text


async def test_a_message_has_room_for_all_its_lines(sessions_app: MakeApp, spool: Path) -> None:
    a_passing(spool, "01M8PASSED", ago=60)
    async with on_screen(sessions_app(), (120, 40)) as shown:
        await shown.until_text("live ●")
        for number in range(3):
            a_failing(spool, f"01M8{number}FAILED")
        await shown.until_text("3 sessions failed")
        [toast] = shown.app.screen.query(Toast)
        assert shown.app.screen.find_widget(toast).visible_region == toast.region, "its last line, too"
