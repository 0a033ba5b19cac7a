"""The printed configuration, read by the real programs where they are installed (npm: @openai/codex,
@anthropic-ai/claude-code)."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from promptetheus.cli import main


def output_of(program: str, *words: str, home: Path) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed")
    variables = {**os.environ, "HOME": str(home), "CODEX_HOME": str(home / ".codex")}
    done = subprocess.run(
        [found, *words],
        cwd=home,
        env=variables,
        capture_output=True,
        text=True,
        timeout=120,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout


def test_codex_lists_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["mcp", "install", "--client", "codex", "--local", "--write"]) == 0
    said = output_of("codex", "mcp", "get", "promptetheus", home=tmp_path)
    assert "transport: stdio" in said and "command: promptetheus" in said and "args: mcp" in said


def test_claude_code_lists_the_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["mcp", "install", "--client", "claude", "--local", "--write"]) == 0
    said = output_of("claude", "mcp", "get", "promptetheus", home=tmp_path)
    assert "Command: promptetheus" in said and "Type: stdio" in said
