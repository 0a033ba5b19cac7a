"""What a span means: a model call, a tool call, a search, or a part of the run. Pure.

Reads the names of OpenTelemetry's GenAI conventions in their successive spellings, of OpenInference and OpenLLMetry:
https://opentelemetry.io/docs/specs/semconv/gen-ai/ and https://arize-ai.github.io/openinference/spec/
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

import orjson

from promptetheus.encoding import clip
from promptetheus.otlp_spans import ERROR, Span

MAX_TEXT = 32_000
"""Characters of a text that an event keeps."""

MAX_DOCUMENTS = 100

_LLM_OPERATIONS = frozenset({"chat", "text_completion", "generate_content", "completion", "embeddings"})
_KINDS = {"llm": "llm", "embedding": "llm", "tool": "tool", "retriever": "retrieval", "reranker": "retrieval"}
_INDEXED = re.compile(r"\.(\d{1,4})\.")


class Meaning(StrEnum):
    """What a span becomes."""

    LLM = "llm"
    TOOL = "tool"
    RETRIEVAL = "retrieval"
    PART = "part"


def meaning_of(span: Span) -> Meaning:
    """What a span is, by the attributes that say so."""
    found = span.attributes
    operation = found.get("gen_ai.operation.name")
    if operation in _LLM_OPERATIONS:
        return Meaning.LLM
    if operation == "execute_tool":
        return Meaning.TOOL
    for name in ("openinference.span.kind", "traceloop.span.kind"):
        kind = found.get(name)
        if isinstance(kind, str) and kind.lower() in _KINDS:
            return Meaning(_KINDS[kind.lower()])
    if operation is None and ("gen_ai.request.model" in found or "llm.request.type" in found):
        return Meaning.LLM
    return Meaning.PART


def first(found: Mapping[str, Any], *names: str) -> Any:
    """The first of these attributes that is there."""
    return next((found[name] for name in names if found.get(name) not in (None, "")), None)


def agent_of(spans: Iterable[Span]) -> str:
    """The name of the agent: as the spans say, else the service."""
    known = list(spans)
    for span in known:
        name = first(span.attributes, "gen_ai.agent.name", "agent.name", "graph.node.id")
        if isinstance(name, str):
            return name[:200]
    service = next((span.resource.get("service.name") for span in known), None)
    return service[:200] if isinstance(service, str) else ""


def model_call(span: Span) -> tuple[dict[str, Any], dict[str, Any]]:
    """Payload and metadata of an `llm_call`."""
    found = span.attributes
    model = first(
        found, "gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "embedding.model_name"
    )
    payload: dict[str, Any] = {"model": str(model)[:200] if model else span.name[:200] or "unknown"}
    tokens = {
        "input_tokens": ("gen_ai.usage.input_tokens", "gen_ai.usage.prompt_tokens", "llm.token_count.prompt"),
        "output_tokens": (
            "gen_ai.usage.output_tokens",
            "gen_ai.usage.completion_tokens",
            "llm.token_count.completion",
        ),
        "cached_tokens": (
            "gen_ai.usage.cache_read.input_tokens",
            "gen_ai.usage.cache_read_input_tokens",
            "llm.token_count.prompt_details.cache_read",
        ),
    }
    for field, names in tokens.items():
        number = first(found, *names)
        if isinstance(number, int | float) and not isinstance(number, bool) and 0 <= number < 2**53:
            payload[field] = int(number)
    payload["latency_ms"] = max(0, (span.end_ns - span.start_ns) // 1_000_000)
    cost = first(found, "operation.cost", "gen_ai.usage.cost", "llm.cost.total")
    if isinstance(cost, int | float) and not isinstance(cost, bool):
        payload["cost_usd"] = float(cost)
    texts = {"input": input_of(span), "output": output_of(span)}
    metadata: dict[str, Any] = {name: text for name, text in texts.items() if text}
    reasons = first(found, "gen_ai.response.finish_reasons", "llm.finish_reason")
    if reasons is not None:
        metadata["finish_reasons"] = reasons
    return payload, metadata


def tool_name(span: Span) -> str:
    """The tool that was called."""
    name = first(span.attributes, "gen_ai.tool.name", "tool.name", "traceloop.entity.name")
    plain = span.name.removeprefix("execute_tool ").removesuffix(".__call__")
    return str(name)[:200] if name else plain[:200] or "tool"


def tool_arguments(span: Span) -> Any:
    """What it was called with: an object, where it is one. OpenInference's `tool.parameters` are sometimes the
    arguments, sometimes the schema of what the tool takes."""
    found = span.attributes
    parameters = as_json(first(found, "tool.parameters"))
    is_schema = isinstance(parameters, dict) and {"type", "properties"} <= parameters.keys()
    value = as_json(first(found, "gen_ai.tool.call.arguments"))
    value = parameters if value is None and not is_schema else value
    value = as_json(first(found, "input.value", "traceloop.entity.input")) if value is None else value
    if (
        isinstance(value, dict)
        and value.keys() <= {"args", "kwargs"}
        and isinstance(value.get("kwargs"), dict)
    ):
        value = value["kwargs"]
    return value if isinstance(value, dict) else {} if value is None else {"input": value}


def tool_result(span: Span) -> Any:
    """What it gave."""
    given = first(span.attributes, "gen_ai.tool.call.result", "output.value", "traceloop.entity.output")
    return as_json(given)


def documents(span: Span) -> list[dict[str, Any]]:
    """What a search found, from the numbered attributes of OpenInference."""
    found: dict[int, dict[str, Any]] = {}
    for name, value in span.attributes.items():
        place = _INDEXED.search(name)
        if name.startswith(("retrieval.documents.", "reranker.output_documents.")) and place:
            field = name.rpartition("document.")[2]
            if field in ("id", "content", "score", "metadata"):
                found.setdefault(int(place[1]), {})[field] = (
                    clip(value, MAX_TEXT) if isinstance(value, str) else value
                )
    return [found[number] for number in sorted(found)[:MAX_DOCUMENTS]]


def input_of(span: Span) -> str:
    """What a person or program put in, as text: the last message of a user where there are messages."""
    found = span.attributes
    messages = _messages(first(found, "gen_ai.input.messages", "gen_ai.prompt"))
    users = [text for role, text in messages if role == "user" and text]
    if users:
        return users[-1]
    numbered = _numbered(found, ("llm.input_messages.", "gen_ai.prompt."))
    users = [text for role, text in numbered if role == "user" and text]
    return (
        users[-1] if users else _text(first(found, "input.value", "traceloop.entity.input", "gen_ai.prompt"))
    )


def output_of(span: Span) -> str:
    """What came out, as text."""
    found = span.attributes
    messages = _messages(first(found, "gen_ai.output.messages", "gen_ai.completion"))
    messages = messages or _numbered(found, ("llm.output_messages.", "gen_ai.completion."))
    texts = [text for _, text in messages if text]
    if messages:  # without a text the model asked for tools
        return texts[-1] if texts else ""
    return _text(first(found, "output.value", "traceloop.entity.output"))


def error_of(span: Span) -> dict[str, Any] | None:
    """The payload of an `error` event for a span that failed."""
    raised = next((event for event in span.events if event.name == "exception"), None)
    if span.status != ERROR and raised is None:
        return None
    told = raised.attributes if raised else {}
    kind = first(told, "exception.type") or first(span.attributes, "error.type")
    message = first(told, "exception.message") or span.status_message or kind or "failed"
    payload: dict[str, Any] = {"message": clip(str(message), MAX_TEXT), "handled": span.status != ERROR}
    if kind:
        payload["error_type"] = str(kind)[:200]
    if trace := first(told, "exception.stacktrace"):
        payload["traceback"] = clip(str(trace), MAX_TEXT)
    return payload


def plain_attributes(span: Span) -> dict[str, Any]:
    """The attributes that no other field of an event holds, cut to a readable size."""
    return {
        name: clip(value, 500) if isinstance(value, str) else value
        for name, value in sorted(span.attributes.items())[:100]
        if not name.startswith(
            ("llm.input_messages", "llm.output_messages", "gen_ai.prompt", "gen_ai.completion")
        )
        and name not in ("gen_ai.input.messages", "gen_ai.output.messages", "input.value", "output.value")
    }


def _messages(value: object) -> list[tuple[str, str]]:
    """Role and text of messages in the GenAI form: `[{"role", "parts": [{"type": "text", "content"}]}]`."""
    known = as_json(value)
    if not isinstance(known, list):
        return []
    return [
        (str(message.get("role", "")), _content(message.get("parts", message.get("content"))))
        for message in known
        if isinstance(message, dict)
    ]


def _content(parts: object) -> str:
    if isinstance(parts, str):
        return clip(parts, MAX_TEXT)
    if not isinstance(parts, list):
        return ""
    texts = (part.get("content", part.get("text")) for part in parts if isinstance(part, dict))
    return clip("\n".join(text for text in texts if isinstance(text, str)), MAX_TEXT)


def _numbered(found: Mapping[str, Any], prefixes: tuple[str, ...]) -> list[tuple[str, str]]:
    """Role and text of messages in numbered attributes: `llm.input_messages.0.message.content`."""
    messages: dict[int, dict[str, str]] = {}
    for name, value in found.items():
        place = _INDEXED.search(name)
        field = name.rpartition(".")[2]
        if name.endswith(".message_content.text"):
            field = "content"
        if name.startswith(prefixes) and place and field in ("role", "content"):
            messages.setdefault(int(place[1]), {})[field] = _text(value)
    return [
        (messages[number].get("role", ""), messages[number].get("content", "")) for number in sorted(messages)
    ]


def as_json(value: object) -> Any:
    """A value, decoded when it is the text of an object or a list."""
    if not isinstance(value, str):
        return value
    if value[:1] in "{[":
        try:
            return orjson.loads(value)
        except ValueError:
            pass
    return clip(value, MAX_TEXT)


def _text(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        try:
            value = orjson.dumps(value).decode()
        except TypeError:
            value = str(value)
    return clip(value, MAX_TEXT)
