"""What was acknowledged is there afterwards, once, whatever is killed: real processes, both stores."""

from __future__ import annotations

import http.client
import random
import signal
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from promptetheus.queries.catalog import Catalog
from tests.gateway.conftest import on_files
from tests.gateway.running import RunningGateway, eventually
from tests.gateway.test_store_conformance import an_event

if TYPE_CHECKING:
    from tests.gateway.postgres_server import PostgresServer

BATCH = 20
AGENTS = 20


@pytest.fixture
def start(store: str, tmp_path: Path, request: pytest.FixtureRequest) -> Callable[[], RunningGateway]:
    """Makes a gateway on the test's store; not started yet."""
    url = request.getfixturevalue("postgres").new_database() if store == "postgres" else None
    return lambda: RunningGateway(tmp_path / "gateway", url=url)


class Agent(threading.Thread):
    """Sends batches of its own session, again and again until each is acknowledged, to whichever gateway answers."""

    def __init__(self, name: str, ports: Callable[[], list[int]], batches: int) -> None:
        super().__init__(name=name)
        self._ports, self._batches = ports, batches
        self._chance = random.Random(name)
        self.acknowledged: list[int] = []
        self.unanswered = 0
        self.stopped = threading.Event()

    def run(self) -> None:
        for batch in range(self._batches):
            seqs = range(batch * BATCH, (batch + 1) * BATCH)
            events = [an_event(seq, f"{self.name}:n:{seq}", text="x" * 200) for seq in seqs]
            while not self.stopped.is_set():
                if self._send({"events": events}):
                    self.acknowledged += seqs
                    break
                self.unanswered += 1
                self.stopped.wait(0.02)

    def _send(self, body: dict[str, Any]) -> bool:
        gateway = RunningGateway.__new__(RunningGateway)
        try:
            gateway.port = self._chance.choice(self._ports())
            status, answer = gateway.request("POST", f"/api/traces/{self.name}/events", body)
        except (OSError, http.client.HTTPException, ValueError, IndexError):
            return False
        return status == 200 and answer == {"accepted": BATCH, "rejected": []}


def have_sent(agents: list[Agent], wanted: int) -> bool:
    """Whether so many events were acknowledged, or all of them."""
    is_done = not any(agent.is_alive() for agent in agents)
    return is_done or sum(len(agent.acknowledged) for agent in agents) >= wanted


def check(gateway: RunningGateway, agents: list[Agent]) -> None:
    for agent in agents:
        found = [event["seq"] for event in gateway.get(f"/api/traces/{agent.name}/events")["events"]]
        assert sorted(found) == found and len(set(found)) == len(found), agent.name
        assert set(agent.acknowledged) <= set(found), agent.name


def test_a_gateway_killed_again_and_again_loses_and_doubles_nothing(
    start: Callable[[], RunningGateway],
) -> None:
    running: list[RunningGateway] = []
    agents = [Agent(f"agent-{n}", lambda: [each.port for each in running[-1:]], 12) for n in range(AGENTS)]
    chance = random.Random(5)
    try:
        for agent in agents:
            agent.start()
        for _ in range(3):
            with start() as gateway:
                running.append(gateway)
                before = sum(len(agent.acknowledged) for agent in agents)
                wanted = before + BATCH * chance.randrange(10, 40)
                eventually(partial(have_sent, agents, wanted), "some batches are acknowledged")
                gateway.stop(signal.SIGKILL)
        with start() as gateway:
            running.append(gateway)
            for agent in agents:
                agent.join(60)
            assert not any(agent.is_alive() for agent in agents)
            assert all(len(agent.acknowledged) == 12 * BATCH for agent in agents)
            check(gateway, agents)
            assert len(gateway.get("/api/sessions")["sessions"]) == AGENTS
    finally:
        for agent in agents:
            agent.stopped.set()


def test_of_two_gateways_on_one_database_one_may_die_under_load(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    url = postgres.new_database()
    ports: list[int] = []
    with RunningGateway(tmp_path / "a", url=url) as first, RunningGateway(tmp_path / "b", url=url) as second:
        ports += [first.port, second.port]
        agents = [Agent(f"agent-{n}", lambda: ports, 20) for n in range(8)]
        try:
            for agent in agents:
                agent.start()
            eventually(lambda: sum(len(a.acknowledged) for a in agents) > 20 * BATCH, "both are at work")
            first.stop(signal.SIGKILL)
            eventually(lambda: any(agent.unanswered for agent in agents), "somebody notices")
            ports.remove(first.port)  # as a load balancer does
            for agent in agents:
                agent.join(60)
            assert all(len(agent.acknowledged) == 20 * BATCH for agent in agents)
            check(second, agents)
        finally:
            for agent in agents:
                agent.stopped.set()


def test_a_database_that_crashes_under_load_and_comes_back_has_what_was_acknowledged(
    postgres: PostgresServer, tmp_path: Path
) -> None:
    """A server of its own: the one of the other tests does not wait for the disk."""
    from tests.gateway.postgres_server import PostgresServer

    with (
        PostgresServer(durable=True) as server,
        RunningGateway(tmp_path / "gateway", url=server.new_database()) as gateway,
    ):
        agents = [Agent(f"agent-{n}", lambda: [gateway.port], 30) for n in range(8)]
        try:
            for agent in agents:
                agent.start()
            eventually(lambda: sum(len(a.acknowledged) for a in agents) > 20 * BATCH, "all are at work")
            server.stop()
            eventually(lambda: all(agent.unanswered for agent in agents), "everybody notices")
            assert gateway.request("GET", "/health")[0] == 200
            server.start()
            for agent in agents:
                agent.join(60)
            assert [len(agent.acknowledged) for agent in agents] == [30 * BATCH] * 8
            check(gateway, agents)
        finally:
            for agent in agents:
                agent.stopped.set()
        assert "error ignored" not in gateway.said()


@on_files
def test_a_project_of_a_gateway_opens_like_any_spool(
    start: Callable[[], RunningGateway], tmp_path: Path
) -> None:
    with start() as gateway:
        gateway.request("POST", "/api/traces/s1/events", {"events": [an_event(0, "k", content="hello")]})
        catalog = Catalog(tmp_path / "gateway" / "projects" / "proj_dev" / "spool")
        assert [row.session_id for row in catalog.refresh().updated] == ["s1"]


@on_files
def test_two_gateways_do_not_share_a_directory(start: Callable[[], RunningGateway]) -> None:
    with start() as first:
        with pytest.raises(AssertionError, match="another gateway uses"):
            start().__enter__()
        assert first.get("/ready") == {"status": "ok"}


@on_files
def test_half_a_batch_that_a_power_cut_left_is_cut_off(
    start: Callable[[], RunningGateway], tmp_path: Path
) -> None:
    events = [an_event(seq, f"k{seq}") for seq in range(4)]
    with start() as gateway:
        gateway.request("POST", "/api/traces/s1/events", {"events": events[:2]})
        gateway.stop(signal.SIGKILL)
    [path] = (tmp_path / "gateway").rglob("s1.jsonl")
    with open(path, "ab") as file:
        file.write(b'{"idempotency_key":"k2","payl')
    with start() as gateway:
        gateway.request("POST", "/api/traces/s1/events", {"events": events})
        assert [event["seq"] for event in gateway.get("/api/traces/s1/events")["events"]] == [0, 1, 2, 3]
    assert path.read_bytes().count(b"\n") == 4
