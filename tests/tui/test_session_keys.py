"""The Session view: what every key and click does."""

from __future__ import annotations

from pathlib import Path

from textual.geometry import Offset

from promptetheus.cause.steps import StepKind
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.inspector.full_view import FullView
from promptetheus.tui.session.session_header import SessionHeader
from promptetheus.tui.session.session_screen import SessionScreen
from promptetheus.tui.session.shape import Shape
from promptetheus.tui.session.timeline import Timeline
from promptetheus.tui.sessions.session_table import SessionTable
from promptetheus.tui.sessions.sessions_screen import SessionsScreen
from tests.tui.conftest import on_screen
from tests.tui.recorded import NOW, a_failing, a_passing, a_running
from tests.tui.session_recording import OnSession, SessionRecording, a_browser_run, on_session


async def filter_by(session: OnSession, text: str) -> None:
    """Have a filter in its field, as if it had been pasted."""
    await session.press("slash")
    session.screen.query_one(FilterBar).input.value = text


# Opening


async def test_a_failed_session_opens_on_its_first_failed_step(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        assert session.step == "tool send_mail"
        assert "SMTPError: refused" in session.page


async def test_a_call_around_the_one_that_failed_is_not_where_a_session_opens(spool: Path) -> None:
    run = SessionRecording(spool, "01WRAP").call("run_agent").tool("search", {}, error="timed out")
    run.add("tool_result", {"call_id": "open-1", "result": None, "error": "timed out"}).end(
        "failed", "timed out"
    )
    async with on_session(run.path) as session:
        assert session.step == "tool search"


async def test_shapes_that_are_asked_for_faster_than_they_are_shown_are_all_gone_through(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        for _ in range(3):
            session.screen.action_next_shape()
        await session.shown.until(lambda: session.timeline.shape is Shape.RAW)
        await session.press("v")
        await session.shown.until(lambda: session.timeline.shape is Shape.STEPS)


async def test_a_passing_session_opens_at_its_top(spool: Path) -> None:
    async with on_session(a_passing(spool, "01PASS").path) as session:
        assert session.step == "start"
        assert "Book Tuesday at 2pm" in session.page


async def test_a_running_session_opens_at_its_end_and_follows(spool: Path) -> None:
    async with on_session(a_running(spool, "01RUNS").tool("a", {}, 1).path) as session:
        assert session.timeline.following
        assert session.step == "tool a"
        assert "following ●" in session.text


async def test_a_crashed_session_without_a_failed_step_opens_at_its_end(spool: Path) -> None:
    run = SessionRecording(spool, "01CRASH", pid=4_000_000).user("hello").call("slow")
    async with on_session(run.path) as session:
        assert session.step == "tool slow"
        assert "∅ crashed" in session.lines[0]
        assert any("∅ slow()" in line and "no end" in line for line in session.lines)
        assert "It never returned" in session.page


async def test_the_header_says_where_one_is_and_how_it_went(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        header = session.lines[0]
        assert header.startswith("  sessions › booking-agent › 01M8113B…SER  ✗ failed goal")
        assert "1 error" in header
        assert header.split()[-4:] == ["steps", "tree", "waterfall", "raw"]


# Jumps


async def test_l_goes_to_the_longest_step_and_then_to_the_next_longest(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        steps = session.screen.timeline.steps
        timed = [
            step
            for step in (steps[index] for index in range(steps.count))
            if step.duration_ms is not None and step.kind is not StepKind.SPAN
        ]
        wanted = [
            step.index for step in sorted(timed, key=lambda step: (-(step.duration_ms or 0), step.index))
        ]
        assert len(wanted) > 1
        found = []
        for _ in wanted:
            await session.press("L")
            step = session.screen.timeline.current_step
            found.append(None if step is None else step.index)
        assert found == wanted
        await session.press("L")
        await session.shown.until_text("No step took less.")


async def test_jump_keys_go_to_the_next_and_the_previous_of_a_sort(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        for keys, step in (
            ("ge", "tool send_mail"),
            ("e", "check"),
            ("GE", "check"),
            ("E", "tool send_mail"),
            ("gt", "tool search_calendar"),
            ("t", "tool choose_slot"),
            ("GT", "tool send_mail"),
            ("gm", "user"),
            ("m", "agent"),
            ("M", "user"),
            ("gc", "check"),
            ("GC", "check"),
            ("gs", "action click"),
            ("s", "shot"),
            ("GS", "shot"),
            ("S", "action click"),
        ):
            await session.shown.press(*keys)
            assert session.step == step, keys


async def test_a_jump_key_says_so_when_there_is_none_at_all(spool: Path) -> None:
    run = SessionRecording(spool, "01NONE").add("metric", {"name": "x", "value": 1}).end()
    async with on_session(run.path) as session:
        for key, word in (
            ("e", "error"),
            ("E", "error"),
            ("t", "tool call"),
            ("m", "message"),
            ("c", "check"),
            ("s", "screenshot"),
            ("S", "screenshot"),
            ("w", "odd step"),
        ):
            await session.shown.press(key)
            assert f"There is no {word} in this session." in session.text
            assert session.timeline.cursor == 0


async def test_a_jump_key_that_finds_none_names_the_one_that_does(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("G", "e")
        assert "No error after this step: E goes back to step" in session.text
        await session.press("g", "S")
        assert "No screenshot before this step: s goes on to step" in session.text


async def test_where_there_is_little_room_an_answer_is_shown_whole_and_the_hints_give_way(
    spool: Path,
) -> None:
    async with on_session(a_browser_run(spool).path, size=(80, 24)) as session:
        assert "p play" in session.text
        await session.press("G", "e")
        assert "No error after this step: E goes back to step " in session.text
        assert "p play" not in session.text


async def test_a_jump_key_on_the_only_one_says_that_it_is(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("c", "c")
        assert "This is the only check." in session.text


async def test_what_a_jump_key_said_is_gone_after_the_next_move(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("G", "c")
        assert "No check after" in session.text
        await session.press("k")
        assert "No check after" not in session.text


async def test_jump_keys_work_from_the_inspector_too(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("g", "enter", "c")
        assert session.step == "check"


# Shapes


async def test_v_goes_through_the_shapes_with_the_cursor_on_the_same_step(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("g", "t", "t")
        for shape in (Shape.TREE, Shape.WATERFALL, Shape.RAW, Shape.STEPS):
            await session.press("v")
            assert session.timeline.shape is shape
            assert session.step == "tool choose_slot"


async def test_the_tree_nests_spans_and_folds_them(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("v", "g", "t", "t", "k")
        assert session.step == "span choose-slot"
        assert "▾ choose-slot" in session.text and "└ ▾ clicking" in session.text
        await session.press("left")
        assert "▸ choose-slot  3 steps" in session.text
        assert "▾ clicking" not in session.text
        await session.press("right")
        assert "└ ▾ clicking" in session.text
        await session.press("enter")
        assert "▸ choose-slot" in session.text
        assert session.timeline.has_focus, "enter on a span folds it and stays"


async def test_left_inside_a_span_goes_to_the_span(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("v", "g", "t", "t", "left")
        assert session.step == "span choose-slot"


async def test_a_jump_into_a_folded_span_unfolds_it(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("v", "g", "t", "t", "k", "left", "g", "s")
        assert session.step == "action click"


async def test_raw_shows_every_event_with_sequence_type_and_payload(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("v", "v", "v", "g")
        assert any(line.strip("▌ ").startswith("3  tool_call ") for line in session.lines)
        assert any("4  tool_result " in line and "call_id" in line for line in session.lines)
        assert "line 1 of 21" in session.text
        await session.press("j")
        assert "1 user_message" in session.page and "idempotency_key" in session.page


async def test_a_failed_call_stands_at_its_result_in_raw(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("v", "v", "v")
        assert session.timeline.current_event is not None
        assert session.screen.tail.log.type_of(session.timeline.current_event) == "tool_result"


async def test_a_filter_keeps_the_order_of_the_steps_also_where_times_go_back(spool: Path) -> None:
    run = SessionRecording(spool, "01SUBAGENTS").tool("Agent", {"n": 1}, "one")
    with run.span("agent one"):
        run.tool("Read", {"n": 1}, "x").llm().tool("Read", {"n": 2}, "x")
    run._clock -= 9.0  # the second began while the first was at work
    run.tool("Agent", {"n": 2}, "two")
    with run.span("agent two"):
        run.tool("Read", {"n": 3}, "x")
    async with on_session(run.end().path) as session:
        timeline = session.timeline
        in_order = [step for step in timeline.steps.steps if step.name == "Read"]
        offsets = [step.offset_ms or 0.0 for step in in_order]
        assert offsets != sorted(offsets)
        await session.press("slash", *"tool:Read", "enter")
        await session.until(lambda: timeline.row_count() == 3, what="filtered")
        assert [timeline.step_at(row) for row in range(3)] == in_order


async def test_a_click_on_a_shape_shows_it(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        x = session.lines[0].index(" tree ") + 2
        await session.shown.pilot.click(SessionHeader, offset=Offset(x - 1, 0))
        await session.settled()
        assert session.timeline.shape is Shape.TREE


async def test_a_click_on_a_key_that_the_line_below_names_does_what_the_key_does(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:

        async def click(words: str) -> None:
            y = next(y for y, line in enumerate(session.lines) if words in line)
            await session.shown.pilot.click(offset=(session.lines[y].index(words), y))
            await session.settled()

        before = session.timeline.cursor
        await click("← →")
        assert session.timeline.cursor == before - 1
        await click("→ step")
        assert session.timeline.cursor == before
        await session.press("g")
        await click("p play")
        assert session.screen.player.playback is not None
        await session.until_text("p stops")
        await click("p stops")
        assert session.screen.player.playback is None


# Inspector, raw event, full screen


async def test_enter_goes_into_the_inspector_and_escape_back_out_of_everything(spool: Path) -> None:
    app = PromptetheusApp(spool, clock=lambda: NOW)
    path = a_failing(spool, "01FAIL").path
    async with on_screen(app) as shown:
        await app.open_session(path)
        screen = app.screen
        assert isinstance(screen, SessionScreen)
        await shown.until(lambda: screen.loaded)
        await shown.press("enter")
        assert screen.inspector.has_focus
        await shown.press("escape")
        assert screen.timeline.has_focus
        await shown.press("escape")
        assert isinstance(app.screen, SessionsScreen)


async def test_a_click_on_the_crumb_leads_to_the_list(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.shown.pilot.click(SessionHeader, offset=Offset(3, 0))
        await session.until(lambda: isinstance(session.shown.app.screen, SessionsScreen))


async def test_a_click_on_the_agents_name_lists_its_sessions(spool: Path) -> None:
    a_passing(spool, "01M80OTHER", agent="booking-agent-2")
    async with on_session(a_browser_run(spool).path) as session:
        agent = session.lines[0].index("booking-agent")
        await session.shown.pilot.click(SessionHeader, offset=Offset(agent + 2, 0))
        await session.until(lambda: isinstance(session.shown.app.screen, SessionsScreen))
        await session.shown.until_text("1 of 2")
        assert "agent:=booking-agent" in session.text and "01M80OTHER" not in session.text
        assert isinstance(session.shown.app.focused, SessionTable), "the keys go to the list"


async def test_the_palette_lists_the_sessions_of_the_agent(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("ctrl+p")
        await session.shown.type("agent runs")
        await session.shown.until_text("Sessions of booking-agent")
        await session.press("enter")
        await session.until(lambda: isinstance(session.shown.app.screen, SessionsScreen))
        await session.shown.until_text("agent:=booking-agent")


async def test_r_shows_the_raw_events_of_the_step_and_back(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("g", "t", "r")
        assert "3 tool_call" in session.page and "4 tool_result" in session.page
        await session.press("j")
        assert "state_change" in session.page, "it stays raw on other steps"
        await session.press("r")
        assert "idempotency_key" not in session.page


async def test_r_in_the_raw_shape_says_why_it_does_nothing(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("v", "v", "v", "r")
        assert "raw shape shows events as they are already" in session.text


async def test_i_hides_the_inspector_and_shows_it_again(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("enter", "i")
        assert not session.inspector.display or session.inspector.size.width == 0
        assert session.timeline.has_focus
        assert session.timeline.size.width > 110
        await session.press("i")
        assert session.inspector.size.width > 30


async def test_enter_brings_a_hidden_inspector_back(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("i", "enter")
        assert session.inspector.has_focus
        assert session.inspector.size.width > 30


async def test_tab_moves_between_the_panes_in_the_order_they_are_seen(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("tab")
        assert session.inspector.has_focus
        await session.press("tab")
        assert session.timeline.has_focus


async def test_o_opens_the_step_with_the_screen_to_itself(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("o")
        app = session.shown.app
        assert isinstance(app.screen, FullView)
        await session.until_text("SMTPError: refused")
        assert "01M8113B…SER › step 10" in session.lines[0]
        await session.press("escape")
        assert session.screen.is_current


async def test_a_value_of_the_inspector_opens_in_full_and_closes_again(spool: Path) -> None:
    long = "\n".join(f"line {number} of the report" for number in range(500))
    run = SessionRecording(spool, "01LONG").tool("read", {"path": "x"}, long).end()
    async with on_session(run.path) as session:
        await session.press("t", "enter")
        await session.press(*"jjjjjj")
        await session.press("o")
        app = session.shown.app
        assert isinstance(app.screen, FullView)
        await session.until_text("line 30 of the report")
        await session.shown.press("G")
        await session.until_text("line 499 of the report")
        await session.shown.press("q")
        assert session.screen.is_current


# Copying


async def test_y_copies_the_step_as_markdown(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("g", "t", "Y")
        copied = session.shown.app.clipboard
        assert copied.startswith("**Step 3: tool**")
        assert '"day": "Tuesday"' in copied
        assert "Tuesday 3pm" in copied


async def test_y_in_the_inspector_copies_the_value_under_the_cursor(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("g", "t", "enter", *"jjjj", "Y")
        assert session.shown.app.clipboard == "Tuesday"
        await session.press("k", "Y")
        assert session.shown.app.clipboard == '{\n  "day": "Tuesday"\n}'


async def test_what_is_copied_is_harmless_and_lone_surrogates_do_not_raise(spool: Path) -> None:
    run = SessionRecording(spool, "01EVIL").agent("x").end()
    run.path.write_bytes(
        run.path.read_bytes().replace(b'"content":"x"', rb'"content":"\ud800\u001b]0;owned\u0007"')
    )
    async with on_session(run.path) as session:
        await session.press("g", "m", "Y")
        copied = session.shown.app.clipboard
        assert "owned" in copied
        assert "\x1b" not in copied and "\x07" not in copied and "\ud800" not in copied


async def test_an_empty_line_has_nothing_to_copy_and_says_so(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("g", "t", "enter", "j", "j", "Y")
        await session.until_text("nothing to copy")


# Filter


async def test_slash_filters_steps_while_typing_and_counts_the_matches(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("g", "slash")
        await session.shown.type("calendar")
        await session.until(lambda: session.timeline.row_count() == 1)
        assert "1 of 14" in session.text
        assert "hides step 0" in session.text
        await session.press("enter")
        assert session.timeline.has_focus
        assert session.step == "tool search_calendar"
        await session.press("escape")
        assert session.timeline.row_count() == 14


async def test_a_filter_keeps_the_highlighted_step_where_it_matches(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await filter_by(session, "type:tool")
        await session.until(
            lambda: session.timeline.matches is not None and session.timeline.row_count() == 3
        )
        await session.press("enter")
        assert session.step == "tool send_mail"


async def test_a_filter_holds_in_every_shape(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await filter_by(session, "search_calendar")
        await session.until(lambda: session.timeline.row_count() == 1)
        await session.press("enter", "v")
        assert session.timeline.row_count() == 1
        await session.press("v")
        assert session.timeline.row_count() == 1
        await session.press("v")
        assert session.timeline.row_count() == 2, "the call and its result"


async def test_a_filter_on_a_step_inside_spans_shows_the_spans_around_it_in_the_tree(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("v")
        await filter_by(session, "slot-wed")
        await session.until(lambda: session.timeline.row_count() == 3)
        assert "choose-slot" in session.text and "clicking" in session.text


async def test_a_term_that_means_nothing_among_steps_narrows_nothing_and_says_so(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        every = session.timeline.row_count()
        await filter_by(session, "agent:nobody")
        await session.press("enter")
        await session.until_text(
            "agent is about sessions and narrows nothing here. Of steps there are dur, error,"
        )
        assert session.timeline.row_count() == every
        await filter_by(session, "-type:tool")
        await session.until(lambda: 0 < session.timeline.row_count() < every)


async def test_a_filter_that_matches_nothing_says_so(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await filter_by(session, "zzz")
        await session.until_text("Nothing matches the filter.")
        await session.until_text("0 of 14")


async def test_jumps_stay_among_what_the_filter_shows(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await filter_by(session, "type:user")
        await session.until(lambda: session.timeline.row_count() == 1)
        await session.press("enter", "c")
        assert "There is no check that the filter shows." in session.text


# Following


async def test_follow_yields_and_resumes_with_its_key(spool: Path) -> None:
    run = a_running(spool, "01RUNS")
    for number in range(30):
        run.tool(f"tool{number}", {}, number)
    async with on_session(run.path, (120, 20)) as session:
        await session.press("F")
        assert not session.timeline.following
        run.tool("late", {}, 1)
        await session.until_text("▼ 1 new  G follows")
        await session.press("F")
        assert session.timeline.following
        assert session.step == "tool late"


async def test_follow_on_an_ended_session_says_why_not(spool: Path) -> None:
    async with on_session(a_passing(spool, "01PASS").path) as session:
        await session.press("F")
        assert "The session has ended: there is nothing to follow." in session.text


async def test_every_key_of_the_view_has_an_id_and_a_description(spool: Path) -> None:
    """Without them keys can be neither remapped nor explained."""
    async with on_session(a_passing(spool, "01PASS").path) as session:
        for cls in (SessionScreen, Timeline, FullView):
            for binding in cls.BINDINGS:
                assert binding.id and binding.description, binding  # type: ignore[union-attr]
        assert session.step
