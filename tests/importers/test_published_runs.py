"""The importers on runs that others published: nothing is lost, nothing is counted twice."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from promptetheus.cause.steps import StepKind, build_steps
from promptetheus.events import Event
from promptetheus.importers.intake import import_paths
from promptetheus.importers.recording import Outcome
from promptetheus.importers.report import FileReport
from tests.importers.foreign_runs import of_type, payloads, sessions


@pytest.fixture(scope="module")
def brought(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, list[Event]]]:
    """Sessions by family, then id. Each family is imported twice; the second time must add nothing."""
    found = {}
    for family in ("tau-bench", "tau2-bench", "claude-code", "who-and-when"):
        spool = tmp_path_factory.mktemp(family) / "spool"
        first = list(import_paths([real_data / family], spool))
        before = {path: path.read_bytes() for path in spool.glob("*.jsonl")}
        second = list(import_paths([real_data / family], spool))
        assert no_problem(first) and no_problem(second)
        assert {path: path.read_bytes() for path in spool.glob("*.jsonl")} == before
        outcomes: Counter[Outcome] = Counter()
        for report in second:
            outcomes.update(report.outcomes())
        assert set(outcomes) == {Outcome.ALREADY_THERE}
        found[family] = sessions(spool)
    return found


def no_problem(reports: list[FileReport]) -> bool:
    return all(not report.problem and (not report.notes or report.left_alone) for report in reports)


def facts(events: list[Event]) -> dict[str, Any]:
    found: dict[str, Any] = events[0]["metadata"]["session_metadata"]
    return found


def assert_calls_have_results(events: list[Event]) -> None:
    calls = [payload["call_id"] for payload in payloads(events, "tool_call")]
    assert len(set(calls)) == len(calls)
    assert sorted(calls) == sorted(payload["call_id"] for payload in payloads(events, "tool_result"))
    assert not [step for step in build_steps(events) if step.kind is StepKind.TOOL and step.open]


def labels(real_data: Path, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((real_data / "labels" / name).read_text())
    return found


def test_all_tau_bench_runs_are_there_with_their_calls_and_verdicts(
    real_data: Path, brought: dict[str, dict[str, list[Event]]]
) -> None:
    known = {
        (label["task_id"], label["trial"]): label
        for label in labels(real_data, "tau-bench_airline_split-A.labels.json")
    }
    runs = {
        (facts(events)["task_id"], facts(events)["trial"]): events for events in brought["tau-bench"].values()
    }
    assert len(runs) == 100
    assert set(runs) == set(known)
    for key, events in runs.items():
        (check,) = payloads(events, "goal_check")
        assert check["passed"] is known[key]["passed"]
        assert bool(check["mismatches"]) is not known[key]["passed"]
        assert len(of_type(events, "tool_call")) == known[key]["n_tool_calls"]
        assert_calls_have_results(events)


def test_every_word_of_tau_bench_is_there(
    real_data: Path, brought: dict[str, dict[str, list[Event]]]
) -> None:
    records = json.loads((real_data / "tau-bench/airline/gpt-4o-airline.split-A.json").read_text())
    runs = {events[0]["metadata"]["imported"]["record"]: events for events in brought["tau-bench"].values()}
    for number, record in enumerate(records):
        for role, kind in (("user", "user_message"), ("assistant", "agent_message")):
            said = [m["content"] for m in record["traj"] if m["role"] == role and m["content"]]
            assert [payload["content"] for payload in payloads(runs[number], kind)] == said
        answers = [m["content"] for m in record["traj"] if m["role"] == "tool"]
        told = [
            p["error"] if p["result"] is None else p["result"] for p in payloads(runs[number], "tool_result")
        ]
        assert [
            json.loads(a) if isinstance(t, list | dict) else a for a, t in zip(answers, told, strict=True)
        ] == told


def test_trials_of_a_tau_bench_task_share_their_goal(brought: dict[str, dict[str, list[Event]]]) -> None:
    goals: dict[object, set[str]] = {}
    for events in brought["tau-bench"].values():
        goals.setdefault(facts(events)["task_id"], set()).add(events[0]["payload"]["after"]["user_goal"])
    assert len(goals) == 25
    assert all(len(texts) == 1 for texts in goals.values())


def test_the_wrong_call_of_a_failed_tau_bench_run_is_named(
    real_data: Path, brought: dict[str, dict[str, list[Event]]]
) -> None:
    """The labels were made by others from the expected actions: ours must come to the same first suspect."""
    runs = {
        (facts(events)["task_id"], facts(events)["trial"]): events for events in brought["tau-bench"].values()
    }
    found = checked = 0
    for label in labels(real_data, "tau-bench_airline_split-A.labels.json"):
        if (
            label["passed"]
            or label["primary"] is None
            or label["primary"][0] not in ("wrong_args", "extra_write")
        ):
            continue
        checked += 1
        events = runs[label["task_id"], label["trial"]]
        unmatched = of_type(events, "goal_check")[0]["metadata"]["unmatched"]
        found += any(entry["name"] == label["primary"][1] and entry["call_id"] for entry in unmatched)
    assert checked > 20
    assert found == checked


def test_all_tau2_bench_runs_are_there_with_their_verdicts(
    real_data: Path, brought: dict[str, dict[str, list[Event]]]
) -> None:
    runs = brought["tau2-bench"]
    known = labels(real_data, "tau2-bench.labels.json")
    assert len(runs) == len(known) == 52
    by_place = {
        (events[0]["metadata"]["imported"]["source"], events[0]["metadata"]["imported"]["record"]): events
        for events in runs.values()
    }
    for label in known:
        events = by_place[Path(label["source"]).name, label["sim_index"]]
        (check,) = payloads(events, "goal_check")
        assert check["passed"] is label["passed"]
        assert bool(check["mismatches"]) is not label["passed"]
        assert events[0]["payload"]["after"]["agent"].endswith(f" {label['agent']}")
        assert_calls_have_results(events)


def test_tau2_bench_costs_add_up_to_what_the_file_says(brought: dict[str, dict[str, list[Event]]]) -> None:
    for events in brought["tau2-bench"].values():
        recorded = events[-1]["metadata"]["summary"].get("cost_usd")
        if "agent_cost_usd" in facts(events):  # not said of a run that was cut off
            assert (recorded or 0) == pytest.approx(facts(events)["agent_cost_usd"])
        assert events[0]["metadata"]["imported"]["timed"] is True


def claude_lines(real_data: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for path in sorted((real_data / "claude-code").rglob("*.jsonl")):
        for line in path.read_text().splitlines():
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict) and isinstance(record.get("message"), dict):
                found.append(record)
    document = json.loads((real_data / "claude-code/claude-code-transcripts/sample_session.json").read_text())
    return [*found, *document["loglines"]]


def test_every_block_of_claude_code_has_its_event(
    real_data: Path, brought: dict[str, dict[str, list[Event]]]
) -> None:
    blocks: Counter[str] = Counter()
    for record in claude_lines(real_data):
        content = record["message"].get("content")
        blocks.update(b["type"] for b in content if isinstance(b, dict)) if isinstance(
            content, list
        ) else None
    events = [event for session in brought["claude-code"].values() for event in session]
    told = Counter(event["type"] for event in events)
    assert told["tool_call"] == blocks["tool_use"] == 294
    assert told["tool_result"] == blocks["tool_result"] == 289
    assert told["screenshot"] == blocks["image"] == 2


def test_claude_code_tokens_are_counted_once_a_message(
    real_data: Path, brought: dict[str, dict[str, list[Event]]]
) -> None:
    project = real_data / "claude-code/claude-code-log/real_projects/-experiments-worktrees"
    output: dict[str, int] = {}
    for path in project.rglob("*.jsonl"):
        for line in path.read_text().splitlines():
            record = json.loads(line)
            message = record.get("message") or {}
            if record["type"] == "assistant" and message.get("usage"):
                output[message["id"]] = max(output.get(message["id"], 0), message["usage"]["output_tokens"])
    events = brought["claude-code"]["claude-ef958aa1-0e93-49f0-bb71-150f63befcd1"]
    calls = payloads(events, "llm_call")
    assert len(calls) == len(output)
    assert sum(call["output_tokens"] for call in calls) == sum(output.values())


def test_the_subagents_of_a_real_session_are_spans_tied_to_their_calls(
    brought: dict[str, dict[str, list[Event]]],
) -> None:
    events = brought["claude-code"]["claude-ef958aa1-0e93-49f0-bb71-150f63befcd1"]
    tools = {payload["call_id"]: payload["tool_name"] for payload in payloads(events, "tool_call")}
    starts = [event for event in events if event["payload"].get("name") == "span_start"]
    assert sorted(start["payload"]["span_name"] for start in starts) == [
        "Research Claude Code plan mode",
        "Research Claude Code teammates",
        "Research Steve Yegge Beads",
        "Round 2: alice comparison",
        "Round 2: bob comparison",
        "Round 2: carol comparison",
    ]
    assert {tools[start["metadata"]["call_id"]] for start in starts} == {"Agent"}


def test_subagents_without_their_session_stand_alone(brought: dict[str, dict[str, list[Event]]]) -> None:
    alone = {name for name in brought["claude-code"] if "-agent-" in name}
    assert {name.rpartition("-")[2] for name in alone} == {
        "650d3273", "7d618812", "9c2b663e", "aa1e905b", "6d045e9d",
    }  # fmt: skip


def test_every_message_of_who_and_when_is_told_and_no_label(
    real_data: Path, brought: dict[str, dict[str, list[Event]]]
) -> None:
    told = {}
    for events in brought["who-and-when"].values():
        assert_calls_have_results(events)
        source = events[0]["metadata"]["imported"]["source"]
        messages = {
            event["metadata"]["message"] for event in events if "message" in event.get("metadata", {})
        }
        told[source, facts(events)["task_id"]] = len(messages), json.dumps(events)
    files = sorted((real_data / "who-and-when").rglob("*.json"))
    assert len(told) == len(files)
    for file in files:
        record = json.loads(file.read_text())
        number, text = told[file.name, record["question_ID"]]
        assert number == len(record["history"])
        assert record["mistake_reason"] not in text
