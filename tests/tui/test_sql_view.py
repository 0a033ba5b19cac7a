"""The SQL view: asking, answers of any size, mistakes, cancelling, taking results along."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from textual import events

from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.inspector.full_view import FullView
from promptetheus.tui.session.session_screen import SessionScreen
from promptetheus.tui.sql.query_book import QueryBook
from promptetheus.tui.sql.result_titles import ResultTitles
from promptetheus.tui.sql.screen import SqlScreen
from promptetheus.tui.views import Place
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import Recording, a_failing, a_passing

MakeApp = Callable[..., PromptetheusApp]
HOSTILE = "a\x1b[31mred\x1b]52;c;ZXZpbA==\x07\u202e[bold]x[/nope]\x00"
MILLION = "select i as n, 'row ' || i as words from range(1000000) t(i)"


@pytest.fixture
def two(spool: Path) -> None:
    a_failing(spool, "01M8FAILED", ago=60)
    a_passing(spool, "01M8PASSED", ago=10)


async def view(shown: OnScreen) -> SqlScreen:
    await shown.until(lambda: isinstance(shown.app.screen, SqlScreen), what="the SQL view")
    screen = shown.app.screen
    assert isinstance(screen, SqlScreen)
    return screen


async def ask(shown: OnScreen, sql: str) -> SqlScreen:
    """Ask in the SQL view that is in front; back when the answer is there."""
    screen = await view(shown)
    screen.editor.put(sql)
    screen.editor.focus()
    await shown.press("enter")
    await shown.until(lambda: screen.subject == sql and not screen.editor.running, what="an answer")
    await shown.pilot.pause()
    return screen


async def answered(shown: OnScreen) -> SqlScreen:
    """Wait for the answer of a query that nobody typed."""
    screen = await view(shown)
    await shown.until(lambda: screen.result is not None and screen.grid.has_focus, what="an answer")
    await shown.pilot.pause()
    return screen


def at(sql: str) -> Place:
    return Place("sql", sql)


async def test_five_opens_it_with_a_query_that_works_and_a_lesson(sessions_app: MakeApp, two: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press("5")
        screen = await view(shown)
        assert "one row a session" in shown.text and "ctrl+o has" in shown.text
        await shown.press("enter")
        await shown.until_text("booking-agent")
        await shown.press("escape")
        assert screen.grid.has_focus


async def test_a_statement_from_the_command_line_is_answered_at_once(
    sessions_app: MakeApp, two: None
) -> None:
    app = sessions_app(start=at("select session_id, status from sessions order by session_id"))
    async with on_screen(app) as shown:
        await answered(shown)
        await shown.until_text("row 1 of 2 rows")
        assert "failed goal" in shown.line_with("01M8FAILED")


async def test_numbers_stand_at_the_right_and_null_is_told_from_text(
    sessions_app: MakeApp, two: None
) -> None:
    sql = "select * from (values (1, 'a', null), (12345, 'bb', 'x')) t(n, word, maybe)"
    async with on_screen(sessions_app(start=at(sql))) as shown:
        await answered(shown)
        await shown.until_text("12345  bb")
        first, second = shown.line_with("1  a "), shown.line_with("12345  bb")
        assert first.index("1  a") == second.index("5  bb"), "ends of numbers are under each other"
        assert "–" in first


async def test_a_million_rows_are_walked_from_end_to_end(sessions_app: MakeApp, two: None) -> None:
    async with on_screen(sessions_app(start=at(MILLION))) as shown:
        screen = await answered(shown)
        await shown.press("G")
        await shown.until(lambda: screen.grid.cursor == 999_999, what="the last row")
        await shown.until_text("row 999999")
        await shown.until_text("row 1,000,000 of 1,000,000 rows")
        await shown.press("g")
        await shown.until(lambda: "row 0\n" in shown.text, what="the first row again")
        await shown.press("pagedown", "pagedown")
        await shown.until(lambda: screen.grid.current_row is not None, what="rows in between")
        assert screen.grid.current_value == screen.grid.cursor


async def test_going_to_the_end_can_be_stopped(sessions_app: MakeApp, two: None) -> None:
    async with on_screen(sessions_app(start=at("from range(100000000) t(i)"))) as shown:
        screen = await answered(shown)
        await shown.press("G", "escape")
        await shown.until(lambda: screen.grid.going_to is None, what="it stops")
        assert isinstance(shown.app.screen, SqlScreen), "esc stopped it, and did not leave"


async def test_columns_scroll_and_say_how_many_there_are_besides(sessions_app: MakeApp, two: None) -> None:
    sql = "select " + ", ".join(f"'value {n}' as column_{n}" for n in range(30))
    async with on_screen(sessions_app(start=at(sql)), size=(80, 24)) as shown:
        screen = await answered(shown)
        titles = screen.query_one(ResultTitles)
        await shown.until(lambda: titles.render().plain.endswith("›"), what="more to the right")
        await shown.press("dollar_sign")
        await shown.until(lambda: titles.render().plain.startswith("‹"), what="more to the left")
        assert "column_29" in titles.render().plain and "column 30 of 30" in shown.text
        await shown.press("left", "h", "right", "l", "0")
        assert screen.grid.column == 0


async def test_space_shows_the_value_in_full_and_v_the_whole_row(sessions_app: MakeApp, two: None) -> None:
    sql = """select '{"a": {"b": [1, 2]}}'::json as found, repeat('word ', 500) as words"""
    async with on_screen(sessions_app(start=at(sql))) as shown:
        await answered(shown)
        await shown.press("space")
        await shown.until(lambda: isinstance(shown.app.screen, FullView), what="the value")
        await shown.until_text("b")
        await shown.press("escape")
        await view(shown)
        await shown.press("v")
        await shown.until_text("words")
        await shown.until(lambda: isinstance(shown.app.screen, FullView), what="the row")
        await shown.press("escape")
        await view(shown)


async def test_enter_opens_the_session_that_a_row_names(sessions_app: MakeApp, two: None) -> None:
    sql = "select goal, session_id, 3 as step from sessions where session_id = '01M8FAILED'"
    app = sessions_app()
    async with on_screen(app) as shown:
        await shown.until_text("2 sessions")
        await app.go("sql", sql)
        await answered(shown)
        await shown.press("enter")
        await shown.until(lambda: isinstance(app.screen, SessionScreen), what="the session")
        screen = app.screen
        assert isinstance(screen, SessionScreen)
        await shown.until(lambda: screen.loaded, what="the session is read")
        step = screen.timeline.current_step
        assert step is not None and step.index == 3
        await shown.press("escape")
        await view(shown)


async def test_a_mistake_is_marked_where_it_is_and_the_next_query_works(
    sessions_app: MakeApp, two: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press("5")
        screen = await ask(shown, "select agentt from sessions")
        await shown.until_text("^^^^^^")
        assert '"agentt" not found' in shown.text
        assert screen.editor.cursor_location == (0, len("select "))
        await ask(shown, "select count(*) as n from sessions")
        await shown.until_text("1 row")
        assert "^^^^^^" not in shown.text
        await ask(shown, "delete from sessions")
        await shown.until_text("Only queries run here")


async def test_a_query_that_takes_long_is_timed_and_can_be_cancelled(
    sessions_app: MakeApp, two: None
) -> None:
    slow = "select count(*) from range(100000000000) a, range(1000000) b"
    for key in ("escape", "ctrl+c"):
        async with on_screen(sessions_app()) as shown:
            await shown.until_text("live ●")
            await shown.press("5")
            screen = await view(shown)
            screen.editor.put(slow)
            await shown.press("enter")
            await shown.until_text("running")
            await shown.press(key)
            await shown.until_text("Cancelled after")
            assert shown.app.screen is screen


async def test_leaving_while_a_query_runs_ends_its_process(sessions_app: MakeApp, two: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press("5")
        screen = await view(shown)
        screen.editor.put("select count(*) from range(100000000000) a, range(1000000) b")
        await shown.press("enter")
        await shown.until_text("running")
        process = screen.database._process
        assert process is not None
        await shown.pilot.app.leave()  # type: ignore[attr-defined]
        await shown.until(lambda: process.poll() is not None, what="the process ended")


async def test_down_from_the_end_of_the_query_goes_to_the_result(sessions_app: MakeApp, two: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press("5")
        screen = await view(shown)
        screen.editor.put("select session_id\nfrom sessions")
        await shown.press("down")
        assert shown.app.focused is screen.editor, "there is no result yet"
        await shown.press("enter")
        await shown.until(lambda: screen.result is not None and bool(screen.result.known), what="an answer")
        await shown.press("up", "down")
        assert shown.app.focused is screen.editor
        await shown.press("end", "down")
        await shown.until(lambda: shown.app.focused is screen.grid)
        await shown.press("enter")
        await shown.until(lambda: isinstance(shown.app.screen, SessionScreen))


async def test_completion_offers_views_columns_macros_and_values(sessions_app: MakeApp, two: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press("5")
        screen = await view(shown)
        screen.editor.put("")
        await shown.type("select * from sess")
        await shown.press("tab")
        assert screen.sql == "select * from sessions"
        await shown.type(" where age")
        await shown.press("tab")
        await shown.type(" = 'book")
        await shown.until_text("booking-agent")
        await shown.press("tab", "enter")
        await shown.until_text("2 rows")
        assert screen.sql == "select * from sessions where agent = 'booking-agent'"
        screen.editor.put("")
        await shown.type("from to")
        await shown.press("tab")
        assert screen.sql == "from tool_calls"
        await shown.press("ctrl+j")
        await shown.type("where n")
        assert screen.editor.text == "from tool_calls\nwhere n"
        candidates = [each.text for each in screen.editor.completion.candidates]
        await shown.press("tab", "tab")
        assert screen.editor.text == f"from tool_calls\nwhere {candidates[1 % len(candidates)]}"
        await shown.press("shift+tab")
        assert screen.editor.text == f"from tool_calls\nwhere {candidates[0]}"


async def test_queries_are_remembered_kept_and_forgotten(
    sessions_app: MakeApp, two: None, spool: Path
) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press("5")
        await ask(shown, "select 41 + 1 as answer")
        await shown.until_text("1 row")
        await shown.press("ctrl+s")
        await shown.until_text("Keep this query as")
        await shown.type("the answer")
        await shown.press("enter")
        await shown.until_text("Kept as the answer")
        assert [query.name for query in QueryBook(spool).saved()] == ["the answer"]
        await ask(shown, "select 1 as one")
        await shown.press("ctrl+o")
        await shown.until_text("Which tools are slow, and which fail?")
        await shown.type("the answer")
        await shown.press("enter")
        await shown.until_text("42")
        await shown.press("ctrl+r")
        await shown.until_text("select 1 as one")
        await shown.press("escape")
        await shown.press("ctrl+o")
        await shown.until_text("Kept")
        await shown.press("ctrl+x")
        await shown.until(lambda: not QueryBook(spool).saved(), what="forgotten")
        await shown.press("escape")
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press("5")
        screen = await view(shown)
        assert screen.sql == "select 41 + 1 as answer", "the last query stands ready the next time"


async def test_the_views_and_their_columns_are_a_key_away(sessions_app: MakeApp, two: None) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press("5")
        screen = await view(shown)
        screen.editor.put("select ")
        await shown.press("ctrl+t")
        await shown.until_text("one row a session")
        await shown.type("goal_checks passed")
        await shown.press("enter")
        await shown.until(lambda: screen.sql == "select passed", what="the name in the query")


async def test_what_the_columns_mean_stands_in_a_column_and_whole_where_it_is_wide(
    sessions_app: MakeApp, two: None
) -> None:
    meaning = "from the first event to the last; NULL where an imported source had no times"
    for size, told in (((80, 24), "from the first event"), ((200, 50), meaning)):
        async with on_screen(sessions_app(), size) as shown:
            await shown.press("5")
            await view(shown)
            await shown.press("ctrl+t")
            await shown.until_text("idempotency_key")
            key = shown.line_with("  idempotency_key")
            await shown.type("sessions null")
            await shown.until_text(told)
            duration = shown.line_with("duration_ms")
            assert duration.index("from the first") == shown.line_with("cost_usd").index("as rec")
            assert key.index("unique for") - key.index("idempotency_key") < 20, "near to the name"


async def test_cells_rows_and_results_are_copied(sessions_app: MakeApp, two: None) -> None:
    sql = "select 1 as n, 'a,b' as words union all select 2, 'c'"
    async with on_screen(sessions_app(start=at(f"from ({sql}) order by n"))) as shown:
        await answered(shown)
        await shown.press("right", "Y")
        await shown.until(lambda: shown.app.clipboard == "a,b", what="the cell")
        for words, expected in (
            ("row json", '[\n  {\n    "n": 1,\n    "words": "a,b"\n  }\n]\n'),
            ("result csv", 'n,words\n1,"a,b"\n2,c\n'),
            ("command answers", "promptetheus sql "),
        ):
            await shown.press("y")
            await shown.until_text("The query")
            await shown.type(words)
            await shown.press("enter")
            await shown.until(lambda wanted=expected: shown.app.clipboard.startswith(wanted), what=words)  # type: ignore[misc]


@pytest.mark.parametrize("form", ["csv", "json", "parquet"])
async def test_a_result_is_written_to_a_file(
    sessions_app: MakeApp, two: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.chdir(tmp_path)
    async with on_screen(
        sessions_app(start=at("select i as n, 'x' || i as word from range(2500) t(i)"))
    ) as shown:
        await answered(shown)
        await shown.press("x")
        await shown.until_text("spreadsheet")
        await shown.type(form)
        await shown.press("enter")
        await shown.until_text("Wrote 2,500 rows")
    path = tmp_path / f"result.{form}"
    if form == "csv":
        with path.open() as file:
            assert list(csv.reader(file))[-1] == ["2499", "x2499"]
    elif form == "json":
        assert json.loads(path.read_text())[-1] == {"n": 2499, "word": "x2499"}
    else:
        assert path.read_bytes()[:4] == b"PAR1"


async def test_hostile_text_reaches_the_screen_as_harmless_text(sessions_app: MakeApp, spool: Path) -> None:
    Recording(spool, "01M8EVIL", goal=HOSTILE).user(HOSTILE).end()
    async with on_screen(sessions_app(start=at('select goal, goal as "[b]x\x1b[0m" from sessions'))) as shown:
        await answered(shown)
        raw = "".join(
            segment.text for strip in shown.app.screen._compositor.render_strips() for segment in strip
        )
        assert not {"\x1b", "\x07", "\x00", "\u202e"} & set(raw)
        assert "[bold]x[/nope]" in raw
        screen = await view(shown)
        screen.editor.put("")
        screen.editor.post_message(events.Paste(HOSTILE + "x" * 50_000))
        await shown.until(lambda: "red" in screen.editor.text, what="the paste")
        assert len(screen.editor.text) <= 25_000
        raw = "".join(
            segment.text for strip in shown.app.screen._compositor.render_strips() for segment in strip
        )
        assert not {"\x1b", "\x07", "\x00", "\u202e"} & set(raw)


async def test_a_spool_that_cannot_be_written_to_can_be_asked(
    sessions_app: MakeApp, two: None, spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "read only")

    monkeypatch.setattr(os, "replace", refuse)
    async with on_screen(sessions_app(start=at("select 7 as n"))) as shown:
        await shown.until_text("1 row")


async def test_every_key_of_the_view_is_in_the_help(sessions_app: MakeApp, two: None) -> None:
    from promptetheus.tui.keymap import help_sections

    async with on_screen(sessions_app(start=at("select 7 as n"))) as shown:
        await shown.until_text("1 row")
        shortcuts = [each for section in help_sections(shown.app.screen) for each in section.shortcuts]
        keys = {key for each in shortcuts for key in each.keys}
        wanted = "enter space v left right y x e r ctrl+o ctrl+t ctrl+r ctrl+s tab ctrl+j"
        assert set(wanted.split()) <= keys


async def test_slash_filters_a_million_rows_while_one_types_and_says_how_many(
    sessions_app: MakeApp, two: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    async with on_screen(sessions_app(start=at(MILLION))) as shown:
        screen = await answered(shown)
        await shown.press("right", "slash", *"99999 RoW")
        await shown.until_text("19 of 1,000,000 rows")
        assert shown.line_with("row 199999") and not screen.editor.has_focus
        await shown.press("enter")
        assert screen.grid.has_focus and screen.grid.column == 1
        await shown.press("G")
        await shown.until_text("row 19 of 19 of 1,000,000 rows")
        await shown.until(lambda: screen.grid.current_row == (999_999, "row 999999"), what="the last row")
        await shown.press("x")
        await shown.until_text("Write the rows that the filter shows")
        await shown.press("enter")
        await shown.until_text("Wrote 19 rows that the filter shows")
        assert len((tmp_path / "result.csv").read_text().splitlines()) == 20
        await shown.press("y")
        await shown.until_text("The rows that the filter shows as CSV")
        await shown.press("escape", "escape")
        await shown.until(lambda: not screen.is_narrowed, what="the whole result")
        await shown.until_text("1,000,000 rows")
        assert "of 1,000,000 rows" not in shown.line_with("1,000,000 rows").replace(
            "row 1 of 1,000,000 rows", ""
        )
        assert shown.app.screen is screen
        await shown.until(lambda: screen.grid.current_row == (0, "row 0"), what="its first row")


async def test_the_filter_knows_the_columns_of_the_result(sessions_app: MakeApp, two: None) -> None:
    query = "select agent, steps from sessions"
    async with on_screen(sessions_app(start=at(query))) as shown:
        screen = await answered(shown)
        rows = screen.result.known if screen.result is not None else 0
        assert rows == 2
        for typed, left in (("steps>1000", 0), ("steps<1000", 2), ("-agent:e", 0), ("-zebra", 2)):
            await shown.press("slash", *("ctrl+u" for _ in typed[:1]), *typed)
            await shown.until_text(f"{left} of 2 rows")
            await shown.press("enter")


async def test_another_query_takes_the_filter_away(sessions_app: MakeApp, two: None) -> None:
    async with on_screen(sessions_app(start=at("select agent from sessions"))) as shown:
        screen = await answered(shown)
        await shown.press("slash", *"nowhere:")
        await shown.until_text("0 of 2 rows")
        assert "is not a field" not in shown.text
        await shown.press("enter")
        await ask(shown, "select 41 + 1 as answer")
        await shown.until_text("42")
        assert screen.result is screen.whole and "nowhere" not in shown.text


async def test_ctrl_u_clears_the_whole_query_and_the_footer_says_how_to_leave_it(
    sessions_app: MakeApp, two: None
) -> None:
    async with on_screen(sessions_app()) as shown:
        await shown.until_text("live ●")
        await shown.press("5")
        screen = await view(shown)
        await shown.until_text("ctrl+u clear")
        assert "esc leave the query" in shown.text
        assert "\n" in screen.editor.text
        await shown.press("right", "ctrl+u", *"select 1 as one")
        assert screen.editor.text == "select 1 as one"
        await shown.press("enter")
        await shown.until(lambda: screen.result is not None, what="an answer")
        await shown.press("escape", "6")
        await shown.until(lambda: shown.app.screen is not screen, what="another view")
