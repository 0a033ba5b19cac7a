"""The page on coding agents: every block of it runs."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

from tests.mcp.conftest import run
from tests.sdk.programs import environment

PAGE = Path(__file__).parents[2] / "docs" / "coding-agents.md"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE.read_text(), re.DOTALL)


def test_every_command_of_the_page_runs(tmp_path: Path) -> None:
    run(tmp_path / ".promptetheus" / "spool", "fail", "Wednesday")
    commands = [line for block in blocks("bash") for line in block.splitlines()]
    ours = [shlex.split(line) for line in commands if line.startswith("promptetheus ")]
    assert len(ours) >= 7
    for words in ours:
        done = subprocess.run(
            [sys.executable, "-m", *words],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0 and done.stdout, (words, done.stderr)


def test_the_program_of_the_page_runs(tmp_path: Path) -> None:
    [program] = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "pytest (pytest tests) failed once with the same arguments: 1 failed" in done.stdout
