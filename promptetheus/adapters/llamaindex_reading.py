"""What LlamaIndex's spans and events carry, as events have it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from promptetheus.adapters.model_call import Answer, ToolRequest
from promptetheus.adapters.usage import NOTHING, Usage, get, usage_of

_QUESTIONS = frozenset(
    {"query", "aquery", "synthesize", "asynthesize", "chat", "achat", "stream_chat", "astream_chat"}
)
"""Methods of engines that are spans."""

_PLUMBING = frozenset({"init_run", "setup_agent", "parse_agent_output", "aggregate_tool_results"})
"""Steps of every agent in which nothing happens."""


class ToolUse(NamedTuple):
    """A tool that runs."""

    name: str
    arguments: Any
    call_id: str | None
    """The model's id of the call, where an agent runs the tool."""


def model_of(described: object) -> str | None:
    """The model in what an LLM or an embedding says of itself."""
    found = get(described, "model") or get(described, "model_name")
    return found if isinstance(found, str) and found else None


def plain_messages(messages: Iterable[Any]) -> list[Any]:
    """Messages as their roles and contents."""
    return [
        {
            "role": str(getattr(get(message, "role"), "value", get(message, "role"))),
            "content": _content(message),
        }
        for message in messages
    ]


def read_response(answer: Answer, response: Any) -> None:
    """A `ChatResponse` or `CompletionResponse`; in a stream the latest, which holds all before it."""
    message, raw = get(response, "message"), get(response, "raw")
    text = get(message, "content") if message is not None else get(response, "text")
    if isinstance(text, str) and text:
        answer.texts = [text]
    answer.tool_calls = _tool_calls(message)
    answer.model = model_of(raw) or answer.model
    usage = _usage(raw, get(response, "additional_kwargs"))
    answer.usage = usage if usage != NOTHING else answer.usage
    choices = get(raw, "choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    reason = get(choice, "finish_reason") or get(raw, "stop_reason") or get(raw, "done_reason")
    answer.finish_reason = reason if isinstance(reason, str) else answer.finish_reason
    response_id = get(raw, "id")
    answer.response_id = response_id if isinstance(response_id, str) and response_id else answer.response_id


def brings_output(response: Any) -> bool:
    """Whether a piece of a stream brings output."""
    return bool(get(response, "delta")) or bool(_tool_calls(get(response, "message")))


def query_of(query: Any) -> Any:
    """The text of a query."""
    text = get(query, "query_str")
    return query if text is None else text


def documents_of(nodes: Iterable[Any]) -> list[dict[str, Any]]:
    """Retrieved nodes with their scores."""
    found = []
    for scored in nodes:
        node = get(scored, "node", scored)
        metadata = get(node, "metadata")
        source = get(metadata, "source") or get(metadata, "file_path") or get(metadata, "file_name")
        row = {
            "id": get(node, "node_id") or get(node, "id_"),
            "content": get(node, "text"),
            "score": get(scored, "score"),
            "source": source,
            "metadata": metadata or None,
        }
        found.append({name: value for name, value in row.items() if value is not None})
    return found


def tool_of_step(arguments: Mapping[str, Any]) -> ToolUse | None:
    """The tool that a step of an agent is about to run."""
    for value in arguments.values():
        if type(value).__name__ == "ToolCall" and get(value, "tool_name") is not None:
            return ToolUse(
                str(get(value, "tool_name")), get(value, "tool_kwargs"), get(value, "tool_id") or None
            )
    return None


def tool_of_method(instance: Any, span_id: str, arguments: Mapping[str, Any]) -> ToolUse | None:
    """The tool that is called, if the instance is one."""
    method = method_of(span_id).rpartition(".")[2]
    name = get(get(instance, "metadata"), "name")
    if method not in ("call", "acall", "__call__") or not isinstance(name, str):
        return None
    given = {
        key: value for key, value in arguments.items() if key not in ("args", "kwargs") and value is not None
    }
    if arguments.get("args"):
        given["args"] = list(arguments["args"])
    return ToolUse(name, {**given, **(arguments.get("kwargs") or {})}, None)


def tool_outcome(result: Any) -> tuple[Any, str | None]:
    """Result and error of a `ToolCallResult` or `ToolOutput`, or of anything else a tool gives."""
    output = get(result, "tool_output", result)
    content, raw = get(output, "content"), get(output, "raw_output")
    if get(output, "is_error") is True:
        exception = get(output, "exception")
        if isinstance(exception, BaseException):
            return None, f"{type(exception).__name__}: {exception}"
        return None, str(content or "the tool failed")
    if type(output).__name__ != "ToolOutput":
        return output, None
    return (content if raw is None else raw), None


def method_of(span_id: str) -> str:
    """`FunctionAgent.run` of `FunctionAgent.run-6ba7b810-9dad-11d1-80b4-00c04fd430c8`."""
    return span_id[:-37] if len(span_id) > 37 else span_id


def span_name(span_id: str, instance: Any, arguments: Mapping[str, Any], is_model: bool) -> str | None:
    """What a span of LlamaIndex is called in the session; None for one that is plumbing.

    Shown are runs of workflows and agents, their steps, questions to engines, and what the agent's author decorated
    with `dispatcher.span`.
    """
    qualified = method_of(span_id)
    method = qualified.rpartition(".")[2]
    if instance is None:
        return None if method in _PLUMBING else method
    if "init_state" in arguments:
        name = get(instance, "name")
        return name if isinstance(name, str) and name not in ("", "Agent") else type(instance).__name__
    if is_model or method.startswith("_"):
        return None
    is_theirs = any(kind.__module__.startswith("llama_index.") for kind in type(instance).__mro__)
    return qualified if method in _QUESTIONS or not is_theirs else None


def _usage(raw: object, more: object) -> Usage:
    for found in (get(raw, "usage"), get(raw, "usage_metadata"), more, raw):
        usage = usage_of(found)
        if usage.input_tokens is not None or usage.output_tokens is not None:
            return usage
    return NOTHING


def _content(message: Any) -> Any:
    blocks = get(message, "blocks")
    return blocks if isinstance(blocks, list) and blocks else get(message, "content")


def _tool_calls(message: Any) -> list[ToolRequest]:
    blocks = [block for block in get(message, "blocks") or () if get(block, "block_type") == "tool_call"]
    if blocks:
        return [
            ToolRequest(str(get(block, "tool_name")), get(block, "tool_kwargs"), get(block, "tool_call_id"))
            for block in blocks
        ]
    return [
        ToolRequest(
            str(get(get(call, "function"), "name")), get(get(call, "function"), "arguments"), get(call, "id")
        )
        for call in get(get(message, "additional_kwargs"), "tool_calls") or ()
    ]
