"""Claude Code appends to its files: what was imported is imported again with more in it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from promptetheus.cause.steps import StepKind, build_steps
from promptetheus.importers.intake import import_paths
from promptetheus.importers.recording import Outcome
from tests.importers.foreign_runs import ClaudeLines, bring, of_type, only_session, payloads


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "11111111-aaaa.jsonl"


def begun() -> ClaudeLines:
    return ClaudeLines().asks("Fix it").says("Looking.", "m1").calls("t1", "Bash", "m2", command="ls")


def test_an_unchanged_file_adds_nothing(spool: Path, file: Path) -> None:
    begun().write(file)
    bring(spool, file)
    before = next(spool.glob("*.jsonl")).read_bytes()
    (report,) = bring(spool, file)
    assert report.outcomes() == {Outcome.ALREADY_THERE: 1}
    assert next(spool.glob("*.jsonl")).read_bytes() == before


def test_a_grown_file_appends_only_what_is_new(spool: Path, file: Path) -> None:
    lines = begun()
    bring(spool, lines.write(file))
    before = next(spool.glob("*.jsonl")).read_bytes()
    (report,) = bring(spool, lines.answers("t1", "shop.py").says("Done.").write(file))
    assert report.outcomes() == {Outcome.APPENDED: 1}
    after = next(spool.glob("*.jsonl")).read_bytes()
    assert after.startswith(before)
    events = only_session(spool)
    assert report.events == len(events) - len(before.splitlines())
    assert [payload["content"] for payload in payloads(events, "agent_message")] == ["Looking.", "Done."]
    assert len(of_type(events, "session_end")) == 2
    (call,) = [step for step in build_steps(events) if step.kind is StepKind.TOOL]
    assert (call.open, call.ok) == (False, True)


def test_growing_many_times_is_the_same_as_importing_once(spool: Path, file: Path, tmp_path: Path) -> None:
    lines = ClaudeLines()
    for number in range(6):
        lines.asks(f"q{number}").says(f"a{number}").calls(f"t{number}", "Bash").answers(f"t{number}", "ok")
        bring(spool, lines.write(file))
    other = tmp_path / "other-spool"
    bring(other, file)
    keys = [
        sorted(
            (event["idempotency_key"].rsplit(":", 1)[0], json.dumps(event["payload"]))
            for event in only_session(where)
            if event["type"] != "session_end"
        )
        for where in (spool, other)
    ]
    assert keys[0] == keys[1]


def test_a_subagent_that_appears_later_is_appended(spool: Path, file: Path) -> None:
    lines = begun().calls("t2", "Agent", prompt="Count")
    bring(spool, lines.write(file))
    agent = ClaudeLines(agent="a1", start=10).asks("Count").says("Seven.")
    agent.write(file.parent / "agent-a1.jsonl")
    bring(spool, file)
    agent.says("No, eight.").write(file.parent / "agent-a1.jsonl")
    bring(spool, file)
    events = only_session(spool)
    said = [
        event["payload"]["content"]
        for event in events
        if event.get("span_id") and "content" in event["payload"]
    ]
    assert said == ["Count", "Seven.", "No, eight."]
    spans = [step for step in build_steps(events) if step.kind is StepKind.SPAN]
    assert [(step.name, step.open) for step in spans] == [
        ("subagent a1", False),
        ("subagent a1 (continued)", False),
    ]


def test_an_older_copy_adds_nothing(spool: Path, file: Path, tmp_path: Path) -> None:
    lines = begun()
    older = lines.write(tmp_path / "backup" / file.name)
    bring(spool, lines.answers("t1", "x").write(file))
    (report,) = bring(spool, older)
    assert report.outcomes() == {Outcome.ALREADY_THERE: 1}


def test_an_import_that_was_cut_off_while_appending_is_completed(spool: Path, file: Path) -> None:
    lines = begun()
    bring(spool, lines.write(file))
    bring(spool, lines.answers("t1", "x").says("b").write(file))
    (session,) = spool.glob("*.jsonl")
    whole = session.read_bytes()
    expected = [event["payload"] for event in only_session(spool)]
    session.write_bytes(whole[: whole.rstrip(b"\n").rfind(b"\n") - 30])
    list(import_paths([file], spool))
    said = [json.loads(line) for line in session.read_bytes().splitlines() if line.endswith(b"}")]
    assert [event["payload"] for event in said] == expected
