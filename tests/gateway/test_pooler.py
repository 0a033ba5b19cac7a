"""Gateways behind a pooler that gives each transaction any of its connections."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.gateway.pooler import NoPooler, Pooler
from tests.gateway.running import RunningGateway
from tests.gateway.test_store_conformance import an_event
from tests.gateway.test_stream import Stream, events_after, send
from tests.gateway.test_survival import BATCH, Agent, check

if TYPE_CHECKING:
    from tests.gateway.postgres_server import PostgresServer


@pytest.fixture
def pooler(postgres: PostgresServer) -> Iterator[Pooler]:
    try:
        with Pooler(postgres.new_database(), servers=3) as running:
            yield running
    except NoPooler as why:
        pytest.skip(str(why))


def test_two_gateways_work_through_a_pooler_with_fewer_connections_than_they_have(
    pooler: Pooler, tmp_path: Path
) -> None:
    with (
        RunningGateway(tmp_path / "a", url=pooler.url) as first,
        RunningGateway(tmp_path / "b", url=pooler.url) as second,
    ):
        agents = [Agent(f"agent-{n}", lambda: [first.port, second.port], 10) for n in range(8)]
        for agent in agents:
            agent.start()
        for agent in agents:
            agent.join(60)
            agent.stopped.set()
        assert [len(agent.acknowledged) for agent in agents] == [10 * BATCH] * 8
        assert [agent.unanswered for agent in agents] == [0] * 8
        check(first, agents)
        send(first, "s1", 0)
        send(first, "s1", 0)  # what came before is told from what is new
        with Stream(first, "") as stream:
            send(second, "s1", 1)
            place, event = stream.next()
            assert event["seq"] == 1
        send(first, "s2", 0)
        assert ("s2", 0) in events_after(second, place, {("s2", 0)})
        assert len(second.get("/api/sessions")["sessions"]) == 10


def test_workspaces_stay_apart_on_shared_connections(pooler: Pooler, tmp_path: Path) -> None:
    """What a transaction sets for itself does not stay on the connection for the next one, whosever that is."""
    with RunningGateway(tmp_path / "a", url=pooler.url) as gateway:
        senders = [threading.Thread(target=send, args=(gateway, f"s{n}", *range(20))) for n in range(6)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join(60)
        with psycopg.connect(pooler.url, autocommit=True, prepare_threshold=None) as connection:
            for _ in range(6):
                assert connection.execute("select count(*) from event").fetchone() == (0,)
        assert gateway.request("POST", "/api/traces/s9/events", {"events": [an_event(0, "k")]})[0] == 200
