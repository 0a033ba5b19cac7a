"""What spans of other instrumentations hold."""

from __future__ import annotations

from typing import Any

import orjson

from promptetheus import otlp_meaning as meaning
from promptetheus.adapters.model_call import ToolRequest
from promptetheus.adapters.usage import get
from promptetheus.otlp_spans import Span, SpanEvent

_TELLING = ("gen_ai.", "openinference.", "llm.", "traceloop.")


def plain_span(span: Any) -> Span:
    """A span of the OpenTelemetry SDK as the plain one that the gateway reads, too."""
    context, parent = get(span, "context"), get(span, "parent")
    start = get(span, "start_time") or 0
    status = get(span, "status")
    events = tuple(
        SpanEvent(str(event.name), int(event.timestamp), dict(event.attributes or {}))
        for event in get(span, "events") or ()
    )
    return Span(
        trace_id=f"{context.trace_id:032x}",
        span_id=f"{context.span_id:016x}",
        parent_id="" if parent is None else f"{parent.span_id:016x}",
        name=str(get(span, "name")),
        start_ns=start,
        end_ns=get(span, "end_time") or start,
        attributes={
            name: list(value) if isinstance(value, tuple) else value
            for name, value in (get(span, "attributes") or {}).items()
        },
        resource={},
        events=events,
        status=int(get(get(status, "status_code"), "value", 0) or 0),
        status_message=str(get(status, "description") or ""),
        has_remote_parent=bool(get(parent, "is_remote", False)),
        scope=str(get(get(span, "instrumentation_scope"), "name") or ""),
    )


def requested_tools(span: Span) -> list[ToolRequest]:
    """The tools that a model's answer asks for, as its span has them."""
    found: list[ToolRequest] = []
    for message in _decoded(meaning.first(span.attributes, "gen_ai.output.messages")) or ():
        parts = get(message, "parts")
        found += [
            ToolRequest(str(part["name"]), get(part, "arguments"), get(part, "id"))
            for part in (parts if isinstance(parts, list) else ())
            if get(part, "type") == "tool_call" and get(part, "name")
        ]
    if found:
        return found
    calls: dict[str, dict[str, Any]] = {}
    for name, value in sorted(span.attributes.items()):
        if name.startswith("llm.output_messages.") and ".tool_call." in name:
            place, _, field = name.partition(".tool_call.")
            calls.setdefault(place, {})[field] = value
    return [
        ToolRequest(str(call["function.name"]), call.get("function.arguments"), call.get("id"))
        for call in calls.values()
        if "function.name" in call
    ]


def tells(span: Span) -> bool:
    """Whether the span is of one of these conventions."""
    return any(name.startswith(_TELLING) for name in span.attributes)


def identity(span: Span) -> dict[str, Any]:
    """Which span it was, for who looks it up there."""
    found = {"trace_id": span.trace_id, "otel_span_id": span.span_id, "instrumentation": span.scope}
    provider = meaning.first(span.attributes, "gen_ai.provider.name", "gen_ai.system", "llm.provider")
    return {**found, **({"provider": str(provider)} if provider else {})}


def sent(span: Span) -> Any:
    """What was sent to a model, as far as its span holds it."""
    found = span.attributes
    messages = meaning.first(found, "gen_ai.input.messages", "gen_ai.prompt", "input.value")
    if messages is not None:
        return _decoded(messages)
    numbered = {name: value for name, value in found.items() if name.startswith("llm.input_messages.")}
    return numbered or None


def call_id_of(span: Span) -> str | None:
    """The id that the model gave a tool call, where the span of the tool knows it."""
    found = meaning.first(span.attributes, "gen_ai.tool.call.id", "tool_call.id", "tool.id")
    found = found or get(_langchain_message(span), "tool_call_id")
    return str(found) if found else None


def outcome(span: Span) -> tuple[Any, str | None]:
    """What a tool gave: a result or an error. LangChain's and LlamaIndex's instrumentations put the result into an
    object of the framework."""
    result = meaning.tool_result(span)
    message = _langchain_message(span)
    if message is not None:
        content = message.get("content")
        return (None, str(content)) if message.get("status") == "error" else (content, None)
    if isinstance(result, dict) and {"raw_output", "is_error"} <= result.keys():
        raw = result["raw_output"]
        return (None, str(raw)) if result["is_error"] else (raw, None)
    return result, None


def is_embedding(span: Span) -> bool:
    """Whether a model was asked for vectors."""
    kind = str(span.attributes.get("openinference.span.kind", "")).lower()
    return kind == "embedding" or span.attributes.get("gen_ai.operation.name") == "embeddings"


def is_private(span: Span) -> bool:
    """Whether it is of a private method of LlamaIndex, `VectorIndexRetriever._retrieve`: the public one around it
    tells the same, and more."""
    method = span.name.rpartition(".")[2]
    return span.scope.endswith(".llama_index") and method.startswith("_") and not method.startswith("__")


def _langchain_message(span: Span) -> dict[str, Any] | None:
    found = meaning.tool_result(span)
    data = get(found, "data") if get(found, "type") == "tool" else None
    return data if isinstance(data, dict) else None


def _decoded(value: object) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return orjson.loads(value)
        except ValueError:
            pass
    return value
