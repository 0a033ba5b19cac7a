"""Every query of the documentation runs, on an empty spool and on a full one, and answers its question."""

from __future__ import annotations

import io
import itertools
import re
import shlex
from pathlib import Path
from typing import Any

import pytest

from promptetheus.cli import main
from promptetheus.queries.sql import run_sql
from promptetheus.queries.views import VIEW_NAMES, macros, views
from tests.builders import a_failing_booking, a_passing_booking, a_session
from tests.queries.written import write_sealed

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "sql.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
QUESTIONS = re.findall(r"^([A-Z][^\n]*\?)\n\n```sql\n(.*?)^```$", GUIDE, re.MULTILINE | re.DOTALL)
COMMANDS = [
    command.partition("   #")[0].strip()
    for block in re.findall(r"^```(?:sh|console)\n(.*?)^```$", GUIDE + README, re.MULTILINE | re.DOTALL)
    for command in re.findall(r"^(?:\$ )?(promptetheus sql .*)$", block, re.MULTILINE)
]


@pytest.fixture
def recorded(spool: Path) -> Path:
    write_sealed(spool, a_failing_booking())
    write_sealed(spool, a_passing_booking())
    busy = a_session("busy", agent="coder", goal="Book Tuesday at 2pm").event(
        "llm_call", {"model": "gpt-4o", "input_tokens": 1000, "output_tokens": 10, "latency_ms": 500}
    )
    for _ in range(3):
        busy.calls("search_calendar", {"day": "Monday"}, error="TimeoutError: 3 s")
    write_sealed(spool, busy.ends("failed", "gave up"))
    return spool


def rows(spool: Path, question: str) -> list[dict[str, Any]]:
    query = next(query for asked, query in QUESTIONS if asked.startswith(question))
    result = run_sql(spool, query)
    return [dict(zip(result.columns, row, strict=True)) for row in result.rows]


def test_there_are_ten_questions_and_no_other_query_escapes() -> None:
    assert len(QUESTIONS) >= 10
    assert GUIDE.count("```sql") == len(QUESTIONS)


@pytest.mark.parametrize(("question", "query"), QUESTIONS, ids=[question for question, _ in QUESTIONS])
def test_a_documented_query_runs_and_finds_something(
    recorded: Path, tmp_path: Path, question: str, query: str
) -> None:
    assert run_sql(tmp_path / "missing", query).rows == []
    result = run_sql(recorded, query)
    assert result.rows and not result.truncated


def test_the_answers_are_right(recorded: Path) -> None:
    (slow,) = rows(recorded, "Which tools are slow")
    assert (slow["tool"], slow["calls"], slow["p50"], slow["failed"]) == ("search_calendar", 5, 100.0, 0.6)
    assert {row["agent"]: row["tokens"] for row in rows(recorded, "What does each agent spend")} == {
        "coder": 1010,
        "calendar-agent": None,
    }
    assert {row["agent"]: row["passed"] for row in rows(recorded, "How often")} == {
        "coder": 0.0,
        "calendar-agent": 0.5,
    }
    (failing,) = rows(recorded, "With which arguments")
    assert (failing["arguments"], failing["failed"]) == ('{"day":"Monday"}', 3)
    (retried,) = rows(recorded, "Which calls does an agent repeat")
    assert (retried["session_id"], retried["calls"], retried["failed"]) == ("busy", 3, 3)
    assert {row["session_id"] for row in rows(recorded, "What did the last sessions")} == {"busy", "failing"}
    (more,) = rows(recorded, "What do failing sessions")
    assert (more["when_failing"], more["when_passing"]) == (2.0, 1.0)
    spent = {row["session_id"]: row["models_ms"] for row in rows(recorded, "Where does the time go")}
    assert spent == {"busy": 500.0, "failing": None, "passing": None}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_documented_command_works(
    recorded: Path, tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.stdin", io.StringIO("select 1"))
    words = list(itertools.takewhile(lambda word: word not in ("<", ">"), shlex.split(command)[1:]))
    assert main(words if "--spool" in words else [*words, "--spool", str(recorded)]) == 0


def test_every_view_and_macro_is_in_the_guide_with_columns_that_exist() -> None:
    told = dict(re.findall(r"^\| `(\w+)` \|[^|]*\| `([\w ]+)` \|$", GUIDE, re.MULTILINE))
    assert tuple(told) == VIEW_NAMES
    for view in views():
        assert set(told[view.name].split()) <= {name for name, _ in view.columns}, view.name
    assert re.findall(r"^\| `(\w+\([\w, ]*\))` \|", GUIDE, re.MULTILINE) == [macro.call for macro in macros()]


def test_the_examples_of_the_terminal_are_those_of_the_guide() -> None:
    from promptetheus.queries.query_file import examples

    assert examples()
    for example in examples():
        assert example.name in GUIDE and example.sql in GUIDE
