"""OTLP trace requests, in protobuf or JSON, as plain spans.

https://opentelemetry.io/docs/specs/otlp/ and opentelemetry/proto/trace/v1/trace.proto
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from promptetheus.gateway.errors import Refused
from promptetheus.otlp_spans import ERROR, Attributes, Span, SpanEvent

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

_MAX_DEPTH = 20
_REMOTE_PARENT = 0x200
"""Flag of a span whose parent belongs to another process."""

_PARENT_KNOWN = 0x100


def from_protobuf(data: bytes) -> list[Span]:
    """The spans of an ExportTraceServiceRequest. Raises Refused (400)."""
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    try:
        request = ExportTraceServiceRequest.FromString(data)
    except DecodeError:
        raise Refused(400, "the body is not an OTLP trace request in protobuf") from None
    found = []
    for resource_spans in request.resource_spans:
        resource = _pairs(resource_spans.resource.attributes)
        for scope_spans in resource_spans.scope_spans:
            for span in scope_spans.spans:
                events = tuple(
                    SpanEvent(event.name, event.time_unix_nano, _pairs(event.attributes))
                    for event in span.events
                )
                found.append(
                    Span(
                        span.trace_id.hex(),
                        span.span_id.hex(),
                        span.parent_span_id.hex(),
                        span.name,
                        span.start_time_unix_nano,
                        span.end_time_unix_nano,
                        _pairs(span.attributes),
                        resource,
                        events,
                        span.status.code,
                        span.status.message,
                        _is_remote(span.flags),
                        scope_spans.scope.name,
                    )
                )
    return found


def from_json(body: Mapping[str, Any]) -> list[Span]:
    """The spans of a request in JSON; what has not the right shape is left out."""
    found = []
    for resource_spans in _list(body.get("resourceSpans")):
        resource = _json_pairs(_dict(resource_spans.get("resource")).get("attributes"))
        for scope_spans in _list(resource_spans.get("scopeSpans")):
            scope = _text(_dict(scope_spans.get("scope")).get("name"))
            found += [_json_span(span, resource, scope) for span in _list(scope_spans.get("spans"))]
    return found


def _json_span(span: Mapping[str, Any], resource: Attributes, scope: str) -> Span:
    status = _dict(span.get("status"))
    code = status.get("code")
    return Span(
        _text(span.get("traceId")).lower(),
        _text(span.get("spanId")).lower(),
        _text(span.get("parentSpanId")).lower(),
        _text(span.get("name")),
        _int(span.get("startTimeUnixNano")),
        _int(span.get("endTimeUnixNano")),
        _json_pairs(span.get("attributes")),
        resource,
        tuple(
            SpanEvent(_text(e.get("name")), _int(e.get("timeUnixNano")), _json_pairs(e.get("attributes")))
            for e in _list(span.get("events"))
        ),
        ERROR if code in (ERROR, "STATUS_CODE_ERROR") else 0,
        _text(status.get("message")),
        _is_remote(_int(span.get("flags"))),
        scope,
    )


def _is_remote(flags: int) -> bool:
    return bool(flags & _PARENT_KNOWN and flags & _REMOTE_PARENT)


def _pairs(pairs: Iterable[KeyValue]) -> Attributes:
    return {pair.key: _value(pair.value, 0) for pair in pairs}


def _value(value: AnyValue, depth: int) -> Any:
    kind = value.WhichOneof("value")
    if kind is None or depth > _MAX_DEPTH:
        return None
    if kind == "array_value":
        return [_value(item, depth + 1) for item in value.array_value.values]
    if kind == "kvlist_value":
        return {pair.key: _value(pair.value, depth + 1) for pair in value.kvlist_value.values}
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value).decode()
    return getattr(value, kind)


def _json_pairs(pairs: object) -> Attributes:
    return {_text(pair.get("key")): _json_value(pair.get("value"), 0) for pair in _list(pairs)}


def _json_value(value: object, depth: int) -> Any:
    if not isinstance(value, dict) or depth > _MAX_DEPTH:
        return None
    match next(iter(value.items()), ("", None)):
        case ["intValue", number]:
            return _int(number)
        case ["arrayValue", dict(array)]:
            return [_json_value(item, depth + 1) for item in _list(array.get("values"))]
        case ["kvlistValue", dict(pairs)]:
            found = _list(pairs.get("values"))
            return {_text(pair.get("key")): _json_value(pair.get("value"), depth + 1) for pair in found}
        case ["stringValue" | "boolValue" | "doubleValue" | "bytesValue", plain]:
            return plain
    return None


def _list(value: object) -> list[Any]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _dict(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _int(value: object) -> int:
    if isinstance(value, bool):
        return 0
    if isinstance(value, str):
        return int(value) if value.removeprefix("-").isdecimal() and len(value) < 20 else 0
    return value if isinstance(value, int) else 0
