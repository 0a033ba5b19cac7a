"""Events a second that a gateway takes, has on disk and shows, beside the floors, and what a kill leaves of them.

    python -m benchmarks.gateway                       ours embedded and on PostgreSQL, and the floors
    python -m benchmarks.gateway --only ours,file --batches 200 --rounds 5

Each server runs in a process of its own; rounds of all are interleaved and the median counts. Clients send gzip
batches of 500 events over connections that they keep, made beforehand. After the last answer the server is killed
with SIGKILL and what it kept is counted. Client and server share the machine: trust the ratios. PostgreSQL runs as
it comes, with every commit on disk.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import http.client
import os
import random
import signal
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from tests.gateway.postgres_server import NoPostgres, PostgresServer

BATCH = 500
SERVERS = ("file", "sqlite", "ours", "copy", "ours-postgres")
KEY = "pt_dev_key"


class Batch(NamedTuple):
    """A request, ready to be sent."""

    path: str
    body: bytes


class Measured(NamedTuple):
    """One round of one server."""

    events_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    """Processor time of the server per event."""
    kept: float
    """Share of the acknowledged events that are there after the kill."""


def batches(number: int, per_session: int) -> list[Batch]:
    """Batches of sessions that were recorded by our SDK, as far as their shape goes: about 320 bytes an event."""
    found = []
    chance = random.Random(7)
    for session in range((number + per_session - 1) // per_session):
        session_id = f"01M8113MSK{session:016d}"
        for part in range(per_session):
            events = [_event(session_id, part * BATCH + n, chance) for n in range(BATCH)]
            body = gzip.compress(orjson.dumps({"events": events}), 1, mtime=0)
            found.append(Batch(f"/api/traces/{session_id}/events", body))
    return found[:number]


def _event(session_id: str, seq: int, chance: random.Random) -> dict[str, Any]:
    payload = {
        "tool_name": "calendar.search",
        "call_id": f"{chance.getrandbits(128):032x}",
        "arguments": {
            "query": "afternoon slots for two people",
            "limit": chance.randrange(50),
            "calendar": "work",
        },
    }
    return {
        "idempotency_key": f"{session_id}:5c1f9ad0:{seq}",
        "payload": payload,
        "seq": seq,
        "session_id": session_id,
        "timestamp": "2026-11-22T07:04:12.339965Z",
        "type": "tool_call",
    }


def measure(server: str, sent: list[Batch], clients: int, postgres: PostgresServer | None) -> Measured:
    """One round: a fresh server, all batches, a kill, a count."""
    with tempfile.TemporaryDirectory() as directory:
        url = postgres.new_database() if postgres is not None and server in ("copy", "ours-postgres") else ""
        with running(server, directory, url) as (process, port):
            time.sleep(0.3)
            before = _cpu_s(process.pid)
            began = time.perf_counter()
            times, accepted = _send(port, sent, clients)
            took = time.perf_counter() - began
            cpu = _cpu_s(process.pid) - before
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        kept = _count(server, directory, url) / accepted
    times.sort()
    return Measured(
        accepted / took,
        statistics.median(times) * 1000,
        times[int(len(times) * 0.99)] * 1000,
        cpu / accepted * 1e6,
        kept,
    )


@contextlib.contextmanager
def running(server: str, directory: str, url: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """The server in a process of its own, answering."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "FLOOR": server, "PLACE": url or directory}
    if server.startswith("ours"):
        environment.update({"DATABASE_URL": url, "PROMPTETHEUS_GATEWAY_DIR": directory})
        words = ["promptetheus.cli", "dev", "--port", str(port)]
    else:
        words = [
            "uvicorn",
            "benchmarks.gateway_floors:app",
            "--factory",
            "--port",
            str(port),
            "--no-access-log",
        ]
    with open(Path(directory, "log"), "wb") as log:
        process = subprocess.Popen([sys.executable, "-m", *words], env=environment, stdout=log, stderr=log)
    try:
        _wait(port, process)
        yield process, port
    finally:
        process.kill()
        process.wait()


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 60
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", "/health")
            if connection.getresponse().status == 200:
                return
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"a server did not start: {process.args!r}") from None
            time.sleep(0.05)
        finally:
            connection.close()


def _send(port: int, sent: list[Batch], clients: int) -> tuple[list[float], int]:
    """Send all batches from so many threads; the time of each, and how many events were accepted."""
    times: list[float] = []
    accepted: list[int] = []
    waiting = iter(sent)
    lock = threading.Lock()

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {
            "Authorization": f"Bearer {KEY}",
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
        }
        while True:
            with lock:
                batch = next(waiting, None)
            if batch is None:
                return
            began = time.perf_counter()
            connection.request("POST", batch.path, batch.body, headers)
            answer = orjson.loads(connection.getresponse().read())
            times.append(time.perf_counter() - began)
            accepted.append(answer["accepted"])

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, sum(accepted)


def _count(server: str, directory: str, url: str) -> int:
    """The events that are there after the kill, read as any reader would."""
    if url:
        import psycopg

        table = "floor_event" if server == "copy" else "event"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("select set_config('promptetheus.workspace', '*', false)")
            row = connection.execute(f"select count(*) from {table}".encode()).fetchone()
            return row[0] if row else 0
    if server == "sqlite":
        with sqlite3.connect(Path(directory, "events.db")) as connection:
            return int(connection.execute("select count(*) from event").fetchone()[0])
    lines = {line for path in Path(directory).rglob("*.jsonl") for line in path.read_bytes().splitlines()}
    return sum(1 for line in lines if orjson.loads(line)["type"])


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--batches", type=int, default=200, help="of 500 events, in a round")
    parser.add_argument("--per-session", type=int, default=10, help="batches of one session")
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default=",".join(SERVERS))
    arguments = parser.parse_args()
    names = [name for name in SERVERS if name in arguments.only.split(",")]
    sent = batches(arguments.batches, arguments.per_session)
    size = sum(len(batch.body) for batch in sent)
    print(f"{len(sent)} batches of {BATCH} events, {size / len(sent) / 1000:.1f} kB each after gzip")
    rounds: dict[str, list[Measured]] = {}
    with contextlib.ExitStack() as stack:
        postgres = None
        if {"copy", "ours-postgres"} & set(names):
            try:
                postgres = stack.enter_context(PostgresServer(durable=True))
            except NoPostgres as why:
                print(f"without PostgreSQL: {why}")
                names = [name for name in names if name not in ("copy", "ours-postgres")]
        for _ in range(arguments.rounds):
            for name in names:
                rounds.setdefault(name, []).append(measure(name, sent, arguments.clients, postgres))
    _print(rounds)


def _print(rounds: dict[str, list[Measured]]) -> None:
    print(f"\n{'':14} {'events/s':>9} {'p50 ms':>8} {'p99 ms':>8} {'CPU µs/event':>13} {'kept':>7}")
    best: dict[str, float] = {}
    for name, found in rounds.items():
        middle = Measured(*(statistics.median(each[place] for each in found) for place in range(5)))
        best[name] = middle.events_s
        print(
            f"{name:14} {middle.events_s:9,.0f} {middle.p50_ms:8.1f} {middle.p99_ms:8.1f} "
            f"{middle.cpu_us:13.1f} {min(each.kept for each in found):7.1%}"
        )
    for ours, floor in (("ours", "file"), ("ours-postgres", "copy")):
        if ours in best and floor in best:
            print(f"{ours}: {best[ours] / best[floor]:.2f} of its floor ({floor})")


if __name__ == "__main__":
    main()
