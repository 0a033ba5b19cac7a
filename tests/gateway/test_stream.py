"""Events as they come, over real connections."""

from __future__ import annotations

import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.gateway.running import KEY, PATIENCE_S, RunningGateway
from tests.gateway.test_store_conformance import an_event


@pytest.fixture
def gateway(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[RunningGateway]:
    url = request.getfixturevalue("postgres").new_database() if store == "postgres" else None
    with RunningGateway(tmp_path / "gateway", url=url, PROMPTETHEUS_MAX_STREAMS="3") as running:
        yield running


class Stream:
    """An open stream of server-sent events."""

    def __init__(
        self, gateway: RunningGateway, query: str, last_event_id: str | None = None, key: str = KEY
    ) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=PATIENCE_S)
        headers = {"Authorization": f"Bearer {key}"}
        if last_event_id is not None:
            headers["Last-Event-ID"] = last_event_id
        self.connection.request("GET", f"/api/stream?{query}", headers=headers)
        self.answer = self.connection.getresponse()
        self.missed = 0
        """How often it was told that some are not told."""

    def __enter__(self) -> Stream:
        if self.answer.status == 200:
            assert self.answer.readline() == b": open\n"
        return self

    def __exit__(self, *error: object) -> None:
        self.answer.close()
        self.connection.close()

    def kind(self) -> str:
        """What the next thing that is told is called."""
        while True:
            name, _, text = self.answer.readline().decode().rstrip("\n").partition(": ")
            if name == "event":
                return text

    def next(self) -> tuple[str, dict[str, Any]]:
        """The next event and its id."""
        found: dict[str, str] = {}
        while True:
            line = self.answer.readline().decode().rstrip("\n")
            if not line and "id" in found and "data" in found:
                return found["id"], json.loads(found["data"])
            name, _, text = line.partition(": ")
            self.missed += line == "event: missed"
            if name in ("id", "event", "data"):
                found[name] = text


def send(gateway: RunningGateway, session_id: str, *seqs: int) -> None:
    events = [an_event(seq, f"{session_id}:n:{seq}") for seq in seqs]
    status, _ = gateway.request("POST", f"/api/traces/{session_id}/events", {"events": events})
    assert status == 200


def test_a_session_is_told_from_its_beginning_and_then_live(gateway: RunningGateway) -> None:
    send(gateway, "s1", 0, 1)
    with Stream(gateway, "session_id=s1") as stream:
        assert [stream.next()[1]["seq"] for _ in range(2)] == [0, 1]
        send(gateway, "s1", 2)
        found = stream.next()[1]
        assert (found["seq"], found["project_id"]) == (2, "proj_dev")


def test_a_broken_stream_goes_on_where_it_broke(gateway: RunningGateway) -> None:
    send(gateway, "s1", 5, 1, 9)
    with Stream(gateway, "session_id=s1") as stream:
        place, _ = stream.next()
    send(gateway, "s1", 3)
    with Stream(gateway, "session_id=s1", place) as stream:
        assert [stream.next()[1]["seq"] for _ in range(3)] == [1, 9, 3]


def test_what_is_known_already_can_be_left_out(gateway: RunningGateway) -> None:
    send(gateway, "s1", 0, 1, 2)
    with Stream(gateway, "session_id=s1&after_seq=1") as stream:
        assert stream.next()[1]["seq"] == 2


def test_a_project_tells_what_comes_in_any_session(gateway: RunningGateway) -> None:
    send(gateway, "old", 0)
    with Stream(gateway, "project_id=proj_dev") as stream:
        send(gateway, "old", 1)
        send(gateway, "new", 0)
        found = {(event["session_id"], event["seq"]) for _, event in (stream.next(), stream.next())}
        assert found == {("old", 1), ("new", 0)}


def test_a_broken_stream_of_a_project_goes_on_where_it_broke(gateway: RunningGateway) -> None:
    with Stream(gateway, "project_id=proj_dev") as stream:
        send(gateway, "s1", 0)
        send(gateway, "s2", 0)
        places = [stream.next() for _ in range(2)]
    send(gateway, "s1", 1)
    send(gateway, "s3", 0)
    assert events_after(gateway, places[-1][0], {("s1", 1), ("s3", 0)}) <= {
        ("s1", 0),
        ("s1", 1),
        ("s2", 0),
        ("s3", 0),
    }


def events_after(gateway: RunningGateway, place: str, wanted: set[tuple[str, int]]) -> set[tuple[str, int]]:
    """What the project's stream tells from a place on, until all of the wanted were told and nothing was missed."""
    found: set[tuple[str, int]] = set()
    with Stream(gateway, "project_id=proj_dev", place) as stream:
        while not wanted <= found:
            _, event = stream.next()
            found.add((event["session_id"], event["seq"]))
    assert stream.missed == 0
    return found


def test_no_place_of_a_project_s_stream_skips_an_event(gateway: RunningGateway) -> None:
    everything = [("s1", 0), ("s1", 1), ("s1", 2), ("s2", 0)]
    with Stream(gateway, "") as stream:
        send(gateway, "s1", 0, 1, 2)
        send(gateway, "s2", 0)
        told = [stream.next() for _ in everything]
    for number, (place, _) in enumerate(told, 1):
        send(gateway, "last", number)
        with Stream(gateway, "", place) as stream:
            seen = {(event["session_id"], event["seq"]) for _, event in told[:number]}
            while ("last", number) not in seen:
                _, event = stream.next()
                seen.add((event["session_id"], event["seq"]))
            assert stream.missed == 0
        assert seen >= set(everything)


@pytest.mark.parametrize(
    "place",
    [
        "s1/7",
        "0123456789ab.5",
        "nonsense",
        "0.99999999999999999999999999",
        "0-0",
        "99999999999-1",
        "²-²",
        "-",
    ],
)
def test_a_place_that_is_not_known_any_more_is_told_as_missed(gateway: RunningGateway, place: str) -> None:
    with Stream(gateway, "", place) as stream:
        assert stream.kind() == "missed"
        send(gateway, "s1", 0)
        assert stream.next()[1]["session_id"] == "s1"


def test_there_are_so_many_streams_and_no_more(gateway: RunningGateway) -> None:
    send(gateway, "s1", 0)
    streams = [Stream(gateway, "session_id=s1") for _ in range(3)]
    try:
        assert [stream.answer.status for stream in streams] == [200, 200, 200]
        with Stream(gateway, "session_id=s1") as refused:
            assert refused.answer.status == 503
    finally:
        for stream in streams:
            stream.__exit__()


def test_a_place_of_another_stream_is_a_400_and_a_foreign_session_a_404(gateway: RunningGateway) -> None:
    send(gateway, "s1", 0)
    with Stream(gateway, "session_id=s1", "nonsense") as refused:
        assert refused.answer.status == 400
    with Stream(gateway, "session_id=none") as refused:
        assert refused.answer.status == 404


def test_nothing_of_another_project_is_told_from_any_place(gateway: RunningGateway) -> None:
    _, made = gateway.request(
        "POST", "/api/onboarding/bootstrap", {"project_name": "other", "new_key": True},
        Authorization="Bearer pt_console_token",
    )  # fmt: skip
    key = made["api_key"]
    with Stream(gateway, "") as stream:
        send(gateway, "s1", 0)
        place, _ = stream.next()
    send(gateway, "s1", 1)
    for query in ("session_id=s1", "project_id=proj_dev", "session_id=s1&project_id=proj_dev"):
        with Stream(gateway, query, key=key) as refused:
            assert refused.answer.status == 404
    with Stream(gateway, "", place, key=key) as stream:
        send(gateway, "s1", 2)
        event = {**an_event(0, "mine"), "session_id": "s1"}
        own = {"Authorization": f"Bearer {key}"}
        assert gateway.request("POST", "/api/traces/s1/events", {"events": [event]}, **own)[0] == 200
        assert stream.next()[1]["idempotency_key"] == "mine"


def test_a_stream_and_a_store_of_two_gateways(store: str, gateway: RunningGateway, tmp_path: Path) -> None:
    """What another gateway stores on the same database is told here, too."""
    if store == "embedded":
        pytest.skip("files belong to one gateway")
    url = gateway._environment["DATABASE_URL"]
    with RunningGateway(tmp_path / "second", url=url) as second:
        send(second, "s1", 0)
        with Stream(gateway, "session_id=s1") as one, Stream(gateway, "") as every:
            assert one.next()[1]["seq"] == 0
            send(second, "s1", 1)
            assert one.next()[1]["seq"] == 1
            assert every.next()[1]["seq"] == 1


def test_a_stream_goes_on_at_another_gateway(store: str, gateway: RunningGateway, tmp_path: Path) -> None:
    if store == "embedded":
        pytest.skip("files belong to one gateway")
    with RunningGateway(tmp_path / "second", url=gateway._environment["DATABASE_URL"]) as second:
        with Stream(gateway, "") as stream:
            send(second, "s1", 0)
            place, _ = stream.next()
        send(gateway, "s2", 0)
        send(second, "s3", 0)
        assert events_after(second, place, {("s2", 0), ("s3", 0)}) <= {("s1", 0), ("s2", 0), ("s3", 0)}
