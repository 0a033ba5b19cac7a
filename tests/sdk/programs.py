"""Agents in processes of their own: started, watched and killed."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

HEADER = "import os, sys, time\nimport promptetheus as pt\nSPOOL = sys.argv[1]\n"


class Run(Protocol):
    """Runs a program to its end and returns it with its output; fails the test when its exit code differs."""

    def __call__(self, code: str, *, code_expected: int | None = 0) -> subprocess.CompletedProcess[str]: ...


def environment() -> dict[str, str]:
    """The environment without settings of the SDK, so that a developer's key does not change a test."""
    return {name: text for name, text in os.environ.items() if not name.startswith("PROMPTETHEUS_")}


def run_program(
    code: str, spool: Path, cwd: Path, *, code_expected: int | None = 0
) -> subprocess.CompletedProcess[str]:
    """Run the code, with `pt` and `SPOOL` defined, in a new interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", HEADER + textwrap.dedent(code), str(spool)],
        cwd=cwd,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
    )
    if code_expected is not None:
        assert done.returncode == code_expected, done.stderr
    return done


def start_program(code: str, spool: Path, cwd: Path) -> subprocess.Popen[bytes]:
    """Start the code and return at once."""
    return subprocess.Popen(
        [sys.executable, "-c", HEADER + textwrap.dedent(code), str(spool)],
        cwd=cwd,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def wait_until(what: Callable[[], bool], deadline_s: float = 20.0) -> None:
    """Look again until it is so; fail after the deadline."""
    end = time.monotonic() + deadline_s
    while not what():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.005)
