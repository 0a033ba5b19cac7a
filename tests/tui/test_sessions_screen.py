"""The Sessions view: what it shows and what each of its keys does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from textual.geometry import Offset

from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.footer import MOST_KEYS, KeyFooter
from promptetheus.tui.sessions.empty_state import EXAMPLE, EmptyState
from promptetheus.tui.sessions.preview import PreviewPane
from promptetheus.tui.sessions.preview_lines import preview_height
from promptetheus.tui.sessions.session_table import SessionTable
from promptetheus.tui.sessions.session_titles import SessionTitles
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import Recording, a_broken, a_failing, a_passing, a_running

MakeApp = Callable[..., PromptetheusApp]


@pytest.fixture
def four(spool: Path) -> None:
    """Newest first: a running, a failing, a broken and a passing session."""
    a_passing(spool, "01M80Z0PASSED", ago=180, tags=("smoke",))
    a_broken(spool, "01M8100BROKEN", ago=120, agent="coder", goal="fix the parser")
    a_failing(spool, "01M8110FAILED", ago=12)
    a_running(spool, "01M8120RUNS", ago=4)


def table(shown: OnScreen) -> SessionTable:
    return shown.app.screen.query_one(SessionTable)


def highlighted(shown: OnScreen) -> str:
    row = table(shown).highlighted
    return "" if row is None else row.session_id


async def all_read(shown: OnScreen, count: int = 4) -> None:
    await shown.until_text(f"{count} session")
    await shown.until_text("live ●")


async def test_each_session_is_a_line_newest_first(sessions_app: MakeApp, four: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await all_read(shown)
        body = [line for line in shown.lines if "booking-agent" in line or "coder" in line][:4]
        statuses = ("● running", "✗ failed goal", "! error", "✓ passed")
        assert [word in line for word, line in zip(statuses, body, strict=True)] == [True] * 4
        assert "12s ago" in body[1] and "7.0s" in body[1] and "8ae0f4" in body[1]


async def test_the_header_counts_the_whole_spool(sessions_app: MakeApp, four: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await all_read(shown)
        assert "4 sessions · 1 running · 2 failing" in shown.lines[0]
        assert shown.lines[0].startswith("  promptetheus")


async def test_nothing_on_screen_is_cut_without_a_mark(sessions_app: MakeApp, spool: Path) -> None:
    long_goal = "Book the very last seat on the slow train to the coast " * 4
    a_failing(spool, "long", agent="a-very-long-agent-name-indeed", goal=long_goal, mismatch="not so " * 80)
    for width in (80, 100, 120, 200):
        async with on_screen(sessions_app(), (width, 24)) as shown:
            await shown.until_text("1 session ")
            await shown.until_text("Failed its goal")
            row = next(line for line in shown.lines if "-indeed" in line)
            assert "…" in row
            begins = next(place for place, line in enumerate(shown.lines) if "Failed its goal" in line)
            assert shown.lines[begins + 1].endswith("…"), "two lines of it"


@pytest.mark.parametrize("width", [160, 200])
async def test_ways_of_failing_that_begin_alike_are_cut_before_what_tells_them_apart(
    sessions_app: MakeApp, spool: Path, width: int
) -> None:
    answers = ("michele", "yosemite", "cloak")
    for answer in answers:
        said = f"the final answer is not the one: {answer}"
        a_failing(
            spool, answer, goal="Name the place that the picture shows, and nothing else", mismatch=said
        )
    a_broken(spool, "broken", ago=90)
    async with on_screen(sessions_app(), (width, 40)) as shown:
        await all_read(shown)
        await shown.until(
            lambda: all(
                sum(f"{answer[:4]}" in line and "✗ failed goal" in line for line in shown.lines) == 1
                for answer in answers
            ),
            what="each in its line",
        )


async def test_the_preview_says_how_it_failed_and_shows_the_last_steps(
    sessions_app: MakeApp, four: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await all_read(shown)
        await shown.press("j")
        await shown.until_text("Failed its goal: selected Wednesday, not Tuesday")
        assert 'search_calendar(day="Tuesday")' in shown.text
        assert "Booked Wednesday 2pm" in shown.text
        assert "1.2k tokens" in shown.text


async def test_the_preview_of_a_file_that_is_gone_does_not_stay(sessions_app: MakeApp, spool: Path) -> None:
    a_failing(spool, "failing", ago=5)
    a_passing(spool, "passing", ago=10)
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("Failed its goal")
        (spool / "failing.jsonl").unlink()
        await shown.until_text("Met its goal")


@pytest.mark.parametrize(
    ("key", "session"), [("j", "01M8110FAILED"), ("G", "01M80Z0PASSED"), ("down", "01M8110FAILED")]
)
async def test_keys_move_the_cursor(sessions_app: MakeApp, four: None, key: str, session: str) -> None:
    async with on_screen(sessions_app()) as shown:
        await all_read(shown)
        await shown.press(key)
        assert highlighted(shown) == session
        await shown.press("g")
        assert highlighted(shown) == "01M8120RUNS"


async def test_the_cursor_stays_on_its_session_when_others_arrive_above(
    sessions_app: MakeApp, four: None, spool: Path
) -> None:
    async with on_screen(sessions_app()) as shown:
        await all_read(shown)
        await shown.press("j")
        a_passing(spool, "01M8130NEW", ago=1)
        await all_read(shown, 5)
        assert highlighted(shown) == "01M8110FAILED"
        assert table(shown).cursor == 2
        assert "▌" in shown.line_with("✗ failed goal")


async def test_rows_around_the_cursor_stay_where_they_are_when_others_arrive(
    sessions_app: MakeApp, spool: Path
) -> None:
    for number in range(60):
        a_passing(spool, f"old-{number:02}", goal=f"goal {number:02}", ago=1000 + number)
    async with on_screen(sessions_app(), (100, 24)) as shown:
        await all_read(shown, 60)
        await shown.press("G")
        before = shown.lines.index(shown.line_with("goal 59"))
        a_passing(spool, "new", ago=1)
        await all_read(shown, 61)
        assert shown.lines.index(shown.line_with("goal 59")) == before


async def test_sorting_cycles_through_the_columns_and_turns_round(sessions_app: MakeApp, four: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await all_read(shown)
        assert "started↓" in shown.text
        await shown.press("o")
        assert "agent↑" in shown.text
        await shown.press("O")
        assert "agent↓" in shown.text
        assert "coder" in next(line for line in shown.lines if "! error" in line or "booking" in line)
        shown_columns = len(table(shown).columns)
        for _ in range(shown_columns - 1):
            await shown.press("o")
        assert "started↓" in shown.text


async def test_a_click_on_a_title_sorts_by_it(sessions_app: MakeApp, four: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await all_read(shown)
        titles = shown.line_with("started↓")
        await shown.pilot.click(SessionTitles, offset=Offset(titles.index("steps"), 1))
        await shown.until_text("steps↓")
        assert table(shown).sessions.order.key == "steps"


async def test_the_cursor_stays_on_its_session_when_the_order_changes(
    sessions_app: MakeApp, four: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await all_read(shown)
        await shown.press("j")
        await shown.press("O")
        assert highlighted(shown) == "01M8110FAILED"
        assert table(shown).cursor == 2


async def test_space_marks_and_escape_takes_the_marks_away(sessions_app: MakeApp, four: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await all_read(shown)
        await shown.press("space")
        assert list(table(shown).marks) == ["01M8120RUNS"]
        assert shown.line_with("● running").startswith("◆ ● running"), "a cell between the mark and the glyph"
        assert highlighted(shown) == "01M8110FAILED"
        assert shown.line_with("✗ failed goal").startswith("▌ ✗ failed goal")
        await shown.press("k")
        assert shown.line_with("● running").startswith("◆ ● running"), "the mark stands on the bar"
        await shown.press("j")
        await shown.press("g", "space")
        assert not table(shown).marks
        await shown.press("space", "escape")
        assert not table(shown).marks
        assert "◆" not in shown.text


async def test_enter_asks_for_the_highlighted_session(
    sessions_app: MakeApp, four: None, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[Path] = []
    app = sessions_app()

    async def open_session(path: Path) -> None:
        opened.append(path)

    monkeypatch.setattr(app, "open_session", open_session)
    async with on_screen(app) as shown:
        await all_read(shown)
        await shown.press("j", "enter")
        await shown.until(lambda: opened)
        assert opened == [spool / "01M8110FAILED.jsonl"]


async def test_escape_with_nothing_to_go_back_from_says_how_to_leave(
    sessions_app: MakeApp, four: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await all_read(shown)
        await shown.press("escape")
        await shown.until_text("q quits")


@pytest.mark.parametrize("key", ["q", "ctrl+q"])
async def test_q_quits(sessions_app: MakeApp, four: None, key: str) -> None:
    app = sessions_app()
    async with on_screen(app) as shown:
        await all_read(shown)
        await shown.press(key)
        await shown.until(lambda: not app.is_running)
    assert app.return_code == 0


async def test_r_reads_the_spool_again(sessions_app: MakeApp, four: None, spool: Path) -> None:
    app = sessions_app()
    async with on_screen(app) as shown:
        await all_read(shown)
        app.sessions_screen.feed.stop()
        table(shown).update([], ["01M8110FAILED"])
        await shown.until_text("3 sessions")
        (spool / "01M8100BROKEN.jsonl").unlink()
        a_passing(spool, "01M8130NEW", ago=1)
        await shown.press("r")
        await shown.until_text("4 sessions")
        names = {row.session_id for row in table(shown).sessions.visible}
        assert names == {"01M8110FAILED", "01M8120RUNS", "01M80Z0PASSED", "01M8130NEW"}


async def test_the_footer_shows_at_most_seven_keys_and_each_is_a_button(
    sessions_app: MakeApp, four: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await all_read(shown)
        footer = shown.lines[-1]
        assert footer.split() == [
            "enter",
            "open",
            "space",
            "mark",
            "/",
            "filter",
            "d",
            "diff",
            "s",
            "suspects",
            "?",
            "help",
            "ctrl+p",
            "palette",
        ]
        assert len(shown.app.screen.query_one(KeyFooter).render().plain.split("   ")) <= MOST_KEYS
        await shown.pilot.click(KeyFooter, offset=Offset(footer.index("filter"), 0))
        await shown.until(lambda: shown.app.focused is shown.app.screen.query_one(FilterBar).input)


async def test_the_footer_of_a_narrow_terminal_keeps_help_and_palette(
    sessions_app: MakeApp, four: None
) -> None:
    async with on_screen(sessions_app(), (44, 12)) as shown:
        await shown.until_text("4  ● 1  ✗ 2  ●")
        assert shown.lines[-1].endswith("? help   ctrl+p palette")


async def test_an_empty_spool_teaches(sessions_app: MakeApp, spool: Path) -> None:
    async with on_screen(sessions_app(), (100, 30)) as shown:
        await shown.until_text("Nothing recorded here yet")
        for line in EXAMPLE:
            assert line in shown.text
        assert str(spool.name) in shown.text
        assert "waiting ○" in shown.lines[0]
        assert "D load the demo" in shown.lines[-1]
        assert "filter" not in shown.lines[-1]


def test_the_lesson_of_an_empty_spool_is_code_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    exec("\n".join(EXAMPLE), names)
    run_agent = names["run_agent"]
    assert callable(run_agent)
    run_agent("please")
    assert len(list(tmp_path.glob(".promptetheus/spool/*.jsonl"))) == 1


async def test_the_lesson_makes_room_for_the_first_session(sessions_app: MakeApp, spool: Path) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("Nothing recorded here yet")
        assert shown.app.screen.query_one(EmptyState).has_focus
        a_running(spool, "first")
        await shown.until_text("● running")
        assert "Nothing recorded" not in shown.text
        assert table(shown).has_focus


async def test_a_key_shows_the_demo(
    sessions_app: MakeApp, spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    def record_demo(
        spool_dir: Path, *, fast: bool, say: Callable[[str], object], closed: threading.Event
    ) -> list[str]:
        a_failing(spool_dir, "demo-run", goal="the demo's goal")
        return ["demo-run"]

    monkeypatch.setattr("promptetheus.demo.record.record_demo", record_demo)
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("load the demo")
        await shown.press("D")
        await shown.until_text("the demo's goal")
        assert ".promptetheus/demo/spool" in shown.lines[0]
    assert not spool.exists()


async def test_files_that_are_no_sessions_are_counted(sessions_app: MakeApp, four: None, spool: Path) -> None:
    (spool / "notes.jsonl").write_text("this is not an event\n")
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("1 file skipped")


async def test_lines_that_were_skipped_are_told_in_the_preview(sessions_app: MakeApp, spool: Path) -> None:
    recording = Recording(spool, "torn").user("hello")
    with recording.path.open("ab") as file:
        file.write(b"garbage\n")
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("skipped 1 garbage")


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50), (40, 10), (300, 80)])
async def test_the_view_fits_any_terminal(sessions_app: MakeApp, four: None, size: tuple[int, int]) -> None:
    async with on_screen(sessions_app(), size) as shown:
        await shown.until(lambda: table(shown).row_count() == 4)
        await shown.until(lambda: shown.text.count("✗ failed goal") == 1)
        assert all(len(line) <= size[0] for line in shown.lines)
        assert shown.lines[-1].strip()


async def test_resizing_keeps_the_session_and_fits_the_columns(sessions_app: MakeApp, four: None) -> None:
    async with on_screen(sessions_app(), (200, 50)) as shown:
        await all_read(shown)
        await shown.press("j")
        for size in ((80, 24), (30, 8), (200, 50)):
            await shown.pilot.resize_terminal(*size)
            await shown.pilot.pause()
            assert highlighted(shown) == "01M8110FAILED"
        assert "tags" in shown.text
        await shown.pilot.resize_terminal(80, 24)
        await shown.until(lambda: "tags" not in shown.text)
        assert "goal" in shown.text and "err" in shown.text


async def test_a_spool_whose_files_are_no_sessions_says_so(sessions_app: MakeApp, spool: Path) -> None:
    spool.mkdir(exist_ok=True)
    (spool / "01M8NONSENSE.jsonl").write_text("nonsense\n")
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("No session can be shown")
        assert "1 file here is no session." in shown.text
        assert "01M8NONSENSE.jsonl: holds no events" in shown.text
        (spool / "01M8NONSENSE.jsonl").unlink()
        await shown.until_text("Nothing recorded here yet")


async def test_a_spool_that_cannot_be_read_says_why(sessions_app: MakeApp, spool: Path) -> None:
    spool.rmdir() if spool.exists() else None
    spool.write_text("a file where the directory should be")
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("The spool cannot be read: Not a directory.")


def test_what_a_short_list_leaves_blank_is_the_previews() -> None:
    assert preview_height(50, 15) == 30
    assert preview_height(50, 14) == preview_height(50, 11) == 30
    assert preview_height(50, 5000) == 15
    assert preview_height(24, 15) == 7
    assert preview_height(15, 3) == 0
    for screen in range(16, 100):
        heights = [preview_height(screen, sessions) for sessions in range(200)]
        assert heights == sorted(heights, reverse=True)
        assert min(heights) >= 7 and max(heights) <= max(7, screen - 15)


async def test_a_tall_preview_tells_more_and_cuts_less(sessions_app: MakeApp, four: None) -> None:
    async with on_screen(sessions_app(), (100, 50)) as shown:
        await all_read(shown)
        await shown.press("j")
        await shown.until_text("models  ")
        assert "tools   " in shown.text
        preview = shown.app.screen.query_one(PreviewPane)
        assert preview.size.height > 25


async def test_a_short_terminal_has_a_short_preview(sessions_app: MakeApp, four: None) -> None:
    heights = []
    for height in (24, 35, 50):
        async with on_screen(sessions_app(), (100, height)) as shown:
            await all_read(shown)
            heights.append(shown.app.screen.query_one(PreviewPane).size.height)
    assert heights == sorted(set(heights))
