"""Projects of their own, tested by a pytest of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from promptetheus.events import Event
from promptetheus.pytest_plugin.recorded_events import read_events

PLUGINS = ("anyio.pytest_plugin", "promptetheus.pytest_plugin")
"""Named one by one: what else is installed here is nothing to these tests."""

AGENT = """
import promptetheus as pt

@pt.tool(effect="read")
def search_slots(day):
    return [f"{day} 2pm", f"{day} 3pm"]

@pt.tool(effect="write")
def book_slot(day):
    if day == "Sunday":
        raise ValueError("closed on Sunday")
    return "ok"

def book(day):
    search_slots(day)
    book_slot(day)
    pt.current().agent_message(f"Booked {day}")
"""


@dataclass(frozen=True)
class Outcome:
    """What a run of pytest said."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Project:
    """A directory with an agent and tests of it."""

    root: Path

    @property
    def spool(self) -> Path:
        """Where its sessions go unless told otherwise."""
        return self.root / ".promptetheus" / "tests"

    def tests(self, source: str, name: str = "test_agent.py") -> Project:
        """Write a test file."""
        (self.root / name).write_text(source)
        return self

    def command(self, *arguments: str) -> list[str]:
        """The command line of a pytest that treats warnings as errors."""
        plugins = [word for plugin in PLUGINS for word in ("-p", plugin)]
        return [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", *plugins, *arguments]

    def environment(self) -> dict[str, str]:
        """Without what the pytest around this one has set, and without the mark of a build server, on which pytest
        prints its summary at length."""
        marks = ("CI", "BUILD_NUMBER")
        own = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PYTEST") and name not in marks
        }
        return {**own, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "COLUMNS": "100"}

    def run(self, *arguments: str) -> Outcome:
        """Run its tests."""
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.root,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Outcome(done.returncode, done.stdout, done.stderr)

    def sessions(self, spool: Path | None = None) -> dict[str, list[Event]]:
        """The recorded sessions by id."""
        return {path.stem: read_events(path) for path in sorted((spool or self.spool).glob("*.jsonl"))}

    def by_test(self, spool: Path | None = None) -> dict[str, list[Event]]:
        """The recorded sessions by the name of the test; at most one of each."""
        found: dict[str, list[Event]] = {}
        for events in self.sessions(spool).values():
            test = facts(events)["test"].partition("::")[2]
            assert test not in found
            found[test] = events
        return found


def facts(events: list[Event]) -> dict[str, Any]:
    """The metadata of a session."""
    found: dict[str, Any] = events[0]["metadata"]["session_metadata"]
    return found


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with the agent of `AGENT` in agent.py."""
    root = tmp_path / "project"
    root.mkdir()
    (root / "agent.py").write_text(AGENT)
    (root / "pytest.ini").write_text("[pytest]\nanyio_mode = auto\nfilterwarnings = error\n")
    return Project(root)
