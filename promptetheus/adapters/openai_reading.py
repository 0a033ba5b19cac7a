"""What OpenAI's requests, answers and streamed pieces say, read into an `Answer`. Nothing here raises for a missing
field: other providers speak the same formats with parts left out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from promptetheus.adapters.asked_tools import ToolOutput
from promptetheus.adapters.model_call import Answer, ModelCall, ToolRequest
from promptetheus.adapters.usage import get, usage_of

CHAT, RESPONSES, COMPLETIONS, EMBEDDINGS = "chat", "responses", "completions", "embeddings"

_OPERATIONS = {
    "/chat/completions": CHAT,
    "/responses": RESPONSES,
    "/completions": COMPLETIONS,
    "/embeddings": EMBEDDINGS,
}
_RUN_BY_CALLER = ("function_call", "custom_tool_call", "local_shell_call", "shell_call", "apply_patch_call")
"""Items of a response that ask the caller for a tool; other `…_call` items ran at the provider."""


def operation_of(path: str) -> str | None:
    """Which call a path is; None for one that asks no model (files, models, …)."""
    bare = path.partition("?")[0].rstrip("/")
    return next((name for ending, name in _OPERATIONS.items() if bare.endswith(ending)), None)


def prompt_in(operation: str, body: Any) -> Any:
    """What a request sends to the model."""
    if operation == CHAT:
        return get(body, "messages")
    if operation == COMPLETIONS:
        return get(body, "prompt")
    if operation == RESPONSES and get(body, "instructions"):
        return {"instructions": get(body, "instructions"), "input": get(body, "input")}
    return get(body, "input")


def tool_outputs(operation: str, body: Any) -> Iterator[ToolOutput]:
    """The results of tools that a request sends back."""
    if operation == CHAT:
        for message in get(body, "messages") or ():
            call_id = get(message, "tool_call_id")
            if isinstance(call_id, str) and get(message, "role") == "tool":
                yield ToolOutput(call_id, get(message, "content"))
    elif operation == RESPONSES and not isinstance(items := get(body, "input"), str):
        for item in items or ():
            call_id, kind = get(item, "call_id"), get(item, "type")
            if isinstance(call_id, str) and isinstance(kind, str) and kind.endswith("_output"):
                yield ToolOutput(call_id, get(item, "output"))


def read_answer(operation: str, answer: Answer, response: Any) -> None:
    """A whole answer."""
    answer.model = _text(get(response, "model")) or answer.model
    answer.response_id = _text(get(response, "id")) or answer.response_id
    if (usage := get(response, "usage")) is not None:
        answer.usage = usage_of(usage)
    if operation == RESPONSES:
        _read_response(answer, response)
    elif operation != EMBEDDINGS:
        _read_choices(answer, _listed(get(response, "choices")))


def _read_choices(answer: Answer, choices: list[Any]) -> None:
    """The first choice counts; of further ones (`n=2`) the texts are kept, each as a message."""
    answer.texts.clear()
    answer.tool_calls.clear()
    answer.separate = len(choices) > 1
    for number, choice in enumerate(choices):
        message = get(choice, "message")
        text = get(choice, "text") if message is None else _message_text(answer, message)
        if isinstance(text, str) and text:
            answer.texts.append(text)
        if number == 0:
            answer.finish_reason = _text(get(choice, "finish_reason"))
            answer.tool_calls.extend(map(_chat_tool, _listed(get(message, "tool_calls"))))
            legacy = get(message, "function_call")
            if legacy is not None and _text(get(legacy, "name")):
                answer.tool_calls.append(ToolRequest(get(legacy, "name"), get(legacy, "arguments"), None))


def _message_text(answer: Answer, message: Any) -> str | None:
    refusal = _text(get(message, "refusal"))
    if refusal:
        answer.facts["refusal"] = True
    content = get(message, "content")
    return content if isinstance(content, str) and content else refusal


def _chat_tool(call: Any) -> ToolRequest:
    function, custom = get(call, "function"), get(call, "custom")
    if function is None and custom is not None:
        return ToolRequest(_text(get(custom, "name")) or "unknown", get(custom, "input"), get(call, "id"))
    return ToolRequest(_text(get(function, "name")) or "unknown", get(function, "arguments"), get(call, "id"))


def _read_response(answer: Answer, response: Any) -> None:
    answer.texts.clear()
    answer.tool_calls.clear()
    answer.separate = True
    status = _text(get(response, "status"))
    answer.finish_reason = _text(get(get(response, "incomplete_details"), "reason")) or status
    error = get(response, "error")
    if error is not None and status == "failed":
        answer.failure = f"{get(error, 'code')}: {get(error, 'message')}"
    hosted = []
    for item in _listed(get(response, "output")):
        kind = _text(get(item, "type")) or ""
        if kind == "message":
            parts = _listed(get(item, "content"))
            text = "".join(_text(get(part, "text") or get(part, "refusal")) or "" for part in parts)
            if text:
                answer.texts.append(text)
        elif kind in _RUN_BY_CALLER:
            answer.tool_calls.append(_response_tool(item, kind))
        elif kind.endswith("_call"):
            hosted.append({"type": kind, "id": get(item, "id"), "status": get(item, "status")})
    if hosted:
        answer.facts["hosted_tools"] = hosted


def _response_tool(item: Any, kind: str) -> ToolRequest:
    name = _text(get(item, "name")) or kind.removesuffix("_call")
    arguments = get(item, "arguments", get(item, "input"))
    return ToolRequest(name, get(item, "action") if arguments is None else arguments, get(item, "call_id"))


class ChatPieces:
    """Reads the chunks of a streamed chat completion (or legacy completion)."""

    def __init__(self, call: ModelCall) -> None:
        self._call = call
        self._position: dict[int, int] = {}

    def __call__(self, chunk: Any) -> None:
        answer = self._call.answer
        answer.model = _text(get(chunk, "model")) or answer.model
        answer.response_id = _text(get(chunk, "id")) or answer.response_id
        if (usage := get(chunk, "usage")) is not None:
            answer.usage = usage_of(usage)
        has_output = False
        for choice in _listed(get(chunk, "choices")):
            has_output = self._choice(answer, choice) or has_output
        self._call.piece(has_output)

    def _choice(self, answer: Answer, choice: Any) -> bool:
        if get(choice, "index") not in (0, None):
            return False
        answer.finish_reason = _text(get(choice, "finish_reason")) or answer.finish_reason
        delta = get(choice, "delta")
        text = get(choice, "text") if delta is None else get(delta, "content") or get(delta, "refusal")
        if isinstance(text, str) and text:
            answer.texts.append(text)
        calls = _listed(get(delta, "tool_calls"))
        for call in calls:
            self._tool(answer, call)
        return bool(text or calls)

    def _tool(self, answer: Answer, delta: Any) -> None:
        index = get(delta, "index")
        position = self._position.setdefault(index if isinstance(index, int) else 0, len(answer.tool_calls))
        name = _text(get(get(delta, "function"), "name") or get(get(delta, "custom"), "name")) or ""
        arguments = (
            _text(get(get(delta, "function"), "arguments") or get(get(delta, "custom"), "input")) or ""
        )
        if position == len(answer.tool_calls):
            answer.tool_calls.append(ToolRequest(name or "unknown", arguments, _text(get(delta, "id"))))
            return
        known = answer.tool_calls[position]
        call_id = known.call_id or _text(get(delta, "id"))
        answer.tool_calls[position] = ToolRequest(known.name, known.arguments + arguments, call_id)


class ResponsePieces:
    """Reads the events of a streamed response. The event that ends it holds all of it."""

    def __init__(self, call: ModelCall) -> None:
        self._call = call

    def __call__(self, event: Any) -> None:
        answer, kind = self._call.answer, _text(get(event, "type")) or ""
        response = get(event, "response")
        if kind in ("response.completed", "response.incomplete", "response.failed"):
            read_answer(RESPONSES, answer, response)
        elif response is not None:
            answer.model = _text(get(response, "model")) or answer.model
            answer.response_id = _text(get(response, "id")) or answer.response_id
        elif kind == "error":
            answer.failure = f"{get(event, 'code')}: {get(event, 'message')}"
        delta = get(event, "delta")
        if kind in ("response.output_text.delta", "response.refusal.delta") and isinstance(delta, str):
            answer.separate = False
            answer.texts.append(delta)
        self._call.piece(is_output=kind.endswith(".delta"))


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else []


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
