"""Every example runs as its user would run it, against the stub instead of a provider."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.adapters.frameworks import QUIET
from tests.adapters.stub_server import StubServer

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES, DOCS = ROOT / "examples", ROOT / "docs" / "adapters"


@dataclass(frozen=True)
class Example:
    """What is needed to run an example, and what it records."""

    needs: tuple[str, ...]
    goal: str
    events: dict[str, int]
    """How many events of each type, besides those that open and end the session."""


ADD = 'call add({"a": 19, "b": 23})'

TABLE = {
    "autoinstrument_agent": Example(
        ("openai",), "Name a color.", {"user_message": 1, "llm_call": 1, "agent_message": 1}
    ),
    "autogen_agent": Example(
        ("autogen_agentchat", "autogen_ext.models.openai"),
        ADD,
        {
            "user_message": 1,
            "llm_call": 3,
            "tool_call": 1,
            "tool_result": 1,
            "agent_message": 2,
            "state_change": 7,
        },
    ),
    "crewai_agent": Example(
        ("crewai",),
        ADD,
        {
            "user_message": 1,
            "llm_call": 2,
            "tool_call": 1,
            "tool_result": 1,
            "agent_message": 1,
            "state_change": 6,
        },
    ),
    "playwright_agent": Example(
        ("playwright",),
        "Book a visit.",
        {"user_message": 1, "browser_action": 4, "dom_snapshot": 1, "screenshot": 1, "goal_check": 1},
    ),
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
        ("litellm",),
        "Name a color.",
        {"user_message": 1, "llm_call": 2, "agent_message": 2, "state_change": 4},
    ),
    "pydantic_ai_agent": Example(
        ("pydantic_ai", "openai"),
        'call ask_poet({"subject": "rain"})',
        {
            "user_message": 1,
            "llm_call": 3,
            "tool_call": 1,
            "tool_result": 1,
            "agent_message": 2,
            "state_change": 4,
        },
    ),
    "langchain_agent": Example(
        ("langchain_openai",),
        "When does the museum open?",
        {"user_message": 1, "retrieval": 1, "llm_call": 1, "agent_message": 1, "state_change": 2},
    ),
    "langgraph_agent": Example(
        ("langgraph", "langchain", "langchain_openai"),
        ADD,
        {
            "user_message": 1,
            "llm_call": 2,
            "tool_call": 1,
            "tool_result": 1,
            "agent_message": 1,
            "goal_check": 1,
            "state_change": 10,
        },
    ),
    "llamaindex_agent": Example(
        ("llama_index.core",),
        "What rhymes with rain?",
        {"user_message": 1, "llm_call": 3, "retrieval": 1, "agent_message": 1, "state_change": 8},
    ),
    "dspy_agent": Example(
        ("dspy",),
        "What is 19 plus 23?",
        {
            "user_message": 1,
            "llm_call": 3,
            "tool_call": 2,
            "tool_result": 2,
            "agent_message": 3,
            "state_change": 10,
        },
    ),
    "haystack_agent": Example(
        ("haystack",),
        ADD,
        {
            "user_message": 1,
            "llm_call": 2,
            "tool_call": 1,
            "tool_result": 1,
            "agent_message": 1,
            "state_change": 6,
        },
    ),
    "opentelemetry_agent": Example(
        ("opentelemetry.sdk", "anthropic"),
        "Name a color.",
        {"user_message": 1, "llm_call": 1, "agent_message": 1},
    ),
}


PAGES = {
    "autogen": ("autogen_agentchat", "autogen_ext.models.openai"),
    "autoinstrument": ("openai",),
    "crewai": ("crewai",),
    "playwright": ("playwright",),
    "openai": ("openai",),
    "anthropic": ("anthropic",),
    "litellm": ("litellm",),
    "pydantic-ai": ("pydantic_ai", "openai"),
    "opentelemetry": ("opentelemetry.sdk",),
    "langchain": ("langchain_openai",),
    "langgraph": ("langchain", "langchain_openai"),
    "llamaindex": ("llama_index.core",),
    "dspy": ("dspy",),
    "haystack": ("haystack",),
}
"""What the code of each page in docs/adapters needs."""


def test_every_example_has_a_row_here() -> None:
    assert {path.stem for path in EXAMPLES.glob("*.py")} == set(TABLE)


def test_every_page_has_a_row_here() -> None:
    assert {path.stem for path in DOCS.glob("*.md")} - {"README"} == set(PAGES)


@pytest.mark.parametrize("name", sorted(TABLE))
def test_an_example_runs_and_records(name: str, stub: StubServer, tmp_path: Path) -> None:
    example = TABLE[name]
    events = run([str(EXAMPLES / f"{name}.py"), example.goal], example.needs, stub, tmp_path)
    assert events[-1]["payload"]["status"] == "completed"
    found: dict[str, int] = {}
    for event in events[1:-1]:
        found[event["type"]] = found.get(event["type"], 0) + 1
    assert found == example.events


@pytest.mark.parametrize("name", sorted(PAGES))
def test_the_code_of_a_page_runs_and_records(name: str, stub: StubServer, tmp_path: Path) -> None:
    """Its blocks that import what they need; others show a line of a program."""
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / f"{name}.md").read_text(), re.DOTALL)
    code = "\n".join(block for block in blocks if "import promptetheus" in block)
    events = run(["-c", code], PAGES[name], stub, tmp_path)
    assert len(events) > 3


ABORTED_AT_EXIT = (-signal.SIGABRT, "FATAL: exception not rethrown\n")
"""How Python before 3.14 ends a program once in a while whose framework left a daemon thread inside C++ (gh-87135).
All of the program has run by then; what it recorded is looked at none the less."""


def run(
    arguments: list[str], needs: tuple[str, ...], stub: StubServer, directory: Path
) -> list[dict[str, Any]]:
    """Run a program in a directory of its own; the events of its only session. Skips without what it needs."""
    missing = [module for module in needs if not _is_there(module)]
    if missing:
        pytest.skip(f"{', '.join(missing)} not installed: pip install -r tests/adapters/requirements*.txt")
    provider = {
        "OPENAI_BASE_URL": stub.openai_url,
        "OPENAI_API_BASE": stub.openai_url,
        "OPENAI_API_KEY": "stub",
        "ANTHROPIC_BASE_URL": stub.url,
        "ANTHROPIC_API_KEY": "stub",
        "DSPY_EXAMPLE_OFFLINE": "1",
    }
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=directory,
        env={**os.environ, **QUIET, **provider},
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert done.returncode == 0 or (done.returncode, done.stderr) == ABORTED_AT_EXIT, done.stderr
    (spooled,) = (directory / ".promptetheus" / "spool").glob("*.jsonl")
    return [json.loads(line) for line in spooled.read_text().splitlines()]


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError:
        return False
