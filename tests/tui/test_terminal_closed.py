"""A terminal that goes away takes the program with it: nothing is left behind that nobody can see."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import termios
import time
from pathlib import Path

import pytest

from tests.builders import a_failing_booking

DEADLINE_S = 30.0


@pytest.mark.parametrize("target", [[], ["failing"]])
def test_the_program_ends_when_its_terminal_is_closed(spool: Path, target: list[str]) -> None:
    """Without a controlling terminal no signal comes either: only the hang-up tells."""
    a_failing_booking().write(spool)
    ours, theirs = os.openpty()
    termios.tcsetwinsize(theirs, (24, 80))
    program = subprocess.Popen(
        [sys.executable, "-m", "promptetheus", "tui", *target, "--spool", str(spool)],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, "TERM": "xterm-256color"},
    )
    os.close(theirs)
    try:
        _read_until(ours, b"Tuesday")
        os.close(ours)
        assert program.wait(DEADLINE_S) != 0
    finally:
        program.kill()
        program.wait()


def _read_until(fd: int, text: bytes) -> None:
    seen = b""
    end = time.monotonic() + DEADLINE_S
    while text not in seen:
        ready, _, _ = select.select([fd], [], [], max(0.0, end - time.monotonic()))
        assert ready, seen[-500:]
        seen += os.read(fd, 65536)
