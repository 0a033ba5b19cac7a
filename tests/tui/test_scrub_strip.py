"""The map of a session under its panes, playing it, and pausing what arrives."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.geometry import Offset

from promptetheus.tui.session import session_bar
from promptetheus.tui.session.player import BEAT_S
from promptetheus.tui.session.scrub_strip import ScrubStrip
from tests.tui.recorded import a_passing, a_running
from tests.tui.session_recording import OnSession, SessionRecording, a_browser_run, on_session


def strip_line(session: OnSession) -> str:
    return next(line for line in session.lines if line.strip().startswith("├"))


async def test_the_map_shows_pictures_errors_and_checks_in_their_order(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        marks = [mark for mark in strip_line(session) if mark in "s!✗≠"]
        assert marks == ["s", "s", "!", "≠", "✗"]


async def test_the_time_of_a_model_is_a_hill_on_the_map(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        assert "▅" in strip_line(session)


async def test_a_click_on_the_map_moves_every_pane(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        line = strip_line(session)
        await session.shown.pilot.click(ScrubStrip, offset=Offset(line.index("✗"), 0))
        await session.until(lambda: session.step == "check")
        await session.settled()
        assert "the goal was not met" in session.page
        await session.shown.pilot.click(ScrubStrip, offset=Offset(2, 0))
        await session.until(lambda: session.step in ("start", "user"))
        await session.shown.pilot.click(ScrubStrip, offset=Offset(len(line) - 2, 0))
        await session.until(lambda: session.step.startswith("end"))


async def test_dragging_along_the_map_goes_through_the_session(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        strip = session.screen.query_one(ScrubStrip)
        line = strip_line(session)
        pilot = session.shown.pilot
        await pilot.mouse_down(ScrubStrip, offset=Offset(2, 0))
        await session.until(lambda: session.timeline.cursor < 3)
        await pilot.hover(ScrubStrip, offset=Offset(line.index("✗"), 0))
        await session.until(lambda: session.step == "check", what="the drag arrives")
        await pilot.mouse_up(ScrubStrip, offset=Offset(line.index("✗"), 0))
        await pilot.hover(ScrubStrip, offset=Offset(2, 0))
        await pilot.pause()
        assert session.step == "check", "the button is up"
        assert strip.app.mouse_captured is None


async def test_the_wheel_over_the_map_steps(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("g")
        wheel = session.shown.pilot._post_mouse_events
        for kind, cursor in (
            (events.MouseScrollDown, 1),
            (events.MouseScrollDown, 2),
            (events.MouseScrollUp, 1),
        ):
            await wheel([kind], ScrubStrip, offset=Offset(9, 0), button=0)
            await session.until(lambda cursor=cursor: session.timeline.cursor == cursor, what="a step")  # type: ignore[misc]


async def test_arrows_step_and_say_so_in_the_bar(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("g", "right", "right")
        assert "step 2 of" in session.text
        await session.press("left", "left", "left")
        assert "start of" in session.text
        assert "← → step" in session.text


async def test_arrows_step_by_steps_in_the_raw_shape_too(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("v", "v", "v", "g", "t")
        before = session.timeline.current_step
        await session.press("right")
        after = session.timeline.current_step
        assert before is not None and after is not None and after.index == before.index + 1


async def test_start_and_end_are_no_steps_that_are_counted(spool: Path) -> None:
    async with on_session(a_passing(spool, "01PASS").path) as session:
        assert "5 steps" in session.lines[0]
        await session.press("G")
        assert "end of 5 steps" in session.text
        await session.press("k")
        assert "step 5 of 5" in session.text
        await session.press("g")
        assert "start of 5 steps" in session.text


async def test_a_session_of_no_steps_has_a_map(spool: Path) -> None:
    path = spool / "01EMPTY.jsonl"
    spool.mkdir(exist_ok=True)
    path.write_bytes(b"")
    async with on_session(path) as session:
        assert "├" in strip_line(session)
        await session.shown.pilot.click(ScrubStrip, offset=Offset(5, 0))
        await session.press("p", "left", "right")
        assert session.step == ""


@pytest.mark.parametrize("width", [2, 3, 10, 40])
async def test_a_map_of_any_width_is_drawn(spool: Path, width: int) -> None:
    async with on_session(a_browser_run(spool).path, (width, 10), wait=False) as session:
        await session.until(lambda: session.screen.loaded, what="read")


# Playing


async def play_until_it_stops(session: OnSession) -> None:
    """Let the playing go on without waiting for the time to pass."""
    player = session.screen.player
    for _ in range(500):
        if player.playback is None:
            break
        player._then -= 1.0
        player.beat()
        await session.shown.pilot.pause()
    assert player.playback is None


async def test_p_plays_to_the_first_thing_that_looks_wrong_and_on_from_there(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.until(lambda: session.timeline.oddities, what="oddities are read")
        await session.press("g", "p")
        assert "▶ ×1" in session.text
        await play_until_it_stops(session)
        assert session.step == "tool send_mail"
        assert "Stopped: step 10 failed" in session.text
        assert "step 10 of" in session.text, "where it stopped stays readable"
        await session.press("p")
        await play_until_it_stops(session)
        assert session.step == "agent"
        assert "Stopped: success claimed against" in session.text
        here = session.timeline.current_step
        assert here is not None and f"step {here.index} of" in session.text


async def test_a_passing_session_is_played_to_its_end_and_then_from_its_start(spool: Path) -> None:
    async with on_session(a_passing(spool, "01PASS").path) as session:
        await session.press("G", "p")
        assert session.step == "start"
        await play_until_it_stops(session)
        assert "Played to the end." in session.text
        assert session.step.startswith("end")
        await session.press("p")
        assert "Played to the end." not in session.text, "it plays again"


async def test_p_again_escape_and_space_stop_the_playing(spool: Path) -> None:
    async with on_session(a_passing(spool, "01PASS").path) as session:
        for key in ("p", "escape", "space"):
            await session.press("g", "p")
            assert session.screen.player.playback is not None
            await session.press(key)
            assert session.screen.player.playback is None
        assert session.screen.is_current


async def test_a_person_who_moves_takes_over(spool: Path) -> None:
    async with on_session(a_passing(spool, "01PASS").path) as session:
        await session.press("g", "p", "j", "j")
        assert session.screen.player.playback is None
        assert "You took over" in session.text


async def test_what_is_said_of_the_playing_goes_by_itself(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_bar, "SAID_FOR_S", 0.5)
    async with on_session(a_passing(spool, "01PASS").path) as session:
        await session.press("g", "p", "j")
        await session.until(lambda: "You took over" not in session.text, what="it is silent")
        assert session.screen.player.playback is None and "p play" in session.text


async def test_speed_is_changed_while_it_plays_and_kept_for_the_next_time(spool: Path) -> None:
    async with on_session(a_passing(spool, "01PASS").path) as session:
        await session.press("greater_than_sign")
        assert "Plays at ×2." in session.text
        await session.press("g", "p")
        assert "▶ ×2" in session.text
        await session.press("greater_than_sign")
        assert "▶ ×8" in session.text
        await session.press("greater_than_sign")
        assert "Plays at ×8 already." in session.text
        await session.press("less_than_sign", "less_than_sign", "less_than_sign")
        assert "Plays at ×1 already." in session.text


async def test_playing_goes_on_by_itself(spool: Path) -> None:
    run = SessionRecording(spool, "01QUICK")
    run._clock -= 0.99
    for number in range(3):
        run.user(f"message {number}")
        run._clock -= 0.99
    run.end()
    async with on_session(run.path) as session:
        await session.press("g", "p")
        await session.until(lambda: session.timeline.cursor > 0, what=f"a beat of {BEAT_S} s")


# Pausing


async def test_space_holds_back_what_arrives_and_shows_all_of_it_when_asked(spool: Path) -> None:
    run = a_running(spool, "01LIVE").tool("first", {}, 1)
    async with on_session(run.path) as session:
        await session.press("space")
        assert "‖ paused" in session.text and "space goes on" in session.text
        before = session.timeline.steps.count
        for number in range(25):
            run.tool(f"tool_{number}", {}, number)
        await session.until(lambda: session.screen.waiting_steps == 25, what="25 wait")
        assert session.timeline.steps.count == before
        await session.until_text("▼ 25 new")
        await session.press("space")
        await session.until(lambda: session.timeline.steps.count == before + 25)
        assert session.step == "tool tool_24", "it follows again"


async def test_a_session_that_ends_while_paused_has_ended_afterwards(spool: Path) -> None:
    run = a_running(spool, "01ENDS")
    async with on_session(run.path) as session:
        await session.press("space")
        run.agent("done").check(True).end()
        await session.until(lambda: session.screen.waiting_steps == 3)
        await session.press("space")
        await session.until_text("The session ended: ✓ passed")
        await session.press("space")
        assert "nothing arrives that could be paused" in session.text


async def test_a_file_that_is_replaced_while_paused_is_read_anew(spool: Path) -> None:
    run = a_running(spool, "01SWAP").tool("first", {}, 1).tool("second", {}, 2)
    async with on_session(run.path) as session:
        await session.press("space")
        run.path.write_bytes(b"".join(run.path.read_bytes().splitlines(keepends=True)[:2]))
        held = session.screen
        await session.until(lambda: held._held is not None and held._held.started_over, what="noticed")
        run.tool("third", {}, 3)
        await session.press("space")
        await session.until(lambda: session.timeline.steps.count == 3)


async def test_leaving_the_map_with_the_button_down_is_no_trouble(spool: Path) -> None:
    async with on_session(a_passing(spool, "01PASS").path) as session:
        await session.shown.pilot.mouse_down(ScrubStrip, offset=Offset(5, 0))
        await session.shown.pilot.mouse_up("#timeline", offset=Offset(1, 1))
        strip = session.screen.query_one(ScrubStrip)
        strip.post_message(events.Leave(strip))
        await session.shown.pilot.pause()
        assert session.shown.app.mouse_captured is None
