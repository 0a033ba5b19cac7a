from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from promptetheus.cause.steps import StepKind, build_steps
from promptetheus.importers.recording import Outcome
from tests.importers.foreign_runs import bring, imported, of_type, only_session, payloads, types, write_json

PAGE = (
    "I clicked 'More'.\n\nHere is a screenshot of [Trails](https://trails.example/a). The viewport shows 20%"
)


def message(content: object, who: str = "Movie_Expert", **fields: Any) -> dict[str, Any]:
    return {"content": content, "role": "assistant", "name": who, **fields}


def record(*messages: object, **fields: Any) -> dict[str, Any]:
    return {
        "is_correct": False,
        "question": "Which film?",
        "question_ID": "q-1",
        "ground_truth": "Glass Onion",
        "history": [message("# General Task"), *messages],
        "mistake_agent": "THE-LABEL",
        "mistake_step": "THE-LABEL",
        "mistake_reason": "THE-LABEL",
        **fields,
    }


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "7.json"


def test_messages_say_who_spoke_and_where_they_stood(spool: Path, file: Path) -> None:
    events = imported(spool, write_json(file, record(message("I will look", "Critic"))))
    assert types(events) == ["user_message", "agent_message", "goal_check"]
    assert events[2]["metadata"] == {"message": 1, "speaker": "Critic"}
    after = events[0]["payload"]["after"]
    assert (after["agent"], after["user_goal"]) == ("CaptainAgent", "Which film?")
    assert events[0]["metadata"]["imported"]["timed"] is False


def test_what_people_marked_is_nowhere_in_the_session(spool: Path, file: Path) -> None:
    (report,) = bring(spool, write_json(file, record()))
    assert "THE-LABEL" not in "".join(path.read_text() for path in spool.glob("*.jsonl"))
    assert report.skipped.counts == {f"label mistake_{name}": 1 for name in ("agent", "step", "reason")}


def test_a_label_that_was_corrected_makes_no_other_session(spool: Path, file: Path) -> None:
    bring(spool, write_json(file, record()))
    (report,) = bring(spool, write_json(file, record(mistake_step="3")))
    assert report.outcomes() == {Outcome.ALREADY_THERE: 1}


def test_the_verdict_is_a_goal_check(spool: Path, file: Path) -> None:
    events = imported(spool, write_json(file, record()))
    expected = "the final answer is not the expected one: Glass Onion"
    assert payloads(events, "goal_check") == [{"passed": False, "mismatches": [expected]}]


@pytest.mark.parametrize(("field", "passed"), [("is_correct", True), ("is_corrected", False)])
def test_both_spellings_of_the_verdict_are_read(spool: Path, file: Path, field: str, passed: bool) -> None:
    one = record()
    del one["is_correct"]
    events = imported(spool, write_json(file, {**one, field: passed}))
    assert payloads(events, "goal_check")[0]["passed"] is passed


def test_without_a_verdict_none_is_made_up(spool: Path, file: Path) -> None:
    assert of_type(imported(spool, write_json(file, record(is_correct=None))), "goal_check") == []


def test_code_that_a_terminal_ran_is_a_call_with_its_answer(spool: Path, file: Path) -> None:
    asked = message("Let us run\n```python\nprint(1)\n```\nand\n```sh\nls\n```\n")
    answer = message("exitcode: 0 (execution succeeded)\nCode output: 1\n", "Computer_terminal")
    events = imported(spool, write_json(file, record(asked, answer)))
    (call,), (result,) = payloads(events, "tool_call"), payloads(events, "tool_result")
    assert call["arguments"] == {"code": "print(1)\n\nls"}
    assert (result["call_id"], result["result"], result["error"]) == (call["call_id"], "1", None)
    steps = [(step.kind, step.ok) for step in build_steps(events)]
    assert (StepKind.TOOL, True) in steps


def test_an_exit_code_other_than_0_is_an_error(spool: Path, file: Path) -> None:
    asked = message("```python\nprint(x)\n```")
    answer = message("exitcode: 1 (execution failed)\nCode output: NameError: x", "Computer_terminal")
    events = imported(spool, write_json(file, record(asked, answer)))
    assert payloads(events, "tool_result")[0]["error"] == "NameError: x"


def test_a_terminal_that_was_given_no_code_was_not_called(spool: Path, file: Path) -> None:
    answer = message("There is no code from the last 1 message", "Computer_terminal")
    events = imported(spool, write_json(file, record(message("Over to you"), answer)))
    assert types(events) == ["user_message", "agent_message", "user_message", "goal_check"]


def test_what_a_browsing_agent_did_is_an_action_and_a_page(spool: Path, file: Path) -> None:
    typed = PAGE.replace("I clicked 'More'", "I typed 'waterfalls' into 'Search'")
    events = imported(spool, write_json(file, record(message(PAGE), message(typed))))
    click, entry = payloads(events, "browser_action")
    assert click == {"action": "click", "target": "More", "url": "https://trails.example/a"}
    assert (entry["action"], entry["target"], entry["value"]) == ("type", "Search", "waterfalls")
    assert payloads(events, "dom_snapshot")[0]["visible_text"] == "The viewport shows 20%"
    kinds = [step.kind for step in build_steps(events)]
    assert kinds.count(StepKind.ACTION) == 2 and StepKind.DOM not in kinds


def test_the_hand_made_half_names_speakers_by_their_role(spool: Path, file: Path) -> None:
    history = [
        {"role": "human", "content": "Which film?"},
        {"role": "Orchestrator (thought)", "content": "Initial plan"},
        {"role": "WebSurfer", "content": "Nothing found"},
    ]
    events = imported(spool, write_json(file, record(history=history)))
    assert events[0]["payload"]["after"]["agent"] == "Magentic-One"
    assert events[0]["metadata"]["session_metadata"]["team"] == ["Orchestrator", "WebSurfer"]
    assert types(events)[:3] == ["user_message", "agent_message", "agent_message"]


def test_a_list_of_runs_becomes_as_many_sessions(spool: Path, file: Path) -> None:
    (report,) = bring(spool, write_json(file, [record(), record(question="Another?"), None, {"history": 3}]))
    assert len(report.sessions) == 2
    assert [note.partition(":")[0] for note in report.notes] == ["record 2", "record 3"]


def test_the_same_run_under_another_name_adds_nothing(spool: Path, file: Path, tmp_path: Path) -> None:
    bring(spool, write_json(file, record()))
    (report,) = bring(spool, write_json(tmp_path / "other.json", record()))
    assert report.outcomes() == {Outcome.ALREADY_THERE: 1}


def test_messages_of_odd_shapes_lose_nothing_else(spool: Path, file: Path) -> None:
    odd: list[object] = [3, None, {}, {"role": 5, "content": {"a": 1}}, message("x", extra="y")]
    (report,) = bring(spool, write_json(file, record(*odd, message("last"))))
    events = only_session(spool)
    assert payloads(events, "agent_message")[-1]["content"] == "last"
    assert report.skipped.counts["message that is no object"] == 2
    assert report.kept.counts["message field extra"] == 1
    assert json.dumps(events).count("General Task") == 1
