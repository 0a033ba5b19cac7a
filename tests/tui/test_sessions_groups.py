"""The list of sessions in groups, with strips of activity, and the ways from it to other views."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from promptetheus.display import count
from promptetheus.queries.rows import SessionRow
from promptetheus.queries.session_log import SessionLog
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.remembered import Layout
from promptetheus.tui.session.session_screen import SessionScreen
from promptetheus.tui.sessions.live_preview import LivePreview
from promptetheus.tui.sessions.session_groups import Grouping
from promptetheus.tui.sessions.session_table import SessionTable
from promptetheus.tui.sessions.sessions_screen import SessionsScreen
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import Recording, a_broken, a_failing, a_passing, a_running
from tests.tui.test_session_hostile import EVERYTHING, what_a_terminal_would_obey

MakeApp = Callable[..., PromptetheusApp]


@pytest.fixture
def five(spool: Path) -> None:
    """Newest first: running, passing, failing twice alike, broken."""
    a_broken(spool, "01M8BROKEN", ago=400, agent="coder", goal="fix the parser")
    a_failing(spool, "01M8FAILEDOLD", ago=300)
    a_failing(spool, "01M8FAILEDNEW", ago=200)
    a_passing(spool, "01M8PASSED", ago=100)
    a_running(spool, "01M8RUNNING", ago=10, agent="coder", goal="fix the lexer")


def table(shown: OnScreen) -> SessionTable:
    screen = shown.app.screen_stack[0]
    assert isinstance(screen, SessionsScreen)
    return screen.table


def listed(shown: OnScreen) -> list[str]:
    """The lines: ids of sessions, titles of groups in brackets."""
    return [
        line.session_id if isinstance(line, SessionRow) else f"[{line.title}]"
        for line in table(shown).sessions.lines
    ]


async def ready(shown: OnScreen) -> None:
    await shown.until_text("5 sessions")
    await shown.until_text("live ●")


async def test_where_groups_were_remembered_the_first_session_is_chosen_and_not_the_line_over_it(
    sessions_app: MakeApp, five: None
) -> None:
    async with on_screen(sessions_app(layout=Layout(grouping=Grouping.AGENT.value, is_kept=False))) as shown:
        await ready(shown)
        await shown.until(lambda: listed(shown)[0] == "[coder]")
        chosen = table(shown).highlighted
        assert chosen is not None and chosen.session_id == "01M8RUNNING"
        await shown.press("up")
        table(shown).update([SessionLog(chosen.path).row()])
        assert table(shown).highlighted is None, "where the person goes, the cursor stays"


async def test_v_groups_by_agent_goal_and_way_of_failing_and_back(sessions_app: MakeApp, five: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("v")
        assert listed(shown) == [
            "[coder]", "01M8RUNNING", "01M8BROKEN",
            "[booking-agent]", "01M8PASSED", "01M8FAILEDNEW", "01M8FAILEDOLD",
        ]  # fmt: skip
        assert "▾ coder   2 sessions · 1 running · 1 failing" in shown.text
        await shown.press("v")
        assert [line for line in listed(shown) if line.startswith("[")] == [
            "[fix the lexer]", "[Book Tuesday at 2pm]", "[fix the parser]",
        ]  # fmt: skip
        await shown.press("v")
        titles = [line for line in listed(shown) if line.startswith("[")]
        assert titles[0] == "[without a known way of failing]" and len(titles) == 3
        await shown.press("v")
        assert table(shown).sessions.grouping is Grouping.NONE
        assert len(listed(shown)) == 5


async def test_the_highlighted_session_stays_highlighted_when_groups_come_and_go(
    sessions_app: MakeApp, five: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("j", "j")
        for _ in range(4):
            row = table(shown).highlighted
            assert row is not None and row.session_id == "01M8FAILEDNEW"
            await shown.press("v")


async def test_groups_fold_with_enter_and_arrows(sessions_app: MakeApp, five: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("v", "g", "enter")
        assert listed(shown)[:2] == ["[coder]", "[booking-agent]"]
        assert "▸ coder" in shown.text
        await shown.press("right")
        assert listed(shown)[1] == "01M8RUNNING"
        await shown.press("j", "j", "left")
        assert listed(shown)[:2] == ["[coder]", "[booking-agent]"]
        assert table(shown).cursor == 0
        await shown.press("l", "j", "enter")
        await shown.until(lambda: isinstance(shown.app.screen, SessionScreen), what="a session opens")


async def test_without_groups_a_fold_says_how_to_get_some(sessions_app: MakeApp, five: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("left")
        await shown.until_text("There are no groups to fold: v makes some.")


async def test_a_session_that_arrives_joins_its_group(sessions_app: MakeApp, five: None, spool: Path) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("v")
        a_passing(spool, "01M8LATER", agent="coder", ago=5)
        await shown.until(lambda: "01M8LATER" in listed(shown), what="it is listed")
        assert listed(shown)[:3] == ["[coder]", "01M8LATER", "01M8RUNNING"]
        assert "coder   3 sessions" in shown.text


@pytest.mark.parametrize("size", [(60, 24), (80, 24), (120, 40)])
async def test_a_long_goal_gives_way_to_the_numbers_of_its_group(
    sessions_app: MakeApp, spool: Path, size: tuple[int, int]
) -> None:
    for number in range(5):
        a_failing(spool, f"01M8{number}FAILED", ago=60 + number, goal="Move my flight to Friday " * 7)
    async with on_screen(sessions_app(), size) as shown:
        await ready(shown)
        await shown.press("v", "v")
        line = next(line for line in shown.lines if "▾ Move my flight" in line)
        assert "…   5 sessions · 5 failing · " in line
        assert " tok" in line and not line.rstrip().endswith("…")


async def test_a_filter_and_an_order_hold_within_groups(sessions_app: MakeApp, five: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("v", "slash")
        await shown.type("status:failed")
        await shown.press("enter")
        assert listed(shown) == ["[booking-agent]", "01M8FAILEDNEW", "01M8FAILEDOLD", "[coder]", "01M8BROKEN"]
        await shown.press("escape", "O")
        assert listed(shown)[0] == "[coder]" and listed(shown)[1] == "01M8BROKEN"


async def test_names_of_groups_are_harmless(sessions_app: MakeApp, spool: Path) -> None:
    a_failing(spool, "01EVIL", EVERYTHING, agent=EVERYTHING, goal=EVERYTHING)
    a_passing(spool, "01GOOD", agent=EVERYTHING, goal=EVERYTHING, ago=90)
    async with on_screen(sessions_app(), (200, 50)) as shown:
        await shown.until_text("2 sessions")
        for _ in range(4):
            await shown.press("v", "g", "y")
            assert what_a_terminal_would_obey(shown.app) == set()
            await shown.press("enter", "j")
            await shown.pilot.pause()
            assert what_a_terminal_would_obey(shown.app) == set()
            assert all(character.isprintable() for character in shown.app.clipboard)


# Activity


async def test_a_wide_list_shows_how_busy_sessions_were(sessions_app: MakeApp, five: None) -> None:
    async with on_screen(sessions_app(), (200, 50)) as shown:
        await ready(shown)
        await shown.until(lambda: len(table(shown).activity) == 5, what="activity is read")
        await shown.pilot.pause()
        assert "activity" in shown.lines[2]
        column = shown.lines[2].index("activity")
        assert set(shown.line_with("✓ passed")[column : column + 8]) & set("▁▂▃▄▅▆▇")


async def test_the_strip_of_a_running_session_grows(sessions_app: MakeApp, five: None, spool: Path) -> None:
    async with on_screen(sessions_app(), (200, 50)) as shown:
        await ready(shown)
        await shown.until(lambda: len(table(shown).activity) == 5, what="activity is read")
        running = a_running(spool, "01M8MORE", ago=30)
        await shown.until(lambda: table(shown).activity.get("01M8MORE"), what="read")
        before = table(shown).activity["01M8MORE"]
        for number in range(20):
            running.tool("search", {"n": number}, number)
        await shown.press("j")
        await shown.until(lambda: table(shown).activity["01M8MORE"] != before, what="read again")


async def test_a_narrow_list_has_no_room_for_it(sessions_app: MakeApp, five: None) -> None:
    async with on_screen(sessions_app(), (120, 40)) as shown:
        await ready(shown)
        assert "activity" not in shown.lines[2]


# Other views, copying, the preview


def wants(shown: OnScreen, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, object]]:
    """What views the app is asked for."""
    asked: list[tuple[str, object]] = []

    async def go(view: str, subject: object = None) -> bool:
        asked.append((view, subject))
        return True

    monkeypatch.setattr(shown.app, "go", go)
    return asked


async def test_d_compares_the_highlighted_session_or_the_marked_ones(
    sessions_app: MakeApp, five: None, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        asked = wants(shown, monkeypatch)
        await shown.press("j", "j", "d")
        await shown.press("space", "d")
        await shown.press("k", "k", "space", "d")
        failed, passed = spool / "01M8FAILEDNEW.jsonl", spool / "01M8PASSED.jsonl"
        assert asked == [("diff", (failed,)), ("diff", (failed,)), ("diff", (failed, passed))]
        await shown.press("G", "space", "d")
        await shown.until_text("3 sessions are marked: a diff takes two")


async def test_s_asks_for_the_suspects(
    sessions_app: MakeApp, five: None, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        asked = wants(shown, monkeypatch)
        await shown.press("j", "j", "s")
        assert asked == [("suspects", spool / "01M8FAILEDNEW.jsonl")]


async def test_d_in_a_session_compares_that_session(
    sessions_app: MakeApp, five: None, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("j", "j", "enter")
        await shown.until(lambda: isinstance(shown.app.screen, SessionScreen), what="the session")
        asked = wants(shown, monkeypatch)
        await shown.press("d")
        await shown.until(lambda: asked, what="asked")
        assert asked == [("diff", (spool / "01M8FAILEDNEW.jsonl",))]


@pytest.mark.parametrize(
    ("words", "copied"),
    [
        ("session's id", "01M8FAILEDNEW"),
        ("opens it", "promptetheus tui 01M8FAILEDNEW --spool"),
        ("shows this list", "--filter status:failed"),
        ("SQL", "select * from sessions"),
        ("marked", "01M8FAILEDNEW"),
    ],
)
async def test_y_copies_from_the_list(sessions_app: MakeApp, five: None, words: str, copied: str) -> None:
    async with on_screen(sessions_app(filter_text="status:failed")) as shown:
        await ready(shown)
        await shown.press("space", "k")
        await shown.press("y")
        await shown.type(words)
        await shown.press("enter")
        await shown.until(lambda: copied in shown.app.clipboard, what=copied)


async def test_the_preview_says_where_a_failing_session_parts_from_one_that_passed(
    sessions_app: MakeApp, five: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("j", "j")
        await shown.until_text("First differs from the passing session 01M8PASSED at step 3:")
        assert '"Tuesday 3pm" → "Wednesday 2pm"' in shown.line_with("search_calendar, other result")
        preview = shown.app.screen.query_one(LivePreview)
        reads = preview._reader.read
        try:
            preview._reader.read = None  # type: ignore[assignment,method-assign]
            await shown.press("k", "j")
            await shown.until_text("First differs from the passing session")
        finally:
            preview._reader.read = reads  # type: ignore[method-assign]


async def test_long_values_that_differ_have_the_width_of_the_preview(
    sessions_app: MakeApp, spool: Path
) -> None:
    long = "in the week after the one in which the office is closed because of the holidays"
    for session_id, day, ago in (("01M8PASSED", "Tuesday", 90), ("01M8FAILED", "Friday", 60)):
        run = Recording(spool, session_id, ago=ago).user("Book Tuesday at 2pm")
        run.tool("choose_slot", {"n": 1}, f"{day} {long}")
        run.check(day == "Tuesday", *(() if day == "Tuesday" else ("the wrong day",))).end()
    async with on_screen(sessions_app(), (200, 50)) as shown:
        await shown.until_text("2 sessions")
        await shown.until_text("First differs")
        assert f'"Friday {long[:50]}' in shown.line_with("choose_slot, other result")
    async with on_screen(sessions_app(), (80, 24)) as shown:
        await shown.until_text("First differs")
        narrow = shown.line_with("choose_slot, other result")
        assert '"Tuesday in' in narrow and '"Friday in' in narrow, "both are in sight"


async def test_a_failing_session_without_one_that_passed_is_not_compared(
    sessions_app: MakeApp, five: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        await shown.press("G")
        await shown.until_text("TimeoutError: timed out")
        await shown.pilot.pause(0.6)
        assert "First differs" not in shown.text


async def test_messages_leave_the_preview_free(sessions_app: MakeApp, five: None) -> None:
    for size in ((120, 40), (80, 24), (200, 50)):
        async with on_screen(sessions_app(), size) as shown:
            await ready(shown)
            shown.app.notify("something has happened", title="news")
            await shown.until_text("something has happened")
            toast = next(place for place, line in enumerate(shown.lines) if "has happened" in line)
            preview = shown.app.screen.query_one("PreviewPane").region.y
            assert toast < preview


async def test_e_goes_from_one_failing_session_to_the_next(sessions_app: MakeApp, five: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await ready(shown)
        found = []
        for key in ("g", "e", "e", "e", "e", "E"):
            await shown.press(key)
            row = table(shown).highlighted
            found.append("" if row is None else row.session_id)
        assert found[1:] == ["01M8FAILEDNEW", "01M8FAILEDOLD", "01M8BROKEN", "01M8BROKEN", "01M8FAILEDOLD"]
        await shown.press("g", "E")
        await shown.until_text("No failing session above this one.")


async def test_a_group_and_a_filter_say_what_their_sessions_spent(sessions_app: MakeApp, five: None) -> None:
    async with on_screen(sessions_app(), size=(140, 40)) as shown:
        await ready(shown)
        tokens = sum(
            row.tokens or 0 for row in table(shown).sessions.by_id.values() if "booking" in row.agent
        )
        assert tokens
        await shown.press("v")
        line = next(line for line in shown.lines if "▾ booking" in line)
        assert f"{count(tokens)} tok" in line
        await shown.press("slash", *"agent:booking", "enter")
        await shown.until_text(f"3 of 5 · {count(tokens)} tok")
