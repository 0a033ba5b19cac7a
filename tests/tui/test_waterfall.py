"""The waterfall: bars where things took place, zoom around the cursor, a ruler that fits, and one cursor with all."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptetheus.cause.steps import Step, StepKind
from promptetheus.tui.session.shape import Shape
from promptetheus.tui.session.step_row import RowState
from promptetheus.tui.session.time_axis import TimeAxis
from promptetheus.tui.session.waterfall import MOST_ZOOM, Window, Zoom, layout, ruler, waterfall_row
from tests.tui.recorded import Recording, a_running
from tests.tui.session_recording import a_browser_run, on_session, some_looks, started
from tests.tui.session_steps import a_step, axis_of, steps_at

HOUR = 3_600_000.0
LOOKS = some_looks()


def row(step: Step, window: Window, width: int = 80, *, axis: TimeAxis | None = None, **state: object) -> str:
    chart = layout(width, window, axis or TimeAxis())
    at = step.offset_ms or 0.0
    ends = (at, at + (step.duration_ms or 0.0))
    return waterfall_row(step, "said", ends, chart, LOOKS, RowState(**state)).plain  # type: ignore[arg-type]


def chart_of(line: str) -> str:
    """The part of a row between its words and its duration."""
    return line[line.index("said") + 4 : -7]


@pytest.mark.parametrize("width", range(30, 200, 7))
def test_a_row_is_as_wide_as_it_is_told(width: int) -> None:
    from rich.cells import cell_len

    line = row(a_step(0, 100.0, 300.0), Window(0.0, 1_000.0), width)
    assert cell_len(line) <= max(width, 40)


def test_a_bar_is_as_long_as_its_share_of_the_time() -> None:
    line = chart_of(row(a_step(0, 0.0, 500.0), Window(0.0, 1_000.0), 120))
    cells = layout(120, Window(0.0, 1_000.0), TimeAxis()).cells
    assert abs(line.count("█") - cells / 2) <= 1


def test_what_took_no_time_is_a_stroke() -> None:
    assert any(mark in row(a_step(0, 500.0), Window(0.0, 1_000.0)) for mark in "▏▕")


def test_what_lies_outside_the_window_is_an_arrow_to_its_side() -> None:
    window = Window(1_000.0, 2_000.0)
    assert "‹" in row(a_step(0, 100.0, 10.0), window)
    assert "›" in row(a_step(0, 5_000.0, 10.0), window)


def test_a_failed_step_has_a_mark_and_not_only_a_colour() -> None:
    assert "✗" in row(a_step(0, 0.0, 5.0, ok=False), Window(0.0, 10.0))


def test_a_running_step_reaches_to_the_end_of_the_window() -> None:
    step = a_step(0, 500.0, is_open=True)
    line = row(step, Window(0.0, 1_000.0), 100, elapsed_ms=500.0)
    assert line[:-7].rstrip().endswith("█")
    assert "500ms" in line


def test_a_call_that_never_ended_says_so() -> None:
    assert "no end" in row(a_step(0, 0.0, is_open=True), Window(0.0, 10.0), never_ended=True)


def test_idle_time_that_was_cut_out_is_a_line_through_all_rows_and_named_in_the_ruler() -> None:
    axis = axis_of(steps_at(0.0, HOUR))
    window = Window(0.0, axis.length)
    assert "╎" in row(a_step(0, 0.0), window, axis=axis)
    assert "╎1h 0m" in ruler(layout(100, window, axis), axis, LOOKS).plain


@pytest.mark.parametrize("length", [0.001, 1.0, 950.0, 61_000.0, 7.3e6, 1e9, 1e15])
@pytest.mark.parametrize("width", [30, 80, 200])
def test_the_ruler_fits_whatever_the_time(length: float, width: int) -> None:
    chart = layout(width, Window(0.0, length), TimeAxis())
    line = ruler(chart, TimeAxis(), LOOKS)
    assert line.cell_len <= max(width, 40)
    assert "  " not in line.plain.strip() or "╷" in line.plain


def test_the_ruler_tells_round_times_behind_idle_time_too() -> None:
    axis = axis_of(steps_at(0.0, 17_123.0, HOUR + 4_321.0, *(HOUR + at * 1_000.0 for at in (20, 40, 60))))
    line = ruler(layout(162, Window(0.0, axis.length), axis), axis, LOOKS).plain
    labels = [label for label in line.split() if label.startswith("╷")]
    assert labels[0] == "╷0.00" and labels[-1] in ("╷1:00:50", "╷1:01:00")
    assert not any(label.startswith("╷4") for label in labels), "nothing was going on then"
    assert all(label.endswith("0") for label in labels)


def test_zoom_shows_half_the_time_and_keeps_the_step_in_it() -> None:
    zoom = Zoom()
    zoom.look_at((700.0, 710.0), 1_000.0)
    assert zoom.window == Window(0.0, 1_000.0)
    assert zoom.by(1)
    assert zoom.look_at((700.0, 710.0), 1_000.0)
    assert zoom.window is not None
    assert zoom.window.end - zoom.window.start == pytest.approx(500.0)
    assert zoom.window.start <= 700.0 and zoom.window.end >= 710.0


def test_the_window_stays_while_the_step_is_in_it() -> None:
    zoom = Zoom()
    zoom.by(2)
    zoom.look_at((500.0, 500.0), 1_000.0)
    before = zoom.window
    assert not zoom.look_at((520.0, 520.0), 1_000.0)
    assert zoom.window == before
    assert zoom.look_at((10.0, 10.0), 1_000.0)


def test_zoom_ends_at_both_ends() -> None:
    zoom = Zoom()
    assert not zoom.by(-1)
    assert zoom.by(MOST_ZOOM * 3) and zoom.level == MOST_ZOOM
    assert not zoom.by(1)


# On screen


async def test_v_leads_to_the_waterfall_with_ruler_and_cursor(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("g", "t", "t")
        await session.press("v", "v")
        assert session.timeline.shape is Shape.WATERFALL
        assert session.step == "tool choose_slot"
        assert "╷10.00" in session.lines[2]
        assert any(line.startswith("▌ tool") and "█" in line for line in session.lines)


async def test_z_zooms_the_waterfall_around_the_cursor_and_says_when_there_is_no_more(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.press("z")
        assert "Only the waterfall zooms" in session.text
        await session.press("v", "v", "Z")
        assert "All of the time is on screen" in session.text
        await session.press("c", "z", "z")
        assert "╷18.00" in session.lines[2] and "╷10.00" not in session.lines[2]
        assert any("‹" in line for line in session.lines[3:10])
        await session.press("g")
        assert "╷0.00" in session.lines[2], "the window follows the cursor"
        await session.press(*"z" * (MOST_ZOOM + 1))
        assert "No closer than this" in session.text
        await session.press(*"Z" * MOST_ZOOM)
        assert "╷10.00" in session.lines[2]


async def test_the_waterfall_without_times_says_why_there_is_none(spool: Path) -> None:
    run = Recording(spool, "01UNTIMED")
    data = run.path.read_bytes().replace(
        b'"metadata":{', b'"metadata":{"imported":{"source":"x","timed":false},', 1
    )
    run.path.write_bytes(data)
    run.user("hello").tool("a", {}, 1).end()
    async with on_session(run.path) as session:
        await session.press("v", "v")
        assert "this session has no times" in session.text
        assert session.timeline.shape.value == "raw"
        await session.press("v")
        assert session.timeline.shape.value == "steps"


async def test_a_running_session_grows_in_the_waterfall(spool: Path) -> None:
    run = a_running(spool, "01GROWS").tool("first", {}, 1)
    async with on_session(run.path, clock=lambda: started(run, 5.0)) as session:
        await session.press("v", "v")
        run.tool("second", {}, 2)
        await session.until_text("second")
        run.add("tool_call", {"tool_name": "third", "arguments": {}, "call_id": "open"})
        await session.until_text("third")
        await session.until(
            lambda: any("third" in line and "●" in line for line in session.lines), what="it runs"
        )


async def test_a_click_on_the_name_of_the_shape_shows_it(spool: Path) -> None:
    async with on_session(a_browser_run(spool).path) as session:
        await session.shown.pilot.click(offset=(session.lines[0].index("waterfall") + 1, 0))
        await session.until(lambda: session.timeline.shape is Shape.WATERFALL)
    async with on_session(a_browser_run(spool, "01NARROW").path, (80, 24)) as session:
        await session.shown.pilot.click(offset=(session.lines[0].rindex("steps") + 1, 0))
        await session.until(lambda: session.timeline.shape is Shape.TREE)


def test_every_sort_of_step_can_be_drawn() -> None:
    for kind in StepKind:
        assert row(a_step(0, 1.0, 2.0, kind), Window(0.0, 10.0))
