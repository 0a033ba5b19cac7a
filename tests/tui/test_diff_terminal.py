"""The Diff and the Failures view in a real terminal: opened from the command line, resized, left, quit."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.tui.compared import FAILED, PASSED, a_pair
from tests.tui.tmux import needs_tmux, shell_in_tmux, tui_command

pytestmark = [pytest.mark.terminal, needs_tmux]


def test_a_diff_opens_from_the_command_line_is_resized_and_leaves_the_terminal_as_it_was(
    spool: Path, tmp_path: Path
) -> None:
    a_pair(spool)
    with shell_in_tmux(tmp_path) as terminal:
        terminal.type("stty -g > before; echo written on the shell")
        terminal.keys("Enter")
        terminal.type(tui_command("--diff", PASSED, FAILED, "--spool", str(spool)))
        terminal.keys("Enter")
        terminal.until_text("first divergence")
        for size in ((80, 24), (40, 10), (200, 50), (120, 40)):
            terminal.resize(*size)
            terminal.until_text("choose_")
        terminal.keys("n")
        terminal.until_text("only on the right")
        terminal.keys("Enter")
        terminal.until_text("difference 2 of 3")
        terminal.keys("Escape")
        terminal.until_gone("difference 2 of 3")
        terminal.keys("Escape")
        terminal.until_text("2 sessions")
        terminal.keys("4")
        terminal.until_text("1 way of failing")
        terminal.keys("q")
        terminal.until_text("written on the shell")
        terminal.type("stty -g > after; echo left $?")
        terminal.keys("Enter")
        terminal.until_text("left 0")
    assert (tmp_path / "before").read_text() == (tmp_path / "after").read_text()
