"""What every store of events does, whichever it is."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import orjson
import pytest

from promptetheus.gateway.identity import Tenant
from promptetheus.gateway.intake import Incoming, examine
from promptetheus.gateway.state import Gateway
from promptetheus.queries.catalog import Catalog
from promptetheus.queries.paging import newest_first
from promptetheus.session import Session
from tests.builders import a_failing_booking, a_passing_booking, a_session

TENANT = Tenant("ws_dev", "proj_dev")


def incoming(events: list[dict[str, Any]], session_id: str = "s1") -> list[Incoming]:
    """These events, as they come out of a request."""
    batch = examine({"events": [orjson.loads(orjson.dumps(event)) for event in events]}, session_id, 10_000)
    assert batch.rejected == []
    return batch.events


def seqs(gateway: Gateway, session_id: str = "s1") -> list[int]:
    return [event["seq"] for _, event in gateway.events.events(TENANT, session_id, None, 1000)]


def an_event(seq: int, key: str, **payload: Any) -> dict[str, Any]:
    return {
        "type": "user_message",
        "session_id": "s1",
        "timestamp": "2026-11-22T10:00:00Z",
        "seq": seq,
        "idempotency_key": key,
        "payload": payload,
    }


def test_what_was_appended_is_read_again_as_it_was(gateway: Gateway) -> None:
    sent = a_failing_booking("s1").events
    appended = gateway.events.append(TENANT, "s1", incoming(sent))
    assert (appended.stored, appended.start) == (len(sent), 0)
    assert [event for _, event in gateway.events.events(TENANT, "s1", None, 100)] == sent
    assert [stored.event for stored in gateway.events.arrived(TENANT, "s1", 0, 100)] == sent


def test_an_event_that_comes_again_is_stored_once(gateway: Gateway) -> None:
    sent = incoming(a_failing_booking("s1").events)
    gateway.events.append(TENANT, "s1", sent[:5])
    assert gateway.events.append(TENANT, "s1", sent).stored == len(sent) - 5
    assert gateway.events.append(TENANT, "s1", sent).stored == 0
    assert seqs(gateway) == list(range(len(sent)))


@pytest.mark.parametrize("known", [slice(0, 1), slice(3, 5), slice(-1, None)])
def test_whatever_part_of_a_batch_came_before_the_rest_is_stored(gateway: Gateway, known: slice) -> None:
    sent = incoming(a_failing_booking("s1").events)
    gateway.events.append(TENANT, "s1", sent[known])
    appended = gateway.events.append(TENANT, "s1", sent)
    assert appended.stored == len(sent) - len(sent[known])
    assert sorted(seqs(gateway)) == list(range(len(sent)))
    arrived = [stored.position for stored in gateway.events.arrived(TENANT, "s1", 0, 100)]
    assert len(set(arrived)) == len(sent) and max(arrived) <= appended.end
    row = gateway.events.row(TENANT, "s1")
    assert row is not None and row.size_bytes == sum(len(event.line) for event in sent)


def test_an_event_that_stands_twice_in_a_batch_is_stored_once(gateway: Gateway) -> None:
    [event] = incoming([an_event(0, "s1:a:0", content="x")])
    assert gateway.events.append(TENANT, "s1", [event, event, event]).stored == 1


def test_events_of_two_writers_with_the_same_seq_are_both_kept_in_the_order_of_arrival(
    gateway: Gateway,
) -> None:
    gateway.events.append(TENANT, "s1", incoming([an_event(5, "s1:b:5", who="first")]))
    gateway.events.append(
        TENANT, "s1", incoming([an_event(5, "s1:a:5", who="second"), an_event(1, "s1:a:1")])
    )
    found = [event for _, event in gateway.events.events(TENANT, "s1", None, 10)]
    assert [event["seq"] for event in found] == [1, 5, 5]
    assert [event["payload"].get("who") for event in found] == [None, "first", "second"]


def test_pages_of_events_follow_each_other_without_gap_or_overlap(gateway: Gateway) -> None:
    gateway.events.append(TENANT, "s1", incoming([an_event(n % 50, f"s1:{n}:x") for n in range(120)]))
    pages: list[str] = []
    after = None
    while page := gateway.events.events(TENANT, "s1", after, 33):
        pages += [event["idempotency_key"] for _, event in page]
        after = page[-1][0]
    assert len(pages) == len(set(pages)) == 120


def test_reading_in_the_order_of_arrival_goes_on_behind_a_position(gateway: Gateway) -> None:
    first = gateway.events.append(TENANT, "s1", incoming([an_event(9, "k9"), an_event(3, "k3")]))
    second = gateway.events.append(TENANT, "s1", incoming([an_event(1, "k1")]))
    assert second.start == first.end
    assert [s.event["seq"] for s in gateway.events.arrived(TENANT, "s1", 0, 10)] == [9, 3, 1]
    assert [s.event["seq"] for s in gateway.events.arrived(TENANT, "s1", first.end, 10)] == [1]
    [one] = gateway.events.arrived(TENANT, "s1", 0, 1)
    assert [s.event["seq"] for s in gateway.events.arrived(TENANT, "s1", one.position, 10)] == [3, 1]
    assert gateway.events.arrived(TENANT, "s1", second.end, 10) == []


@pytest.mark.parametrize(
    "payload",
    [
        {"text": "NUL \0 in the middle"},
        {"text": 'tab\t newline\n return\r backslash \\ quote " \\N \\. \u2028'},
        {"number": 2**63, "float": 1e308, "small": -0.0},
        {"text": "ends with a backslash \\"},
        {"deep": [[[[[{"a": [1, {"b": None}]}]]]]]},
        {"emoji": "🦊", "rtl": "\u202e"},
    ],
)
def test_every_payload_comes_back_as_it_was(gateway: Gateway, payload: dict[str, Any]) -> None:
    gateway.events.append(TENANT, "s1", incoming([an_event(0, "k", **payload)]))
    [(_, event)] = gateway.events.events(TENANT, "s1", None, 10)
    assert event["payload"] == payload


@pytest.mark.parametrize("key", ["s1:x", "=s1:x", "s1", ":", "a\tb", "a\nb\\", "s1:\r", "\\N", "\\.", "ключ"])
def test_any_text_is_an_idempotency_key(gateway: Gateway, key: str) -> None:
    events = incoming([an_event(0, key), an_event(1, "another")])
    assert gateway.events.append(TENANT, "s1", events).stored == 2
    assert gateway.events.append(TENANT, "s1", events).stored == 0
    assert seqs(gateway) == [0, 1]


def test_keys_that_differ_only_by_the_session_id_are_two(gateway: Gateway) -> None:
    events = incoming([an_event(0, "s1:x"), an_event(1, ":x"), an_event(2, "=:x"), an_event(3, "=s1:x")])
    assert gateway.events.append(TENANT, "s1", events).stored == 4


@pytest.mark.parametrize(
    "session_id", ["a/b", "..", ".", "a b", "ü", "x" * 500, "'; drop table event; --", "%s", "\\"]
)
def test_any_text_is_a_session_id(gateway: Gateway, session_id: str) -> None:
    gateway.events.append(TENANT, session_id, incoming([an_event(0, "k")], session_id))
    assert gateway.events.has(TENANT, session_id)
    assert seqs(gateway, session_id) == [0]
    row = gateway.events.row(TENANT, session_id)
    assert row is not None and row.session_id == session_id


def test_the_same_id_in_another_project_is_another_session(gateway: Gateway) -> None:
    project, _ = gateway.accounts.add_project("ws_dev", "other")
    other = Tenant("ws_dev", project["id"])
    gateway.events.append(TENANT, "s1", incoming([an_event(0, "k", whose="first")]))
    assert not gateway.events.has(other, "s1")
    gateway.events.append(other, "s1", incoming([an_event(0, "k", whose="second")]))
    assert [e["payload"]["whose"] for _, e in gateway.events.events(TENANT, "s1", None, 10)] == ["first"]
    assert [e["payload"]["whose"] for _, e in gateway.events.events(other, "s1", None, 10)] == ["second"]
    assert gateway.events.delete(other, "s1")
    assert seqs(gateway) == [0]


def test_a_row_says_what_the_catalog_says_of_the_same_session(gateway: Gateway, tmp_path: Path) -> None:
    built = a_failing_booking("s1")
    built.write(tmp_path / "elsewhere")
    catalog = Catalog(tmp_path / "elsewhere")
    catalog.refresh()
    expected = catalog.row("s1")
    gateway.events.append(TENANT, "s1", incoming(built.events[:4]))
    running = gateway.events.row(TENANT, "s1")
    assert running is not None and running.status == "running" and running.events == 4
    gateway.events.append(TENANT, "s1", incoming(built.events))
    row = gateway.events.row(TENANT, "s1")
    assert row is not None and expected is not None
    for field in ("status", "agent", "goal", "started", "ended", "duration_ms", "events", "steps", "errors", "tools",
                  "types", "failed_checks", "fingerprint", "label", "tool_calls", "error"):  # fmt: skip
        assert getattr(row, field) == getattr(expected, field), field


def test_the_summary_of_a_session_recorded_by_the_sdk_is_the_one_that_a_count_gives(
    gateway: Gateway, tmp_path: Path
) -> None:
    with Session(agent="a", user_goal="g", transport="spool", spool_dir=tmp_path, session_id="s1") as session:
        session.llm_call("gpt-4o", input_tokens=10, output_tokens=5)
        session.error(RuntimeError("boom"))
    [path] = tmp_path.glob("*.jsonl")
    sent = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    for batch in (sent[:2], sent[2:]):
        gateway.events.append(TENANT, "s1", incoming(batch))
    sealed = gateway.events.row(TENANT, "s1")
    sent[-1]["metadata"]["summary"]["errors"] = 77  # not of these bytes: counted, not believed
    sent[-1]["metadata"]["summary"]["spool_bytes"] += 1
    for event in sent:
        event["session_id"] = "s2"
    gateway.events.append(TENANT, "s2", incoming(sent, "s2"))
    counted = gateway.events.row(TENANT, "s2")
    assert sealed is not None and counted is not None
    for field in (
        "status",
        "events",
        "steps",
        "errors",
        "usage",
        "fingerprint",
        "duration_ms",
        "input_tokens",
    ):
        assert getattr(sealed, field) == getattr(counted, field), field
    assert sealed.errors == 1


def test_lists_come_newest_first_and_page_by_place(gateway: Gateway) -> None:
    for number in range(7):
        built = a_session(f"s{number}")
        for event in built.events:
            event["timestamp"] = f"2026-11-2{number}T10:00:00Z"
        gateway.events.append(TENANT, f"s{number}", incoming(built.events, f"s{number}"))
    rows = gateway.events.rows(TENANT, None, 3)
    assert [row.session_id for row in rows] == ["s6", "s5", "s4"]
    rest = gateway.events.rows(TENANT, newest_first(rows[-1]), 10)
    assert [row.session_id for row in rest] == ["s3", "s2", "s1", "s0"]


def test_outcomes_are_those_of_ended_sessions(gateway: Gateway) -> None:
    for built in (a_failing_booking("f"), a_passing_booking("p"), a_session("r")):
        gateway.events.append(TENANT, built.session_id, incoming(built.events, built.session_id))
    found = {outcome.session_id: outcome.fingerprint for outcome in gateway.events.outcomes(TENANT)}
    assert found == {"f": "8ae0f41220d0", "p": ""}


def test_positions_name_the_sessions_that_received_something(gateway: Gateway) -> None:
    appended = gateway.events.append(TENANT, "s1", incoming([an_event(0, "k")]))
    assert gateway.events.positions(TENANT, time.time() - 60) == {"s1": appended.end}
    assert gateway.events.positions(TENANT, time.time() + 60) == {}


def test_a_deleted_session_is_gone_and_may_begin_anew(gateway: Gateway) -> None:
    gateway.events.append(TENANT, "s1", incoming(a_failing_booking("s1").events))
    assert gateway.events.row(TENANT, "s1") is not None
    assert gateway.events.delete(TENANT, "s1")
    assert not gateway.events.delete(TENANT, "s1")
    assert not gateway.events.has(TENANT, "s1")
    assert gateway.events.row(TENANT, "s1") is None
    assert gateway.events.rows(TENANT, None, 10) == []
    gateway.events.append(TENANT, "s1", incoming([an_event(0, "k")]))
    row = gateway.events.row(TENANT, "s1")
    assert row is not None and row.events == 1


def test_old_sessions_are_found_by_their_last_event(gateway: Gateway) -> None:
    gateway.events.append(TENANT, "s1", incoming([an_event(0, "k")]))
    assert gateway.events.older_than(TENANT, time.time() - 3600, 10) == []
    assert gateway.events.older_than(TENANT, time.time() + 3600, 10) == ["s1"]


def test_what_is_not_there_is_empty_and_no_error(gateway: Gateway) -> None:
    assert not gateway.events.has(TENANT, "none")
    assert gateway.events.row(TENANT, "none") is None
    assert gateway.events.events(TENANT, "none", None, 10) == []
    assert gateway.events.arrived(TENANT, "none", 0, 10) == []
    assert gateway.events.append(TENANT, "none", []).stored == 0
    assert list(gateway.events.outcomes(TENANT)) == []


def test_a_store_is_kept_up_and_can_be_asked_whether_it_is_ready(gateway: Gateway) -> None:
    gateway.events.maintain()
    gateway.events.check()
    gateway.events.append(TENANT, "s1", incoming([an_event(0, "k")]))
    assert seqs(gateway) == [0]
