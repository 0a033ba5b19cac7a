"""Every example in the README does what it says: its Python runs, its commands print what is shown there."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import socket
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from promptetheus.cli import COMMANDS, main

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")

MASKS = (
    (re.compile(r"\b[0-9A-HJKMNP-TV-Z]{26}\b"), "ULID"),
    (re.compile(r"\bspan_[0-9a-f]{32}\b"), "SPAN"),
    (re.compile(r"\b[0-9a-f]{32}\b"), "CALL"),
    (re.compile(r"(?<=:)[0-9a-f]{8}(?=:\d)"), "NONCE"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "TIME"),
    (re.compile(r"\b[\d.]+(?= ?(ms|bytes|kB|s)\b)"), "N"),
    (re.compile(r"(?<=duration_ms=)[\d.]+"), "N"),
    (re.compile(r"http://127\.0\.0\.1:\d+"), "URL"),
)
"""What differs from run to run: ids, times, sizes."""


@dataclass(frozen=True)
class Block:
    """A fenced block of the README."""

    language: str
    text: str
    line: int

    @property
    def name(self) -> str:
        return f"{self.language} at line {self.line}"


def blocks(*languages: str) -> list[Block]:
    found = []
    for match in re.finditer(r"^```(\w*)\n(.*?)^```$", README, re.MULTILINE | re.DOTALL):
        line = README.count("\n", 0, match.start()) + 1
        found.append(Block(match[1], match[2], line))
    return [block for block in found if block.language in languages or not languages]


def masked(text: str) -> str:
    for pattern, placeholder in MASKS:
        text = pattern.sub(placeholder, text)
    return text.strip()


class Reader:
    """Somebody who works through the README from top to bottom, with a fresh directory for each Python example."""

    def __init__(self, rooms: Path) -> None:
        self.rooms = rooms
        self.room = rooms / "start"
        self.room.mkdir()
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = str(free.getsockname()[1])
        self.environment = {
            **os.environ,
            "PATH": path,
            "COLUMNS": "120",
            "PYTHONWARNINGS": "error",
            # A gateway of the reader's own, on a port that nobody has.
            "PORT": self.port,
            "PROMPTETHEUS_API_URL": f"http://127.0.0.1:{self.port}",
            "PROMPTETHEUS_GATEWAY_DIR": str(rooms / "gateway"),
            "PROMPTETHEUS_EXIT_TIMEOUT": "30",
        }
        self.running: list[subprocess.Popen[bytes]] = []

    def run_python(self, block: Block) -> subprocess.CompletedProcess[str]:
        self.room = self.rooms / f"line-{block.line}"
        self.room.mkdir()
        (self.room / "agent.py").write_text(block.text, encoding="utf-8")
        return self._run([sys.executable, "agent.py"])

    def run_command(self, command: str) -> subprocess.CompletedProcess[str]:
        if command.endswith(" &"):
            return self._start(command)
        return self._run(["bash", "-c", self._with_own_ids(command)])

    def _start(self, command: str) -> subprocess.CompletedProcess[str]:
        """Leave a gateway running and wait until it answers, as a person would see it in the other terminal."""
        words = ["bash", "-c", f"exec {command.removesuffix(' &')}"]
        gateway = subprocess.Popen(words, cwd=self.room, env=self.environment)
        self.running.append(gateway)
        end = time.monotonic() + 60
        while gateway.poll() is None and time.monotonic() < end:
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", int(self.port)), 1).close()
                return subprocess.CompletedProcess(words, 0, "", "")
            time.sleep(0.05)
        return subprocess.CompletedProcess(words, 1, "", "the gateway did not start")

    def end(self) -> None:
        """Stop what was left running."""
        for process in self.running:
            process.terminate()
            process.wait()

    def _run(self, command: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command, cwd=self.room, env=self.environment, capture_output=True, encoding="utf-8", timeout=60
        )

    def _with_own_ids(self, command: str) -> str:
        """The command with the ids shown in the README replaced by the one that was recorded here."""
        ids = [path.stem for path in (self.room / ".promptetheus/spool").glob("*.jsonl")]
        return re.sub(r"\b01[0-9A-HJKMNP-TV-Z]{6,24}\b", lambda match: ids[0][: len(match[0])], command)


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    found = Reader(tmp_path_factory.mktemp("readme"))
    yield found
    found.end()


@pytest.mark.parametrize("block", blocks("python", "console"), ids=lambda block: block.name)
def test_the_examples_work_from_top_to_bottom(block: Block, reader: Reader) -> None:
    """One test after the other: a console block continues in the directory of the Python block before it."""
    if block.language == "python":
        done = reader.run_python(block)
        assert (done.returncode, done.stderr) == (0, "")
        return
    for command, shown in steps(block):
        done = reader.run_command(command)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        assert masked(done.stdout) == masked(shown), command


def steps(block: Block) -> list[tuple[str, str]]:
    """The commands of a console block, each with the output shown for it."""
    parts = re.split(r"^\$ (.*)\n", block.text, flags=re.MULTILINE)
    assert not parts[0], f"{block.name} does not begin with a command"
    return list(zip(parts[1::2], parts[2::2], strict=True))


def test_there_is_an_example_of_each_kind() -> None:
    assert len(blocks("python")) >= 2
    assert len(blocks("console")) >= 3


def test_no_block_escapes_the_tests() -> None:
    """Blocks that are neither run nor checked below would rot."""
    assert {block.language for block in blocks()} <= {"python", "console", "sh", "text"}


def test_every_command_is_in_the_table_and_the_table_names_no_other() -> None:
    named = re.findall(r"^\| `promptetheus (\w+)", README, re.MULTILINE)
    assert list(dict.fromkeys(named)) == list(COMMANDS)


@pytest.mark.parametrize("command", [name for name in COMMANDS if name != "version"])
def test_every_option_that_the_readme_gives_a_command_is_in_its_help(command: str) -> None:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert main([command, "--help"]) == 0
    for use in re.findall(rf"promptetheus {command}\b([^`\n|]*)", README):
        for option in re.findall(r"(?<!\w)--[a-z][a-z-]*", use):
            assert option in printed.getvalue(), f"promptetheus {command} {option}"


def test_the_set_up_commands_make_a_venv_and_install_what_exists() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    demo, tests = (block.text for block in blocks("sh"))
    assert "-m venv .venv" in demo and demo.rstrip().endswith(".venv/bin/promptetheus demo")
    assert "-m venv .venv" in tests and tests.rstrip().endswith(".venv/bin/pytest")
    [extra] = re.findall(r'-e "?\.\[(\w+)\]', tests)
    assert extra in project["optional-dependencies"]
    assert "promptetheus" in project["scripts"]


def test_the_test_command_is_marked_for_the_checks() -> None:
    """`.ci/run` takes the command from behind this mark and runs it as it is written."""
    after = README.split("<!-- test command -->")[1].lstrip()
    assert after.startswith("```sh\n") and after[6:].startswith(blocks("sh")[1].text)


def test_the_layout_names_folders_that_exist() -> None:
    [layout] = blocks("text")
    for name in re.findall(r"^([\w./]+)/ ", layout.text, re.MULTILINE):
        assert (ROOT / name).is_dir(), name


def test_links_into_the_repository_lead_somewhere() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README):
        assert (ROOT / target).exists(), target


def test_the_first_example_records_the_eleven_events_in_order(reader: Reader) -> None:
    example = blocks("python")[0]
    reader.run_python(Block("python", example.text, 0))
    [spool] = reader.room.glob(".promptetheus/spool/*.jsonl")
    kinds = [json.loads(line)["type"] for line in spool.read_text().splitlines()]
    assert kinds == [
        "state_change", "tool_call", "user_message", "tool_call", "tool_result", "state_change", "state_change",
        "agent_message", "goal_check", "tool_result", "session_end",
    ]  # fmt: skip


def test_it_stays_short() -> None:
    assert README.count("\n") <= 220
