"""Events over HTTP: accounting, encodings, limits."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from promptetheus.gateway.options import Options
from tests.builders import a_failing_booking
from tests.gateway.conftest import on_files, serving
from tests.gateway.test_store_conformance import an_event

PATH = "/api/traces/s1/events"


def stored(client: Any, session_id: str = "s1") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/api/traces/{session_id}/events").json()["events"]
    return found


def test_the_first_batch_makes_the_trace(client: Any) -> None:
    sent = a_failing_booking("s1").events
    answer = client.post(PATH, json={"events": sent})
    assert (answer.status_code, answer.json()) == (200, {"accepted": len(sent), "rejected": []})
    assert len(stored(client)) == len(sent)
    [session] = client.get("/api/sessions").json()["sessions"]
    assert session["status"] == "failed goal"
    assert session["fingerprint"] == "8ae0f41220d0"


def test_a_batch_may_be_gzip_and_chunked(client: Any) -> None:
    body = gzip.compress(json.dumps({"events": a_failing_booking("s1").events}).encode())

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(body), 100):
            yield body[start : start + 100]

    answer = client.post(PATH, content=pieces(), headers={"Content-Encoding": "gzip"})
    assert answer.json()["accepted"] == 9
    assert len(stored(client)) == 9


def test_a_chunked_body_is_not_taken_for_an_empty_one(client: Any) -> None:
    body = json.dumps({"events": [an_event(0, "k")]}).encode()
    assert client.post(PATH, content=iter([body[:10], body[10:]])).json()["accepted"] == 1


def test_bad_events_are_named_and_the_others_stored(client: Any) -> None:
    events = [an_event(0, "k0"), {**an_event(1, "k1"), "type": "unheard_of"}, "no event", an_event(2, "k2")]
    answer = client.post(PATH, json={"events": events}).json()
    assert answer["accepted"] == 2
    assert [(each["index"], each.get("idempotency_key")) for each in answer["rejected"]] == [
        (1, "k1"),
        (2, None),
    ]
    assert answer["accepted"] + len(answer["rejected"]) == len(events)
    assert [event["seq"] for event in stored(client)] == [0, 2]


@on_files
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"seq": -1}, "seq must be >= 0"),
        ({"seq": True}, "seq must be an integer"),
        ({"seq": 2**62}, "seq must be below"),
        ({"idempotency_key": ""}, "nonempty"),
        ({"idempotency_key": "x" * 600}, "longer than 512"),
        ({"idempotency_key": "a\0b"}, "NUL"),
        ({"payload": []}, "payload must be a mapping"),
        ({"timestamp": 5}, "timestamp must be a string"),
        ({"type": "llm_call", "payload": {"model": "m", "prompt": "p"}}, "prompt_ref/messages_ref"),
        ({"span_id": ""}, "span_id must be nonempty"),
        ({"payload": {"text": "x" * (1 << 20)}}, "a line has at most"),
    ],
)
def test_an_event_is_refused_with_the_reason(client: Any, change: dict[str, Any], reason: str) -> None:
    answer = client.post(PATH, json={"events": [{**an_event(0, "k"), **change}]}).json()
    assert answer["accepted"] == 0
    assert reason in answer["rejected"][0]["reason"]


def test_a_bare_event_is_taken_and_a_bad_one_is_a_422(client: Any) -> None:
    assert client.post(PATH, json=an_event(0, "k")).json() == {"accepted": 1, "rejected": []}
    bad = client.post(PATH, json={**an_event(1, "k1"), "seq": "1"})
    assert bad.status_code == 422
    assert bad.json()["accepted"] == 0 and len(bad.json()["rejected"]) == 1


def test_the_session_is_that_of_the_path_and_the_project_that_of_the_key(client: Any) -> None:
    forged = {**an_event(0, "k"), "session_id": "elsewhere", "workspace_id": "ws_x", "project_id": "p_x"}
    client.post(PATH, json={"events": [forged]})
    [event] = stored(client)
    assert (event["session_id"], event["workspace_id"], event["project_id"]) == ("s1", "ws_dev", "proj_dev")
    assert client.get("/api/traces/elsewhere/events").status_code == 404


def test_lone_surrogates_and_nan_cost_a_character_and_not_the_batch(client: Any) -> None:
    body = b'{"events":[%s]}' % json.dumps(an_event(0, "k", text="X", number=0)).encode()
    body = body.replace(b'"X"', b'"a\\ud800b"').replace(b'"number": 0', b'"number": NaN')
    assert client.post(PATH, content=body).json()["accepted"] == 1
    assert stored(client)[0]["payload"] == {"text": "a\ufffdb", "number": None}


@on_files
@pytest.mark.parametrize("body", [b"[]", b"42", b'"x"', b"null", b"{", b"\xff\xfe", b"[" * 100_000, b"{}"])
def test_a_body_that_is_no_batch_is_a_400(client: Any, body: bytes) -> None:
    answer = client.post(PATH, content=body)
    assert answer.status_code == 400
    assert isinstance(answer.json()["detail"], str)


@on_files
@pytest.mark.parametrize("body", [b"not gzip", gzip.compress(b'{"events":[]}')[:-10], b"\x1f\x8b"])
def test_bad_gzip_is_a_400(client: Any, body: bytes) -> None:
    assert client.post(PATH, content=body, headers={"Content-Encoding": "gzip"}).status_code == 400


@on_files
def test_an_unknown_encoding_is_a_415(client: Any) -> None:
    assert client.post(PATH, content=b"x", headers={"Content-Encoding": "br"}).status_code == 415


@pytest.mark.parametrize(
    "session_id", ["a%2Fb", "%2E%2E%2F%2E%2E%2Fetc%2Fpasswd", "x" * 400, "%C3%BC", "a%20b"]
)
def test_any_text_in_the_path_is_a_session(client: Any, session_id: str) -> None:
    assert (
        client.post(f"/api/traces/{session_id}/events", json={"events": [an_event(0, "k")]}).status_code
        == 200
    )
    assert len(stored(client, session_id)) == 1


@on_files
@pytest.mark.parametrize("session_id", ["a%00b", "x" * 600])
def test_what_cannot_be_an_id_is_a_400(client: Any, session_id: str) -> None:
    answer = client.post(f"/api/traces/{session_id}/events", json={"events": [an_event(0, "k")]})
    assert answer.status_code == 400


def test_a_trace_may_be_declared_first(client: Any) -> None:
    told = {"id": "t1", "agent": "booker", "user_goal": "Book", "metadata": {"k": 1}, "tags": ["x"],
            "project_id": "somebody-elses"}  # fmt: skip
    answer = client.post("/api/traces", json=told)
    assert answer.status_code == 201
    trace = answer.json()["trace"]
    assert (trace["id"], trace["project_id"], trace["status"]) == ("t1", "proj_dev", "running")
    [waiting] = client.get("/api/sessions").json()["sessions"]
    assert (waiting["id"], waiting["event_count"], waiting["user_goal"]) == ("t1", 0, "Book")
    assert client.get("/api/traces/t1/events").json()["events"] == []
    client.post("/api/traces/t1/events", json={"events": [{**an_event(0, "k"), "session_id": "t1"}]})
    [session] = client.get("/api/sessions").json()["sessions"]
    assert (session["event_count"], session["agent"], session["metadata"]) == (1, "booker", {"k": 1})


def test_an_empty_declaration_makes_a_trace_with_an_id_of_ours(client: Any) -> None:
    trace = client.post("/api/traces", json={}).json()["trace"]
    assert len(trace["id"]) == 26
    assert client.get(f"/api/traces/{trace['id']}/events").status_code == 200


def test_declaring_again_keeps_the_events(client: Any) -> None:
    client.post(PATH, json={"events": [an_event(0, "k")]})
    client.post("/api/traces", json={"id": "s1", "agent": "later"})
    assert len(stored(client)) == 1
    assert len(client.get("/api/sessions").json()["sessions"]) == 1


@pytest.fixture
def small(options: Options) -> Iterator[Any]:
    """A gateway with small limits."""
    limits = replace(options.limits, body_bytes=10_000, inflated_bytes=100_000, batch_events=5)
    with serving(replace(options, limits=limits)) as client:
        yield client


@on_files
def test_limits_are_refused_with_413_and_named(small: Any) -> None:
    too_many = small.post(PATH, json={"events": [an_event(n, f"k{n}") for n in range(6)]})
    assert too_many.status_code == 413 and "at most 5 events" in too_many.json()["detail"]
    too_long = small.post(PATH, content=b" " * 10_001)
    assert too_long.status_code == 413 and "10000 bytes" in too_long.json()["detail"]
    chunked = small.post(PATH, content=iter([b" " * 6000, b" " * 6000]))
    assert chunked.status_code == 413
    bomb = gzip.compress(b'{"events":[]}' + b" " * 1_000_000)
    assert len(bomb) < 10_000
    inflating = small.post(PATH, content=bomb, headers={"Content-Encoding": "gzip"})
    assert inflating.status_code == 413 and "inflates" in inflating.json()["detail"]


@on_files
def test_a_gzip_bomb_is_never_held_whole(client: Any) -> None:
    import resource

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bomb = gzip.compress(b"\0" * (1 << 20)) * 1024  # members of a gzip file follow each other: 1 GiB
    answer = client.post(PATH, content=bomb, headers={"Content-Encoding": "gzip"})
    assert answer.status_code == 413
    assert (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 < 200 << 20


@on_files
def test_a_caller_beyond_its_rate_is_told_when_to_come_back(options: Options) -> None:
    with serving(replace(options, limits=replace(options.limits, requests_per_s=1.0))) as client:
        answers = [client.get("/api/sessions") for _ in range(6)]
    assert answers[0].status_code == 200
    assert answers[-1].status_code == 429
    assert int(answers[-1].headers["retry-after"]) >= 1


@on_files
def test_cors_is_closed_unless_a_page_is_named(options: Options) -> None:
    asked = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
    with serving(options) as client:
        assert "access-control-allow-origin" not in client.options(PATH, headers=asked).headers
        assert "access-control-allow-origin" not in client.get("/health", headers=asked).headers
    with serving(replace(options, console_origins=("https://console.example",))) as client:
        ours = {**asked, "Origin": "https://console.example"}
        named = client.options(PATH, headers=ours).headers
        assert named["access-control-allow-origin"] == "https://console.example"
        assert "access-control-allow-origin" not in client.options(PATH, headers=asked).headers


@on_files
def test_a_gateway_for_this_machine_is_not_called_by_another_name(options: Options) -> None:
    with serving(options) as client:
        assert client.get("/health", headers={"Host": "evil.example"}).status_code == 403
        assert client.get("/health", headers={"Host": "localhost:4318"}).status_code == 200
        assert client.get("/health", headers={"Host": "[::1]:4318"}).status_code == 200
