"""Our events as OpenTelemetry spans: with their real times, inside of each other, named as the GenAI conventions name
them. https://opentelemetry.io/docs/specs/semconv/gen-ai/
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import Any

import orjson

from promptetheus.adapters.bounded import BoundedRunState
from promptetheus.adapters.extras import require_extra
from promptetheus.clock import parse_timestamp
from promptetheus.encoding import encode_value
from promptetheus.events import Event

_PRIMITIVES = (str, int, float)
_NS = 1_000_000_000
_ATTRIBUTES = {
    "gen_ai.response.model": ("payload", "model"),
    "gen_ai.usage.input_tokens": ("payload", "input_tokens"),
    "gen_ai.usage.output_tokens": ("payload", "output_tokens"),
    "gen_ai.usage.cache_read.input_tokens": ("payload", "cached_tokens"),
    "gen_ai.usage.reasoning.output_tokens": ("payload", "reasoning_tokens"),
    "gen_ai.response.id": ("metadata", "response_id"),
    "gen_ai.provider.name": ("metadata", "provider"),
    "gen_ai.usage.cache_creation.input_tokens": ("metadata", "cache_write_tokens"),
}
_OPERATIONS = {"embeddings": "embeddings", "completions": "text_completion"}


class SpanExport:
    """Turns events into spans of a tracer, in the order in which they are given."""

    def __init__(self, tracer: Any) -> None:
        self._api = require_extra("opentelemetry.trace", "otel", "OpenTelemetryBridge")
        self._tracer = tracer
        self._open: BoundedRunState[Any] = BoundedRunState(4096)
        """Spans that have begun: by span id, call id, session id."""
        self._lock = threading.RLock()  # beginning a span runs the processors, which may record

    def add(self, event: Event) -> None:
        """Take an event into account. What encloses it is the span that it names, the session's span if that was
        begun, or the span that is current in OpenTelemetry."""
        payload, name = event["payload"], str(event["payload"].get("name"))
        at = _nanoseconds(event)
        with self._lock:
            match event["type"]:
                case "state_change" if name == "session_started":
                    self._begin_session(event, payload, at)
                case "state_change" if name == "span_start":
                    parent = event.get("parent_id") or _session(event)
                    span = self._start(str(payload.get("span_name")), event, parent, at)
                    self._open.put(str(event.get("span_id")), span)
                case "state_change" if name == "span_end":
                    self._end(str(event.get("span_id")), event, at)
                case "tool_call":
                    self._begin_tool(event, payload, at)
                case "tool_result" if self._open.get(_call(event)) is not None:
                    self._end_tool(event, payload, at)
                case "llm_call":
                    self._model_call(event, payload, at)
                case "session_end":
                    self._end_session(event, payload, at)
                case kind:
                    self._moment(kind, event, payload, at)

    def _begin_session(self, event: Event, payload: dict[str, Any], at: int) -> None:
        after = payload.get("after") if isinstance(payload.get("after"), dict) else {}
        agent = str((after or {}).get("agent") or "agent")
        span = self._start(f"invoke_agent {agent}", event, None, at)
        span.set_attributes({"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": agent})
        span.set_attribute("gen_ai.conversation.id", event["session_id"])
        self._open.put(_session(event), span)

    def _end_session(self, event: Event, payload: dict[str, Any], at: int) -> None:
        if self._open.get(_session(event)) is None:
            self._moment("session_end", event, payload, at)
            return
        failed = payload.get("error")
        self._end(_session(event), event, at, str(failed) if failed else None)

    def _begin_tool(self, event: Event, payload: dict[str, Any], at: int) -> None:
        name = str(payload.get("tool_name"))
        span = self._start(f"execute_tool {name}", event, _around(event), at)
        span.set_attributes({"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": name})
        span.set_attribute("gen_ai.tool.call.id", str(payload.get("call_id")))
        span.set_attribute("gen_ai.tool.call.arguments", _json(payload.get("arguments")))
        self._open.put(_call(event), span)

    def _end_tool(self, event: Event, payload: dict[str, Any], at: int) -> None:
        error = payload.get("error")
        span = self._open.get(_call(event))
        if span is not None and payload.get("result") is not None:
            span.set_attribute("gen_ai.tool.call.result", _json(payload["result"]))
        self._end(_call(event), event, at, str(error) if error else None)

    def _model_call(self, event: Event, payload: dict[str, Any], at: int) -> None:
        metadata = event.get("metadata") or {}
        latency_ms = payload.get("latency_ms")
        start = at - latency_ms * 1_000_000 if isinstance(latency_ms, int) else at
        operation = _OPERATIONS.get(str(metadata.get("operation")), "chat")
        model = metadata.get("requested_model") or payload.get("model")
        span = self._start(f"{operation} {model}", event, _around(event), start)
        span.set_attributes({"gen_ai.operation.name": operation, "gen_ai.request.model": str(model)})
        parts = {"payload": payload, "metadata": metadata}
        for attribute, (part, field) in _ATTRIBUTES.items():
            if parts[part].get(field) is not None:
                span.set_attribute(attribute, parts[part][field])
        if metadata.get("finish_reason"):
            span.set_attribute("gen_ai.response.finish_reasons", [str(metadata["finish_reason"])])
        if isinstance(metadata.get("ttft_ms"), int):
            span.set_attribute("gen_ai.response.time_to_first_chunk", metadata["ttft_ms"] / 1000)
        error = metadata.get("error")
        if isinstance(error, Mapping):
            self._fail(span, str(error.get("message")), error.get("error_type"))
        span.end(end_time=at)

    def _moment(self, kind: str, event: Event, payload: dict[str, Any], at: int) -> None:
        """A span without a length, named after the type of the event."""
        span = self._start(kind, event, _around(event), at)
        failed = payload.get("passed") is False if kind == "goal_check" else False
        if kind == "error" or (kind == "tool_result" and payload.get("error")):
            kind_of = payload.get("error_type")
            self._fail(span, str(payload.get("message") or payload.get("error")), kind_of)
            if kind == "error":
                self._exception(span, payload, at)
        elif failed:
            self._fail(span, _json(payload.get("mismatches")), None)
        span.end(end_time=at)

    def _exception(self, span: Any, payload: dict[str, Any], at: int) -> None:
        told = {
            "exception.type": payload.get("error_type"),
            "exception.message": payload.get("message"),
            "exception.stacktrace": payload.get("traceback"),
        }
        known = {name: str(value) for name, value in told.items() if value}
        span.add_event("exception", known, timestamp=at)

    def _start(self, name: str, event: Event, parent: str | None, at: int) -> Any:
        around = self._open.get(parent) if parent is not None else None
        if around is None:
            around = self._open.get(_session(event))
        inside = None if around is None else self._api.set_span_in_context(around)
        return self._tracer.start_span(name, context=inside, attributes=attributes_of(event), start_time=at)

    def _end(self, key: str, event: Event, at: int, error: str | None = None) -> None:
        span = self._open.pop(key)
        if span is None:
            return
        span.set_attributes(attributes_of(event))
        metadata = event.get("metadata") or {}
        told = metadata.get("error")
        if error is None and metadata.get("status") == "failed":
            error = str(told.get("message")) if isinstance(told, Mapping) else "failed"
        if error is not None:
            self._fail(span, error, told.get("error_type") if isinstance(told, Mapping) else None)
        span.end(end_time=at)

    def _fail(self, span: Any, message: str, kind: object) -> None:
        span.set_status(self._api.Status(self._api.StatusCode.ERROR, message))
        span.set_attribute("error.type", str(kind) if kind else "error")


def attributes_of(event: Event) -> dict[str, Any]:
    """The event itself as attributes, in the names of release 2.0.1: `promptetheus.seq`, `promptetheus.<field of the
    payload>`, `promptetheus.metadata.<key>`. What no attribute can hold is its repr; None is left out."""
    found: dict[str, Any] = {
        "session_id": event["session_id"],
        "seq": event["seq"],
        "idempotency_key": event["idempotency_key"],
        **event["payload"],
        **{f"metadata.{key}": value for key, value in (event.get("metadata") or {}).items()},
    }
    return {f"promptetheus.{name}": _attribute(value) for name, value in found.items() if value is not None}


def _attribute(value: Any) -> Any:
    if isinstance(value, str | bool | int | float):
        return value
    if isinstance(value, list | tuple) and value:
        kind = type(value[0])
        if kind in _PRIMITIVES and all(type(item) is kind for item in value):
            return list(value)
    return repr(value)


def _json(value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(orjson.loads(encode_value(value))).decode()


def _nanoseconds(event: Event) -> int:
    at = parse_timestamp(event.get("timestamp"))
    return time.time_ns() if at is None else round(at * 1_000_000) * (_NS // 1_000_000)


def _around(event: Event) -> str | None:
    span_id = event.get("span_id")
    return span_id if isinstance(span_id, str) else None


def _session(event: Event) -> str:
    return f"session {event['session_id']}"


def _call(event: Event) -> str:
    return f"call {event['session_id']} {event['payload'].get('call_id')}"
