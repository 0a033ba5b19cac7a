"""What DSPy's callbacks carry, as events have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from promptetheus.adapters.arguments import safe_str
from promptetheus.adapters.model_call import Answer, ToolRequest
from promptetheus.adapters.usage import NOTHING, get, usage_of

_ANSWERS = ("answer", "response", "output", "completion", "text")

_LOOK_BACK = 64
"""So many entries of a model's history are searched: calls that ended since ours."""


def prompt_of_call(inputs: Any) -> Any:
    """What a model is asked: messages, a text, or a request of DSPy 3.4."""
    messages, prompt = get(inputs, "messages"), get(inputs, "prompt")
    return messages if messages is not None else prompt


def history_entry(model: Any, outputs: Any) -> Any:
    """The entry of a model's history that a call has left there. It is known by what the call returned, which is
    the entry's own: another thread may have added one since. None where the model keeps no history."""
    history = get(model, "history")
    for entry in reversed((history or [])[-_LOOK_BACK:]):
        known, response = get(entry, "outputs"), get(entry, "response")
        if (
            known is outputs
            or response is outputs
            or (isinstance(response, list | tuple) and outputs in response)
        ):
            return entry
    return None


def read_outputs(answer: Answer, outputs: Any, entry: Any) -> None:
    """What a model returned: a list of texts or of `{"text": …, "tool_calls": …}`, or a response of DSPy 3.4; and
    what its history says of it."""
    first = outputs[0] if isinstance(outputs, list) and outputs else outputs
    text = first if isinstance(first, str) else get(first, "text")
    answer.texts = [text] if isinstance(text, str) else []
    answer.tool_calls = [_request(call) for call in get(first, "tool_calls") or ()]
    response = get(entry, "response", outputs)
    response = response[0] if isinstance(response, list | tuple) and response else response
    answer.model = _text(get(entry, "response_model")) or _text(get(response, "model"))
    answer.usage = usage_of(get(entry, "usage") or get(response, "usage"))
    answer.response_id = _text(get(response, "id"))
    choices = get(response, "choices")
    choice = choices[0] if isinstance(choices, list) and choices else response
    answer.finish_reason = _text(get(choice, "finish_reason"))
    cost = get(entry, "cost")
    answer.cost_usd = float(cost) if isinstance(cost, int | float) and cost >= 0 else None
    usage = get(entry, "usage")
    if get(response, "cache_hit") is True or (usage is not None and not usage and answer.usage != NOTHING):
        # Nobody was asked: the history repeats what the answer once cost, and counts nothing as used.
        answer.cost_usd, answer.response_id, answer.facts["cache_hit"] = 0.0, None, True


def answer_of(outputs: Any) -> str | None:
    """What a module says: the first of its usual fields, else all of it as text. None for one that asks for tools."""
    for name in _ANSWERS:
        value = get(outputs, name)
        if isinstance(value, str) and value:
            return value
    items = getattr(outputs, "items", None)
    fields = dict(items()) if callable(items) else {}
    asks = "tool_calls" in fields or any(get(value, "tool_calls") for value in fields.values())
    return None if asks else safe_str(outputs)


def arguments_of(inputs: Any) -> Any:
    """The arguments of a tool: DSPy has them inside `kwargs`."""
    inner = get(inputs, "kwargs")
    rest = {key: value for key, value in inputs.items() if key not in ("kwargs", "args")}
    return {**rest, **inner} if isinstance(inner, Mapping) else rest


def query_of(inputs: Any) -> Any:
    """What a `Retrieve` is asked."""
    args = get(inputs, "args")
    return get(get(inputs, "kwargs"), "query") or (args[0] if args else None)


def documents_of(outputs: Any) -> list[dict[str, Any]]:
    """The passages that a `Retrieve` found."""
    passages = get(outputs, "passages", outputs)
    if not isinstance(passages, list | tuple):
        return []
    return [{"content": get(passage, "long_text") or safe_str(passage)} for passage in passages]


def name_of(instance: Any) -> str:
    """A tool's or module's own name, else that of its class."""
    name = get(instance, "name")
    return name if isinstance(name, str) and name else type(instance).__name__


def _request(call: Any) -> ToolRequest:
    function = get(call, "function", call)
    arguments = get(function, "arguments", get(function, "args", get(call, "input")))
    return ToolRequest(str(get(function, "name") or "unknown"), arguments, _text(get(call, "id")))


def _text(found: object) -> str | None:
    return found if isinstance(found, str) and found else None
