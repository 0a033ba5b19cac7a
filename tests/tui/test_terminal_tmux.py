"""The program in a real terminal: started, used, watched while an agent runs and dies, resized, quit, killed."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.tui.recorded import a_broken, a_failing, a_passing
from tests.tui.tmux import PROMPT, Tmux, needs_tmux, shell_in_tmux, tui_command

pytestmark = [pytest.mark.terminal, needs_tmux]

AGENT = """
import sys
import promptetheus as pt

session = pt.Session(agent="slow-agent", user_goal="Walk to the coast", spool_dir=sys.argv[1])
with session:
    print(session.session_id, flush=True)
    for line in sys.stdin:
        command, _, text = line.strip().partition(" ")
        if command == "say":
            session.agent_message(text)
        elif command == "call":
            with_id = session.tool_call(text, {"step": text})
            session.tool_result(result="done", call_id=with_id["payload"]["call_id"])
        elif command == "end":
            session.goal_check(True)
            break
        print(command, flush=True)
"""
"""Records an event for each line it is told, and answers when the call has returned."""


CRASHING = """
import sys
from promptetheus.cli import main
from promptetheus.tui.sessions.sessions_screen import SessionsScreen


def broken(self):
    raise ValueError("a mistake of ours")


SessionsScreen.compose = broken
sys.exit(main(["tui", "--spool", sys.argv[1]]))
"""
"""Fails where nothing could be shown instead."""


class Agent:
    """An agent process that does what it is told."""

    def __init__(self, spool: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", AGENT, str(spool)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.session_id = self._answer()

    def does(self, command: str) -> None:
        """Let it record an event and wait until the call has returned."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{command}\n")
        self.process.stdin.flush()
        self._answer()

    def _answer(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()


@pytest.fixture
def agent(spool: Path) -> Iterator[Agent]:
    """An agent that has just begun."""
    running = Agent(spool)
    yield running
    running.process.kill()
    running.process.communicate()


@pytest.fixture
def recorded(spool: Path) -> Path:
    """Three sessions that ended long ago."""
    a_broken(spool, "01M80Y0BROKEN", ago=120, agent="coder", goal="fix the parser")
    a_passing(spool, "01M80Z0PASSED", ago=60)
    a_failing(spool, "01M8110FAILED", ago=10)
    return spool


def start(terminal: Tmux, *words: str) -> None:
    terminal.type(tui_command(*words))
    terminal.keys("Enter")


def test_it_starts_is_used_and_leaves_the_terminal_as_it_was(recorded: Path, tmp_path: Path) -> None:
    with shell_in_tmux(tmp_path) as terminal:
        terminal.type("stty -g > before; echo written on the shell")
        terminal.keys("Enter")
        terminal.until_text("written on the shell")
        start(terminal, "--spool", str(recorded))
        terminal.until_text("3 sessions")
        terminal.until_text("Failed its goal")
        terminal.keys("j")
        terminal.until_text("Met its goal")
        terminal.keys("k", "Enter")
        terminal.until_text("search_calendar")
        terminal.until(lambda screen: "3 sessions" not in screen, "the list makes room for the session")
        terminal.keys("Escape")
        terminal.until_text("3 sessions")
        terminal.keys("/")
        terminal.type("agent:coder")
        terminal.until_text("1 of 3")
        terminal.keys("Enter", "Escape")
        terminal.until_gone("1 of 3")
        terminal.keys("q")
        terminal.until_text("written on the shell")
        terminal.type("stty -g > after; echo left $?")
        terminal.keys("Enter")
        terminal.until_text("left 0")
        assert terminal.run("display", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag}").split() == [
            "0",
            "1",
            "0",
        ]
    assert (tmp_path / "before").read_text() == (tmp_path / "after").read_text()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT])
def test_killed_it_leaves_the_terminal_as_it_was(recorded: Path, tmp_path: Path, number: int) -> None:
    with shell_in_tmux(tmp_path) as terminal:
        terminal.type(f"stty -g > before; {tui_command('--spool', str(recorded))} & echo $! > pid; fg")
        terminal.keys("Enter")
        terminal.until_text("3 sessions")
        os.kill(int((tmp_path / "pid").read_text()), number)
        terminal.until_text(PROMPT)
        terminal.until_gone("3 sessions")
        terminal.type("stty -g > after; echo left $((6 * 7))")
        terminal.keys("Enter")
        terminal.until_text("left 42")
        assert terminal.run("display", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag}").split() == [
            "0",
            "1",
            "0",
        ]
    assert (tmp_path / "before").read_text() == (tmp_path / "after").read_text()


def test_after_a_crash_of_its_own_the_terminal_is_as_it_was(recorded: Path, tmp_path: Path) -> None:
    script = tmp_path / "crashes.py"
    script.write_text(CRASHING)
    with shell_in_tmux(tmp_path, (200, 50)) as terminal:
        terminal.type(f"stty -g > before; {shlex.join([sys.executable, str(script), str(recorded)])}")
        terminal.keys("Enter")
        terminal.until_text("ValueError: a mistake of ours")
        terminal.until_text(PROMPT)
        terminal.type("echo left $?; stty -g > after; echo and $((6 * 7))")
        terminal.keys("Enter")
        assert "left 1" in terminal.until_text("and 42")
        assert terminal.run("display", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag}").split() == [
            "0",
            "1",
            "0",
        ]
    assert (tmp_path / "before").read_text() == (tmp_path / "after").read_text()


def test_every_event_of_a_running_agent_appears(recorded: Path, tmp_path: Path, agent: Agent) -> None:
    with shell_in_tmux(tmp_path) as terminal:
        start(terminal, "--spool", str(recorded))
        terminal.until_text("4 sessions")
        terminal.until_text("● running")
        for step in range(5):
            agent.does(f"say message number {step}")
            terminal.until_text(f"message number {step}")
        terminal.keys("g", "Enter")
        terminal.until_gone("4 sessions")
        for step in range(5, 8):
            agent.does(f"call walk_{step}")
            terminal.until_text(f"walk_{step}")
        agent.does("end")
        terminal.until_text("passed")
        terminal.keys("Escape")
        terminal.until_text("4 sessions")
        assert "● running" not in terminal.until_gone("1 running")


def test_a_killed_agent_shows_as_crashed_with_all_it_recorded(
    recorded: Path, tmp_path: Path, agent: Agent
) -> None:
    with shell_in_tmux(tmp_path) as terminal:
        start(terminal, "--spool", str(recorded))
        terminal.until_text("● running")
        for step in range(3):
            agent.does(f"say message number {step}")
        agent.process.kill()
        agent.process.wait()
        terminal.until_text("∅ crashed")
        screen = terminal.until_text("Crashed.")
        assert "message number 2" in screen
        terminal.keys("Enter")
        terminal.until_gone("4 sessions")
        for step in range(3):
            terminal.until_text(f"message number {step}")


def down_to_line(rows: int) -> Callable[[str], bool]:
    """Whether a screen is drawn down to that line."""
    return lambda screen: len(screen.rstrip("\n").split("\n")) == rows


@pytest.mark.parametrize("opened", [False, True])
def test_resizing_never_breaks_it(recorded: Path, tmp_path: Path, opened: bool) -> None:
    with shell_in_tmux(tmp_path) as terminal:
        start(terminal, "--spool", str(recorded), *(["01M8110FAILED"] if opened else []))
        terminal.until_text("search_calendar")
        for columns, rows in ((80, 24), (200, 50), (20, 6), (120, 40)):
            terminal.resize(columns, rows)
            terminal.until(down_to_line(rows), f"{columns}x{rows} drawn down to the keys in the last line")
        terminal.until_text("search_calendar")
        terminal.keys("q")
        terminal.until_gone("search_calendar")


def test_a_session_is_opened_by_the_beginning_of_its_id(recorded: Path, tmp_path: Path) -> None:
    with shell_in_tmux(tmp_path, (80, 24)) as terminal:
        start(terminal, "01M811", "--spool", str(recorded))
        terminal.until_text("selected Wednesday, not Tuesday")
        terminal.keys("Escape")
        terminal.until_text("3 sessions")
        terminal.keys("q")
        terminal.until_gone("3 sessions")


def test_without_colours_the_terminal_gets_none(recorded: Path, tmp_path: Path) -> None:
    with shell_in_tmux(tmp_path, (100, 24)) as terminal:
        terminal.type(f"NO_COLOR=1 {tui_command('--spool', str(recorded))}")
        terminal.keys("Enter")
        terminal.until_text("✗ failed goal")
        coloured = terminal.run("capture-pane", "-p", "-e")
        assert "\x1b[38;" not in coloured and "\x1b[48;" not in coloured
        assert not any(f"\x1b[{ground}{colour}m" in coloured for ground in "34" for colour in range(8))
        terminal.keys("q")
        terminal.until_gone("failed goal")


def test_its_errors_go_to_the_shell_and_not_into_the_picture(tmp_path: Path) -> None:
    with shell_in_tmux(tmp_path) as terminal:
        start(terminal, "no-such-session", "--spool", str(tmp_path / "spool"))
        terminal.until_text("Could not find a session")
        terminal.type("echo code $?")
        terminal.keys("Enter")
        terminal.until_text("code 1")


def test_letters_typed_at_once_after_the_slash_are_not_lost(recorded: Path, tmp_path: Path) -> None:
    with shell_in_tmux(tmp_path) as terminal:
        start(terminal, "--spool", str(recorded))
        terminal.until_text("3 sessions")
        terminal.type("/agent:coder")
        terminal.until_text("/ agent:coder ")
        terminal.until_text("1 of 3")
        terminal.keys("C-q")
        terminal.until_gone("1 of 3")


def test_ctrl_z_leaves_it_in_the_background_and_fg_brings_it_back(recorded: Path, tmp_path: Path) -> None:
    with shell_in_tmux(tmp_path) as terminal:
        terminal.type(tui_command(str(recorded)))
        terminal.keys("Enter")
        terminal.until_text("live ●")
        terminal.keys("C-z")
        terminal.until(lambda screen: PROMPT in screen and "live ●" not in screen, "the shell")
        terminal.type("echo $((6 * 7)); fg")
        terminal.keys("Enter")
        terminal.until_text("live ●")
        terminal.keys("4")
        terminal.until_text("first seen")
        terminal.keys("q")
        terminal.until(lambda screen: "42" in screen and PROMPT in screen, "the shell again")


def test_stopped_from_outside_it_goes_on_as_before(recorded: Path, tmp_path: Path) -> None:
    with shell_in_tmux(tmp_path) as terminal:
        terminal.type(f"stty -g > before; {tui_command('--spool', str(recorded))} & echo $! > pid; fg")
        terminal.keys("Enter")
        terminal.until_text("live ●")
        pid = int((tmp_path / "pid").read_text())
        tasks = Path(f"/proc/{pid}/task")
        threads = len(list(tasks.iterdir()))
        for _ in range(8):
            os.kill(pid, signal.SIGSTOP)
            terminal.until_text(PROMPT)  # Written over the picture: nothing could be cleared away first.
            terminal.type("fg")
            terminal.keys("C-j")  # Not enter: the shell leaves the terminal as raw as it is.
            terminal.until(lambda screen: PROMPT not in screen and "live ●" in screen, "the program again")
        terminal.keys("4")
        terminal.until_text("first seen")
        # Two threads for the keys would each have some of them.
        terminal.until(lambda _: len(list(tasks.iterdir())) <= threads + 4, "no thread twice")
        terminal.keys("1", "q")
        terminal.until(lambda screen: PROMPT in screen and "live ●" not in screen, "the shell")
        terminal.type("stty -g > after; echo left $((6 * 7))")
        terminal.keys("Enter")
        terminal.until_text("left 42")
    assert (tmp_path / "after").read_text() == (tmp_path / "before").read_text()


@pytest.mark.skipif(shutil.which("screen") is None, reason="GNU screen is not installed")
def test_in_gnu_screen_escape_arrives_at_once(recorded: Path, tmp_path: Path) -> None:
    with shell_in_tmux(tmp_path) as terminal:
        terminal.type(f"SCREENDIR={tmp_path / 'sockets'} screen -c /dev/null sh")
        terminal.keys("Enter")
        terminal.until(lambda screen: "screen -c" not in screen and PROMPT in screen, "a shell in screen")
        terminal.type(tui_command(str(recorded)))
        terminal.keys("Enter")
        terminal.until_text("live ●")
        terminal.keys("4")
        terminal.until_text("first seen")
        terminal.keys("Escape")
        terminal.until_text("live ●")
        terminal.keys("q")
        terminal.until_text(PROMPT)
        terminal.keys("C-d")  # screen's own process outlives the terminal, unless its shell ends
        terminal.until_text("screen is terminating")
