"""Agents and our own gateway, each in a process of its own: whatever happens to either, every event arrives once."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason='the gateway needs pip install "promptetheus[server]"')

import httpx

from promptetheus.cli import main
from promptetheus.delivery.destination import Destination
from promptetheus.delivery.record import load, pending_bytes
from promptetheus.delivery.replay import replay
from tests.sdk.programs import environment, wait_until

DEADLINE_S = 60.0
AGENT = """
import sys
import promptetheus as pt
with pt.start(agent="a", user_goal="g", session_id=sys.argv[2], spool_dir=sys.argv[1]) as session:
    session.user_message("hello")
    session.screenshot(b"\\x89PNG\\r\\n\\x1a\\n" + sys.argv[2].encode())
    for number in range(int(sys.argv[3])):
        session.metric("n", number)
    session.goal_check(False, ["picked the wrong day"])
"""


class Gateway:
    """`promptetheus dev` on one port, killed and started again as often as wanted."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def target(self) -> Destination:
        return Destination(f"http://127.0.0.1:{self.port}", "pt_dev_key", 20.0)

    def start(self) -> None:
        command = [sys.executable, "-m", "promptetheus", "dev", "--port", str(self.port)]
        self.process = subprocess.Popen(
            [*command, "--dir", str(self.directory)],
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._is_up, DEADLINE_S)

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def events(self, session_id: str) -> list[dict[str, Any]]:
        """All events of a session, page by page."""
        found: list[dict[str, Any]] = []
        cursor: str | None = None
        while True:
            answer = httpx.get(
                f"{self.target.api_url}/api/traces/{session_id}/events",
                params={"cursor": cursor} if cursor else {},
                headers={"Authorization": "Bearer pt_dev_key"},
                timeout=60.0,
            )
            if answer.status_code == 404:
                return []
            page = answer.raise_for_status().json()
            found += page["events"]
            cursor = page["next_cursor"]
            if cursor is None:
                return found

    def _is_up(self) -> bool:
        assert self.process is not None and self.process.poll() is None, "the gateway ended"
        try:
            return httpx.get(f"{self.target.api_url}/health", timeout=1.0).is_success
        except httpx.HTTPError:
            return False


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    found = Gateway(tmp_path / "gateway")
    found.start()
    yield found
    found.kill()


def start_agent(gateway: Gateway, spool: Path, name: str, events: int) -> subprocess.Popen[bytes]:
    variables = {
        **environment(),
        "PROMPTETHEUS_API_KEY": "pt_dev_key",
        "PROMPTETHEUS_API_URL": gateway.target.api_url,
        "PROMPTETHEUS_EXIT_TIMEOUT": "1",
    }
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(AGENT), str(spool), name, str(events)],
        env=variables,
        stderr=subprocess.DEVNULL,
    )


def keys_in(path: Path) -> list[str]:
    return [str(json.loads(line)["idempotency_key"]) for line in path.read_bytes().splitlines()]


def deliver_the_rest(gateway: Gateway, spool: Path) -> None:
    deadline = time.monotonic() + DEADLINE_S
    files = sorted(spool.glob("*.jsonl"))
    while any(pending_bytes(path, load(path)) for path in files):
        assert time.monotonic() < deadline, "not everything could be delivered"
        replay(files, gateway.target)


def assert_all_arrived_once(gateway: Gateway, spool: Path) -> None:
    for path in sorted(spool.glob("*.jsonl")):
        arrived = [str(event["idempotency_key"]) for event in gateway.events(path.stem)]
        assert sorted(arrived) == sorted(keys_in(path))
    assert not list(spool.glob("dead-letter/*"))


def test_agents_and_a_gateway_that_is_killed_again_and_again(gateway: Gateway, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    dice = random.Random(7)
    agents = [start_agent(gateway, spool, f"s{number}", 1500) for number in range(6)]
    acknowledged: dict[str, int] = {}
    for _ in range(4):
        time.sleep(dice.uniform(0.1, 0.6))  # a random moment is the point
        gateway.kill()
        for path in spool.glob("*.jsonl"):
            record = load(path)
            acknowledged[path.stem] = record.acknowledged_events if record else 0
        gateway.start()
        for name, number in acknowledged.items():
            assert len(gateway.events(name)) >= number, "an acknowledged event is gone"
    assert [agent.wait(120) for agent in agents] == [0] * 6
    deliver_the_rest(gateway, spool)
    assert_all_arrived_once(gateway, spool)


def test_an_agent_that_is_killed_and_a_spool_that_is_replayed(gateway: Gateway, tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    agent = start_agent(gateway, spool, "killed", 10_000_000)
    wait_until(lambda: len(gateway.events("killed")) > 100, DEADLINE_S)
    agent.send_signal(signal.SIGKILL)
    agent.wait()
    deliver_the_rest(gateway, spool)
    whole = [line for line in (spool / "killed.jsonl").read_bytes().splitlines(True) if line.endswith(b"\n")]
    assert len(gateway.events("killed")) == len(whole)


def test_pictures_arrive_and_the_gateway_s_spool_opens_like_any_other(
    gateway: Gateway, tmp_path: Path
) -> None:
    spool = tmp_path / "spool"
    assert start_agent(gateway, spool, "one", 3).wait(60) == 0
    deliver_the_rest(gateway, spool)
    there = gateway.directory / "projects" / "proj_dev" / "spool"
    shot = next(event for event in gateway.events("one") if event["type"] == "screenshot")
    picture = there / str(shot["payload"]["storage_path"])
    assert picture.read_bytes() == b"\x89PNG\r\n\x1a\n" + b"one"
    assert main(["fingerprint", "one", "--spool", str(there)]) == 0
    assert main(["sessions", "--spool", str(there)]) == 0


def test_init_doctor_and_delivery_from_nothing(
    gateway: Gateway, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    env = tmp_path / ".env"
    words = ["init", "--api-url", gateway.target.api_url, "--console-token", "pt_console_token"]
    assert main([*words, "--write-env", str(env)]) == 0
    capsys.readouterr()
    (tmp_path / "agent.py").write_text(
        "import promptetheus as pt\n"
        "with pt.start(agent='a', user_goal='g', session_id='first', spool_dir='spool') as session:\n"
        "    session.flush(timeout=30)\n"
    )
    script = f". {env}; {sys.executable} agent.py; {sys.executable} -m promptetheus spool list --spool spool"
    done = subprocess.run(
        ["sh", "-ec", script],
        cwd=tmp_path,
        env={**environment(), "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert "pending : 0 event(s)" in done.stdout, done.stdout
    assert os.stat(env).st_mode & 0o777 == 0o600
