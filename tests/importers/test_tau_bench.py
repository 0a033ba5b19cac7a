from __future__ import annotations

from pathlib import Path

import pytest

from promptetheus.importers.recording import Outcome
from tests.importers.foreign_runs import (
    BOOK,
    bring,
    imported,
    of_type,
    only_session,
    payloads,
    sessions,
    tau_answer,
    tau_call,
    tau_record,
    types,
    write_json,
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "gpt-4o-airline.json"


def test_a_conversation_becomes_messages_calls_results_and_a_verdict(spool: Path, file: Path) -> None:
    record = tau_record(tau_call("book_flight", BOOK["kwargs"]), tau_answer('{"id": 1}'), reward=1.0)
    events = imported(spool, write_json(file, [record]))
    assert types(events) == ["user_message", "tool_call", "tool_result", "goal_check", "score"]
    call, result = payloads(events, "tool_call")[0], payloads(events, "tool_result")[0]
    assert call == {"tool_name": "book_flight", "arguments": {"flight": "HAT136", "bags": 0}, "call_id": "c1"}
    assert result == {"call_id": "c1", "result": {"id": 1}, "error": None}
    assert payloads(events, "goal_check") == [{"passed": True, "mismatches": []}]
    assert payloads(events, "score")[0]["value"] == 1.0


def test_the_start_says_who_did_what_for_which_task(spool: Path, file: Path) -> None:
    start = imported(spool, write_json(file, [tau_record(trial=2)]))[0]
    assert start["payload"]["after"] == {
        "agent": "airline gpt-4o",
        "user_goal": "You want to fly on May 20.",
        "project_id": "tau-bench airline",
        "environment": None,
        "tags": ["tau-bench", "airline"],
    }
    facts = start["metadata"]["session_metadata"]
    assert (facts["task_id"], facts["trial"], facts["source"]) == (7, 2, "tau-bench")
    assert start["metadata"]["system_prompt"] == "# Airline Agent Policy"
    origin = start["metadata"]["imported"]
    assert (origin["format"], origin["source"]) == ("tau-bench", "gpt-4o-airline.json")
    assert (origin["timed"], origin["record"]) == (False, 0)


def test_no_time_is_made_up(spool: Path, file: Path) -> None:
    record = tau_record(tau_call("book_flight", {}), tau_answer("ok"))
    events = imported(spool, write_json(file, [record]))
    assert len({event["timestamp"] for event in events}) == 1
    assert "duration_ms" not in events[-1]["metadata"]["summary"]


def test_an_answer_that_begins_with_error_is_an_error(spool: Path, file: Path) -> None:
    record = tau_record(tau_call("book_flight", {}), tau_answer("Error: no such flight"))
    events = imported(spool, write_json(file, [record]))
    assert payloads(events, "tool_result") == [
        {"call_id": "c1", "result": None, "error": "Error: no such flight"}
    ]


def test_numbers_and_words_in_answers_stay_text(spool: Path, file: Path) -> None:
    record = tau_record(tau_call("calculate", {}), tau_answer("6.0", "calculate"))
    events = imported(spool, write_json(file, [record]))
    assert payloads(events, "tool_result")[0]["result"] == "6.0"


def test_an_id_that_comes_back_is_told_apart(spool: Path, file: Path) -> None:
    turn = [tau_call("look", {}), tau_answer("1", "look")]
    events = imported(spool, write_json(file, [tau_record(*turn, *turn, *turn)]))
    ids = [payload["call_id"] for payload in payloads(events, "tool_call")]
    assert ids == ["c1", "c1~2", "c1~3"]
    assert [payload["call_id"] for payload in payloads(events, "tool_result")] == ids


def test_calls_without_ids_are_paired_by_tool_in_order(spool: Path, file: Path) -> None:
    messages = [tau_call("look", {}, None), tau_call("book_flight", {}, None)]
    messages += [tau_answer("booked", "book_flight", None), tau_answer("seen", "look", None)]
    events = imported(spool, write_json(file, [tau_record(*messages)]))
    names = {payload["call_id"]: payload["tool_name"] for payload in payloads(events, "tool_call")}
    answers = {names[payload["call_id"]]: payload["result"] for payload in payloads(events, "tool_result")}
    assert answers == {"look": "seen", "book_flight": "booked"}


def test_arguments_that_are_no_json_object_are_kept(spool: Path, file: Path) -> None:
    record = tau_record(tau_call("a", "{torn", "1"), tau_call("b", "[1]", "2"))
    events = imported(spool, write_json(file, [record]))
    assert [payload["arguments"] for payload in payloads(events, "tool_call")] == [
        {"raw": "{torn"},
        {"value": [1]},
    ]


@pytest.mark.parametrize(
    ("called", "words"),
    [
        ({"flight": "HAT136", "bags": 3}, "book_flight was called with another bags"),
        (None, 'book_flight(flight="HAT136", bags=0) was never called'),
    ],
)
def test_a_failed_run_says_in_words_what_did_not_match(
    spool: Path, file: Path, called: dict[str, object] | None, words: str
) -> None:
    turn = [tau_call("book_flight", called), tau_answer("ok")] if called else []
    events = imported(spool, write_json(file, [tau_record(*turn, reward=0.0)]))
    (check,) = of_type(events, "goal_check")
    assert check["payload"]["passed"] is False
    assert check["payload"]["mismatches"] == ["final database state differs from the expected one", words]
    expected = {"name": "book_flight", "arguments": {"flight": "HAT136", "bags": 0}}
    assert check["metadata"]["expected_actions"] == [expected]
    assert check["metadata"]["unmatched"][0]["call_id"] == ("c1" if called else None)


def test_a_call_that_changes_something_and_was_not_expected_is_named(spool: Path, file: Path) -> None:
    turn = [tau_call("cancel_flight", {"id": 5}), tau_answer("ok", "cancel_flight")]
    events = imported(spool, write_json(file, [tau_record(*turn, reward=0.0, expected=[])]))
    assert payloads(events, "goal_check")[0]["mismatches"][1:] == ["cancel_flight(id=5) was not expected"]


def test_an_output_the_user_was_never_told_is_named(spool: Path, file: Path) -> None:
    record = tau_record(reward=0.0, expected=[])
    record["info"]["reward_info"]["info"] = {"r_outputs": 0.0, "outputs": {"327": False, "1000": True}}
    events = imported(spool, write_json(file, [record]))
    assert payloads(events, "goal_check")[0]["mismatches"] == ["the user was never told 327"]


def test_a_run_that_broke_is_a_failed_session_with_its_error(spool: Path, file: Path) -> None:
    record = {"task_id": 3, "trial": 0, "reward": 0.0, "info": {"error": "rate limit"}, "traj": []}
    events = imported(spool, write_json(file, [record]))
    assert payloads(events, "error")[0]["message"] == "rate limit"
    assert events[-1]["payload"] == {"status": "failed", "error": "rate limit"}
    assert events[0]["payload"]["after"]["user_goal"] == "tau-bench task 3"


def test_all_trials_of_a_task_have_the_same_goal(spool: Path, file: Path) -> None:
    bring(spool, write_json(file, [tau_record(trial=trial) for trial in range(4)]))
    goals = [events[0]["payload"]["after"]["user_goal"] for events in sessions(spool).values()]
    assert len(goals) == 4
    assert len(set(goals)) == 1


def test_the_same_runs_under_another_name_add_nothing(spool: Path, file: Path, tmp_path: Path) -> None:
    records = [tau_record(trial=0), tau_record(trial=1)]
    bring(spool, write_json(file, records))
    (report,) = bring(spool, write_json(tmp_path / "other.json", records[::-1]))
    assert report.outcomes() == {Outcome.ALREADY_THERE: 2}
    assert len(sessions(spool)) == 2


def test_a_record_of_the_wrong_shape_does_not_lose_the_others(spool: Path, file: Path) -> None:
    broken: list[object] = [None, 5, "x", [], {}, {"traj": {}}, {"traj": "x"}]
    (report,) = bring(spool, write_json(file, [tau_record(trial=0), *broken, tau_record(trial=1)]))
    assert len(report.sessions) == 2
    assert len(report.notes) == len(broken)


def test_fields_and_messages_we_do_not_know_are_kept_and_counted(spool: Path, file: Path) -> None:
    odd = {"role": "assistant", "content": "hm", "reasoning_content": "because", "tool_calls": []}
    (report,) = bring(spool, write_json(file, [tau_record(odd, {"role": "narrator", "content": "x"}, 5)]))  # type: ignore[arg-type]
    events = only_session(spool)
    assert of_type(events, "agent_message")[0]["metadata"]["other"] == {"reasoning_content": "because"}
    assert payloads(events, "state_change")[1]["after"] == {"role": "narrator", "content": "x"}
    assert report.kept.counts["message field reasoning_content"] == 1
    assert report.kept.counts["message of role narrator"] == 1
    assert report.skipped.counts == {"message that is no object": 1}
