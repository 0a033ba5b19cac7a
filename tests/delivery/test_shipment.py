"""One session's way to the gateway, through everything that a gateway may answer."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

import promptetheus as pt
from promptetheus.delivery import dead_letters
from promptetheus.delivery.client import Client
from promptetheus.delivery.destination import Destination
from promptetheus.delivery.record import load, pending_bytes, record_path
from promptetheus.delivery.shipment import Shipment, Shipped
from tests.delivery.conftest import Record
from tests.delivery.stub_gateway import Reply, Request, StubGateway, times


def ship(path: Path, target: Destination) -> Shipped:
    with Client(target) as client:
        return Shipment(client, target.api_url).ship(path)


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def is_sent(path: Path) -> bool:
    return pending_bytes(path, load(path)) == 0


def test_every_event_arrives_as_it_stands_in_the_file_and_the_file_stays(
    gateway: StubGateway, target: Destination, record: Record
) -> None:
    path = record(1200)
    before = path.read_bytes()
    shipped = ship(path, target)
    assert (shipped.delivered, shipped.refused, shipped.is_done) == (1202, 0, True)
    assert gateway.events["run-1"] == lines(path)
    assert path.read_bytes() == before and is_sent(path)
    assert len(gateway.batches()) == 3
    assert oct(record_path(path).stat().st_mode & 0o777) == "0o600"


def test_only_what_is_new_is_sent(gateway: StubGateway, target: Destination, record: Record) -> None:
    path = record(3)
    ship(path, target)
    with pt.start(
        agent="a", user_goal="g", session_id="run-1", transport="spool", spool_dir=path.parent
    ) as s:
        s.metric("later", 1)
    gateway.requests.clear()
    assert ship(path, target).delivered == 3
    assert gateway.events["run-1"] == lines(path)
    assert ship(path, target) == Shipped(is_done=True)
    assert len(gateway.batches()) == 1


def test_a_line_that_is_still_being_written_waits_and_garbage_is_counted(
    gateway: StubGateway, target: Destination, record: Record
) -> None:
    path = record(2)
    whole = path.read_bytes()
    late = json.dumps({**lines(path)[1], "seq": 9, "idempotency_key": "late"}).encode()
    path.write_bytes(whole + b"no json\n[1]\n" + late[:20])
    assert ship(path, target).delivered == 4
    found = load(path)
    assert found is not None and found.acknowledged_bytes == len(whole) + 12
    with open(path, "ab") as file:
        file.write(late[20:] + b"\n")
    assert ship(path, target).delivered == 1
    found = load(path)
    assert found is not None and found.skipped_lines == 2 and is_sent(path)


def test_a_refused_event_is_kept_with_its_reason(
    gateway: StubGateway, target: Destination, record: Record
) -> None:
    path = record(3)
    answer = {"accepted": 4, "rejected": [{"index": 2, "reason": "seq is taken"}]}
    gateway.rules.append(times(1, Reply(body=json.dumps(answer).encode())))
    assert ship(path, target).refused == 1
    dead, _ = dead_letters.read(dead_letters.path_of(path))
    assert dead == [(lines(path)[2], "seq is taken")] and is_sent(path)


@pytest.mark.parametrize("body", [b"{}", b"", b"[1]", b'{"accepted":1}', b'{"accepted":true}'])
def test_an_answer_that_accounts_for_nothing_leaves_the_batch_pending(
    body: bytes, gateway: StubGateway, target: Destination, record: Record
) -> None:
    path = record(3)
    gateway.rules.append(times(1, Reply(body=body)))
    assert ship(path, target).failure is not None
    assert not is_sent(path)
    assert ship(path, target).delivered == 5 and gateway.events["run-1"] == lines(path)


def test_what_was_refused_in_such_an_answer_is_not_sent_or_kept_twice(
    gateway: StubGateway, target: Destination, record: Record
) -> None:
    path = record(2)
    gateway.rules.append(times(1, Reply(body=b'{"accepted":9,"rejected":[{"index":1}]}')))
    ship(path, target)
    assert ship(path, target).delivered == 3
    assert len(dead_letters.read(dead_letters.path_of(path))[0]) == 1
    assert gateway.events["run-1"] == [event for event in lines(path) if event["seq"] != 1]


@pytest.mark.parametrize("status", [400, 413, 415, 422])
def test_one_bad_event_does_not_take_its_batch_with_it(
    status: int, gateway: StubGateway, target: Destination, record: Record
) -> None:
    path = record(40)

    def rule(request: Request) -> Reply | None:
        is_bad = request.path.endswith("/events") and any(event["seq"] == 17 for event in request.events)
        return Reply(status, b'{"detail":"no"}') if is_bad else None

    gateway.rules.append(rule)
    shipped = ship(path, target)
    assert (shipped.delivered, shipped.refused, shipped.is_done) == (41, 1, True)
    assert dead_letters.read(dead_letters.path_of(path))[0] == [(lines(path)[17], f"http_{status}")]
    assert gateway.events["run-1"] == [event for event in lines(path) if event["seq"] != 17]


@pytest.mark.parametrize("status", [401, 402, 403, 405, 408, 418, 425, 429, 500, 502, 503])
def test_an_answer_about_the_key_or_the_gateway_leaves_everything_pending(
    status: int, gateway: StubGateway, target: Destination, record: Record
) -> None:
    path = record(3)
    gateway.rules.append(times(1, Reply(status, b'{"detail":"not now"}', {"Retry-After": "3"})))
    failure = ship(path, target).failure
    assert failure is not None and failure.retry_after_s == 3.0
    assert not dead_letters.path_of(path).exists() and not is_sent(path)
    found = load(path)
    assert found is not None and found.last_error == f"HTTP {status}: not now" and found.failed_at
    assert ship(path, target).is_done and gateway.events["run-1"] == lines(path)


@pytest.mark.parametrize(
    "body", [b"{}", b"null", b" \n", b'""', b'{ "detail": null }', b'{"detail": ""}', b""]
)
def test_an_answer_that_says_nothing_is_noted_as_its_status(
    body: bytes, gateway: StubGateway, target: Destination, record: Record
) -> None:
    path = record(1)
    gateway.rules.append(times(1, Reply(503, body)))
    ship(path, target)
    found = load(path)
    assert found is not None and found.last_error == "HTTP 503"


def test_a_redirect_is_not_followed_and_says_where_to(
    gateway: StubGateway, target: Destination, record: Record
) -> None:
    path = record(1)
    gateway.rules.append(times(1, Reply(302, b"", {"Location": "http://127.0.0.1:9/new"})))
    failure = ship(path, target).failure
    assert (
        failure is not None
        and "http://127.0.0.1:9/new" in failure.error
        and "PROMPTETHEUS_API_URL" in failure.error
    )
    assert len(gateway.requests) == 1


def test_a_gateway_that_wants_a_trace_first_gets_it(
    gateway: StubGateway, target: Destination, record: Record
) -> None:
    path = record(2)
    gateway.rules.append(
        lambda request: Reply(404) if request.path.endswith("/events") and not gateway.traces else None
    )
    assert ship(path, target).is_done
    assert gateway.traces["run-1"]["agent"] == "a" and gateway.traces["run-1"]["user_goal"] == "g"
    assert gateway.events["run-1"] == lines(path)


def test_a_trace_that_is_not_found_even_then_stays_pending(
    gateway: StubGateway, target: Destination, record: Record
) -> None:
    path = record(2)
    gateway.rules.append(lambda request: Reply(404) if request.path.endswith("/events") else None)
    assert ship(path, target).failure is not None
    assert not is_sent(path) and not dead_letters.path_of(path).exists()


def test_a_connection_that_breaks_leaves_everything_pending(
    gateway: StubGateway, target: Destination, record: Record
) -> None:
    path = record(2)
    gateway.rules.append(times(1, Reply(hang_up=True)))
    failure = ship(path, target).failure
    assert failure is not None and failure.status == 0
    gateway.stop()
    assert ship(path, target).failure is not None
    gateway.start()
    assert ship(path, target).is_done and gateway.events["run-1"] == lines(path)


def test_pictures_go_first_and_once(gateway: StubGateway, target: Destination, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    png = b"\x89PNG\r\n\x1a\n" + b"0" * 50
    with pt.start(agent="a", user_goal="g", session_id="s", transport="spool", spool_dir=spool) as session:
        session.screenshot(png)
        session.screenshot(png)
    assert ship(spool / "s.jsonl", target).is_done
    assert list(gateway.artifacts.values()) == [png]
    uploads = [r for r in gateway.requests if r.path.endswith("/artifacts")]
    assert len(uploads) == 1 and gateway.requests[0] is uploads[0]
    assert uploads[0].headers["content-type"] == "image/png"
    assert uploads[0].headers["x-promptetheus-artifact-type"] == "screenshot"


def test_a_picture_that_is_gone_or_refused_is_counted_and_its_event_goes(
    gateway: StubGateway, target: Destination, tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    with pt.start(agent="a", user_goal="g", session_id="s", transport="spool", spool_dir=spool) as session:
        session.screenshot(b"\x89PNG\r\n\x1a\n" + b"0" * 50)
        session.screenshot(b"\x89PNG\r\n\x1a\n" + b"1" * 50)
    next(spool.glob("artifacts/*/*.png")).unlink()
    gateway.rules.append(times(1, Reply(415), path="/artifacts"))
    assert ship(spool / "s.jsonl", target).is_done
    found = load(spool / "s.jsonl")
    assert found is not None and found.lost_artifacts == 2
    assert len(gateway.events["s"]) == 4


def test_an_artifact_that_leads_out_of_the_spool_is_never_read(
    gateway: StubGateway, target: Destination, record: Record, tmp_path: Path
) -> None:
    path = record(0)
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    name = f"artifacts/aa/{'a' * 64}.png"
    (path.parent / "artifacts" / "aa").mkdir(parents=True)
    (path.parent / name).symlink_to(secret)
    event = {**lines(path)[0], "idempotency_key": "x", "seq": 7, "payload": {"storage_path": name}}
    with open(path, "ab") as file:
        file.write(json.dumps(event, separators=(",", ":")).encode() + b"\n")
    assert ship(path, target).is_done
    assert not gateway.artifacts


def test_a_damaged_record_means_sending_again_and_nothing_is_doubled(
    gateway: StubGateway, target: Destination, record: Record
) -> None:
    path = record(3)
    ship(path, target)
    for content in (
        b"{",
        b"[]",
        b'{"acknowledged_bytes":-4}',
        b'{"acknowledged_bytes":"4"}',
        b'{"refused_keys":[1]}',
    ):
        record_path(path).write_bytes(content)
        assert ship(path, target).is_done
        assert gateway.events["run-1"] == lines(path)


def test_a_file_that_was_replaced_by_a_shorter_one_is_sent_from_its_beginning(
    gateway: StubGateway, target: Destination, record: Record
) -> None:
    path = record(50)
    ship(path, target)
    path.unlink()
    record(2)
    assert ship(path, target).delivered == 4


def test_a_session_that_may_yet_be_dropped_is_not_sent(
    gateway: StubGateway, target: Destination, tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    session = pt.start(
        agent="a", user_goal="g", session_id="s", transport="spool", spool_dir=spool, tail_sample=True
    )
    with session:
        session.metric("n", 1)
        ship(spool / "s.jsonl", target)
        assert not gateway.events
        session.goal_check(False)
    os.utime(spool / "s.jsonl", (1_700_000_000, 1_700_000_000))
    ship(spool / "s.jsonl", target)
    assert len(gateway.events["s"]) == 4


def test_two_at_once_do_not_send_the_same_session(
    gateway: StubGateway, target: Destination, record: Record
) -> None:
    path = record(3)
    seen: list[Shipped] = []

    def ship_meanwhile(request: Request) -> Reply | None:
        if not seen:
            seen.append(ship(path, target))
        return None

    gateway.rules.append(ship_meanwhile)
    assert ship(path, target).is_done
    assert [shipped.is_claimed for shipped in seen] == [True]
    assert len(gateway.batches()) == 1
