"""What Haystack's traces carry, as events have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from promptetheus.adapters.model_call import Answer, ToolRequest
from promptetheus.adapters.usage import get, usage_of

COMPONENT = "haystack.component.run"
AGENT = "haystack.agent.run"

_MODEL_OPERATIONS = frozenset({"haystack.agent.step.llm", "haystack.chat_generator.run"})
_TOOL_OPERATION = "haystack.agent.step.tool"


class Kind(StrEnum):
    """What a trace is about."""

    MODEL = "model"
    EMBEDDING = "embedding"
    RETRIEVAL = "retrieval"
    TOOL = "tool"
    OTHER = "other"


def kind_of(operation: str, tags: Mapping[str, Any]) -> Kind:
    """By the operation, and of a component by its class."""
    if operation in _MODEL_OPERATIONS:
        return Kind.MODEL
    if operation == _TOOL_OPERATION:
        return Kind.TOOL
    name = str(tags.get("haystack.component.type", "")).lower() if operation == COMPONENT else ""
    for part, kind in (
        ("generator", Kind.MODEL), ("embedder", Kind.EMBEDDING), ("retriever", Kind.RETRIEVAL), ("tool", Kind.TOOL),
    ):  # fmt: skip
        if part in name:
            return kind
    return Kind.OTHER


def span_name(operation: str, tags: Mapping[str, Any]) -> str | None:
    """What a trace is called in the session: a component by its own name. None for those that are one event."""
    if operation in _MODEL_OPERATIONS or operation == _TOOL_OPERATION:
        return None
    if operation == COMPONENT:
        return str(tags.get("haystack.component.name") or operation)
    return operation


def facts_of(operation: str, tags: Mapping[str, Any]) -> dict[str, Any]:
    """What is kept of the tags."""
    found = {
        "operation": operation,
        "type": tags.get("haystack.component.type"),
        "step": tags.get("haystack.agent.step"),
        "hook": tags.get("haystack.agent.hook.name"),
    }
    return {name: value for name, value in found.items() if value is not None}


def prompt_of_input(given: Any) -> Any:
    """What a generator is given: messages, or a text."""
    messages = get(given, "messages")
    if isinstance(messages, list):
        return [{"role": _role(message), "content": get(message, "_content")} for message in messages]
    return get(given, "prompt", messages)


def read_replies(answer: Answer, output: Any) -> None:
    """The replies of a generator: the first of them. Chat generators give messages, others texts and `meta`."""
    replies = get(output, "replies")
    reply = replies[0] if isinstance(replies, list) and replies else None
    listed = get(output, "meta")
    meta = listed[0] if isinstance(listed, list) and listed else get(reply, "meta")
    text = reply if isinstance(reply, str) else get(reply, "text")
    answer.texts = [text] if isinstance(text, str) and text else []
    answer.tool_calls = [_request(call) for call in get(reply, "tool_calls") or ()]
    _read_meta(answer, meta)


def read_embedding(answer: Answer, output: Any) -> None:
    """What an embedder says of itself."""
    _read_meta(answer, get(output, "meta"))
    documents = get(output, "documents")
    answer.facts["inputs"] = len(documents) if isinstance(documents, list) else 1


def first_token_at(output: Any) -> datetime | None:
    """When a streamed reply began."""
    replies = get(output, "replies")
    reply = replies[0] if isinstance(replies, list) and replies else None
    listed = get(output, "meta")
    meta = listed[0] if isinstance(listed, list) and listed else get(reply, "meta")
    found = get(meta, "completion_start_time")
    if not isinstance(found, str):
        return None
    try:
        moment = datetime.fromisoformat(found)
    except ValueError:
        return None
    return moment.astimezone(UTC)


def query_of(given: Any) -> Any:
    """What a retriever is asked."""
    return get(given, "query") or get(given, "queries")


def documents_of(output: Any) -> list[dict[str, Any]]:
    """The documents that a retriever found, with their scores."""
    documents = get(output, "documents")
    found = []
    for document in documents if isinstance(documents, list) else ():
        meta = get(document, "meta") or {}
        row = {
            "id": get(document, "id"),
            "content": get(document, "content"),
            "score": get(document, "score"),
            "source": get(meta, "source") or get(meta, "file_path"),
            "metadata": meta or None,
        }
        found.append({name: value for name, value in row.items() if value is not None})
    return found


class ToolResult(NamedTuple):
    """A result in a message."""

    request: ToolRequest
    result: Any
    error: str | None


def tool_results(messages: Any) -> Iterable[ToolResult]:
    """The results of tools among messages."""
    for message in messages if isinstance(messages, list) else ():
        for result in get(message, "tool_call_results") or ():
            content, is_error = get(result, "result"), bool(get(result, "error"))
            request = _request(get(result, "origin"))
            yield ToolResult(request, None if is_error else content, str(content) if is_error else None)


def _request(call: Any) -> ToolRequest:
    call_id = get(call, "id")
    return ToolRequest(
        str(get(call, "tool_name") or "unknown"),
        get(call, "arguments"),
        call_id if isinstance(call_id, str) else None,
    )


def _read_meta(answer: Answer, meta: Any) -> None:
    model, reason = get(meta, "model"), get(meta, "finish_reason") or get(meta, "stop_reason")
    answer.model = model if isinstance(model, str) and model else answer.model
    answer.finish_reason = reason if isinstance(reason, str) else None
    answer.usage = usage_of(get(meta, "usage"))
    response_id = get(meta, "id") or get(meta, "response_id")
    answer.response_id = response_id if isinstance(response_id, str) else None


def _role(message: Any) -> str:
    role = get(message, "role")
    return str(get(role, "value", role))
