"""Dragging selects text, and what is copied reaches the terminal's clipboard and the desktop's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual import events

from promptetheus.tui.app import PromptetheusApp
from promptetheus.tui.session.session_screen import SessionScreen
from promptetheus.tui.sessions.preview import PreviewPane
from promptetheus.tui.system_clipboard import MACOS, TERMUX, TMUX, WAYLAND, WINDOWS, X11, clipboard_programs
from promptetheus.tui.views import Place
from tests.tui.conftest import OnScreen, on_screen
from tests.tui.recorded import NOW, a_failing
from tests.tui.tmux import needs_tmux, shell_in_tmux, tui_command


async def drag(shown: OnScreen, start: tuple[int, int], *ways: tuple[int, int]) -> None:
    """Press the button, move, release it at the end."""
    await shown.pilot.mouse_down(offset=start)
    for way in ways:
        await shown.pilot._post_mouse_events([events.MouseMove], offset=way, button=1)
    await shown.pilot._post_mouse_events([events.MouseUp, events.Click], offset=ways[-1], button=1)
    await shown.pilot.pause()


async def open_session(shown: OnScreen) -> SessionScreen:
    screen = shown.app.screen
    assert isinstance(screen, SessionScreen)
    await shown.until(lambda: screen.loaded and screen.inspector.lines, what="the session is open")
    return screen


@pytest.fixture
def app(spool: Path) -> PromptetheusApp:
    a_failing(spool, "failing")
    path = next(iter(spool.glob("*.jsonl")))
    return PromptetheusApp(spool, clock=lambda: NOW, start=Place("session", path))


async def test_dragging_over_rows_selects_what_is_seen_and_moves_no_cursor(app: PromptetheusApp) -> None:
    async with on_screen(app) as shown:
        screen = await open_session(shown)
        cursor, rows = screen.timeline.cursor, [line[:40] for line in shown.lines]
        await drag(shown, (4, 3), (20, 4), (30, 5))
        selected = screen.get_selected_text()
        assert selected is not None
        first, second, third = selected.split("\n")
        assert rows[3][4:].startswith(first[:20]) and second[:20] == rows[4][:20].rstrip()
        assert third == rows[5][:31].rstrip()
        assert screen.timeline.cursor == cursor
        await shown.press("ctrl+c")
        assert shown.app.clipboard == selected


async def test_the_preview_below_the_list_of_sessions_is_selected_from_too(spool: Path) -> None:
    a_failing(spool, "failing")
    async with on_screen(PromptetheusApp(spool, clock=lambda: NOW)) as shown:
        pane = shown.app.screen.query_one(PreviewPane)
        await shown.until(
            lambda: any("Failed its goal" in line for line in shown.lines[pane.region.y :]), what="a preview"
        )
        row = pane.region.y + 1
        drawn = shown.lines[row]
        await drag(shown, (2, row), (10, row), (30, row))
        assert shown.app.screen.get_selected_text() == drawn[2:31].rstrip()
        await shown.press("ctrl+c")
        assert shown.app.clipboard == drawn[2:31].rstrip()


async def test_a_selection_is_the_same_whichever_way_it_is_dragged(app: PromptetheusApp) -> None:
    async with on_screen(app) as shown:
        screen = await open_session(shown)
        await drag(shown, (4, 3), (30, 5))
        forward = screen.get_selected_text()
        await drag(shown, (30, 5), (4, 3))
        assert forward and screen.get_selected_text() == forward


async def test_a_selection_stays_in_its_pane_and_a_click_gives_it_up(app: PromptetheusApp) -> None:
    async with on_screen(app) as shown:
        screen = await open_session(shown)
        region = screen.inspector.region
        await drag(shown, (region.x + 2, region.y), (2, region.y + 1))
        assert list(screen.selections) == [screen.inspector]
        await shown.pilot.click(screen.timeline, offset=(5, 1))
        assert not screen.selections
        assert screen.timeline.cursor == 1


async def test_ctrl_c_with_nothing_selected_quits_when_it_is_pressed_twice(app: PromptetheusApp) -> None:
    async with on_screen(app) as shown:
        await open_session(shown)
        await shown.press("ctrl+c")
        await shown.until_text("ctrl+c again quits")
        await shown.press("ctrl+c")
        await shown.until(lambda: not shown.app.is_running, what="it quits")


@pytest.mark.terminal
@needs_tmux
def test_in_tmux_what_is_dragged_over_reaches_its_paste_buffer(spool: Path, tmp_path: Path) -> None:
    a_failing(spool, "failing")
    with shell_in_tmux(tmp_path) as terminal:
        terminal.type(tui_command(str(spool)))
        terminal.keys("Enter")
        terminal.until_text("failed goal")
        terminal.keys("Enter")
        screen = terminal.until_text("p play").split("\n")
        row = next(number for number, line in enumerate(screen, 1) if "tool" in line)
        # As a terminal reports the left button: pressed, moved while it is down, released; cells count from 1.
        terminal.type(f"\x1b[<0;3;{row}M\x1b[<32;9;{row}M\x1b[<32;30;{row}M\x1b[<0;30;{row}m")
        terminal.until_text("ctrl+c copies")
        terminal.keys("C-c")
        terminal.until_text("Copied")
        copied = screen[row - 1][2:30].rstrip()
        terminal.until(lambda _screen: copied in terminal.run("show-buffer"), f"{copied!r} in tmux's buffer")


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [
        ({}, "linux", []),
        ({"TMUX": "socket,1,0"}, "linux", [TMUX]),
        ({"DISPLAY": ":0"}, "linux", [X11[0]]),
        ({"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, "linux", [WAYLAND]),
        ({"DISPLAY": ":0", "TMUX": "x"}, "linux", [TMUX, X11[0]]),
        ({"WSL_DISTRO_NAME": "Debian"}, "linux", [WINDOWS]),
        ({"TERMUX_VERSION": "0.118"}, "linux", [TERMUX]),
        ({}, "darwin", [MACOS]),
    ],
)
def test_the_clipboard_of_the_place_is_chosen(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    environ: dict[str, str],
    platform: str,
    expected: list[object],
) -> None:
    for program in (TMUX, MACOS, WAYLAND, *X11, WINDOWS, TERMUX):
        (tmp_path / program.command[0]).write_text("#!/bin/sh\n")
        (tmp_path / program.command[0]).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert clipboard_programs(environ, platform) == expected


def test_a_program_that_is_not_installed_is_not_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert clipboard_programs({"DISPLAY": ":0", "TMUX": "x"}, "linux") == []


@needs_tmux
def test_a_clipboard_program_that_fails_is_no_error() -> None:
    from promptetheus.tui.system_clipboard import fill, put

    assert not put(TMUX._replace(command=("tmux", "-L", f"none-{os.getpid()}", "load-buffer", "-")), "text")
    fill("text", {})
