"""Traces of any OpenTelemetry exporter become sessions."""

from __future__ import annotations

import gzip
import importlib.util
import itertools
import json
import random
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from tests.gateway.conftest import on_files
from tests.gateway.running import KEY, RunningGateway

TRACE = "0af7651916cd43dd8448eb211c80319c"
START_NS = 1_795_000_000_000_000_000
PROTOBUF = {"Content-Type": "application/x-protobuf"}


def value(plain: Any) -> dict[str, Any]:
    if isinstance(plain, bool):
        return {"boolValue": plain}
    if isinstance(plain, int):
        return {"intValue": str(plain)}
    if isinstance(plain, float):
        return {"doubleValue": plain}
    if isinstance(plain, list):
        return {"arrayValue": {"values": [value(item) for item in plain]}}
    return {"stringValue": plain}


def pairs(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": key, "value": value(plain)} for key, plain in attributes.items()]


def a_span(
    span_id: int, name: str, start_ms: int, end_ms: int, parent: int = 0, error: str = "", **attributes: Any
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "traceId": TRACE,
        "spanId": f"{span_id:016x}",
        "parentSpanId": f"{parent:016x}" if parent else "",
        "name": name,
        "startTimeUnixNano": str(START_NS + start_ms * 10**6),
        "endTimeUnixNano": str(START_NS + end_ms * 10**6),
        "attributes": pairs({key.replace("__", "."): plain for key, plain in attributes.items()}),
    }
    if error:
        found["status"] = {"code": 2, "message": error}
        raised = {"exception.type": "TimeoutError", "exception.message": error}
        found["events"] = [{"name": "exception", "timeUnixNano": "1", "attributes": pairs(raised)}]
    return found


def request(spans: list[dict[str, Any]], **resource: str) -> dict[str, Any]:
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": pairs({"service.name": "booker", **resource})},
                "scopeSpans": [{"scope": {"name": "tests"}, "spans": spans}],
            }
        ]
    }


_DOCUMENT: dict[str, Any] = {
    "retrieval.documents.0.document.content": "never",
    "retrieval.documents.0.document.score": 0.5,
}


def a_run() -> list[dict[str, Any]]:
    """An agent that asks a model, calls a tool that fails, and searches."""
    messages = [{"role": "user", "parts": [{"type": "text", "content": "Book Tuesday"}]}]
    return [
        a_span(1, "invoke_agent", 0, 1000, input__value="Book Tuesday", output__value="Sorry",
               gen_ai__agent__name="booking-agent"),
        a_span(2, "chat gpt-4o", 10, 300, 1, gen_ai__operation__name="chat", gen_ai__request__model="gpt-4o",
               gen_ai__usage__input_tokens=100, gen_ai__usage__output_tokens=20,
               gen_ai__input__messages=json.dumps(messages)),
        a_span(3, "execute_tool search", 310, 500, 1, "calendar is away", gen_ai__operation__name="execute_tool",
               gen_ai__tool__name="search", gen_ai__tool__call__id="call-1",
               gen_ai__tool__call__arguments='{"day": "Tuesday"}'),
        a_span(4, "lookup", 510, 600, 1, openinference__span__kind="RETRIEVER", input__value="policy",
               **_DOCUMENT),
    ]  # fmt: skip


def protobuf(body: dict[str, Any]) -> bytes:
    """The same request in protobuf: ids are bytes there, not hex."""
    import base64

    from google.protobuf.json_format import ParseDict

    told = json.loads(json.dumps(body))
    for resource in told["resourceSpans"]:
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                for name in ("traceId", "spanId", "parentSpanId"):
                    span[name] = base64.b64encode(bytes.fromhex(span[name])).decode()
    return bytes(ParseDict(told, ExportTraceServiceRequest()).SerializeToString())


def events_of(client: Any, trace: str = TRACE) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get(f"/api/traces/{trace}/events").json()["events"]
    return found


def test_a_trace_in_json_becomes_a_session(client: Any) -> None:
    answer = client.post("/v1/traces", json=request(a_run()))
    assert (answer.status_code, answer.json()) == (200, {"partialSuccess": {}})
    [session] = client.get("/api/sessions").json()["sessions"]
    assert (session["agent"], session["user_goal"]) == ("booking-agent", "Book Tuesday")
    assert (session["llm_calls"], session["tool_calls"], session["input_tokens"]) == (1, 1, 100)
    assert session["duration_ms"] == pytest.approx(1000)
    assert session["status"] == "completed" and session["error_count"] == 1
    types = [event["type"] for event in events_of(client)]
    assert types == ["state_change", "user_message", "state_change", "llm_call", "tool_call", "tool_result",
                     "retrieval", "state_change", "agent_message", "session_end"]  # fmt: skip


def test_calls_carry_arguments_results_and_errors(client: Any) -> None:
    client.post("/v1/traces", json=request(a_run()))
    found = {event["type"]: event for event in events_of(client)}
    call = found["tool_call"]["payload"]
    assert call == {"tool_name": "search", "arguments": {"day": "Tuesday"}, "call_id": "call-1"}
    assert found["tool_result"]["payload"]["error"] == "calendar is away"
    assert found["llm_call"]["payload"]["latency_ms"] == 290
    assert found["llm_call"]["metadata"]["input"] == "Book Tuesday"
    assert found["retrieval"]["payload"] == {
        "query": "policy",
        "documents": [{"content": "never", "score": 0.5}],
    }
    assert found["tool_call"]["span_id"] == "span_" + f"{1:016x}"


def test_protobuf_says_the_same_as_json(client: Any) -> None:
    body = gzip.compress(protobuf(request(a_run())))
    answer = client.post("/v1/traces", content=body, headers={**PROTOBUF, "Content-Encoding": "gzip"})
    assert answer.headers["content-type"] == "application/x-protobuf"
    assert ExportTraceServiceResponse.FromString(answer.content) == ExportTraceServiceResponse()
    from_protobuf = events_of(client)
    client.delete(f"/api/sessions/{TRACE}")
    client.post("/v1/traces", json=request(a_run()))
    assert events_of(client) == from_protobuf


def test_parts_of_a_trace_may_come_in_any_order_and_twice(client: Any) -> None:
    client.post("/v1/traces", json=request(a_run()))
    whole = [(event["type"], event["idempotency_key"]) for event in events_of(client)]
    chance = random.Random(3)
    for order in itertools.islice(itertools.permutations(a_run()), 0, 24, 7):
        client.delete(f"/api/sessions/{TRACE}")
        for span in order:
            for _ in range(chance.choice((1, 2))):
                client.post("/v1/traces", json=request([span]))
        assert [(event["type"], event["idempotency_key"]) for event in events_of(client)] == whole


def test_a_failed_run_is_failed_and_told_where_it_began(client: Any) -> None:
    spans = [
        a_span(1, "agent", 0, 100, error="calendar is away"),
        a_span(2, "step", 10, 90, 1, "calendar is away"),
        a_span(3, "leaf", 20, 80, 2, "calendar is away"),
    ]
    client.post("/v1/traces", json=request(spans))
    [session] = client.get("/api/sessions").json()["sessions"]
    assert (session["status"], session["error"]) == ("failed", "calendar is away")
    [error] = [event for event in events_of(client) if event["type"] == "error"]
    assert error["payload"]["error_type"] == "TimeoutError"
    assert error["span_id"] == "span_" + f"{3:016x}"


@on_files
def test_spans_that_cannot_be_placed_are_counted_and_the_others_kept(client: Any) -> None:
    bad = [{**a_span(7, "x", 0, 1), "traceId": "zz"}, {**a_span(8, "x", 0, 1), "startTimeUnixNano": "0"},
           {**a_span(9, "x", 0, 1), "startTimeUnixNano": "9" * 19}]  # fmt: skip
    answer = client.post("/v1/traces", json=request([*a_run(), *bad])).json()["partialSuccess"]
    assert answer["rejectedSpans"] == "3" and "ids or times" in answer["errorMessage"]
    assert len(events_of(client)) == 10


@on_files
def test_spans_in_a_circle_and_very_deep_ones_are_kept(client: Any) -> None:
    circle = [a_span(1, "a", 0, 10, 2), a_span(2, "b", 0, 10, 1), a_span(3, "c", 0, 10, 3)]
    assert client.post("/v1/traces", json=request(circle)).json() == {"partialSuccess": {}}
    deep = [{**a_span(n + 1, f"s{n}", n, 9000 - n, n), "traceId": "1" * 32} for n in range(3000)]
    assert client.post("/v1/traces", json=request(deep)).json() == {"partialSuccess": {}}
    assert len(events_of(client, "1" * 32)) == 6002


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"\xff\xff\xff", PROTOBUF, 400),
        (b"{", {"Content-Type": "application/json"}, 400),
        (b"", PROTOBUF, 200),
        (b"{}", {"Content-Type": "application/json"}, 200),
        (b'{"resourceSpans": [5, {"scopeSpans": "x"}]}', {"Content-Type": "application/json"}, 200),
        (b"x", {"Content-Type": "text/plain"}, 415),
    ],
)
@on_files
def test_what_is_no_trace_is_no_error_of_the_server(
    client: Any, body: bytes, headers: Any, status: int
) -> None:
    assert client.post("/v1/traces", content=body, headers=headers).status_code == status


@on_files
def test_a_real_exporter_delivers_its_spans(tmp_path: Any, store: str) -> None:
    if importlib.util.find_spec("opentelemetry.exporter") is None:
        pytest.skip("opentelemetry-exporter-otlp-proto-http is not installed (extra otlp)")
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    with RunningGateway(tmp_path / "gateway") as gateway:
        provider = TracerProvider(resource=Resource.create({"service.name": "real"}))
        exporter = OTLPSpanExporter(
            f"http://127.0.0.1:{gateway.port}/v1/traces",
            headers={"Authorization": f"Bearer {KEY}"},
            compression=Compression.Gzip,
        )
        provider.add_span_processor(BatchSpanProcessor(exporter))
        tracer = provider.get_tracer("tests")
        with tracer.start_as_current_span("run") as root, tracer.start_as_current_span("chat") as span:
            span.set_attribute("gen_ai.operation.name", "chat")
            span.set_attribute("gen_ai.request.model", "gpt-4o")
        provider.shutdown()
        trace_id = f"{root.get_span_context().trace_id:032x}"
        session = gateway.get(f"/api/sessions/{trace_id}")["session"]
    assert (session["agent"], session["llm_calls"], session["status"]) == ("real", 1, "completed")
