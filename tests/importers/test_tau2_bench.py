from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from promptetheus.importers.recording import Outcome
from tests.importers.foreign_runs import (
    bring,
    imported,
    of_type,
    only_session,
    payloads,
    sessions,
    tau2_file,
    tau2_message,
    types,
    write_json,
)

CALL = {"id": "call_1", "name": "cancel", "arguments": {"id": "Z7"}, "requestor": "assistant"}
ACTION = {"action_id": "1", "requestor": "assistant", "name": "cancel", "arguments": {"id": "Z7"}}


def judged(reward: float, **parts: Any) -> dict[str, Any]:
    return {"reward": reward, "reward_basis": ["DB", "COMMUNICATE"], **parts}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "gpt-4.1.json"


def test_the_times_of_the_file_are_read_as_utc(spool: Path, file: Path) -> None:
    document = tau2_file(tau2_message("user", "Hi", 1), tau2_message("assistant", "Hello", 2))
    events = imported(spool, write_json(file, document))
    assert [event["timestamp"] for event in events] == [
        "2025-08-01T15:53:27Z",
        "2025-08-01T15:53:28.500000Z",
        "2025-08-01T15:53:29.500000Z",
        "2025-08-01T15:53:40.250000Z",
    ]
    origin = events[0]["metadata"]["imported"]
    assert origin["timed"] is True
    assert "UTC" in origin["timezone"]
    assert events[-1]["metadata"]["summary"]["duration_ms"] == 13250.0


def test_a_message_of_the_model_has_its_tokens_cost_and_time(spool: Path, file: Path) -> None:
    raw = {
        "id": "chatcmpl-1",
        "model": "gpt-4.1-2025-04-14",
        "choices": [{"finish_reason": "stop"}],
        "usage": {"prompt_tokens_details": {"cached_tokens": 400}},
    }
    usage = {"prompt_tokens": 441, "completion_tokens": 22}
    fields = {"usage": usage, "cost": 0.25, "raw_data": raw, "generation_time_seconds": 0.5494}
    events = imported(spool, write_json(file, tau2_file(tau2_message("assistant", "Hello", 1, **fields))))
    assert types(events) == ["llm_call", "agent_message"]
    (call,) = of_type(events, "llm_call")
    assert call["payload"] == {
        "model": "gpt-4.1-2025-04-14",
        "input_tokens": 441,
        "output_tokens": 22,
        "cached_tokens": 400,
        "latency_ms": 549,
    }
    assert call["metadata"]["cost_usd"] == 0.25
    assert call["metadata"]["finish_reason"] == "stop"


def test_what_the_simulated_user_used_is_not_the_agents(spool: Path, file: Path) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 5}
    message = tau2_message("user", "Hi", 1, usage=usage, cost=0.5)
    events = imported(spool, write_json(file, tau2_file(message)))
    assert types(events) == ["user_message"]
    simulated = {"cost_usd": 0.5, "input_tokens": 100, "output_tokens": 5}
    assert events[1]["metadata"]["simulated_user"] == simulated
    assert "cost_usd" not in events[-1]["metadata"]["summary"]


def test_a_cost_of_zero_for_tokens_spent_is_no_price(spool: Path, file: Path) -> None:
    usage = {"prompt_tokens": 100, "completion_tokens": 5}
    message = tau2_message("assistant", "Hi", 1, usage=usage, cost=0.0)
    events = imported(spool, write_json(file, tau2_file(message)))
    assert "cost_usd" not in events[-1]["metadata"]["summary"]


def test_parallel_calls_and_their_answers_are_joined(spool: Path, file: Path) -> None:
    other = {**CALL, "id": "call_2", "arguments": {"id": "Q1"}}
    document = tau2_file(
        tau2_message("assistant", "one moment", 1, tool_calls=[CALL, other]),
        {"role": "tool", "id": "call_2", "content": "no such id", "error": True, "requestor": "assistant"},
        {
            "role": "tool",
            "tool_messages": [{"role": "tool", "id": "call_1", "content": "{}", "error": False}],
        },
    )
    events = imported(spool, write_json(file, document))
    assert types(events) == ["agent_message", "tool_call", "tool_call", "tool_result", "tool_result"]
    assert payloads(events, "tool_result") == [
        {"call_id": "call_2", "result": None, "error": "no such id"},
        {"call_id": "call_1", "result": {}, "error": None},
    ]


def test_a_call_of_the_user_says_whose_it_is(spool: Path, file: Path) -> None:
    message = tau2_message("user", None, 1, tool_calls=[{**CALL, "requestor": "user"}])
    events = imported(spool, write_json(file, tau2_file(message)))
    assert of_type(events, "tool_call")[0]["metadata"]["requestor"] == "user"


def test_a_failed_run_lists_what_decided_first(spool: Path, file: Path) -> None:
    info = judged(
        0.0,
        db_check={"db_match": False},
        action_checks=[{"action": ACTION, "action_match": False}],
        communicate_checks=[{"info": "23553", "met": False}],
        nl_assertions=[{"nl_assertion": "Agent is kind.", "met": False}, {"nl_assertion": "x", "met": True}],
        env_assertions=[{"env_assertion": {"func_name": "ok", "arguments": {"a": 1}}, "met": False}],
    )
    events = imported(spool, write_json(file, tau2_file(tau2_message("user", "Hi"), reward_info=info)))
    assert payloads(events, "goal_check") == [
        {
            "passed": False,
            "mismatches": [
                "final database state differs from the expected one",
                "not communicated: 23553",
                "environment assertion failed: ok(a=1)",
                'expected action not taken: cancel(id="Z7")',
                "assertion not met: Agent is kind.",
            ],
        }
    ]


def test_the_call_that_differs_is_named_by_its_id(spool: Path, file: Path) -> None:
    checks = [{"action": ACTION, "action_match": False}]
    info = judged(0.0, db_check={"db_match": False}, action_checks=checks)
    wrong = {**CALL, "arguments": {"id": "WRONG"}}
    message = tau2_message("assistant", None, tool_calls=[wrong])
    events = imported(spool, write_json(file, tau2_file(message, reward_info=info)))
    (check,) = of_type(events, "goal_check")
    assert check["metadata"]["unmatched"] == [{"name": "cancel", "expected": True, "call_id": "call_1"}]


def test_a_passed_run_has_no_mismatches_even_where_something_differed(spool: Path, file: Path) -> None:
    info = judged(1.0, db_check={"db_match": True}, action_checks=[{"action": ACTION, "action_match": False}])
    events = imported(spool, write_json(file, tau2_file(tau2_message("user", "Hi"), reward_info=info)))
    (check,) = of_type(events, "goal_check")
    assert check["payload"] == {"passed": True, "mismatches": []}
    assert check["metadata"]["not_required"] == ['expected action not taken: cancel(id="Z7")']


def test_a_run_cut_off_fails_and_says_why(spool: Path, file: Path) -> None:
    info = {"reward": 0.0, "reward_basis": None, "info": {"note": "Terminated: max_steps"}}
    document = tau2_file(reward_info=info, termination_reason="max_steps")
    events = imported(spool, write_json(file, document))
    assert payloads(events, "goal_check")[0]["mismatches"] == ["Terminated: max_steps"]
    assert events[-1]["payload"] == {"status": "failed", "error": "stopped: max_steps"}


def test_a_run_that_was_not_judged_has_no_verdict(spool: Path, file: Path) -> None:
    events = imported(spool, write_json(file, tau2_file(tau2_message("user", "Hi"))))
    assert of_type(events, "goal_check") == []
    assert events[-1]["payload"]["status"] == "completed"


def test_the_goal_is_the_task_not_what_was_said(spool: Path, file: Path) -> None:
    after = imported(spool, write_json(file, tau2_file(tau2_message("user", "Hi"))))[0]["payload"]["after"]
    assert after["user_goal"] == "Change my flight.\n\nYou are James."
    assert after["agent"] == "airline gpt-4.1"
    assert after["project_id"] == "tau2-bench airline"


def test_tasks_may_stand_after_the_simulations(spool: Path, file: Path) -> None:
    document = tau2_file(tau2_message("user", "Hi"))
    turned = {key: document[key] for key in ("simulations", "tasks", "info")}
    events = imported(spool, write_json(file, turned))
    assert events[0]["payload"]["after"]["user_goal"].startswith("Change my flight.")


def test_importing_again_adds_nothing(spool: Path, file: Path) -> None:
    write_json(file, tau2_file(tau2_message("user", "Hi")))
    bring(spool, file)
    (report,) = bring(spool, file)
    assert report.outcomes() == {Outcome.ALREADY_THERE: 1}
    assert len(sessions(spool)) == 1


def test_the_same_simulation_judged_anew_is_a_session_of_its_own(spool: Path, file: Path) -> None:
    bring(spool, write_json(file, tau2_file(tau2_message("user", "Hi"), reward_info=judged(0.0))))
    write_json(file, tau2_file(tau2_message("user", "Hi"), reward_info=judged(1.0)))
    for outcome in (Outcome.IMPORTED, Outcome.ALREADY_THERE):
        (report,) = bring(spool, file)
        assert report.outcomes() == {outcome: 1}
    passed = [payloads(events, "goal_check")[0]["passed"] for events in sessions(spool).values()]
    assert sorted(passed) == [False, True]


def test_simulations_of_the_wrong_shape_do_not_lose_the_others(spool: Path, file: Path) -> None:
    document = tau2_file(tau2_message("user", "Hi"))
    broken: list[object] = [None, 1, "x", [], {}, {"messages": 3}]
    document["simulations"] = [*broken, *document["simulations"]]
    (report,) = bring(spool, write_json(file, document))
    assert (len(report.sessions), len(report.notes)) == (1, len(broken))


def test_unknown_fields_are_kept_and_counted(spool: Path, file: Path) -> None:
    document = tau2_file(tau2_message("user", "Hi", errors=["odd"]), reward_info=judged(1.0), mode="half")
    (report,) = bring(spool, write_json(file, document))
    events = only_session(spool)
    assert events[1]["metadata"]["other"] == {"errors": ["odd"]}
    assert of_type(events, "goal_check")[0]["metadata"]["other"] == {"mode": "half"}
    assert report.kept.counts == {"policy": 1, "message field errors": 1, "simulation field mode": 1}


def test_python_writes_nan_and_it_is_read(spool: Path, file: Path) -> None:
    document = tau2_file(tau2_message("user", "NaN, said the user", 1), agent_cost=float("nan"))
    file.write_text(json.dumps(document))
    events = imported(spool, file)
    assert payloads(events, "user_message")[0]["content"] == "NaN, said the user"
    assert "agent_cost_usd" not in events[0]["metadata"]["session_metadata"]
