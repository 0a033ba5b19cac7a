"""Agents in processes of their own, with a gateway that is there, is not there, or comes back."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

import promptetheus as pt
from promptetheus.delivery.destination import Destination
from promptetheus.delivery.record import load, pending_bytes
from promptetheus.delivery.replay import replay
from promptetheus.sinks import Delivery
from tests.delivery.stub_gateway import KEY, Reply, StubGateway, times
from tests.sdk.programs import environment, wait_until

Agent = Callable[..., subprocess.CompletedProcess[str]]
HEADER = """
import os, sys, time
import promptetheus as pt
SPOOL = sys.argv[1]
def run(session_id, number=20):
    with pt.start(agent="a", user_goal="g", session_id=session_id, spool_dir=SPOOL) as session:
        for n in range(number):
            session.metric("n", n)
"""


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "spool"


@pytest.fixture
def agent(gateway: StubGateway, spool: Path) -> Agent:
    """Runs a program with the gateway configured, to its end."""

    def run(code: str, expected: int = 0, **variables: str) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-c", HEADER + textwrap.dedent(code), str(spool)],
            env={**configured(gateway), **variables},
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == expected, done.stderr
        return done

    return run


def configured(gateway: StubGateway) -> dict[str, str]:
    return {**environment(), "PROMPTETHEUS_API_KEY": KEY, "PROMPTETHEUS_API_URL": gateway.url}


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_bytes().splitlines()]


def is_sent(path: Path) -> bool:
    return pending_bytes(path, load(path)) == 0


def test_a_program_that_ends_has_delivered(gateway: StubGateway, agent: Agent, spool: Path) -> None:
    agent("run('one'); run('two')", PROMPTETHEUS_EXIT_TIMEOUT="30")
    for name in ("one", "two"):
        assert gateway.events[name] == lines(spool / f"{name}.jsonl")
        assert is_sent(spool / f"{name}.jsonl")


def test_events_arrive_while_the_agent_runs(gateway: StubGateway, spool: Path) -> None:
    with pt.start(
        agent="a", user_goal="g", session_id="s", endpoint=gateway.url, api_key=KEY, spool_dir=spool
    ) as session:
        session.user_message("hello")
        wait_until(lambda: len(gateway.events.get("s", [])) == 2)
        session.flush(timeout=20.0)
        session.metric("n", 1)
        session.flush(timeout=20.0)
        assert [event["type"] for event in gateway.events["s"]] == ["state_change", "user_message", "metric"]


async def test_waiting_for_delivery_leaves_the_event_loop_free(gateway: StubGateway, spool: Path) -> None:
    session = pt.AsyncSession(agent="a", user_goal="g", session_id="s", transport="spool", spool_dir=spool)
    async with session:
        await session.flush()
    delivered = pt.AsyncSession(
        agent="a",
        user_goal="g",
        session_id="t",
        transport=Delivery("auto", gateway.url, KEY),
        spool_dir=spool,
    )
    async with delivered:
        delivered.metric("n", 1)
        await delivered.flush(timeout=20.0)
        assert len(gateway.events["t"]) == 2


def test_without_a_gateway_the_program_ends_and_the_next_one_delivers(
    gateway: StubGateway, agent: Agent, spool: Path
) -> None:
    gateway.stop()
    agent("run('one')", PROMPTETHEUS_EXIT_TIMEOUT="2")
    assert not is_sent(spool / "one.jsonl") and len(lines(spool / "one.jsonl")) == 22
    gateway.start()
    agent(
        "run('two')\nend = time.time() + 30\n"
        "from promptetheus.delivery.record import load\nfrom pathlib import Path\n"
        "while not load(Path(SPOOL, 'one.jsonl')).acknowledged_bytes and time.time() < end: time.sleep(0.05)",
        PROMPTETHEUS_EXIT_TIMEOUT="30",
    )
    assert gateway.events["one"] == lines(spool / "one.jsonl")
    assert gateway.events["two"] == lines(spool / "two.jsonl")


def test_a_killed_agent_loses_nothing(gateway: StubGateway, agent: Agent, spool: Path) -> None:
    code = HEADER + textwrap.dedent(
        """
        with pt.start(agent="a", user_goal="g", session_id="killed", spool_dir=SPOOL) as session:
            for n in range(100_000):
                session.metric("n", n)
                print(n, flush=True)
        """
    )
    command = [sys.executable, "-c", code, str(spool)]
    with subprocess.Popen(command, env=configured(gateway), stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        told = -1
        for line in process.stdout:
            told = int(line)
            if told >= 3000:
                break
        process.send_signal(signal.SIGKILL)
    agent(
        "run('next')\nend = time.time() + 60\n"
        "from promptetheus.delivery.record import load, pending_bytes\nfrom pathlib import Path\n"
        "path = Path(SPOOL, 'killed.jsonl')\n"
        "while pending_bytes(path, load(path)) and time.time() < end: time.sleep(0.05)",
        PROMPTETHEUS_EXIT_TIMEOUT="30",
    )
    assert gateway.events["killed"] == lines(spool / "killed.jsonl")
    assert len(gateway.events["killed"]) >= told + 2


def test_sessions_recorded_without_a_key_are_not_sent_by_themselves(
    gateway: StubGateway, agent: Agent, spool: Path
) -> None:
    agent("run('local')", PROMPTETHEUS_API_KEY="")
    agent("run('sent')\ntime.sleep(1)", PROMPTETHEUS_EXIT_TIMEOUT="30")
    assert set(gateway.events) == {"sent"}


def test_forked_children_deliver_their_own(gateway: StubGateway, agent: Agent, spool: Path) -> None:
    agent(
        """
        with pt.start(agent="a", user_goal="g", session_id="parent", spool_dir=SPOOL) as session:
            session.metric("before", 1)
            session.flush(timeout=20)
            children = []
            for number in range(3):
                pid = os.fork()
                if pid == 0:
                    run(f"child-{number}")
                    session.metric("in child", number)
                    session.flush(timeout=20)
                    from promptetheus.delivery import uploader
                    uploader.close_all()
                    os._exit(0)
                children.append(pid)
            for pid in children:
                assert os.waitpid(pid, 0)[1] == 0
        """,
        PROMPTETHEUS_EXIT_TIMEOUT="30",
    )
    for name in ("parent", "child-0", "child-1", "child-2"):
        found, kept = gateway.events[name], lines(spool / f"{name}.jsonl")
        assert sorted(str(e["idempotency_key"]) for e in found) == sorted(
            str(e["idempotency_key"]) for e in kept
        )


def test_a_wrong_key_costs_the_agent_nothing_and_is_said(
    gateway: StubGateway, agent: Agent, spool: Path
) -> None:
    done = agent("run('one'); print(pt.stats()['failed'])", PROMPTETHEUS_API_KEY="wrong")
    assert not gateway.events and not is_sent(spool / "one.jsonl")
    record = load(spool / "one.jsonl")
    assert record is not None and record.last_error == "HTTP 401: unknown key"
    assert "wrong" not in done.stderr + done.stdout


def test_twenty_agents_at_once(gateway: StubGateway, target: Destination, spool: Path) -> None:
    code = HEADER + "run(sys.argv[2], 200)"
    variables = {**configured(gateway), "PROMPTETHEUS_EXIT_TIMEOUT": "60"}
    gateway.rules.append(times(5, Reply(503)))
    gateway.rules.append(times(5, Reply(hang_up=True)))
    agents = [
        subprocess.Popen([sys.executable, "-c", code, str(spool), f"s{n}"], env=variables) for n in range(20)
    ]
    assert [process.wait(120) for process in agents] == [0] * 20
    for number in range(20):
        path = spool / f"s{number}.jsonl"
        if not is_sent(path):  # it had met more than its share of trouble and left the rest for later
            replay([path], target)
        assert gateway.events[f"s{number}"] == lines(path)


def test_one_thread_ships_all_sessions_of_a_process(agent: Agent) -> None:
    done = agent(
        """
        import threading
        for number in range(30):
            run(f"s{number}", 2)
        print(sum("uploader" in thread.name for thread in threading.enumerate()))
        """,
        PROMPTETHEUS_EXIT_TIMEOUT="30",
    )
    assert done.stdout.strip() == "1"


def test_http_is_not_imported_without_a_key(spool: Path, agent: Agent) -> None:
    done = agent(
        "run('one'); print([name for name in ('httpx', 'promptetheus.delivery') if name in sys.modules])",
        PROMPTETHEUS_API_KEY="",
    )
    assert done.stdout.strip() == "[]"


def test_a_spool_that_cannot_be_written_to_does_not_reach_the_agent(
    gateway: StubGateway, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pt.start(
        agent="a", user_goal="g", endpoint=gateway.url, api_key=KEY, spool_dir=blocked / "spool"
    ) as session:
        session.metric("n", 1)
        session.flush(timeout=0.2)
    assert os.listdir(tmp_path) == ["file"]
