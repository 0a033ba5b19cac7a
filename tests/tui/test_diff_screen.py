"""The Diff view: what it shows of two sessions, and what each of its keys does."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
from textual.widgets import Input

from promptetheus.cause.diff_report import Side
from promptetheus.display import short_id
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.diff.noise_menu import NoiseMenu
from promptetheus.tui.diff.reading import Sides
from promptetheus.tui.diff.screen import DiffScreen
from promptetheus.tui.diff.value_screen import DiffValueScreen
from promptetheus.tui.failures.suspects_screen import SuspectsScreen
from promptetheus.tui.footer import MOST_KEYS, KeyFooter, fitting
from promptetheus.tui.keymap import footer_shortcuts
from promptetheus.tui.menu import Menu
from promptetheus.tui.pictures.picture_screen import PictureScreen
from promptetheus.tui.session.session_screen import SessionScreen
from promptetheus.tui.sessions.sessions_screen import SessionsScreen
from promptetheus.tui.views import Place
from tests.tui.compared import FAILED, PASSED, MakeApp, a_long_run, a_pair, a_pair_with_pictures, diff_of
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import NOW, Recording, a_failing, a_passing


async def all_read(shown: OnScreen, count: int) -> None:
    await shown.until_text(f"{count} session")
    await shown.until_text("live ●")


async def test_it_opens_on_the_first_divergence_with_equal_steps_folded(spool: Path) -> None:
    async with diff_of(spool, *a_pair(spool)) as diff:
        assert "choose_slot" in diff.here and "≠" in diff.here
        assert "first divergence" in diff.text and "step 10, choose_slot, other result: " in diff.text
        assert "equal steps   enter unfolds" in diff.text
        assert "3 differences" in diff.shown.lines[0]


async def test_the_session_that_passed_is_the_baseline_whichever_was_marked_first(spool: Path) -> None:
    passed, failed = a_pair(spool)
    async with diff_of(spool, failed, passed) as diff:
        line = diff.shown.line_with("✗ failed goal")
        assert line.index("✓ passed") < line.index("✗ failed goal")


async def test_an_order_that_a_person_named_is_kept(spool: Path, sessions_app: MakeApp) -> None:
    passed, failed = a_pair(spool)
    async with on_screen(sessions_app()) as shown:
        await all_read(shown, 2)
        app = shown.app
        await app.go("diff", Sides(failed, passed))  # type: ignore[attr-defined]
        await shown.until_text("first divergence")
        line = shown.line_with("✗ failed goal")
        assert line.index("✗ failed goal") < line.index("✓ passed")


async def test_a_step_that_one_session_lacks_is_a_gap_on_its_side(spool: Path) -> None:
    async with diff_of(spool, *a_pair(spool)) as diff:
        line = diff.shown.line_with("warn(")
        left, right = line.split("│")
        assert "+" in left and "·" in left and "warn" not in left
        assert "warn" in right


async def test_the_pane_below_says_what_differs_in_the_highlighted_row(spool: Path) -> None:
    async with diff_of(spool, *a_pair(spool)) as diff:
        await diff.shown.until(lambda: '"Tuesday 2pm"' in diff.details and '"Wednesday 2pm"' in diff.details)
        assert "other result" in diff.details


async def test_x_writes_the_comparison_to_a_file_and_leaves_one_alone_that_is_there(
    spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    async with diff_of(spool, *a_pair_with_pictures(spool)) as diff:
        for words, extension in (("html", "html"), ("text", "txt"), ("json", "json"), ("svg", "svg")):
            await diff.press("x")
            await diff.shown.until(lambda: isinstance(diff.shown.app.screen, Menu), what="the formats")
            await diff.shown.type(words)
            await diff.press("enter")
            await diff.shown.until_text(f".{extension}")
            await diff.shown.until(
                partial(lambda pattern: list(elsewhere.glob(pattern)), f"*.{extension}"),
                what=f"a {extension} file",
            )
        await diff.press("x")
        await diff.shown.type("html")
        await diff.press("enter")
        await diff.shown.until_text("was there already")
    page, again = sorted(elsewhere.glob("diff-*.html"), key=lambda path: len(path.name))
    assert (page.name, again.name) == (f"diff-{PASSED}-{FAILED}.html", f"diff-{PASSED}-{FAILED}-2.html")
    assert "data:image/png;base64," in page.read_text() and "<script" not in page.read_text()
    (data,) = elsewhere.glob("*.json")
    assert json.loads(data.read_text())["candidate"] == FAILED
    (text,) = elsewhere.glob("*.txt")
    assert text.read_text().startswith("first divergence: step 2, click")


async def test_y_copies_the_value_of_either_side_the_path_and_what_shows_it_again(spool: Path) -> None:
    passed, failed = a_pair(spool)
    async with diff_of(spool, passed, failed) as diff:
        found = {copy.title: copy.text for copy in await diff.screen.copies()}
        assert found["The value on the left"] == "Tuesday 2pm"
        assert found["The value on the right"] == "Wednesday 2pm"
        assert found["Its JSON path"] == "result"
        assert f"promptetheus diff {PASSED} {FAILED}" in found["The command that compares them"]
        assert found["The SQL behind this"].startswith("select * from steps where session_id in (")


async def test_n_walks_the_differences_and_says_when_there_are_no_more(spool: Path) -> None:
    async with diff_of(spool, *a_pair(spool)) as diff:
        await diff.press("n")
        assert "warn(" in diff.here
        await diff.press("n")
        assert "agent" in diff.here and "≈" in diff.here
        await diff.press("n")
        await diff.shown.until_text("No difference after this step: N goes back")
        await diff.press("N", "N")
        assert "choose_slot" in diff.here
        await diff.press("N")
        await diff.shown.until_text("No difference before this step: n goes on")


async def test_words_that_differ_are_marked_without_colour_too(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with diff_of(spool, *a_pair(spool)) as diff:
        await diff.press("n", "n")
        y = next(y for y, line in enumerate(diff.shown.lines) if line.startswith("▌"))
        strip = diff.shown.app.screen._compositor.render_strips()[y]
        marked = [segment.text for segment in strip if segment.style is not None and segment.style.underline]
        assert "Tuesday" in marked and "Wednesday" in marked


async def test_enter_opens_the_values_side_by_side_and_n_goes_on_there(spool: Path) -> None:
    async with diff_of(spool, *a_pair(spool)) as diff:
        await diff.press("enter")
        await diff.shown.until(lambda: isinstance(diff.shown.app.screen, DiffValueScreen))
        await diff.shown.until_text("difference 1 of 3")
        await diff.shown.until_text('"Wednesday 2pm"')
        sides = diff.shown.line_with("✓ passed")
        assert short_id(PASSED) in sides.split("│")[0] and short_id(FAILED) in sides.split("│")[1]
        await diff.press("n")
        await diff.shown.until_text("difference 2 of 3")
        await diff.press("N", "N")
        await diff.shown.until_text("There is no difference before this one")
        await diff.press("escape")
        await diff.shown.until(lambda: isinstance(diff.shown.app.screen, DiffScreen))
        assert "choose_slot" in diff.here


async def test_enter_on_a_fold_unfolds_it_and_left_folds_it_again(spool: Path) -> None:
    async with diff_of(spool, *a_pair(spool)) as diff:
        await diff.press("g")
        assert "equal steps" in diff.here
        await diff.press("enter")
        await diff.shown.until_text("enter folds")
        assert diff.text.count("look_up(page=0)") == 2
        await diff.press("j", "j", "left")
        await diff.shown.until_text("enter unfolds")
        assert "equal steps" in diff.here
        await diff.press("right")
        await diff.shown.until_text("enter folds")


async def test_z_shows_all_equal_steps_and_folds_them_again(spool: Path) -> None:
    async with diff_of(spool, *a_pair(spool)) as diff:
        await diff.press("z")
        await diff.shown.until(lambda: "equal steps   enter" not in diff.text)
        assert "choose_slot" in diff.here
        await diff.press("z")
        await diff.shown.until_text("equal steps   enter unfolds")


async def test_i_turns_what_is_ignored_on_and_off_and_the_banner_follows(spool: Path) -> None:
    one = (
        Recording(spool, PASSED, ago=50)
        .user("go")
        .tool("get", {"id": "call_abcdefgh1"}, "x")
        .tool("a", {}, 1)
        .end()
    )
    other = (
        Recording(spool, FAILED, ago=40)
        .user("go")
        .tool("get", {"id": "call_ijklmnop2"}, "x")
        .tool("a", {}, 1)
        .end()
    )
    async with diff_of(spool, one.path, other.path) as diff:
        assert "0 differences" in diff.shown.lines[0]
        assert "none, the steps are the same" in diff.text
        await diff.press("i")
        await diff.shown.until(lambda: isinstance(diff.shown.app.screen, NoiseMenu))
        assert "✓ ids" in diff.text
        await diff.shown.type("ids")
        await diff.press("down", "enter")
        await diff.shown.until_text("· ids")
        await diff.press("escape")
        await diff.shown.until_text("1 difference ")
        assert "uuids, times" in diff.shown.line_with("ignored  ")
        assert "get(" in diff.shown.line_with("≠")


async def test_f_goes_to_the_first_divergence(spool: Path) -> None:
    async with diff_of(spool, *a_pair(spool)) as diff:
        await diff.press("g", "f")
        assert "choose_slot" in diff.here


@pytest.mark.parametrize(
    ("key", "words"), [("t", "warn("), ("m", "I have booked"), ("T", "look_up(page=6)"), ("M", "you ")]
)
async def test_jump_keys_go_to_a_step_of_their_sort_on_either_side(spool: Path, key: str, words: str) -> None:
    async with diff_of(spool, *a_pair(spool)) as diff:
        await diff.press(key)
        assert words in diff.here


@pytest.mark.parametrize("key", ["e", "E", "p", "P"])
async def test_a_jump_that_finds_nothing_says_so(spool: Path, key: str) -> None:
    async with diff_of(spool, *a_pair(spool)) as diff:
        await diff.press(key)
        await diff.shown.until_text("this step, on either side")


async def test_v_shows_the_numbers_as_a_table_of_deltas(spool: Path) -> None:
    async with diff_of(spool, *a_pair(spool)) as diff:
        await diff.press("v")
        await diff.shown.until_text("tool calls")
        assert "tool calls 8 9 +1" in " ".join(diff.shown.line_with("tool calls").split())
        await diff.press("v")
        await diff.shown.until(lambda: "tool calls" not in diff.text)


async def test_a_wide_screen_shows_difference_and_numbers_beside_each_other(spool: Path) -> None:
    async with diff_of(spool, *a_pair(spool), size=(200, 50)) as diff:
        await diff.shown.until_text("tool calls")
        await diff.shown.until_text("other result")


async def test_w_swaps_the_sides(spool: Path) -> None:
    async with diff_of(spool, *a_pair(spool)) as diff:
        await diff.press("w")
        await diff.shown.until(
            lambda: diff.screen.compared is not None and diff.screen.compared.report.left.session_id == FAILED
        )
        await diff.shown.until_text("✗ failed goal")
        assert isinstance(diff.screen.subject, Sides)


@pytest.mark.parametrize(("key", "session"), [("o", FAILED), ("O", PASSED)])
async def test_o_opens_a_session_at_this_step(spool: Path, key: str, session: str) -> None:
    async with diff_of(spool, *a_pair(spool)) as diff:
        await diff.press(key)
        await diff.shown.until(lambda: isinstance(diff.shown.app.screen, SessionScreen))
        screen = diff.shown.app.screen
        assert isinstance(screen, SessionScreen) and screen.path.stem == session
        await diff.shown.until(
            lambda: (
                screen.timeline.current_step is not None
                and screen.timeline.current_step.name == "choose_slot"
            )
        )


async def test_o_on_a_gap_says_which_key_opens_the_other_session(spool: Path) -> None:
    async with diff_of(spool, *a_pair(spool)) as diff:
        await diff.press("n", "O")
        await diff.shown.until_text("The left session has no such step: o opens the other one")


async def test_s_opens_the_suspects_of_the_failing_session(spool: Path) -> None:
    passed, failed = a_pair(spool)
    async with diff_of(spool, passed, failed) as diff:
        await diff.press("s")
        await diff.shown.until(lambda: isinstance(diff.shown.app.screen, SuspectsScreen))
        screen = diff.shown.app.screen
        assert isinstance(screen, SuspectsScreen) and screen.about == failed


async def test_a_filter_that_means_nothing_here_narrows_nothing_and_says_so(spool: Path) -> None:
    async with diff_of(spool, *a_pair(spool)) as diff:
        await diff.press("slash")
        await diff.shown.until(lambda: isinstance(diff.shown.app.focused, Input))
        await diff.shown.type("tool:nowhere")
        await diff.shown.until_text("0 of 12")
        await diff.press("ctrl+u")
        await diff.shown.type("bogus:x")
        await diff.shown.until_text("12 of 12")
        assert "bogus is not a field" in diff.shown.text


async def test_the_filter_narrows_the_rows_as_one_types(spool: Path) -> None:
    async with diff_of(spool, *a_pair(spool)) as diff:
        await diff.press("slash")
        await diff.shown.until(lambda: isinstance(diff.shown.app.focused, Input))
        await diff.shown.type("tool:look_up")
        await diff.shown.until_text("7 of 12")
        await diff.press("enter")
        await diff.shown.until(lambda: diff.shown.app.focused is diff.table)
        assert diff.table.row_count() == 7
        await diff.press("f")
        await diff.shown.until_text("The filter hides that step: esc clears it")
        await diff.press("n")
        await diff.shown.until_text("No difference")
        await diff.press("escape")
        await diff.shown.until_text("equal steps   enter unfolds")


async def test_y_copies_the_difference_the_banner_or_a_command(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copied: list[str] = []
    monkeypatch.setattr("promptetheus.tui.taking.copy_text", lambda _app, text: copied.append(text))
    async with diff_of(spool, *a_pair(spool)) as diff:
        for words in ("this difference", "where they part", "command that opens"):
            await diff.press("y")
            await diff.shown.until(lambda: isinstance(diff.shown.app.screen, Menu))
            await diff.shown.type(words)
            await diff.press("enter")
            await diff.shown.until(lambda: isinstance(diff.shown.app.screen, DiffScreen))
        await diff.shown.until(lambda: len(copied) == 3)
    assert '"Tuesday 2pm" → "Wednesday 2pm"' in copied[0]
    assert copied[1].startswith("first divergence: step 10")
    assert f"promptetheus tui --diff {PASSED} {FAILED}" in copied[2]


async def test_messages_are_read_without_their_markdown_as_in_the_session(spool: Path) -> None:
    paths = []
    for session_id, day in ((PASSED, "Tuesday"), (FAILED, "Wednesday")):
        run = Recording(spool, session_id, ago=60).user("Book it").tool("book", {"day": 1}, "ok")
        paths.append(run.agent(f"Booked: **{day} at 2pm**, `Pacific` time.").end().path)
    async with diff_of(spool, *paths) as diff:
        await diff.shown.until_text("Booked: Tuesday at 2pm, Pacific time.")
        await diff.shown.until_text("Booked: Wednesday at 2pm, Pacific time.")


async def test_v_says_so_where_the_numbers_are_shown_already(spool: Path) -> None:
    async with diff_of(spool, *a_pair(spool), size=(200, 50)) as diff:
        await diff.shown.until_text("failed checks")
        await diff.press("v")
        await diff.shown.until_text("The numbers of both stand at the right already.")


async def test_pictures_are_drawn_beside_each_other_with_their_difference_in_words(spool: Path) -> None:
    async with diff_of(spool, *a_pair_with_pictures(spool)) as diff:
        await diff.press("f", "enter")
        await diff.shown.until(lambda: isinstance(diff.shown.app.screen, DiffValueScreen))
        await diff.shown.until_text("picture  ")
        await diff.shown.until_text("Selected: Wednesday 2pm")
        assert "Selected: Tuesday 2pm" in diff.shown.line_with("│ Selected: Wednesday 2pm")
        await diff.shown.until_text("▀")
        drawn = diff.shown.line_with("▀").split("│")
        assert "▀" in drawn[0] and "▀" in drawn[1]
        await diff.press("o")
        await diff.shown.until(lambda: isinstance(diff.shown.app.screen, PictureScreen))


async def test_the_session_of_the_same_task_that_passed_is_chosen_and_the_banner_says_why(
    spool: Path, sessions_app: MakeApp
) -> None:
    a_pair(spool)
    async with on_screen(sessions_app()) as shown:
        await all_read(shown, 2)
        await shown.press("d")
        await shown.until_text("first divergence")
        assert "a passing session of the same agent and goal, the only one" in shown.line_with(
            "compared with"
        )


async def test_two_marked_sessions_are_compared(spool: Path, sessions_app: MakeApp) -> None:
    a_pair(spool)
    async with on_screen(sessions_app()) as shown:
        await all_read(shown, 2)
        await shown.press("space", "j", "space", "d")
        await shown.until_text("first divergence")
        assert "compared with" not in shown.text


async def test_without_a_passing_session_it_says_why_and_what_to_do(
    spool: Path, sessions_app: MakeApp
) -> None:
    a_failing(spool, FAILED)
    async with on_screen(sessions_app()) as shown:
        await all_read(shown, 1)
        await shown.press("d")
        await shown.until_text("No other session of this task has passed")
        await shown.press("escape")
        await shown.until(lambda: isinstance(shown.app.screen, SessionsScreen))


async def test_a_session_and_itself_are_no_pair(spool: Path, sessions_app: MakeApp) -> None:
    path = a_passing(spool, PASSED).path
    async with on_screen(sessions_app()) as shown:
        await all_read(shown, 1)
        assert not await shown.app.go("diff", (path, path))  # type: ignore[attr-defined]
        await shown.until_text("the same session twice")


async def test_sessions_with_nothing_in_common_are_not_comparable_and_it_says_why(spool: Path) -> None:
    paths = []
    for session_id, tools in ((PASSED, ("a", "b", "c")), (FAILED, ("x", "y", "z"))):
        run = Recording(spool, session_id, ago=50)
        for tool in tools:
            run.tool(tool, {}, 1)
        paths.append(run.end().path)
    async with diff_of(spool, *paths) as diff:
        assert "not comparable" in diff.text
        assert "no call or action in common" in diff.text
        assert not {"▶", "▷"} & set(diff.text) and "sessions part" not in diff.text, "there is no such place"


async def test_two_marked_sessions_of_other_tasks_are_not_said_to_part(spool: Path) -> None:
    booked = Recording(spool, PASSED, agent="calendar-agent", goal="Book Tuesday at 2pm", ago=50)
    booked.tool("create_event", {"day": "Tuesday"}, "booked").check(True)
    mended = Recording(spool, FAILED, agent="coding-agent", goal="Fix the test", ago=40)
    mended.tool("edit_file", {"path": "a.py"}, "edited").check(False, "the test fails")
    async with diff_of(spool, booked.end().path, mended.end().path) as diff:
        assert "another agent and another goal, and no step in common" in diff.text
        whose = diff.shown.line_with("compared with")
        assert "another agent's session: calendar-agent, Book Tuesday at 2pm" in whose
        assert not {"▶", "▷"} & set(diff.text) and "sure" not in diff.text
        await diff.press("f")
        await diff.shown.until_text("Not comparable: they part nowhere")


async def test_steps_that_are_not_lined_up_are_named_in_the_banner(spool: Path) -> None:
    paths = []
    for session_id in (PASSED, FAILED):
        run = Recording(spool, session_id, ago=50).tool("look", {}, 1)
        run.add("metric", {"name": "hours", "value": 19})
        paths.append(run.check(True).end().path)
    async with diff_of(spool, *paths) as diff:
        line = diff.shown.line_with("not lined up")
        assert "metrics and checks" in line and "v shows the numbers" in line
        await diff.shown.pilot.resize_terminal(160, 50)
        await diff.shown.until_text("their numbers stand below")
        assert "shows the numbers" not in diff.text, "a wide screen shows them already"


async def test_without_a_comparison_only_what_helps_is_offered(spool: Path) -> None:
    path = a_failing(spool, FAILED).path
    app = PromptetheusApp(spool, clock=lambda: NOW, start=Place("diff", (path,)))
    async with on_screen(app) as shown:
        await shown.until_text("mark any two with space and press d")
        helpful = {"back", "help", "palette", "quit"}

        def offered() -> set[str]:
            return {shortcut.action for shortcut in footer_shortcuts(app.screen)}

        await shown.until(
            lambda: {"back", "help", "palette"} <= offered() <= helpful, what="what helps alone"
        )
        await shown.press("escape")
        await shown.until(lambda: isinstance(shown.app.screen, SessionsScreen))


async def test_a_session_that_grows_under_the_view_is_compared_anew(spool: Path) -> None:
    passed, _ = a_pair(spool)
    running = Recording(spool, "01M8120RUNS", ago=20).user("Book Tuesday at 2pm").llm()
    async with diff_of(spool, passed, running.path) as diff:
        before = len(diff.table.report.rows) if diff.table.report is not None else 0
        assert before
        for number in range(3):
            running.tool("look_up", {"page": number}, f"page {number}")
        await diff.shown.until(
            lambda: (
                diff.screen.compared is not None
                and len(diff.screen.compared.report.run(Side.RIGHT).steps) == 5
            )
        )


async def test_a_session_that_is_deleted_under_the_view_stays_and_the_banner_says_so(spool: Path) -> None:
    passed, failed = a_pair(spool)
    async with diff_of(spool, passed, failed) as diff:
        failed.unlink()
        await diff.shown.until_text("The file of the right session is gone")
        assert "choose_slot" in diff.here


async def test_escape_goes_back_to_the_view_it_was_opened_from(spool: Path, sessions_app: MakeApp) -> None:
    a_pair(spool)
    async with on_screen(sessions_app()) as shown:
        await all_read(shown, 2)
        await shown.press("3")
        await shown.until_text("first divergence")
        await shown.press("tab")
        await shown.press("escape", "escape")
        await shown.until(lambda: isinstance(shown.app.screen, SessionsScreen))


@pytest.mark.parametrize(
    ("key", "why"),
    [("c", "Checks are not held against each other"), ("d", "mark two others"), ("J", "does nothing here")],
)
async def test_a_key_that_does_nothing_here_says_why(spool: Path, key: str, why: str) -> None:
    async with diff_of(spool, *a_pair(spool)) as diff:
        await diff.press(key)
        await diff.shown.until_text(why)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 50), (60, 14)])
async def test_it_fits_screens_of_all_sizes(spool: Path, size: tuple[int, int]) -> None:
    async with diff_of(spool, *a_pair(spool), size=size) as diff:
        assert "choose_" in diff.here
        assert "first divergence" in diff.text
        footer = diff.shown.app.screen.query_one(KeyFooter)
        assert len(fitting(footer_shortcuts(diff.shown.app.screen), footer.size.width)) <= MOST_KEYS
        assert "enter side by side" in diff.shown.lines[-1]


async def test_the_crumb_leads_back(spool: Path, sessions_app: MakeApp) -> None:
    a_pair(spool)
    async with on_screen(sessions_app()) as shown:
        await all_read(shown, 2)
        await shown.press("d")
        await shown.until_text("first divergence")
        await shown.pilot.click(offset=(4, 0))
        await shown.until(lambda: isinstance(shown.app.screen, SessionsScreen))


async def test_long_runs_of_the_same_task_are_compared_too(spool: Path) -> None:
    one = a_long_run(Recording(spool, PASSED, ago=5000), "Tuesday")
    assert one.path.exists()
    other = Recording(spool, FAILED, ago=4000).user("Book Tuesday at 2pm").llm()
    for number in range(300):
        other.tool("look_up", {"page": number}, f"page {number}")
    other.check(False, "never chose").end()
    async with diff_of(spool, one.path, other.path) as diff:
        await diff.press("G", "g", "n")
        assert diff.here


async def test_what_is_selected_is_the_step_of_the_right_session_or_of_the_one_that_has_it(
    spool: Path,
) -> None:
    async with diff_of(spool, *a_pair(spool)) as diff:
        assert diff.screen.selected == (FAILED, 10)
        await diff.press("w")
        await diff.shown.until(lambda: diff.screen.selected == (PASSED, 10))
        await diff.press("n")
        assert diff.screen.selected == (FAILED, 11)


async def test_the_banner_of_a_small_screen_names_both_values_before_how_sure_it_is(spool: Path) -> None:
    free = [f"Tuesday {hour}:00" for hour in range(9, 18)]
    left = Recording(spool, "01LEFT").tool("search_calendar", {"day": "Tuesday"}, free).check(True).end()
    right = Recording(spool, "01RIGHT")
    right.tool("search_calendar", {"day": "Tuesday"}, error="TimeoutError: no answer").check(False).end()
    async with diff_of(spool, left.path, right.path, size=(80, 24)) as diff:
        banner = " ".join(line.strip() for line in diff.shown.lines[1:3])
        assert '["Tuesday 9:00"' in banner and '→ "TimeoutError: no answer"' in banner


async def test_a_row_says_what_its_flags_and_its_mark_mean(spool: Path) -> None:
    async with diff_of(spool, *a_pair(spool)) as diff:
        assert "▶ ≠" in diff.here
        await diff.shown.until(lambda: "▶ here the two sessions part" in diff.details)
        assert "≠ other result" in diff.details
        report = diff.screen.compared.report if diff.screen.compared is not None else None
        assert report is not None and report.comparison.first is not None
        assert f"({report.comparison.first.how_sure}: {report.comparison.first.reason})" in diff.details
        await diff.press("enter")
        await diff.shown.until_text("▶ here the two sessions part")
