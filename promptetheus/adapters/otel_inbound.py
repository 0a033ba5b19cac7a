"""Spans of other instrumentations as our events: GenAI conventions in their successive spellings, OpenInference,
OpenLLMetry. A span processor sees each span when it begins, in the context of its caller, and when it ends.
"""

from __future__ import annotations

from typing import Any

import orjson

from promptetheus import otlp_meaning as meaning
from promptetheus.adapters.bounded import BoundedRunState
from promptetheus.adapters.content import prompt_of
from promptetheus.adapters.model_call import ModelCall, ToolRequest, record_tool_call, record_tool_result
from promptetheus.adapters.scope import Scope, hook, scope_of
from promptetheus.adapters.spans import SpanTree
from promptetheus.adapters.usage import Usage, get, whole
from promptetheus.otlp_meaning import Meaning
from promptetheus.otlp_spans import ERROR, Span, SpanEvent

ADAPTER = "otel"
OWN_SCOPE = "promptetheus"
"""Spans of this tracer are ours: they are not turned back into events."""

_TELLING = ("gen_ai.", "openinference.", "llm.", "traceloop.")
_FURTHER_COUNTS = {
    "reasoning_tokens": (
        "gen_ai.usage.reasoning.output_tokens",
        "gen_ai.usage.details.reasoning_tokens",
        "llm.token_count.completion_details.reasoning",
    ),
    "cache_write_tokens": (
        "gen_ai.usage.cache_creation.input_tokens",
        "gen_ai.usage.cache_write.input_tokens",
        "llm.token_count.prompt_details.cache_write",
    ),
}
_TTFT = ("gen_ai.response.time_to_first_chunk", "gen_ai.response.time_to_first_token")


class SpanIntake:
    """Records the spans of model calls, tools, searches and agents; of other spans only what encloses what."""

    def __init__(self, session: Any, capture_content: bool) -> None:
        self._session = session
        self._capture = capture_content
        self._runs = SpanTree(4096)
        self._scopes: BoundedRunState[Scope] = BoundedRunState(4096)
        """Where a span belongs: the session and the spans of ours around it."""
        self._calls: BoundedRunState[ModelCall] = BoundedRunState()
        self._tools: BoundedRunState[bool] = BoundedRunState(4096)
        """Tool calls that were recorded, by session and id."""
        self._told: BoundedRunState[bool] = BoundedRunState()
        """Failures that were recorded, by trace, class and text."""

    @hook
    def begin(self, span: Any) -> None:
        """A span begins. Its kind may not be known yet: then it is decided when it ends."""
        if get(get(span, "instrumentation_scope"), "name") == OWN_SCOPE:
            return
        found = plain_span(span)
        parent = self._runs.find(found.parent_id or None)
        scope = scope_of(self._session) if parent is None else parent
        if scope is None:
            return
        self._scopes.put(found.span_id, scope)
        if not _tells(found):
            self._runs.pass_through(found.span_id, found.parent_id, scope)
            return
        kind = meaning.meaning_of(found)
        if kind is Meaning.PART:
            self._runs.start(found.span_id, found.parent_id, found.name, scope, _identity(found))
            return
        self._runs.pass_through(found.span_id, found.parent_id, scope)
        if kind is Meaning.LLM:
            self._calls.put(found.span_id, self._model_call(found, scope))
        elif kind is Meaning.TOOL and meaning.tool_arguments(found):
            self._tool_call(found, scope)

    @hook
    def end(self, span: Any) -> None:
        """A span has ended."""
        span_id = f"{get(get(span, 'context'), 'span_id', 0):016x}"
        scope = self._scopes.pop(span_id)
        if scope is None:
            return
        found = plain_span(span)
        error = meaning.error_of(found)
        told = None if error is None else str(error["message"])
        if _tells(found):
            match meaning.meaning_of(found):
                case Meaning.LLM:
                    self._answered(found, scope, error)
                case Meaning.TOOL:
                    self._tool_call(found, scope)
                    result = meaning.tool_result(found)
                    if error is not None:
                        self._is_news(found, error)
                    record_tool_result(scope, ADAPTER, _call_id(found), result, told)
                case Meaning.RETRIEVAL:
                    payload = {"query": meaning.input_of(found), "documents": meaning.documents(found)}
                    scope.record("retrieval", payload, _identity(found))
                case Meaning.PART:
                    if error is not None and found.status == ERROR and self._is_news(found, error):
                        scope.record("error", error, _identity(found))
        self._runs.end(span_id, told)

    def _model_call(self, span: Span, scope: Scope) -> ModelCall:
        model = meaning.first(span.attributes, "gen_ai.request.model", "llm.model_name")
        return ModelCall(
            scope,
            str(model) if model else None,
            adapter=ADAPTER,
            prompt=prompt_of(_sent(span), capture=self._capture),
            metadata=_identity(span),
        )

    def _answered(self, span: Span, scope: Scope, error: dict[str, Any] | None) -> None:
        call = self._calls.pop(span.span_id) or self._model_call(span, scope)
        call.with_prompt(prompt_of(_sent(span), capture=self._capture))
        answer, found = call.answer, span.attributes
        payload, _ = meaning.model_call(span)
        counts = {name: whole(meaning.first(found, *names)) for name, names in _FURTHER_COUNTS.items()}
        answer.model = payload["model"]
        answer.usage = Usage(
            payload.get("input_tokens"), payload.get("output_tokens"), payload.get("cached_tokens"), **counts
        )
        answer.latency_ms = payload["latency_ms"]
        answer.cost_usd = payload.get("cost_usd")
        seconds = meaning.first(found, *_TTFT)
        answer.ttft_ms = round(seconds * 1000) if isinstance(seconds, int | float) else None
        reasons = meaning.first(found, "gen_ai.response.finish_reasons", "llm.finish_reason")
        answer.finish_reason = ", ".join(map(str, reasons)) if isinstance(reasons, list) else reasons
        answer.response_id = meaning.first(found, "gen_ai.response.id")
        operation = found.get("gen_ai.operation.name")
        answer.facts["operation"] = str(operation) if operation else "chat"
        answer.tool_calls = [
            request for request in requested_tools(span) if self._is_new(scope, request.call_id)
        ]
        text = meaning.output_of(span)
        if operation != "embeddings" and text and not text.startswith(("{", "[")):
            answer.texts = [text]
        if error is not None and span.status == ERROR and self._is_news(span, error):
            answer.failure = str(error["message"])
            answer.failure_type = error.get("error_type")
        call.done()

    def _tool_call(self, span: Span, scope: Scope) -> None:
        call_id = _call_id(span)
        if self._is_new(scope, call_id):
            request = ToolRequest(meaning.tool_name(span), meaning.tool_arguments(span), call_id)
            record_tool_call(scope, ADAPTER, request)

    def _is_news(self, span: Span, error: dict[str, Any]) -> bool:
        """Whether a failure has not been recorded: every span that an exception passes through tells of it."""
        key = f"{span.trace_id} {error.get('error_type')} {error['message']}"
        if key in self._told:
            return False
        self._told.put(key, True)
        return True

    def _is_new(self, scope: Scope, call_id: str | None) -> bool:
        """Whether a tool call has not been recorded: the model's span and the tool's own both tell of it."""
        key = f"{scope.session.session_id} {call_id}"
        if call_id is None or key in self._tools:
            return call_id is None
        self._tools.put(key, True)
        return True


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


def _tells(span: Span) -> bool:
    return any(name.startswith(_TELLING) for name in span.attributes)


def _identity(span: Span) -> dict[str, Any]:
    """Which span it was, for who looks it up there."""
    found = {"trace_id": span.trace_id, "otel_span_id": span.span_id, "instrumentation": span.scope}
    provider = meaning.first(span.attributes, "gen_ai.provider.name", "gen_ai.system", "llm.provider")
    return {**found, **({"provider": str(provider)} if provider else {})}


def _sent(span: Span) -> Any:
    """What was sent to a model, as far as its span holds it."""
    found = span.attributes
    messages = meaning.first(found, "gen_ai.input.messages", "gen_ai.prompt", "input.value")
    if messages is not None:
        return _decoded(messages)
    numbered = {name: value for name, value in found.items() if name.startswith("llm.input_messages.")}
    return numbered or None


def _call_id(span: Span) -> str:
    found = meaning.first(span.attributes, "gen_ai.tool.call.id", "tool_call.id", "tool.id")
    return str(found) if found else span.span_id


def _decoded(value: object) -> Any:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return orjson.loads(value)
        except ValueError:
            pass
    return value
