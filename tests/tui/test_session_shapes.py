"""Which shape a session begins in, and what is said where it has none of that sort."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptetheus.encoding import encode_line
from promptetheus.queries.event_line import parse
from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.session.session_screen import SessionScreen
from promptetheus.tui.session.shape import Shape
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import NOW, a_failing
from tests.tui.session_recording import SessionRecording, a_browser_run

NO_TIMES = "this session has no times"


def without_times(path: Path) -> Path:
    """The same session, as an import that had no times."""
    first, *rest = path.read_bytes().splitlines(keepends=True)
    event = parse(first)
    assert isinstance(event, dict)
    event["metadata"]["imported"] = {"timed": False}
    path.write_bytes(encode_line(event) + b"".join(rest))
    return path


async def begun(shown: OnScreen, path: Path, shape: Shape) -> SessionScreen:
    """The Session view, opened as the program opens it: told its shape before anything is read."""
    assert isinstance(shown.app, PromptetheusApp)
    screen = SessionScreen(path, clock=lambda: NOW)
    await shown.app.open_screen(screen)
    screen.begin_as(shape, inspector=True)
    await shown.until(lambda: screen.loaded, what="the session is read")
    await shown.pilot.pause()
    return screen


@pytest.mark.parametrize("shape", list(Shape))
async def test_a_session_begins_in_the_shape_that_was_used_last(spool: Path, shape: Shape) -> None:
    async with on_screen(PromptetheusApp(spool, clock=lambda: NOW)) as shown:
        screen = await begun(shown, a_browser_run(spool).path, shape)
        await shown.until(lambda: screen.timeline.shape is shape, what="the shape")
        assert NO_TIMES not in shown.text


async def test_the_cursor_stands_where_one_wants_to_look_first_in_every_shape(spool: Path) -> None:
    path = a_failing(spool, "01FAIL").path
    async with on_screen(PromptetheusApp(spool, clock=lambda: NOW)) as shown:
        screen = await begun(shown, path, Shape.WATERFALL)
        await shown.until(lambda: screen.timeline.shape is Shape.WATERFALL, what="the waterfall")
        step = screen.timeline.current_step
        assert step is not None and step.kind.value == "check"


async def test_a_session_without_times_begins_in_steps_and_says_so_only_when_asked(spool: Path) -> None:
    path = without_times(a_failing(spool, "01FAIL").path)
    async with on_screen(PromptetheusApp(spool, clock=lambda: NOW)) as shown:
        screen = await begun(shown, path, Shape.WATERFALL)
        assert screen.timeline.shape is Shape.STEPS and NO_TIMES not in shown.text
        await shown.pilot.press("v")
        await shown.until(lambda: screen.timeline.shape is Shape.TREE, what="the tree")
        assert NO_TIMES not in shown.text
        await shown.pilot.press("v")
        await shown.until_text(NO_TIMES)
        assert shown.text.count(NO_TIMES) == 1


async def test_a_running_session_that_has_no_step_yet_becomes_a_waterfall_with_its_first(spool: Path) -> None:
    run = SessionRecording(spool, "01RUNS")
    lines = run.path.read_bytes()
    run.path.write_bytes(b"")
    async with on_screen(PromptetheusApp(spool, clock=lambda: NOW)) as shown:
        screen = SessionScreen(run.path, clock=lambda: NOW)
        assert isinstance(shown.app, PromptetheusApp)
        await shown.app.open_screen(screen)
        screen.begin_as(Shape.WATERFALL, inspector=True)
        await shown.until(lambda: screen.loaded, what="the empty file is read")
        run.path.write_bytes(lines)
        await shown.until(lambda: screen.timeline.shape is Shape.WATERFALL, what="the waterfall")


async def test_a_key_pressed_meanwhile_counts_for_more_than_what_is_remembered(spool: Path) -> None:
    async with on_screen(PromptetheusApp(spool, clock=lambda: NOW)) as shown:
        assert isinstance(shown.app, PromptetheusApp)
        screen = SessionScreen(a_browser_run(spool).path, clock=lambda: NOW)
        await shown.app.open_screen(screen)
        screen.begin_as(Shape.WATERFALL, inspector=True)
        screen.action_next_shape()
        await shown.until(lambda: screen.loaded, what="the session is read")
        await shown.until(lambda: screen.timeline.shape is Shape.TREE, what="the tree")
