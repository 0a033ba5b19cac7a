"""Agents, a network that misbehaves and our own gateway, all in processes of their own, on both stores.

Whatever happens: every event that was acknowledged is in the gateway exactly once, and every event whose call
returned is in the gateway or in the spool; when the faults are over, all of them are in the gateway.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("fastapi", reason='the gateway needs pip install "promptetheus[server]"')

from promptetheus.delivery.destination import Destination
from promptetheus.delivery.record import load, pending_bytes
from promptetheus.delivery.replay import replay
from tests.delivery.fault_proxy import ALL, Fault, FaultProxy, between
from tests.gateway.running import KEY, RunningGateway
from tests.sdk.programs import environment, wait_until

if TYPE_CHECKING:
    from tests.gateway.postgres_server import PostgresServer

DEADLINE_S = 120.0
AGENT = """
import sys, time
import promptetheus as pt
spool, name, events, pause = sys.argv[1:]
with pt.start(agent="a", user_goal="g", session_id=name, spool_dir=spool) as session:
    session.screenshot(b"\\x89PNG\\r\\n\\x1a\\n" + name.encode())
    for number in range(int(events)):
        session.metric("n", number)
        print(number, flush=True)
        time.sleep(float(pause))
    session.goal_check(False, ["picked the wrong day"])
"""
"""Prints the number of each event whose call has returned."""

AROUND = 4
"""Events of an agent that are not metrics: the start, the picture, the check and the end."""


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    from tests.gateway.postgres_server import NoPostgres, PostgresServer

    server = PostgresServer()
    try:
        server.__enter__()
    except NoPostgres as why:
        pytest.skip(str(why))
    try:
        yield server
    finally:
        server.__exit__()


@pytest.fixture(params=["embedded", "postgres"])
def start(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], RunningGateway]:
    """Makes a gateway on the test's store; not started yet."""
    if request.param == "embedded":
        return lambda: RunningGateway(tmp_path / "gateway")
    pytest.importorskip("psycopg_pool")
    url = request.getfixturevalue("postgres").new_database()
    return lambda: RunningGateway(tmp_path / "gateway", url=url)


@pytest.fixture(scope="module", params=["embedded", "postgres"])
def standing(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningGateway]:
    """A gateway that runs as long as the tests of this file."""
    url = None
    if request.param == "postgres":
        pytest.importorskip("psycopg_pool")
        url = request.getfixturevalue("postgres").new_database()
    with RunningGateway(tmp_path_factory.mktemp("standing") / "gateway", url=url) as gateway:
        yield gateway


class Agent:
    """An agent process that delivers through a proxy."""

    def __init__(self, proxy: FaultProxy, spool: Path, name: str, events: int, pause_s: float = 0.0) -> None:
        self.name, self.spool, self.events = name, spool, events
        self.said = spool.parent / f"{name}.said"
        variables = {
            **environment(),
            "PROMPTETHEUS_API_KEY": KEY,
            "PROMPTETHEUS_API_URL": proxy.url,
            "PROMPTETHEUS_EXIT_TIMEOUT": "2",
            "PROMPTETHEUS_HTTP_TIMEOUT": "1",
        }
        with open(self.said, "wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-c", AGENT, str(spool), name, str(events), str(pause_s)],
                env=variables,
                stdout=said,
                stderr=subprocess.DEVNULL,
            )

    @property
    def file(self) -> Path:
        return self.spool / f"{self.name}.jsonl"

    def returned(self) -> int:
        """How many metrics were recorded, as the agent saw it."""
        return self.said.read_bytes().count(b"\n")

    def end(self) -> None:
        assert self.process.wait(DEADLINE_S) == 0
        assert len(self.keys()) == self.events + AROUND

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def keys(self) -> list[str]:
        """Of the whole lines of its spool file."""
        lines = self.file.read_bytes().splitlines(True) if self.file.exists() else []
        return [str(json.loads(line)["idempotency_key"]) for line in lines if line.endswith(b"\n")]


@contextmanager
def agents(
    proxy: FaultProxy, spool: Path, name: str, number: int, events: int, pause_s: float = 0.0
) -> Iterator[list[Agent]]:
    """So many agents at once; those that still run at the end are killed."""
    started = [Agent(proxy, spool, f"{name}-{index}", events, pause_s) for index in range(number)]
    try:
        yield started
    finally:
        for agent in started:
            agent.kill()


def deliver(proxy: FaultProxy, spool: Path) -> None:
    """Send what is pending until nothing is, without waiting between tries."""
    target = Destination(proxy.url, KEY, 1.0 if proxy.share else 30.0)
    deadline = time.monotonic() + DEADLINE_S
    files = sorted(spool.glob("*.jsonl"))
    while any(pending_bytes(path, load(path)) for path in files):
        assert time.monotonic() < deadline, "not everything could be delivered"
        replay(files, target, pause=lambda seconds: None)


def check(gateway: RunningGateway, proxy: FaultProxy, started: list[Agent]) -> None:
    """What the head of this file says, when the faults are over and everything was delivered."""
    for agent in started:
        arrived = keys_at(gateway, agent.name)
        assert len(arrived) == len(set(arrived)), f"{agent.name}: an event is there twice"
        assert sorted(arrived) == sorted(agent.keys()), agent.name
        assert proxy.acknowledged.get(agent.name, set()) <= set(arrived), agent.name
        assert len(arrived) >= agent.returned(), agent.name
    assert not list(started[0].spool.glob("dead-letter/*"))


def keys_at(gateway: RunningGateway, session_id: str) -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        status, page = gateway.request("GET", f"/api/traces/{session_id}/events?limit=1000{cursor}")
        if status == 404:
            return found
        assert status == 200, page
        found += [str(event["idempotency_key"]) for event in page["events"]]
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


@pytest.mark.parametrize("fault", ["slow", "cut before", "cut midway", "cut after", "500", "429", "nonsense"])
def test_a_fault_in_half_of_the_requests_costs_no_event(
    fault: Fault, standing: RunningGateway, tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    with between((fault,), 0.5) as proxy, agents(proxy, spool, fault.replace(" ", "-"), 2, 700) as started:
        proxy.gateway_port = standing.port
        for agent in started:
            agent.end()
        if fault != "slow":
            deliver(proxy, spool)
        proxy.heal()
        deliver(proxy, spool)
        assert proxy.happened[fault] > 0
        check(standing, proxy, started)


def test_a_key_that_is_refused_leaves_everything_pending_and_nothing_dead(
    standing: RunningGateway, tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    with between(("401",), 1.0) as proxy, agents(proxy, spool, "unauthorized", 2, 50) as started:
        proxy.gateway_port = standing.port
        for agent in started:
            agent.end()
            assert keys_at(standing, agent.name) == []
            assert pending_bytes(agent.file, load(agent.file)) == agent.file.stat().st_size
        proxy.heal()
        deliver(proxy, spool)
        check(standing, proxy, started)


def test_twenty_agents_all_faults_and_a_gateway_killed_at_random_moments(
    start: Callable[[], RunningGateway], tmp_path: Path
) -> None:
    dice = random.Random(11)
    with between(ALL, 0.3) as proxy, agents(proxy, tmp_path / "spool", "s", 20, 300, 0.005) as started:
        for _ in range(4):
            with start() as gateway:
                proxy.gateway_port = gateway.port
                before = sum(map(len, proxy.acknowledged.values()))
                late = threading.Event()
                threading.Timer(dice.uniform(0.2, 1.0), late.set).start()  # a random moment is the point
                wait_until(
                    lambda before=before: (
                        sum(map(len, proxy.acknowledged.values())) > before  # type: ignore[misc]
                        or all(agent.process.poll() is not None for agent in started)
                    ),
                    DEADLINE_S,
                )
                late.wait()
                gateway.stop(signal.SIGKILL)
        with start() as gateway:
            proxy.gateway_port = gateway.port
            for name, keys in list(proxy.acknowledged.items()):
                assert set(keys) <= set(keys_at(gateway, name)), f"{name}: an acknowledged event is gone"
            for agent in started:
                agent.end()
            deliver(proxy, tmp_path / "spool")
            proxy.heal()
            check(gateway, proxy, started)
        assert sum(proxy.happened[fault] for fault in ALL) > 0


def test_agents_killed_at_random_moments_leave_everything_that_returned(
    start: Callable[[], RunningGateway], tmp_path: Path
) -> None:
    dice = random.Random(13)
    with start() as gateway, between(ALL, 0.3) as proxy:
        proxy.gateway_port = gateway.port
        with agents(proxy, tmp_path / "spool", "s", 4, 1_000_000) as started:
            for agent in started:
                least = dice.randrange(1, 1500)
                wait_until(lambda agent=agent, least=least: agent.returned() >= least, DEADLINE_S)  # type: ignore[misc]
                agent.kill()
                assert len(agent.keys()) >= agent.returned()
            deliver(proxy, tmp_path / "spool")
            proxy.heal()
            check(gateway, proxy, started)
