"""Events a second that a gateway takes, has on disk and shows, beside peers and floors, and what a kill leaves.

    python -m benchmarks.gateway --peers PYTHON         everything; PYTHON has arize-phoenix and mlflow installed
    python -m benchmarks.gateway --only ours,file --sessions 20 --rounds 5

    python -m venv peers && peers/bin/pip install arize-phoenix mlflow, then --peers peers/bin/python

Each server runs in a process of its own, with the store it comes with; rounds of all are interleaved and the median
counts. Agents send gzip batches of 500 events, made beforehand, over connections that they keep: ours and the floors
get our events, the peers the same as OTLP spans. The clock runs from the first batch until the server shows all that
it said it has (`events/s`): the gateways are asked over their API, a floor's store is looked at. `accepted/s` is what
the answers alone claim. Then more is sent, the server is killed with SIGKILL right after the last answer and started
again, and what it shows of that is `kept`.

Clients and servers share the machine: trust the ratios. PostgreSQL runs as it comes, with every commit on disk.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.gateway_load import BATCH, Session, send
from benchmarks.gateway_servers import Place, Server, free_port, has_module, servers
from tests.gateway.postgres_server import NoPostgres, PostgresServer

FLOOR_OF = {"ours": "file", "ours-postgres": "copy"}
START_S = 180.0
SHOWN_S = 120.0
"""A server has so long to show what it accepted."""

RECOVERY_S = 15.0
"""And so long after the restart."""


class Measured(NamedTuple):
    """One round of one server."""

    events_s: float
    """Shown to one who asks, counted from the first batch."""
    accepted_s: float
    p50_ms: float
    p99_ms: float
    cpu_us: float
    """Processor time per event, that of PostgreSQL included: the figure that says most on a busy machine."""
    shown: float
    """Share of the accepted events that was shown in the end."""
    kept: float
    """Share of the events acknowledged before the kill that is shown after the restart."""


def measure(
    server: Server, load: Sequence[Session], killed: int, clients: int, postgres: PostgresServer | None
) -> Measured:
    """One round: a fresh server, a session to warm up, then most of the load and the question for it, then the last
    sessions, so many, and a kill."""
    warming, timed, last = load[:1], load[1 : len(load) - killed], load[len(load) - killed :]
    names = [session.name for session in load]
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        url = postgres.new_database() if postgres is not None and server.needs_postgres else ""
        place = Place(directory, free_port(), url)
        with running(server, place) as process:
            warmed = send(place.port, warming, server.headers, 1).accepted
            _wait_until_shown(server, place, names, warmed)
            database = postgres.pid if postgres is not None and server.needs_postgres else 0
            cpu_s, began = _cpu_s(process.pid, database), time.perf_counter()
            first = send(place.port, timed, server.headers, clients)
            answered_s, cpu_s = time.perf_counter() - began, _cpu_s(process.pid, database) - cpu_s
            shown, asked = _wait_until_shown(server, place, names, warmed + first.accepted)
            second = send(place.port, last, server.headers, clients)
            _kill(process)
        with running(server, place):
            there, _ = _wait_until_shown(server, place, names, shown + second.accepted, RECOVERY_S)
    if first.refused or second.refused:
        print(f"{server.name} refused {first.refused + second.refused} events", file=sys.stderr)
    times = sorted(first.times_s) or [0.0]
    return Measured(
        (shown - warmed) / (asked - began),
        first.accepted / answered_s,
        statistics.median(times) * 1000,
        times[int(len(times) * 0.99)] * 1000,
        cpu_s / max(1, first.accepted) * 1e6,
        (shown - warmed) / max(1, first.accepted),
        (there - shown) / max(1, second.accepted),
    )


def _wait_until_shown(
    server: Server, place: Place, names: Sequence[str], wanted: int, most_s: float = SHOWN_S
) -> tuple[int, float]:
    """How many events the server shows, and when it was asked the question that it answered so first."""
    deadline = time.monotonic() + most_s
    best, best_asked = -1, 0.0
    while True:
        asked = time.perf_counter()
        try:
            found = server.count(place, names)
        except OSError as error:
            found, trouble = -1, error
        if found > best:
            best, best_asked = found, asked
        if best >= wanted or time.monotonic() > deadline:
            break
        time.sleep(0.05)
    if best < 0:
        raise SystemExit(f"{server.name} does not say what it has: {trouble}")
    return best, best_asked


@contextlib.contextmanager
def running(server: Server, place: Place) -> Iterator[subprocess.Popen[bytes]]:
    """The server in processes of its own, answering."""
    environment = {**os.environ, **server.environment(place)}
    with open(Path(place.directory, "log"), "ab") as log:
        process = subprocess.Popen(
            server.words(place),
            env=environment,
            cwd=place.directory if server.package else None,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait_until_ready(server, place.port, process)
        yield process
    finally:
        _kill(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    """At once, with the processes that it started."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _wait_until_ready(server: Server, port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S
    while True:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            connection.request("GET", server.health)
            if connection.getresponse().status == 200:
                return
        except OSError:
            pass
        finally:
            connection.close()
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit(f"{server.name} did not start: {process.args!r}")
        time.sleep(0.05)


def _cpu_s(group: int, database: int) -> float:
    """What the processes of a group have computed so far, and those of a PostgreSQL server, ended ones too."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            parent, its_group, used = int(fields[1]), int(fields[2]), list(map(int, fields[11:15]))
            if path.parent.name == str(database):
                ticks += sum(used)
            elif its_group == group or (database and parent == database):
                ticks += used[0] + used[1]
    return ticks / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--peers", default=sys.executable, help="the Python that has arize-phoenix and mlflow"
    )
    parser.add_argument("--sessions", type=int, default=16, help="of a round")
    parser.add_argument("--batches", type=int, default=10, help=f"of a session, each of {BATCH} events")
    parser.add_argument("--peer-sessions", type=int, default=4, help="the peers are slower")
    parser.add_argument("--peer-batches", type=int, default=3)
    parser.add_argument("--clients", type=int, default=4, help="agents that send at the same time")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="names, with commas between them")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # with the servers, which would outlive it
    compared = [
        s for s in servers(arguments.peers) if not arguments.only or s.name in arguments.only.split(",")
    ]
    compared = [server for server in compared if _is_installed(server, arguments.peers)]
    with contextlib.ExitStack() as stack:
        postgres = None
        if any(server.needs_postgres for server in compared):
            try:
                postgres = stack.enter_context(PostgresServer(durable=True))
            except NoPostgres as why:
                print(f"without PostgreSQL: {why}")
                compared = [server for server in compared if not server.needs_postgres]
        rounds: dict[str, list[Measured]] = {}
        loads = {}
        for server in compared:
            sizes = (arguments.sessions, arguments.batches)
            if server.package:
                sizes = (arguments.peer_sessions, arguments.peer_batches)
            loads[server.name] = _load(server, *sizes, killed=arguments.clients)
        for _ in range(arguments.rounds):
            for server in compared:
                measured = measure(server, loads[server.name], arguments.clients, arguments.clients, postgres)
                rounds.setdefault(server.name, []).append(measured)
    _print(rounds)


def _is_installed(server: Server, python: str) -> bool:
    if not server.package or has_module(python, server.name):
        return True
    print(f"without {server.name}: {python} does not have it; {python} -m pip install {server.package}")
    return False


def _load(server: Server, sessions: int, batches: int, killed: int) -> list[Session]:
    """A session of one batch to warm up, those that are timed, those before the kill."""
    warming = server.session("warming", 1)
    load = [warming, *(server.session(f"s{number:04d}", batches) for number in range(sessions + killed))]
    sent = [batch for session in load for batch in session.batches]
    plain, packed = sum(batch.plain_bytes for batch in sent), sum(len(batch.body) for batch in sent)
    each = len(sent) * BATCH
    print(
        f"{server.name}: {sessions} sessions of {batches} batches, {plain / each:.0f} bytes an event, "
        f"{packed / each:.0f} after gzip"
    )
    return load


def _print(rounds: dict[str, list[Measured]]) -> None:
    columns = ("events/s", "accepted/s", "p50 ms", "p99 ms", "CPU µs/event", "shown", "kept")
    print("\n" + f"{'':14}" + "".join(f"{column:>13}" for column in columns))
    for name, found in rounds.items():
        middle = Measured(*(statistics.median(values) for values in zip(*found, strict=True)))
        print(
            f"{name:14}{middle.events_s:13,.0f}{middle.accepted_s:13,.0f}{middle.p50_ms:13.1f}{middle.p99_ms:13.1f}"
            f"{middle.cpu_us:13.1f}{min(each.shown for each in found):13.1%}{min(each.kept for each in found):13.1%}"
        )
    for ours, floor in FLOOR_OF.items():
        if ours in rounds and floor in rounds:
            shares = [o.events_s / f.events_s for o, f in zip(rounds[ours], rounds[floor], strict=True)]
            told = " ".join(f"{share:.2f}" for share in shares)
            print(f"{ours}: {statistics.median(shares):.2f} of its floor ({floor}); by round {told}")


if __name__ == "__main__":
    main()
