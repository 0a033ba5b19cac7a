"""Every example runs as its user would run it, against the stub instead of a provider."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.adapters.frameworks import QUIET
from tests.adapters.stub_server import StubServer

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@dataclass(frozen=True)
class Example:
    """What is needed to run an example, and what it records."""

    needs: tuple[str, ...]
    goal: str
    events: dict[str, int]
    """How many events of each type, besides those that open and end the session."""


ADD = 'call add({"a": 19, "b": 23})'

TABLE = {
    "openai_agent": Example(
        ("openai",),
        ADD,
        {"user_message": 1, "llm_call": 2, "tool_call": 1, "tool_result": 1, "agent_message": 1},
    ),
    "anthropic_agent": Example(
        ("anthropic",),
        ADD,
        {"user_message": 1, "llm_call": 2, "tool_call": 1, "tool_result": 1, "agent_message": 1},
    ),
    "litellm_agent": Example(
        ("litellm",), "Name a color.", {"user_message": 1, "llm_call": 2, "agent_message": 2, "state_change": 4}
    ),
    "pydantic_ai_agent": Example(
        ("pydantic_ai", "openai"),
        'call ask_poet({"subject": "rain"})',
        {
            "user_message": 1, "llm_call": 3, "tool_call": 1, "tool_result": 1, "agent_message": 2,
            "state_change": 4,
        },  # fmt: skip
    ),
    "opentelemetry_agent": Example(
        ("opentelemetry.sdk", "anthropic"), "Name a color.", {"user_message": 1, "llm_call": 1, "agent_message": 1}
    ),
}


def test_every_example_has_a_row_here() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(TABLE)


@pytest.mark.parametrize("name", sorted(TABLE))
def test_an_example_runs_and_records(name: str, stub: StubServer, tmp_path: Path) -> None:
    example = TABLE[name]
    missing = [module for module in example.needs if not _is_there(module)]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed: pip install -r tests/adapters/requirements*.txt")
    provider = {
        "OPENAI_BASE_URL": stub.openai_url,
        "OPENAI_API_BASE": stub.openai_url,
        "OPENAI_API_KEY": "stub",
        "ANTHROPIC_BASE_URL": stub.url,
        "ANTHROPIC_API_KEY": "stub",
    }
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / f"{name}.py"), example.goal],
        cwd=tmp_path,
        env={**os.environ, **QUIET, **provider},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    (spooled,) = (tmp_path / ".promptetheus" / "spool").glob("*.jsonl")
    events = [json.loads(line) for line in spooled.read_text().splitlines()]
    assert events[-1]["payload"]["status"] == "completed"
    found: dict[str, int] = {}
    for event in events[1:-1]:
        found[event["type"]] = found.get(event["type"], 0) + 1
    assert found == example.events


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
