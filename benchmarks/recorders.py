"""The ways of recording a tool call that `sdk.py` compares, each in a process of its own.

A recorder is a function that takes a directory and returns a function that records one call. It raises
ImportError where its library is not installed.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

Record = Callable[[int, dict[str, Any]], object]
Recorder = Callable[[Path], Record]

SESSION = "01M8113MSKZ0YB84HZ534HZC2F"
TOOL = "search_calendar"


def floor(directory: Path) -> Record:
    """The least that puts the same line on disk: a dictionary, orjson, one `os.write`."""
    import orjson

    fd = os.open(directory / "floor.jsonl", os.O_APPEND | os.O_CREAT | os.O_WRONLY, 0o600)

    def record(number: int, arguments: dict[str, Any]) -> None:
        event = {
            "type": "tool_call",
            "session_id": SESSION,
            "timestamp": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
            "seq": number,
            "idempotency_key": f"{SESSION}:abcdef01:{number}",
            "payload": {"tool_name": TOOL, "arguments": arguments, "call_id": str(number)},
        }
        os.write(fd, orjson.dumps(event, option=orjson.OPT_APPEND_NEWLINE))

    return record


def ours(directory: Path, **options: Any) -> Record:
    """Promptetheus, plain."""
    import promptetheus as pt

    session = pt.start(agent="a", user_goal="g", spool_dir=directory, **options).__enter__()

    def record(number: int, arguments: dict[str, Any]) -> None:
        session.tool_call(TOOL, arguments, str(number))

    return record


def ours_redacted(directory: Path) -> Record:
    """Promptetheus with `redact="default"`."""
    return ours(directory, redact="default")


def stdlib_logging(directory: Path) -> Record:
    """The standard library: a logger, a file handler, `json.dumps`."""
    import logging

    logger = logging.getLogger("benchmark")
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(logging.FileHandler(directory / "log.jsonl"))

    def record(number: int, arguments: dict[str, Any]) -> None:
        logger.info(json.dumps({"tool": TOOL, "arguments": arguments, "call_id": number}))

    return record


def structlog_file(directory: Path) -> Record:
    """structlog with its fastest documented set-up: orjson and a bytes logger, unbuffered."""
    import orjson
    import structlog

    structlog.configure(
        processors=[
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(serializer=orjson.dumps),
        ],
        logger_factory=structlog.BytesLoggerFactory(file=open(directory / "structlog.jsonl", "ab")),  # noqa: SIM115
        cache_logger_on_first_use=True,
    )
    logger = structlog.get_logger()

    def record(number: int, arguments: dict[str, Any]) -> None:
        logger.info("tool_call", tool=TOOL, arguments=arguments, call_id=number)

    return record


def _file_exporter(path: Path) -> Any:
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter

    return ConsoleSpanExporter(
        out=open(path, "a", buffering=1),
        formatter=lambda span: span.to_json(indent=None) + "\n",
    )


def _otel(directory: Path, batch: bool) -> Record:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor

    exporter = _file_exporter(directory / "otel.jsonl")
    provider = TracerProvider()
    provider.add_span_processor(BatchSpanProcessor(exporter) if batch else SimpleSpanProcessor(exporter))
    tracer = provider.get_tracer("benchmark")

    def record(number: int, arguments: dict[str, Any]) -> None:
        with tracer.start_as_current_span(TOOL) as span:
            span.set_attribute("arguments", json.dumps(arguments))
            span.set_attribute("call_id", number)

    return record


def otel_simple(directory: Path) -> Record:
    """OpenTelemetry SDK, simple processor, one JSON line a span."""
    return _otel(directory, batch=False)


def otel_batch(directory: Path) -> Record:
    """OpenTelemetry SDK, batch processor, one JSON line a span."""
    return _otel(directory, batch=True)


def logfire_local(directory: Path) -> Record:
    """Logfire without its service, spans to a file."""
    import logfire
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor

    logfire.configure(
        send_to_logfire=False,
        console=False,
        additional_span_processors=[SimpleSpanProcessor(_file_exporter(directory / "logfire.jsonl"))],
    )

    def record(number: int, arguments: dict[str, Any]) -> None:
        with logfire.span(TOOL, arguments=arguments, call_id=number):
            pass

    return record


_STUB = """
import http.server, sys
class Stub(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_POST(self):
        with open(sys.argv[1], "ab") as file:
            file.write(self.rfile.read(int(self.headers.get("Content-Length", 0))) + b"\\n")
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers(); self.wfile.write(b"{}")
    do_GET = do_POST
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stub)
print(server.server_port, flush=True)
server.serve_forever()
"""


def langfuse_stub(directory: Path) -> Record:
    """Langfuse against a server on this machine that accepts everything."""
    from langfuse import Langfuse

    stub = subprocess.Popen(
        [sys.executable, "-c", _STUB, str(directory / "langfuse.bin")], stdout=subprocess.PIPE, text=True
    )
    assert stub.stdout is not None
    client = Langfuse(
        public_key="pk-x", secret_key="sk-x", host=f"http://127.0.0.1:{stub.stdout.readline().strip()}"
    )

    def record(number: int, arguments: dict[str, Any]) -> None:
        with client.start_as_current_observation(name=TOOL, as_type="tool", input=arguments):
            pass

    return record


def mlflow_sqlite(directory: Path) -> Record:
    """MLflow tracing into SQLite."""
    import mlflow

    mlflow.set_tracking_uri(f"sqlite:///{directory}/mlflow.db")
    mlflow.set_experiment("benchmark")

    def record(number: int, arguments: dict[str, Any]) -> None:
        with mlflow.start_span(TOOL) as span:
            span.set_inputs(arguments)

    return record


RECORDERS: dict[str, Recorder] = {
    "floor: orjson + os.write": floor,
    "promptetheus": ours,
    "promptetheus, redacted": ours_redacted,
    "structlog, orjson": structlog_file,
    "logging": stdlib_logging,
    "OpenTelemetry simple": otel_simple,
    "OpenTelemetry batch": otel_batch,
    "Langfuse (stub)": langfuse_stub,
    "Logfire, file": logfire_local,
    "MLflow, sqlite": mlflow_sqlite,
}

IMPORTS: dict[str, str] = {
    "promptetheus": "import promptetheus",
    "promptetheus, first event": "import promptetheus as p; p.start(agent='a', user_goal='g').user_message('x')",
    "orjson": "import orjson",
    "structlog": "import structlog",
    "logging": "import logging",
    "asyncio": "import asyncio",
    "OpenTelemetry SDK": "import opentelemetry.sdk.trace.export",
    "Langfuse": "import langfuse",
    "Logfire": "import logfire",
    "MLflow": "import mlflow",
}
"""What an agent imports for each, by name."""


def lines_in(directory: Path) -> int:
    """Recorded calls that can be read from the files of a recorder."""
    found = 0
    for path in directory.rglob("*"):
        if path.is_file() and path.suffix in (".jsonl", ".bin", ".db"):
            found += path.read_bytes().count(TOOL.encode())
    return found
