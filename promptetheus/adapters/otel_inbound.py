"""Spans of other instrumentations as our events: GenAI conventions in their successive spellings, OpenInference,
OpenLLMetry. A span processor sees each span when it begins, in the context of its caller, and when it ends.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from promptetheus import otlp_meaning as meaning
from promptetheus.adapters import otel_reading as reading
from promptetheus.adapters.bounded import BoundedRunState
from promptetheus.adapters.content import prompt_of
from promptetheus.adapters.model_call import ModelCall, ToolRequest, record_tool_call, record_tool_result
from promptetheus.adapters.scope import Scope, hook, scope_of
from promptetheus.adapters.spans import SpanTree
from promptetheus.adapters.usage import Usage, get, whole
from promptetheus.otlp_meaning import Meaning
from promptetheus.otlp_spans import ERROR, Span

ADAPTER = "otel"
OWN_SCOPE = "promptetheus"
"""Spans of this tracer are ours: they are not turned back into events."""

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


@dataclass(eq=False)
class _Open:
    """A span under way."""

    span: Span
    scope: Scope
    """Where it began: what the outermost span that is known belongs to."""
    may_be_part: bool
    """Whether it may turn out to be a part of the run: some instrumentations tell what a span is when it ends. It is
    one once something happens in it."""
    has_answer: set[bool] = field(default_factory=set)
    """Whether a model call inside of it was recorded with its tokens; True for embeddings, False for others."""
    started_s: float = field(default_factory=time.monotonic)


class SpanIntake:
    """Records the spans of model calls, tools, searches and agents; of other spans only what encloses what."""

    def __init__(self, session: Any, capture_content: bool) -> None:
        self._session = session
        self._capture = capture_content
        self._parts = SpanTree(4096)
        self._open: BoundedRunState[_Open] = BoundedRunState(4096)
        self._calls: BoundedRunState[ModelCall] = BoundedRunState()
        self._tools: BoundedRunState[bool] = BoundedRunState(4096)
        """Tool calls that were recorded, by session and id."""
        self._asked: BoundedRunState[tuple[ToolRequest, ...]] = BoundedRunState()
        """Tools that models asked for and whose spans have not been seen, by session and trace."""
        self._call_ids: BoundedRunState[str] = BoundedRunState()
        """Ids of tool calls by the span of the tool."""
        self._told: BoundedRunState[bool] = BoundedRunState()
        """Failures that were recorded, by trace, class and text."""

    @hook
    def begin(self, span: Any) -> None:
        """A span begins. Its kind may not be known yet: then it is decided when it ends."""
        if get(get(span, "instrumentation_scope"), "name") == OWN_SCOPE:
            return
        found = reading.plain_span(span)
        around = self._open.get(found.parent_id)
        scope = scope_of(self._session) if around is None else around.scope
        if scope is None:
            return
        is_told = reading.tells(found)
        may_be_part = not is_told and found.scope.startswith("openinference.")
        self._open.put(found.span_id, _Open(found, scope, may_be_part))
        if not is_told or reading.is_private(found):
            return
        kind = meaning.meaning_of(found)
        if kind is Meaning.PART:
            inside = self._inside(found.parent_id, scope)
            self._parts.start(found.span_id, None, found.name, inside, reading.identity(found))
        elif kind is Meaning.LLM:
            self._calls.put(found.span_id, self._model_call(found, self._inside(found.parent_id, scope)))
        elif kind is Meaning.TOOL and meaning.tool_arguments(found):
            self._tool_call(found, self._inside(found.parent_id, scope))

    @hook
    def end(self, span: Any) -> None:
        """A span has ended."""
        opened = self._open.get(f"{get(get(span, 'context'), 'span_id', 0):016x}")
        if opened is None:
            return
        found = reading.plain_span(span)
        error = meaning.error_of(found)
        if reading.tells(found) and not reading.is_private(found):
            self._ended(found, opened, error)
        self._open.pop(found.span_id)
        self._parts.end(found.span_id, None if error is None else str(error["message"]))

    def _ended(self, span: Span, opened: _Open, error: dict[str, Any] | None) -> None:
        kind = meaning.meaning_of(span)
        if kind is Meaning.PART:
            if error is not None and span.status == ERROR and self._is_news(span, error):
                self._inside(span.span_id, opened.scope).record("error", error, reading.identity(span))
            return
        scope = self._inside(span.parent_id, opened.scope)
        if kind is Meaning.LLM:
            self._answered(span, scope, opened, error)
        elif kind is Meaning.TOOL:
            call_id = self._tool_call(span, scope)
            result, failure = reading.outcome(span)
            if error is not None:
                self._is_news(span, error)
                result, failure = None, str(error["message"])
            record_tool_result(scope, ADAPTER, call_id, result, failure)
        else:
            payload = {"query": meaning.input_of(span), "documents": meaning.documents(span)}
            scope.record("retrieval", payload, reading.identity(span))

    def _inside(self, span_id: str, otherwise: Scope) -> Scope:
        """The scope of what happens in a span. Those around it that may be parts of the run are, from now on."""
        around: list[_Open] = []
        scope: Scope | None = None
        opened = self._open.get(span_id)
        while opened is not None and scope is None:
            scope = self._parts.find(opened.span.span_id)
            around.append(opened)
            otherwise = opened.scope
            opened = self._open.get(opened.span.parent_id)
        scope = otherwise if scope is None else scope
        for part in reversed(around):
            if part.may_be_part:
                part.may_be_part = False
                found = part.span
                facts = reading.identity(found)
                started = self._parts.start(found.span_id, None, found.name, scope, facts, part.started_s)
                scope = started.inside
        return scope

    def _model_call(self, span: Span, scope: Scope) -> ModelCall:
        model = meaning.first(span.attributes, "gen_ai.request.model", "llm.model_name")
        return ModelCall(
            scope,
            str(model) if model else None,
            adapter=ADAPTER,
            prompt=prompt_of(reading.sent(span), capture=self._capture),
            metadata=reading.identity(span),
        )

    def _answered(self, span: Span, scope: Scope, opened: _Open, error: dict[str, Any] | None) -> None:
        call = self._calls.pop(span.span_id) or self._model_call(span, scope)
        is_embedding = reading.is_embedding(span)
        if is_embedding in opened.has_answer:  # a method that calls another: the inner one has told all
            call.drop()
            return
        call.with_prompt(prompt_of(reading.sent(span), capture=self._capture))
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
        answer.facts["operation"] = str(operation or ("embeddings" if is_embedding else "chat"))
        answer.tool_calls = [
            request for request in reading.requested_tools(span) if self._is_new(scope, request.call_id)
        ]
        self._remember(scope, span, answer.tool_calls)
        text = meaning.output_of(span)
        if not is_embedding and text and not text.startswith(("{", "[")):
            answer.texts = [text]
        if error is not None and span.status == ERROR and self._is_news(span, error):
            answer.failure = str(error["message"])
            answer.failure_type = error.get("error_type")
        call.done()
        if answer.usage.input_tokens is not None:
            self._note_answer(span, is_embedding)

    def _note_answer(self, span: Span, is_embedding: bool) -> None:
        """The spans around have an answer inside of them."""
        around = self._open.get(span.parent_id)
        while around is not None:
            around.has_answer.add(is_embedding)
            around = self._open.get(around.span.parent_id)

    def _tool_call(self, span: Span, scope: Scope) -> str:
        """Record a tool call, unless its model's span told of it. Returns its id: the model's where it is known."""
        arguments, name = meaning.tool_arguments(span), meaning.tool_name(span)
        call_id = self._call_ids.get(span.span_id)
        if call_id is None:
            call_id = self._asked_for(scope, span, name, arguments) or span.span_id
            self._call_ids.put(span.span_id, call_id)
        if self._is_new(scope, call_id):
            record_tool_call(scope, ADAPTER, ToolRequest(name, arguments, call_id))
        return call_id

    def _remember(self, scope: Scope, span: Span, requests: list[ToolRequest]) -> None:
        if requests:
            self._asked.update(_trace(scope, span), lambda known: (*(known or ()), *requests))

    def _asked_for(self, scope: Scope, span: Span, name: str, arguments: Any) -> str | None:
        """The id under which a model asked for this tool: as the span says, or by name and arguments."""
        known_id = reading.call_id_of(span)
        taken: list[ToolRequest] = []

        def take(known: tuple[ToolRequest, ...] | None) -> tuple[ToolRequest, ...] | None:
            asked = [
                request
                for request in known or ()
                if (request.name == name if known_id is None else request.call_id == known_id)
            ]
            asked.sort(key=lambda request: meaning.as_json(request.arguments) != arguments)
            taken[:] = asked[:1]
            return tuple(request for request in known or () if request not in taken) or None

        self._asked.update(_trace(scope, span), take)
        return taken[0].call_id if taken else known_id

    def _is_news(self, span: Span, error: dict[str, Any]) -> bool:
        """Whether a failure has not been recorded: every span that an exception passes through tells of it."""
        key = f"{span.trace_id} {error.get('error_type')} {error['message']}"
        return self._told.update(key, lambda known: True) is None

    def _is_new(self, scope: Scope, call_id: str | None) -> bool:
        """Whether a tool call has not been recorded: the model's span and the tool's own both tell of it."""
        key = f"{scope.session.session_id} {call_id}"
        return call_id is None or self._tools.update(key, lambda known: True) is None


def _trace(scope: Scope, span: Span) -> str:
    return f"{scope.session.session_id} {span.trace_id}"
