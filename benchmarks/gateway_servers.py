"""What `benchmarks.gateway` compares: how each server is started, what it is sent, how it is asked what it has."""

from __future__ import annotations

import http.client
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from benchmarks.gateway_load import Session, as_events, as_spans, trace_id

_JSON = {"Content-Type": "application/json"}
_OURS = {**_JSON, "Content-Encoding": "gzip", "Authorization": "Bearer pt_dev_key"}
_OTLP = {"Content-Type": "application/x-protobuf", "Content-Encoding": "gzip"}


@dataclass(frozen=True)
class Place:
    """Where a server runs and keeps what it has."""

    directory: str
    port: int
    url: str
    """Of the database, for those that use PostgreSQL."""


@dataclass(frozen=True)
class Server:
    """One of those compared."""

    name: str
    words: Callable[[Place], list[str]]
    """The command line that starts it."""
    count: Callable[[Place, Sequence[str]], int]
    """How many events of these sessions it shows to one who asks."""
    environment: Callable[[Place], dict[str, str]] = lambda place: {}
    headers: dict[str, str] = field(default_factory=lambda: _OURS)
    health: str = "/health"
    session: Callable[[str, int], Session] = as_events
    needs_postgres: bool = False
    package: str = ""
    """What has to be installed for it, for the peers."""


def servers(peers: str) -> list[Server]:
    """All of them; `peers`: the Python that has Phoenix and MLflow."""
    return [
        Server("file", _floor_words, _in_files, _floor_environment("file")),
        Server("ours", _our_words, _our_count, _our_environment),
        Server("sqlite", _floor_words, _in_sqlite, _floor_environment("sqlite")),
        Server("copy", _floor_words, _in_table, _floor_environment("copy"), needs_postgres=True),
        Server("ours-postgres", _our_words, _our_count, _our_environment, needs_postgres=True),
        Server(
            "phoenix",
            lambda place: [peers, "-m", "phoenix.server.main", "serve"],
            _phoenix_count,
            _phoenix_environment,
            _OTLP,
            "/healthz",
            as_spans,
            package="arize-phoenix",
        ),
        Server(
            "mlflow",
            lambda place: [peers, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(place.port)],
            _mlflow_count,
            lambda place: {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            {**_OTLP, "x-mlflow-experiment-id": "0"},
            "/health",
            as_spans,
            package="mlflow",
        ),
    ]


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def has_module(python: str, module: str) -> bool:
    """Whether a Python has a package."""
    words = [python, "-c", f"import importlib.util as u, sys; sys.exit(u.find_spec({module!r}) is None)"]
    try:
        return subprocess.run(words, capture_output=True).returncode == 0
    except OSError:
        return False


def ask(port: int, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
    """The JSON that a server answers. Raises OSError, also when it answers anything but 200, and ValueError."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        connection.request(
            method, path, None if body is None else orjson.dumps(body), {**_JSON, **(headers or {})}
        )
        answer = connection.getresponse()
        text = answer.read()
        if answer.status != 200:
            raise OSError(f"{path}: {answer.status} {text[:200]!r}")
        return orjson.loads(text)
    finally:
        connection.close()


def _our_words(place: Place) -> list[str]:
    return [sys.executable, "-m", "promptetheus.cli", "dev", "--port", str(place.port)]


def _our_environment(place: Place) -> dict[str, str]:
    return {"DATABASE_URL": place.url, "PROMPTETHEUS_GATEWAY_DIR": place.directory}


def _our_count(place: Place, names: Sequence[str]) -> int:
    token = {"Authorization": _OURS["Authorization"]}
    found = ask(place.port, "GET", "/api/sessions?limit=1000", headers=token)["sessions"]
    return sum(session["event_count"] for session in found if session["id"] in names)


def _phoenix_environment(place: Place) -> dict[str, str]:
    return {
        "PHOENIX_TELEMETRY_ENABLED": "false",
        "PHOENIX_DISABLE_AGENT_ASSISTANT": "true",
        "PHOENIX_WORKING_DIR": place.directory,
        "PHOENIX_HOST": "127.0.0.1",
        "PHOENIX_PORT": str(place.port),
        "PHOENIX_GRPC_PORT": str(free_port()),
    }


def _phoenix_count(place: Place, names: Sequence[str]) -> int:
    """All spans: the sessions of a benchmark are all it has."""
    query = "{ projects { edges { node { recordCount } } } }"
    found = ask(place.port, "POST", "/graphql", {"query": query})["data"]["projects"]["edges"]
    return sum(each["node"]["recordCount"] for each in found)


def _mlflow_count(place: Place, names: Sequence[str]) -> int:
    """Its search for traces tells which there are, not how many spans they have: each is fetched."""
    experiment = {"type": "MLFLOW_EXPERIMENT", "mlflow_experiment": {"experiment_id": "0"}}
    wanted = {"locations": [experiment], "max_results": 500}
    found = ask(place.port, "POST", "/api/3.0/mlflow/traces/search", wanted).get("traces", [])
    spans = 0
    for identity in {each["trace_id"] for each in found} & {"tr-" + trace_id(name) for name in names}:
        trace = ask(place.port, "GET", f"/api/3.0/mlflow/traces/get?trace_id={identity}")["trace"]
        spans += len(trace.get("spans", ()))
    return spans


def _floor_words(place: Place) -> list[str]:
    words = ["uvicorn", "benchmarks.gateway_floors:app", "--factory", "--no-access-log"]
    return [sys.executable, "-m", *words, "--port", str(place.port)]


def _floor_environment(name: str) -> Callable[[Place], dict[str, str]]:
    return lambda place: {"FLOOR": name, "PLACE": place.url or place.directory}


def _in_files(place: Place, names: Sequence[str]) -> int:
    files = (Path(place.directory, name + ".jsonl") for name in names)
    return sum(
        len({orjson.loads(line)["idempotency_key"] for line in path.read_bytes().splitlines()})
        for path in files
        if path.exists()
    )


def _in_sqlite(place: Place, names: Sequence[str]) -> int:
    with sqlite3.connect(Path(place.directory, "events.db")) as connection:
        marks = ",".join("?" * len(names))
        sql = f"select count(*) from event where session in ({marks})"
        return int(connection.execute(sql, list(names)).fetchone()[0])


def _in_table(place: Place, names: Sequence[str]) -> int:
    import psycopg

    with psycopg.connect(place.url) as connection:
        sql = "select count(*) from floor_event where session = any(%s)"
        row = connection.execute(sql, (list(names),)).fetchone()
        return int(row[0]) if row else 0
