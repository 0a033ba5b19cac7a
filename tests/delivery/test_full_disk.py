"""A gateway, or the database behind it, whose disk is full: nothing that was acknowledged is lost, and when there is
room again everything arrives, once."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

pytest.importorskip("fastapi", reason='the gateway needs pip install "promptetheus[server]"')

from promptetheus.delivery.destination import Destination
from promptetheus.delivery.record import load, pending_bytes
from promptetheus.delivery.replay import replay
from tests.delivery.fault_proxy import between
from tests.delivery.test_faults import DEADLINE_S, Agent, agents, check, deliver, keys_at
from tests.gateway.running import KEY, RunningGateway, eventually
from tests.gateway.test_store_conformance import an_event
from tests.sdk.programs import wait_until

if TYPE_CHECKING:
    from tests.gateway.postgres_server import PostgresServer


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of its own, of 100 MB, which other users may enter."""
    if os.getuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a file system needs root")
    place = Path(tempfile.mkdtemp(prefix="promptetheus-disk-"))
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=100m", "tmpfs", place], capture_output=True)
    if done.returncode:
        place.rmdir()
        pytest.skip(f"cannot mount a tmpfs: {done.stderr.decode(errors='replace').strip()}")
    yield place
    subprocess.run(["umount", "-l", place], check=True)
    place.rmdir()


def not_pending(started: list[Agent]) -> bool:
    return not any(pending_bytes(agent.file, load(agent.file)) for agent in started)


def fill(disk: Path) -> Path:
    """Let somebody else take all but the last 300 kB; the file that does it."""
    free = os.statvfs(disk)
    rest = disk / "rest"
    with (
        suppress(OSError),
        open(rest, "wb", buffering=0) as file,
    ):  # others write meanwhile: then it is just full
        file.write(b"x" * (free.f_bavail * free.f_frsize - 300_000))
    return rest


def test_a_gateway_whose_disk_is_full_takes_nothing_and_goes_on_when_there_is_room(
    small_disk: Path, tmp_path: Path
) -> None:
    with RunningGateway(small_disk / "gateway") as gateway, between((), 0.0) as proxy:
        rest = fill(small_disk)
        proxy.gateway_port = gateway.port
        with agents(proxy, tmp_path / "spool", "s", 4, 2000) as started:
            for agent in started:
                agent.end()
            target = Destination(proxy.url, KEY, 30.0)
            files = [agent.file for agent in started]
            stopped = replay(files, target, pause=lambda seconds: None)
            assert "503" in stopped.failure, stopped
            assert not not_pending(started)
            for agent in started:
                arrived = keys_at(gateway, agent.name)
                assert proxy.acknowledged.get(agent.name, set()) <= set(arrived)
                assert set(arrived) <= set(agent.keys()), "half an event is no event"
            rest.unlink()
            deliver(proxy, tmp_path / "spool")
            check(gateway, proxy, started)


def test_a_gateway_killed_while_its_disk_is_full_starts_again_with_what_it_acknowledged(
    small_disk: Path, tmp_path: Path
) -> None:
    with between((), 0.0) as proxy:
        with RunningGateway(small_disk / "gateway") as gateway:
            rest = fill(small_disk)
            proxy.gateway_port = gateway.port
            with agents(proxy, tmp_path / "spool", "s", 4, 2000) as started:
                for agent in started:
                    agent.end()
            replay(
                [agent.file for agent in started],
                Destination(proxy.url, KEY, 30.0),
                pause=lambda seconds: None,
            )
            assert not not_pending(started)
            gateway.stop(signal.SIGKILL)
        rest.unlink()
        with RunningGateway(small_disk / "gateway") as gateway:
            proxy.gateway_port = gateway.port
            for name, keys in proxy.acknowledged.items():
                assert keys <= set(keys_at(gateway, name))
            deliver(proxy, tmp_path / "spool")
            check(gateway, proxy, started)


def test_a_database_whose_disk_fills_up_under_load_loses_nothing(small_disk: Path, tmp_path: Path) -> None:
    """The server may refuse rows, or end for want of a place for its log: whoever runs it starts it again."""
    pytest.importorskip("psycopg_pool")
    from tests.gateway.postgres_server import NoPostgres, PostgresServer

    data = small_disk / "postgres"
    data.mkdir()
    server = PostgresServer(durable=True, directory=data, settings=("max_wal_size=32MB", "min_wal_size=32MB"))
    try:
        server.__enter__()
    except NoPostgres as why:
        pytest.skip(str(why))
    try:
        with RunningGateway(tmp_path / "gateway", url=server.new_database()) as gateway:
            fill_the_database(server, gateway, small_disk, tmp_path)
    finally:
        server.__exit__()


def fill_the_database(server: PostgresServer, gateway: RunningGateway, disk: Path, tmp_path: Path) -> None:
    with between((), 0.0) as proxy:
        proxy.gateway_port = gateway.port
        with agents(proxy, tmp_path / "spool", "s", 4, 6000, 0.0005) as started:
            wait_until(lambda: sum(map(len, proxy.acknowledged.values())) > 200, DEADLINE_S)
            rest = fill(disk)
            eventually(lambda: refused(gateway), "the gateway says that it can store nothing")
            for agent in started:
                agent.end()
            acknowledged = {name: set(keys) for name, keys in proxy.acknowledged.items()}
            rest.unlink()
            if not server.is_running:
                server.start()
            eventually(lambda: gateway.request("GET", "/ready")[0] == 200, "the gateway is ready again")
            for name, keys in acknowledged.items():
                assert keys <= set(keys_at(gateway, name)), f"{name}: an acknowledged event is gone"
            deliver(proxy, tmp_path / "spool")
            check(gateway, proxy, started)


def refused(gateway: RunningGateway) -> bool:
    """Whether a batch of 500 kB is refused, and how."""
    batch = {"events": [an_event(n, f"k{n}", text="x" * 5000) for n in range(100)]}
    connection = http.client.HTTPConnection("127.0.0.1", gateway.port, timeout=DEADLINE_S)
    try:
        headers = {"Authorization": f"Bearer {KEY}"}
        connection.request("POST", f"/api/traces/{uuid.uuid4()}/events", json.dumps(batch), headers)
        answer = connection.getresponse()
        said = answer.read()
    finally:
        connection.close()
    if answer.status == 200:
        return False
    assert answer.status in (503, 507), said
    assert int(answer.headers["Retry-After"]) >= 1
    assert b"postgres" not in said.lower()
    return True
