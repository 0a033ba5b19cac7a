"""What agents send to a gateway, in two forms: batches of our events, and the same as OTLP spans."""

from __future__ import annotations

import gzip
import hashlib
import http.client
import random
import threading
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import orjson

BATCH = 500
"""Events of a batch."""

_BEGAN_NS = 1_795_331_045_000_000_000


class Batch(NamedTuple):
    """A request, ready to be sent."""

    path: str
    body: bytes
    """After gzip."""
    plain_bytes: int


class Sent(NamedTuple):
    """What became of batches."""

    accepted: int
    """Events of which the server said that it has them."""
    refused: int
    times_s: list[float]
    """From the first byte of a request to the last of its answer, for those that were accepted."""


class Session(NamedTuple):
    """A session and its batches, in their order."""

    name: str
    batches: list[Batch]


def as_events(name: str, batches: int) -> Session:
    """A session as our SDK sends it: about 320 bytes an event."""
    chance = random.Random(name)
    found = []
    for part in range(batches):
        events = [_event(name, part * BATCH + n, chance) for n in range(BATCH)]
        found.append(_packed(f"/api/traces/{name}/events", orjson.dumps({"events": events})))
    return Session(name, found)


def as_spans(name: str, batches: int) -> Session:
    """The same session as one trace of OTLP spans, a span for an event, named as OpenInference does."""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    chance = random.Random(name)
    found = []
    for part in range(batches):
        request = ExportTraceServiceRequest()
        resource = request.resource_spans.add()
        resource.resource.attributes.add(key="service.name").value.string_value = "agent"
        spans = resource.scope_spans.add().spans
        for number in range(part * BATCH, (part + 1) * BATCH):
            payload = _payload(chance)
            began_ns = _BEGAN_NS + number * 1_000_000
            span = spans.add(
                trace_id=bytes.fromhex(trace_id(name)),
                span_id=_span_id(name, number),
                parent_span_id=_span_id(name, 0) if number else b"",
                name=payload["tool_name"],
                kind=1,
                start_time_unix_nano=began_ns,
                end_time_unix_nano=began_ns + 500_000,
            )
            span.status.code = 1
            for key, value in (
                ("openinference.span.kind", "TOOL"),
                ("tool.name", payload["tool_name"]),
                ("tool_call.id", payload["call_id"]),
                ("input.value", orjson.dumps(payload["arguments"]).decode()),
                ("input.mime_type", "application/json"),
            ):
                span.attributes.add(key=key).value.string_value = value
        found.append(_packed("/v1/traces", request.SerializeToString()))
    return Session(name, found)


def trace_id(name: str) -> str:
    """The OTLP trace of a session."""
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def send(port: int, sessions: Sequence[Session], headers: dict[str, str], clients: int) -> Sent:
    """Send sessions from so many agents at once: each sends one session after the other, batch after batch."""
    times: list[float] = []
    refused: list[int] = []
    waiting: Iterator[Session] = iter(sessions)
    lock = threading.Lock()

    def work() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
        while True:
            with lock:
                session = next(waiting, None)
            if session is None:
                return
            for batch in session.batches:
                began = time.perf_counter()
                connection.request("POST", batch.path, batch.body, headers)
                answer = connection.getresponse()
                body = answer.read()
                if answer.status == 200:
                    times.append(time.perf_counter() - began)
                    _check(body)
                else:
                    refused.append(answer.status)

    threads = [threading.Thread(target=work) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Sent(len(times) * BATCH, len(refused) * BATCH, times)


def _check(body: bytes) -> None:
    """Ours say how many events they took; OTLP says so with an empty answer."""
    if body.startswith(b"{") and (answer := orjson.loads(body)).get("accepted", BATCH) != BATCH:
        raise SystemExit(f"a batch was not taken as a whole: {answer}")


def _packed(path: str, plain: bytes) -> Batch:
    return Batch(path, gzip.compress(plain, 1, mtime=0), len(plain))


def _event(session_id: str, seq: int, chance: random.Random) -> dict[str, Any]:
    return {
        "idempotency_key": f"{session_id}:5c1f9ad0:{seq}",
        "payload": _payload(chance),
        "seq": seq,
        "session_id": session_id,
        "timestamp": "2026-11-22T07:04:12.339965Z",
        "type": "tool_call",
    }


def _payload(chance: random.Random) -> dict[str, Any]:
    return {
        "tool_name": "calendar.search",
        "call_id": f"{chance.getrandbits(128):032x}",
        "arguments": {
            "query": "afternoon slots for two people",
            "limit": chance.randrange(50),
            "calendar": "work",
        },
    }


def _span_id(name: str, number: int) -> bytes:
    return hashlib.sha256(f"{name}:{number}".encode()).digest()[:8]
