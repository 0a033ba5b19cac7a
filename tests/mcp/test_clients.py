"""What `mcp install` prints and writes."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from pathlib import Path

import pytest

from promptetheus.cli import main

Output = pytest.CaptureFixture[str]
URL = "http://127.0.0.1:4318/mcp"


@pytest.fixture(autouse=True)
def in_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PROMPTETHEUS_API_URL", raising=False)
    monkeypatch.setenv("PROMPTETHEUS_API_KEY", "pt_live_secret")
    return tmp_path


def install(*words: str) -> int:
    return main(["mcp", "install", *words])


def test_codex_gets_toml_without_a_key(capsys: Output, in_a_project: Path) -> None:
    assert (
        install(
            "--client", "codex", "--workspace", " team alpha ", "--project-ref", "p/1", "--hosted-url", URL
        )
        == 0
    )
    said = capsys.readouterr().out
    assert f"  URL        : {URL}/team%20alpha/p%2F1" in said and "pt_live_secret" not in said
    snippet = said.split("Codex config snippet:\n")[1]
    server = tomllib.loads(snippet)["mcp_servers"]["promptetheus"]
    assert server == {"command": "promptetheus", "args": ["mcp", "--hosted", f"{URL}/team%20alpha/p%2F1"]}
    assert os.listdir(in_a_project) == []


@pytest.mark.parametrize("client", ["claude", "cursor"])
def test_the_others_get_json(client: str, capsys: Output) -> None:
    assert install("--client", client, "--local") == 0
    said = capsys.readouterr().out
    entry = json.loads(said[said.index("{") :])["mcpServers"]["promptetheus"]
    assert entry["command"] == "promptetheus" and entry["args"] == ["mcp"]


def test_a_server_name_is_quoted(capsys: Output) -> None:
    assert install("--client", "codex", "--local", "--server-name", 'my "server"') == 0
    snippet = capsys.readouterr().out.split("snippet:\n")[1]
    assert list(tomllib.loads(snippet)["mcp_servers"]) == ['my "server"']


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--client", "codex", "--workspace", "  ", "--project-ref", "p"), "--workspace must not be empty"),
        (("--client", "codex", "--workspace", "w", "--project-ref", ""), "--project-ref must not be empty"),
        (("--client", "codex", "--local", "--server-name", " "), "--server-name must not be empty"),
        (("--client", "codex"), "--workspace is missing"),
        ((), "--client codex, claude or cursor"),
    ],
)
def test_what_is_missing_is_said(words: tuple[str, ...], expected: str, capsys: Output) -> None:
    assert install(*words) == 2
    assert expected in capsys.readouterr().err


@pytest.mark.parametrize(
    ("client", "name"),
    [("claude", ".mcp.json"), ("cursor", ".cursor/mcp.json"), ("codex", ".codex/config.toml")],
)
def test_writing_keeps_what_is_there_and_does_it_once(
    client: str, name: str, in_a_project: Path, capsys: Output
) -> None:
    path = in_a_project / name
    path.parent.mkdir(exist_ok=True)
    before = (
        "[other]\nx = 1\n" if client == "codex" else '{"mcpServers": {"other": {"command": "x"}}, "more": 1}'
    )
    path.write_text(before)
    assert install("--client", client, "--local", "--write") == 0
    after = path.read_text()
    assert path.with_name(path.name + ".bak").read_text() == before
    found = tomllib.loads(after) if client == "codex" else json.loads(after)
    servers = found["mcp_servers" if client == "codex" else "mcpServers"]
    assert servers["promptetheus"]["command"] == "promptetheus"
    assert found.get("other") == {"x": 1} or servers["other"] == {"command": "x"}
    assert install("--client", client, "--local", "--write") == 0
    assert path.read_text() == after


@pytest.mark.parametrize(
    ("client", "name", "content"),
    [
        ("claude", ".mcp.json", "{oops"),
        ("claude", ".mcp.json", "[1]"),
        ("codex", ".codex/config.toml", "= 1"),
        ("codex", ".codex/config.toml", '[mcp_servers.promptetheus]\ncommand = "other"\n'),
    ],
)
def test_a_file_that_is_not_understood_is_left_alone(
    client: str, name: str, content: str, in_a_project: Path, capsys: Output
) -> None:
    path = in_a_project / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(content)
    assert install("--client", client, "--local", "--write") == 1
    assert path.read_text() == content and "was not changed" in capsys.readouterr().err


def test_the_skill_is_short(capsys: Output) -> None:
    assert main(["skill"]) == 0
    said = capsys.readouterr().out
    assert len(said.encode()) / 4 <= 250 and "promptetheus evidence situation" in said


def test_the_hosted_bridge_needs_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    environment = {name: text for name, text in os.environ.items() if not name.startswith("PROMPTETHEUS_")}
    done = subprocess.run(
        [sys.executable, "-m", "promptetheus", "mcp", "--hosted", URL],
        env={**environment, "HOME": os.getcwd()},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1 and "PROMPTETHEUS_API_KEY" in done.stderr and not done.stdout
