"""What the demo leaves in its spool: three agents, passing and failing, with everything the product can show."""

from __future__ import annotations

import json
import threading
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pytest

from promptetheus.demo import calendar_agent
from promptetheus.demo.pace import DemoClosed, Pace
from promptetheus.demo.record import PROGRAMME, record_demo
from promptetheus.demo.take import Take
from promptetheus.events import validate_event
from promptetheus.queries.catalog import Catalog, SessionRow, Status

QUICKSTART_FINGERPRINT = "8ae0f41220d0"


class Recording:
    """One recording of the demo, made once for all tests of this file."""

    def __init__(self, spool: Path) -> None:
        self.spool = spool
        self.said: list[str] = []
        self.ids = record_demo(spool, fast=True, say=self.said.append)
        catalog = Catalog(spool)
        catalog.refresh()
        self.rows = {row.session_id: row for row in catalog.rows()}
        self.problems = catalog.problems()

    def of(self, agent: str, status: Status) -> list[SessionRow]:
        rows = [row for row in self.rows.values() if (row.agent, row.status) == (agent, status)]
        assert rows, f"no {status} run of {agent}"
        return rows

    def events(self, session_id: str, kind: str = "") -> list[dict[str, Any]]:
        lines = self.rows[session_id].path.read_bytes().splitlines()
        return [event for line in lines if (event := json.loads(line))["type"] == kind or not kind]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return Recording(tmp_path_factory.mktemp("demo") / "spool")


def test_the_returned_ids_are_the_sessions_of_the_spool(demo: Recording) -> None:
    assert len(demo.ids) == len(PROGRAMME)
    assert set(demo.ids) == set(demo.rows)
    assert demo.problems == []


def test_each_agent_has_passing_and_failing_runs_of_one_task(demo: Recording) -> None:
    statuses: dict[tuple[str, str], Counter[Status]] = defaultdict(Counter)
    for row in demo.rows.values():
        statuses[row.agent, row.goal][row.status] += 1
    assert {agent for agent, _ in statuses} == {"calendar-agent", "browser-agent", "coding-agent"}
    for counts in statuses.values():
        assert counts[Status.PASSED] >= 2
        assert counts[Status.FAILED_GOAL] >= 1
        assert counts[Status.FAILED] >= 1


def test_one_run_is_killed_and_shows_as_crashed(demo: Recording) -> None:
    [row] = [row for row in demo.rows.values() if row.status is Status.CRASHED]
    last = demo.events(row.session_id)[-1]
    assert (last["type"], last["payload"]["tool_name"]) == ("tool_call", "run_shell")


def test_the_calendar_agent_fails_the_way_the_quickstart_does(demo: Recording) -> None:
    rows = demo.of("calendar-agent", Status.FAILED_GOAL)
    assert {row.fingerprint for row in rows} == {QUICKSTART_FINGERPRINT}
    assert {row.label for row in rows} == {"goal mismatch: selected wednesday, not tuesday"}


def test_ways_of_failing_recur(demo: Recording) -> None:
    seen = Counter(row.fingerprint for row in demo.rows.values() if row.fingerprint)
    assert sorted(seen.values())[-2:] == [2, 2]


def test_a_line_is_said_for_each_run_with_its_verdict(demo: Recording) -> None:
    assert len(demo.said) == len(PROGRAMME)
    assert sum("✗ failed goal" in line and "selected wednesday" in line for line in demo.said) == 2
    assert sum(line.startswith("∅ crashed") for line in demo.said) == 1


def test_every_event_is_valid_and_its_file_whole(demo: Recording) -> None:
    for row in demo.rows.values():
        events = demo.events(row.session_id)
        for number, event in enumerate(events):
            validate_event(event)
            assert event["seq"] == number
        assert row.skipped.total == 0


def test_every_kind_of_event_but_recordings_occurs(demo: Recording) -> None:
    kinds = {kind for row in demo.rows.values() for kind in row.types}
    assert kinds == {
        "user_message", "agent_message", "tool_call", "tool_result", "retrieval", "browser_action",
        "dom_snapshot", "screenshot", "goal_check", "state_change", "session_end", "llm_call", "score",
        "error", "metric",
    }  # fmt: skip


def test_the_models_named_are_ones_with_a_price(demo: Recording) -> None:
    catalog = Catalog(demo.spool)
    catalog.refresh()
    catalog.price_rows()
    for row in catalog.rows():
        assert row.llm_calls and row.unpriced_calls == 0
        assert row.cost_usd and 0.001 < row.cost_usd < 1


def test_spans_are_nested(demo: Recording) -> None:
    [row, *_] = demo.of("calendar-agent", Status.PASSED)
    starts = [e for e in demo.events(row.session_id) if e["payload"].get("name") == "span_start"]
    names = {event["span_id"]: event["payload"]["span_name"] for event in starts}
    parents = {event["payload"]["span_name"]: names.get(event["parent_id"] or "") for event in starts}
    assert parents == {"read-context": None, "choose-slot": None, "convert-time-zone": "choose-slot"}


def test_the_cause_of_the_wrong_day_is_in_the_record(demo: Recording) -> None:
    ranking = {}
    for status in (Status.PASSED, Status.FAILED_GOAL):
        [row, *_] = demo.of("calendar-agent", status)
        [retrieval] = demo.events(row.session_id, "retrieval")
        ranking[status] = retrieval["payload"]["documents"][0]["id"]
    assert ranking == {Status.PASSED: "profile/time-zone", Status.FAILED_GOAL: "notes/2024-05-trip"}


def test_the_looping_agent_makes_the_same_calls_with_the_same_error_again_and_again(demo: Recording) -> None:
    [row] = demo.of("coding-agent", Status.FAILED)
    calls = Counter(
        json.dumps([e["payload"]["tool_name"], e["payload"]["arguments"]])
        for e in demo.events(row.session_id, "tool_call")
    )
    assert sorted(calls.values())[-2:] == [6, 6]
    errors = [e["payload"] for e in demo.events(row.session_id, "error") if e["payload"]["handled"]]
    assert len({error["message"] for error in errors}) == 1 and len(errors) == 5
    assert "got == 5400" in errors[0]["traceback"] and "AssertionError" in errors[0]["traceback"]


def test_what_the_agents_give_up_with_is_recorded_with_its_cause(demo: Recording) -> None:
    [row] = demo.of("browser-agent", Status.FAILED)
    [error] = [e["payload"] for e in demo.events(row.session_id, "error") if not e["payload"]["handled"]]
    assert error["error_type"] == "BookingRefused"
    assert "raise BookingRefused" in error["traceback"]


def test_two_recordings_differ_in_nothing_but_ids_and_times(demo: Recording, tmp_path: Path) -> None:
    again = Recording(tmp_path / "again")
    for one, other in zip(demo.ids, again.ids, strict=True):
        if demo.rows[one].status is Status.CRASHED:
            continue
        for kind in ("llm_call", "tool_call", "browser_action", "dom_snapshot", "screenshot", "goal_check"):
            payloads = [[e["payload"] for e in r.events(i, kind)] for r, i in ((demo, one), (again, other))]
            for payload in (p for side in payloads for p in side):
                payload.pop("call_id", None)
            assert payloads[0] == payloads[1]


def test_nothing_is_sent_or_sampled_away_whatever_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import socket

    from promptetheus.config import load_config, override_config

    contacted: list[object] = []
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: contacted.append(address))
    monkeypatch.setenv("PROMPTETHEUS_API_KEY", "pt_key")
    monkeypatch.setenv("PROMPTETHEUS_API_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("PROMPTETHEUS_SAMPLE_RATE", "0")
    take = Take(tmp_path, "0123456789abcdef", calendar_agent.Mood.RIGHT, Pace("seed", speed=0.0))
    with override_config(load_config()):
        calendar_agent.play(take)
    [written] = tmp_path.iterdir()
    assert written.name == f"{take.session_id}.jsonl"
    assert contacted == []


def test_breaking_off_ends_every_run_that_has_begun(tmp_path: Path) -> None:
    def interrupt(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        record_demo(tmp_path, fast=False, say=interrupt)
    assert [thread for thread in threading.enumerate() if thread.name.startswith("demo")] == []
    catalog = Catalog(tmp_path)
    catalog.refresh()
    rows = catalog.rows()
    assert rows and not [row for row in rows if row.status is Status.RUNNING]
    assert [row for row in rows if row.error == "DemoClosed: "]


def test_it_can_be_closed_from_outside(tmp_path: Path) -> None:
    closed = threading.Event()
    with pytest.raises(DemoClosed):
        record_demo(tmp_path, fast=False, say=lambda line: closed.set(), closed=closed)
    catalog = Catalog(tmp_path)
    catalog.refresh()
    assert not [row for row in catalog.rows() if row.status is Status.RUNNING]
