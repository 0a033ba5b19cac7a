"""A real terminal for tests: tmux on a socket of its own, keys, the screen as text."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PROMPT = "ready>"
"""What the shell says when it waits for a command."""

DEADLINE_S = 20.0
"""How long something that must happen may take on a busy machine."""

LOOK_S = 0.02
"""Pause between two looks at the screen."""

needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")


class Tmux:
    """One window of a tmux server that nobody else uses."""

    def __init__(self, socket: str) -> None:
        self._socket = socket

    def run(self, *words: str) -> str:
        """Run a tmux command and give what it prints."""
        done = subprocess.run(
            ["tmux", "-L", self._socket, *words],
            capture_output=True,
            text=True,
            timeout=DEADLINE_S,
            check=True,
        )
        return done.stdout

    def keys(self, *names: str) -> None:
        """Press keys, by tmux's names."""
        for name in names:
            self.run("send-keys", name)

    def type(self, text: str) -> None:
        """Type text."""
        self.run("send-keys", "-l", text)

    def resize(self, columns: int, rows: int) -> None:
        """Give the window another size."""
        self.run("resize-window", "-x", str(columns), "-y", str(rows))

    @property
    def screen(self) -> str:
        """What a person sees."""
        return self.run("capture-pane", "-p")

    def until(self, happened: Callable[[str], object], what: str) -> str:
        """Look at the screen until `happened(screen)`, and give that screen."""
        end = time.monotonic() + DEADLINE_S
        while True:
            screen = self.screen
            if happened(screen):
                return screen
            if time.monotonic() > end:
                pytest.fail(f"did not happen: {what}\n{screen}")
            time.sleep(LOOK_S)

    def until_text(self, words: str) -> str:
        """Wait until `words` are on screen."""
        return self.until(lambda screen: words in screen, f"{words!r} on screen")

    def until_gone(self, words: str) -> str:
        """Wait until `words` are not on screen any more."""
        return self.until(lambda screen: words not in screen, f"{words!r} gone from the screen")


@contextmanager
def shell_in_tmux(directory: Path, size: tuple[int, int] = (120, 40)) -> Iterator[Tmux]:
    """A shell in a terminal of that size, in `directory`."""
    socket = f"promptetheus-test-{os.getpid()}-{time.monotonic_ns()}"
    unwanted = {"NO_COLOR", "TMUX", "COLUMNS", "LINES"}
    environment = {name: value for name, value in os.environ.items() if name not in unwanted}
    environment |= {
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "ENV": str(directory / "shellrc"),
        "LC_ALL": "C.UTF-8",
    }
    (directory / "shellrc").write_text(f"PS1='{PROMPT} '\n")
    words = ["tmux", "-L", socket, "-f", os.devnull, "new-session", "-d", "-c", str(directory)]
    words += ["-x", str(size[0]), "-y", str(size[1]), "sh"]
    subprocess.run(words, env=environment, check=True, timeout=DEADLINE_S)
    terminal = Tmux(socket)
    try:
        terminal.resize(*size)
        terminal.until_text(PROMPT)
        yield terminal
    finally:
        subprocess.run(["tmux", "-L", socket, "kill-server"], check=False, capture_output=True)


def tui_command(*words: str) -> str:
    """The shell command that starts the program under test."""
    return shlex.join([sys.executable, "-m", "promptetheus.cli", "tui", *words])
