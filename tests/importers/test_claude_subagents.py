from __future__ import annotations

import json
from pathlib import Path

import pytest

from promptetheus.cause.steps import StepKind, build_steps
from promptetheus.events import Event
from tests.importers.foreign_runs import (
    ClaudeLines,
    bring,
    imported,
    of_type,
    only_session,
    payloads,
    sessions,
)

SESSION = "11111111-aaaa"


def main_lines(details: object = None, **told: str) -> ClaudeLines:
    arguments = {"prompt": "Count the files", "description": "Counting", **told}
    lines = ClaudeLines(SESSION).asks("How many files?").calls("t1", "Agent", "m1", **arguments)
    return lines.waits(60).answers("t1", "Seven.", details=details).says("There are seven.")


def agent_lines(agent: str = "a1b2", prompt: str = "Count the files") -> ClaudeLines:
    lines = ClaudeLines(SESSION, agent=agent, start=10).asks(prompt)
    return lines.calls(f"{agent}-t", "Bash", command="ls | wc -l").answers(f"{agent}-t", "7").says("Seven.")


def spans(events: list[Event]) -> dict[str, list[str]]:
    """Span names with the types of the events inside."""
    names = {
        e["span_id"]: e["payload"]["span_name"] for e in events if e["payload"].get("name") == "span_start"
    }
    found: dict[str, list[str]] = {name: [] for name in names.values()}
    for event in events:
        if event.get("span_id") in names and not str(event["payload"].get("name")).startswith("span_"):
            found[names[event["span_id"]]].append(event["type"])
    return found


INSIDE = ["user_message", "llm_call", "tool_call", "tool_result", "llm_call", "agent_message"]


@pytest.fixture(params=["below", "beside"])
def project(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A project directory in the layout of today and of before."""
    folder = tmp_path / "project"
    agents = folder / SESSION / "subagents" if request.param == "below" else folder
    agent_lines().write(agents / "agent-a1b2.jsonl")
    return folder


@pytest.mark.parametrize("details", [{"agentId": "a1b2", "totalTokens": 5}, None])
def test_a_subagent_is_a_span_after_the_call_that_started_it(
    spool: Path, project: Path, details: object
) -> None:
    main_lines(details).write(project / f"{SESSION}.jsonl")
    events = imported(spool, project)
    assert spans(events) == {"subagent a1b2": INSIDE}
    (start,) = [event for event in events if event["payload"].get("name") == "span_start"]
    assert start["metadata"]["call_id"] == "t1"
    assert start["parent_id"] is None
    before = events[start["seq"] - 1]
    assert (before["type"], before["payload"]["call_id"]) == ("tool_call", "t1")
    assert "span_id" not in before
    (end,) = [event for event in events if event["payload"].get("name") == "span_end"]
    assert end["payload"]["duration_ms"] == 3000
    assert of_type(events, "tool_result")[-1]["payload"]["call_id"] == "t1"
    (step,) = [step for step in build_steps(events) if step.kind is StepKind.SPAN]
    assert (step.open, step.duration_ms) == (False, 3000)


def test_naming_the_session_file_alone_finds_its_subagents(spool: Path, project: Path) -> None:
    main = main_lines().write(project / f"{SESSION}.jsonl")
    assert len(spans(imported(spool, main))) == 1


def test_naming_the_subagents_file_alone_finds_its_session(spool: Path, project: Path) -> None:
    main = main_lines().write(project / f"{SESSION}.jsonl")
    (agent,) = project.rglob("agent-*.jsonl")
    reports = bring(spool, agent)
    assert [(report.path, report.part_of) for report in reports] == [(main, None), (agent, main)]
    assert list(sessions(spool)) == [f"claude-{SESSION}"]


def test_what_the_meta_file_says_names_the_span(spool: Path, tmp_path: Path) -> None:
    main = main_lines().write(tmp_path / f"{SESSION}.jsonl")
    agent = agent_lines(prompt="other words").write(tmp_path / SESSION / "subagents" / "agent-a1b2.jsonl")
    agent.with_suffix(".meta.json").write_text(
        json.dumps({"agentType": "Explore", "description": "Counting"})
    )
    events = imported(spool, main)
    (start,) = [event for event in events if event["payload"].get("name") == "span_start"]
    assert start["payload"]["span_name"] == "Counting"
    assert start["metadata"]["agent_type"] == "Explore"
    assert start["metadata"]["call_id"] == "t1"


def test_calls_with_the_same_words_go_to_the_subagents_in_order(spool: Path, tmp_path: Path) -> None:
    lines = ClaudeLines(SESSION).asks("q")
    for call in ("t1", "t2"):
        lines.calls(call, "Task", "m", prompt="Count the files")
    main = lines.answers("t1", "a").answers("t2", "b").write(tmp_path / f"{SESSION}.jsonl")
    for agent in ("late", "early"):
        others = agent_lines(agent)
        for record in others.records:
            record["timestamp"] = record["timestamp"].replace(
                "13:00", "13:01" if agent == "late" else "13:00"
            )
        others.write(tmp_path / f"agent-{agent}.jsonl")
    events = imported(spool, main)
    started = {
        event["metadata"]["agent_id"]: event["metadata"]["call_id"]
        for event in events
        if event["payload"].get("name") == "span_start"
    }
    assert started == {"early": "t1", "late": "t2"}


def test_a_subagent_whose_call_is_not_found_stands_where_it_began(spool: Path, tmp_path: Path) -> None:
    main = main_lines().write(tmp_path / f"{SESSION}.jsonl")
    agent_lines(prompt="Warm up").write(tmp_path / "agent-a1b2.jsonl")
    events = imported(spool, main)
    (start,) = [event for event in events if event["payload"].get("name") == "span_start"]
    assert "call_id" not in start["metadata"]
    times = [event["timestamp"] for event in events]
    assert times == sorted(times)


def test_sidechains_inside_the_file_are_spans_too(spool: Path, tmp_path: Path) -> None:
    lines = main_lines()
    side = agent_lines()
    for record in side.records:
        del record["agentId"]
    lines.records[2:2] = side.records
    events = imported(spool, lines.write(tmp_path / "old.jsonl"))
    assert list(spans(events).values()) == [INSIDE]


def test_a_subagent_of_a_subagent_is_a_span_in_a_span(spool: Path, tmp_path: Path) -> None:
    main = main_lines().write(tmp_path / f"{SESSION}.jsonl")
    outer = agent_lines("outer").calls("deep", "Agent", prompt="Go deeper")
    outer.write(tmp_path / "agent-outer.jsonl")
    agent_lines("inner", "Go deeper").write(tmp_path / "agent-inner.jsonl")
    events = imported(spool, main)
    starts = {e["metadata"]["agent_id"]: e for e in events if e["payload"].get("name") == "span_start"}
    assert starts["inner"]["parent_id"] == starts["outer"]["span_id"]


def test_subagents_that_name_each_other_are_each_told_once(spool: Path, tmp_path: Path) -> None:
    main = ClaudeLines(SESSION).asks("q").write(tmp_path / f"{SESSION}.jsonl")
    for own, other in (("aa", "bb"), ("bb", "aa")):
        lines = agent_lines(own, f"be {own}").calls(f"{own}-starts", "Agent", prompt=f"be {other}")
        lines.write(tmp_path / f"agent-{own}.jsonl")
    assert set(spans(imported(spool, main))) == {"subagent aa", "subagent bb"}


def test_a_long_chain_of_subagents_does_not_exhaust_the_stack(spool: Path, tmp_path: Path) -> None:
    main = ClaudeLines(SESSION).asks("q").calls("t0", "Agent", prompt="be 0")
    main.write(tmp_path / f"{SESSION}.jsonl")
    for number in range(200):
        lines = agent_lines(f"n{number}", f"be {number}")
        lines.calls(f"t{number + 1}", "Agent", prompt=f"be {number + 1}")
        lines.write(tmp_path / f"agent-n{number}.jsonl")
    assert len(spans(imported(spool, tmp_path))) == 200


def test_a_subagent_without_its_session_is_a_session_of_its_own(spool: Path, tmp_path: Path) -> None:
    events = imported(spool, agent_lines().write(tmp_path / "agent-a1b2.jsonl"))
    assert events[0]["session_id"] == f"claude-{SESSION}-agent-a1b2"
    assert events[0]["payload"]["after"]["user_goal"] == "Count the files"
    assert events[0]["payload"]["after"]["tags"] == ["claude-code", "subagent"]
    assert [payload["tool_name"] for payload in payloads(events, "tool_call")] == ["Bash"]
    assert all("span_id" not in event for event in events)


def test_files_of_other_names_find_each_other_in_a_directory(spool: Path, tmp_path: Path) -> None:
    ClaudeLines(SESSION).asks("another file of the session").write(tmp_path / "a.jsonl")
    main_lines({"agentId": "a1b2"}).write(tmp_path / "b.jsonl")
    agent_lines().write(tmp_path / "c.jsonl")
    bring(spool, tmp_path)
    assert sorted(len(spans(events)) for events in sessions(spool).values()) == [0, 1]


def test_a_subagent_in_two_files_is_told_once(spool: Path, tmp_path: Path) -> None:
    main = main_lines().write(tmp_path / f"{SESSION}.jsonl")
    agent_lines().write(tmp_path / "agent-a1b2.jsonl")
    agent_lines().write(tmp_path / SESSION / "subagents" / "agent-a1b2.jsonl")
    (report,) = bring(spool, main)
    assert len(spans(only_session(spool))) == 1
    assert report.skipped.counts == {"subagent that is in two files": 1}
