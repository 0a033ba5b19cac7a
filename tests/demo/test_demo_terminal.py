"""The demo in a real terminal: it records, opens on the runs with one more going on, and leaves nothing behind."""

from __future__ import annotations

import fcntl
import os
import pty
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from promptetheus.demo.record import PROGRAMME
from promptetheus.queries.catalog import Catalog, SessionRow, Status

DEADLINE_S = 30.0
COMMAND = [sys.executable, "-c", "import sys; from promptetheus.cli import main; sys.exit(main())"]


class Terminal:
    """`promptetheus demo` with a pseudo-terminal of 120 by 40 for its screen and keyboard."""

    def __init__(self, cwd: Path) -> None:
        self.cwd = cwd
        self.shown = b""
        self._fd, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        os.set_blocking(self._fd, False)
        self.process = subprocess.Popen(
            [*COMMAND, "demo", "--fast"],
            cwd=cwd,
            stdin=inner,
            stdout=inner,
            stderr=inner,
            env={**os.environ, "TERM": "xterm-256color"},
            start_new_session=True,
        )
        os.close(inner)

    def until(self, true: Callable[[], bool], what: str) -> None:
        """Reads the screen until it is so. The screen has to be read all the time, or the program blocks."""
        deadline = time.monotonic() + DEADLINE_S
        while not true():
            assert time.monotonic() < deadline, f"{what}: not within {DEADLINE_S} s; {self.shown[-2000:]!r}"
            self._read()
            time.sleep(0.02)

    def type(self, keys: bytes) -> None:
        os.write(self._fd, keys)

    def _read(self) -> None:
        try:
            self.shown += os.read(self._fd, 65536)
        except (BlockingIOError, OSError):  # nothing new, or the other side is gone
            pass

    def ended(self) -> bool:
        self._read()
        return self.process.poll() is not None

    def agents(self) -> list[int]:
        """Processes of the demo's agents that are alive, whoever is their parent by now."""
        found = []
        for entry in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                words = entry.read_bytes().decode("utf-8", "replace").split("\0")
            except OSError:
                continue
            if "promptetheus.demo.agent_process" in words and any(str(self.cwd) in word for word in words):
                found.append(int(entry.parent.name))
        return found

    def rows(self) -> list[SessionRow]:
        catalog = Catalog(self.cwd / ".promptetheus/demo/spool")
        catalog.refresh()
        return catalog.rows()

    def live(self) -> SessionRow | None:
        """The run that goes on while the terminal is open."""
        rows = self.rows()
        return rows[0] if len(rows) == len(PROGRAMME) + 1 else None

    def close(self) -> None:
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        os.close(self._fd)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    if not Path("/proc/self/cmdline").exists():
        pytest.skip("finds left-over processes through /proc")
    opened = Terminal(tmp_path)
    yield opened
    opened.close()


def opened_with_a_live_run(terminal: Terminal) -> None:
    terminal.until(lambda: b"\x1b[?1049h" in terminal.shown, "the terminal opens")
    terminal.until(lambda: b"browser-agent" in terminal.shown.split(b"\x1b[?1049h")[1], "the runs are shown")
    terminal.until(lambda: terminal.live() is not None, "the live run begins")


def test_one_more_run_grows_while_the_terminal_is_open_and_ends_with_it(terminal: Terminal) -> None:
    opened_with_a_live_run(terminal)
    live = terminal.live()
    assert live is not None and live.status is Status.RUNNING
    grown = live.events + 3
    terminal.until(lambda: (row := terminal.live()) is not None and row.events >= grown, "the live run grows")
    assert len(terminal.agents()) == 1
    terminal.type(b"q")
    terminal.until(terminal.ended, "the end after q")
    assert terminal.process.returncode == 0
    assert b"\x1b[?1049l" in terminal.shown
    assert b"promptetheus tui --spool .promptetheus/demo/spool" in terminal.shown.split(b"\x1b[?1049l")[1]
    assert terminal.agents() == []
    assert terminal.live() is not None and not [r for r in terminal.rows() if r.status is Status.RUNNING]


def test_the_live_run_does_not_outlive_a_terminal_that_is_killed(terminal: Terminal) -> None:
    opened_with_a_live_run(terminal)
    terminal.process.send_signal(signal.SIGKILL)
    terminal.until(lambda: terminal.ended() and terminal.agents() == [], "the end of the live run")
