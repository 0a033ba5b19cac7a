"""What LangChain's callbacks carry, as events have it. Everything is read with care: models, tools and retrievers of
many packages fill these objects, each a little differently.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from promptetheus.adapters.model_call import Answer, ToolRequest
from promptetheus.adapters.usage import NOTHING, Usage, get, usage_of

_PLUMBING = frozenset({"node", "Pregel", "PregelLoop", "LangGraph", "RunnableSeq"})
_PLUMBING_PREFIXES = ("Runnable", "Channel", "_")
_PLUMBING_RUN_TYPES = frozenset({"prompt", "parser"})
_CONTROL_FLOW = frozenset({"GraphBubbleUp"})


def model_of(serialized: object, kwargs: Mapping[str, Any]) -> str | None:
    """The model that a call asks for."""
    invocation, made_with = get(kwargs, "invocation_params"), get(serialized, "kwargs")
    for found in (
        get(invocation, "model"), get(invocation, "model_name"), get(made_with, "model"),
        get(made_with, "model_name"), get(serialized, "name"), get(get(kwargs, "metadata"), "ls_model_name"),
    ):  # fmt: skip
        if isinstance(found, str) and found:
            return found
    return None


def plain_messages(messages: Iterable[Any]) -> list[Any]:
    """Messages without ids and times, so that equal prompts have equal references."""
    return [_plain_message(message) for message in messages]


def _plain_message(message: Any) -> Any:
    role = get(message, "type")
    if not isinstance(role, str):
        return message
    plain: dict[str, Any] = {"role": role, "content": get(message, "content")}
    calls = get(message, "tool_calls")
    if calls:
        plain["tool_calls"] = [{"name": get(call, "name"), "args": get(call, "args")} for call in calls]
    return plain


def read_result(answer: Answer, result: Any) -> None:
    """An `LLMResult`: the first generation of a run."""
    generation = _first(_first(get(result, "generations")))
    message, output = get(generation, "message"), get(result, "llm_output")
    facts = {**_mapping(get(generation, "generation_info")), **_mapping(get(message, "response_metadata"))}
    answer.model = (
        _text(facts.get("model_name")) or _text(facts.get("model")) or _text(get(output, "model_name"))
    )
    answer.usage = _usage(message, output, facts)
    reason = facts.get("finish_reason") or facts.get("stop_reason") or facts.get("done_reason")
    answer.finish_reason = _text(reason) or answer.finish_reason
    answer.response_id = _text(facts.get("id")) or _text(get(output, "id")) or answer.response_id
    if get(get(message, "usage_metadata"), "total_cost") == 0:  # LangChain's own cache had the answer
        answer.cost_usd, answer.response_id, answer.facts["cache_hit"] = 0.0, None, True
    text = text_of_content(get(message, "content")) if message is not None else get(generation, "text")
    if isinstance(text, str) and text:
        answer.texts = [text]
    calls = [*(get(message, "tool_calls") or ()), *(get(message, "invalid_tool_calls") or ())]
    answer.tool_calls = [
        ToolRequest(str(get(call, "name") or "unknown"), get(call, "args"), _text(get(call, "id")))
        for call in calls
    ]


def text_of_content(content: object) -> str:
    """The text of a message's content: a text, or blocks of which some are text."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    texts = [block if isinstance(block, str) else get(block, "text") for block in content if _is_text(block)]
    return "".join(text for text in texts if isinstance(text, str))


def tool_outcome(output: object) -> tuple[Any, str | None]:
    """Result and error of what a tool returned; a `ToolMessage` says of itself that it is an error."""
    if get(output, "type") != "tool":
        return output, None
    content = get(output, "content")
    if get(output, "status") == "error":
        return None, text_of_content(content) or "the tool failed"
    return content, None


def tool_messages(messages: Iterable[Any]) -> list[Any]:
    """The results of tools among messages."""
    return [
        message for message in messages if get(message, "type") == "tool" and get(message, "tool_call_id")
    ]


def documents_of(documents: Iterable[Any]) -> list[dict[str, Any]]:
    """Retrieved documents. A score is where a retriever puts one: in the metadata."""
    found = []
    for document in documents:
        metadata = _mapping(get(document, "metadata"))
        row = {
            "id": get(document, "id") or metadata.get("id"),
            "content": get(document, "page_content"),
            "score": next(
                (metadata[name] for name in ("score", "relevance_score") if name in metadata), None
            ),
            "source": metadata.get("source"),
            "metadata": metadata or None,
        }
        found.append({name: value for name, value in row.items() if value is not None})
    return found


def name_of_run(serialized: object, kwargs: Mapping[str, Any], otherwise: str) -> str:
    """What LangChain calls a run."""
    ids = get(serialized, "id")
    last = ids[-1] if isinstance(ids, list) and ids else None
    return _text(kwargs.get("name")) or _text(get(serialized, "name")) or _text(last) or otherwise


def is_plumbing(name: str, kwargs: Mapping[str, Any]) -> bool:
    """Whether a run is how a chain is put together, and no step that its author named."""
    return (
        name in _PLUMBING
        or name.startswith(_PLUMBING_PREFIXES)
        or kwargs.get("run_type") in _PLUMBING_RUN_TYPES
        or "langsmith:hidden" in (kwargs.get("tags") or ())
    )


def run_facts(run_id: str, metadata: object) -> dict[str, Any]:
    """LangChain's and LangGraph's own names for a run."""
    found = {
        "run_id": run_id,
        "langgraph_node": get(metadata, "langgraph_node"),
        "langgraph_step": get(metadata, "langgraph_step"),
        "checkpoint_ns": get(metadata, "langgraph_checkpoint_ns"),
        "thread_id": get(metadata, "thread_id"),
    }
    return {name: value for name, value in found.items() if value is not None and value != ""}


def is_control_flow(error: object) -> bool:
    """Whether an exception is LangGraph's way to stop and wait, or to hand over, and no failure."""
    return any(kind.__name__ in _CONTROL_FLOW for kind in type(error).__mro__)


def interrupts_of(error: BaseException) -> list[Any]:
    """What a graph that was interrupted asks."""
    found = error.args[0] if error.args else None
    return [get(one, "value") for one in found] if isinstance(found, list | tuple) else []


def _usage(message: object, output: object, facts: Mapping[str, Any]) -> Usage:
    for found in (
        get(message, "usage_metadata"), get(output, "token_usage"), get(output, "usage"),
        facts.get("token_usage"), facts.get("usage"),
    ):  # fmt: skip
        usage = usage_of(found)
        if usage != NOTHING:
            return usage
    return NOTHING


def _is_text(block: object) -> bool:
    return isinstance(block, str) or get(block, "type") in ("text", "output_text", None)


def _first(found: object) -> Any:
    return found[0] if isinstance(found, list | tuple) and found else None


def _mapping(found: object) -> dict[str, Any]:
    return dict(found) if isinstance(found, Mapping) else {}


def _text(found: object) -> str | None:
    return found if isinstance(found, str) and found else None
