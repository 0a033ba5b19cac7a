"""What Anthropic's requests, messages and streamed events say, read into an `Answer`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from promptetheus.adapters.asked_tools import ToolOutput
from promptetheus.adapters.model_call import Answer, ModelCall, ToolRequest
from promptetheus.adapters.usage import get, usage_of

_COUNTS = (
    "input_tokens", "output_tokens", "cache_read_input_tokens", "cache_creation_input_tokens",
    "output_tokens_details",
)  # fmt: skip


def is_message_call(path: str) -> bool:
    """Whether a path asks the model for a message: not a batch, not a count of tokens."""
    return path.partition("?")[0].rstrip("/").endswith("/messages")


def prompt_in(body: Any) -> Any:
    """What a request sends to the model."""
    system, messages = get(body, "system"), get(body, "messages")
    return {"system": system, "messages": messages} if system else messages


def tool_outputs(body: Any) -> Iterator[ToolOutput]:
    """The results of tools that a request sends back."""
    for message in get(body, "messages") or ():
        content = get(message, "content")
        for block in content if isinstance(content, list | tuple) else ():
            call_id = get(block, "tool_use_id")
            if isinstance(call_id, str) and get(block, "type") == "tool_result":
                yield ToolOutput(call_id, _plain(get(block, "content")), bool(get(block, "is_error")))


def read_message(answer: Answer, message: Any) -> None:
    """A whole message."""
    _read_head(answer, message)
    answer.finish_reason = _text(get(message, "stop_reason"))
    answer.usage = usage_of(get(message, "usage"))
    answer.parts.clear()
    for block in get(message, "content") or ():
        kind = get(block, "type")
        if kind == "text" and _text(get(block, "text")):
            answer.parts.append(get(block, "text"))
        elif kind == "tool_use":
            given = get(block, "input")
            name = _text(get(block, "name")) or "unknown"
            answer.parts.append(ToolRequest(name, given if isinstance(given, dict) else {}, get(block, "id")))
        elif kind == "server_tool_use":
            _hosted(answer, block)


class MessagePieces:
    """Reads the events of a streamed message."""

    def __init__(self, call: ModelCall) -> None:
        self._call = call
        self._counts: dict[str, Any] = {}
        self._position: dict[object, int] = {}

    def __call__(self, event: Any) -> None:
        answer, kind = self._call.answer, get(event, "type")
        has_output = False
        match kind:
            case "message_start":
                message = get(event, "message")
                _read_head(answer, message)
                self._count(answer, get(message, "usage"))
            case "content_block_start":
                has_output = self._open(answer, get(event, "index"), get(event, "content_block"))
            case "content_block_delta":
                has_output = self._continue(answer, get(event, "index"), get(event, "delta"))
            case "message_delta":
                answer.finish_reason = _text(get(get(event, "delta"), "stop_reason")) or answer.finish_reason
                self._count(answer, get(event, "usage"))
        self._call.piece(has_output)

    def _count(self, answer: Answer, usage: Any) -> None:
        """Later counts replace earlier ones; those that are left out stay."""
        found = {name: get(usage, name) for name in _COUNTS}
        self._counts.update({name: count for name, count in found.items() if count is not None})
        answer.usage = usage_of(self._counts)

    def _open(self, answer: Answer, index: object, block: Any) -> bool:
        kind = get(block, "type")
        if kind == "text":
            self._position[index] = len(answer.parts)
            answer.parts.append(_text(get(block, "text")) or "")
        elif kind == "tool_use":
            self._position[index] = len(answer.parts)
            answer.parts.append(ToolRequest(_text(get(block, "name")) or "unknown", "", get(block, "id")))
        elif kind == "server_tool_use":
            _hosted(answer, block)
        return bool(kind == "tool_use")

    def _continue(self, answer: Answer, index: object, delta: Any) -> bool:
        position = self._position.get(index)
        if position is None:  # a stream whose blocks were not announced, thinking
            text = _text(get(delta, "text"))
            if text is None:
                return bool(get(delta, "thinking"))
            self._position[index] = position = len(answer.parts)
            answer.parts.append("")
        part = answer.parts[position]
        if isinstance(part, str):
            text = _text(get(delta, "text")) or ""
            answer.parts[position] = part + text
            return bool(text)
        more = _text(get(delta, "partial_json")) or ""
        answer.parts[position] = ToolRequest(part.name, part.arguments + more, part.call_id)
        return bool(more)


def _read_head(answer: Answer, message: Any) -> None:
    answer.model = _text(get(message, "model")) or answer.model
    answer.response_id = _text(get(message, "id")) or answer.response_id


def _hosted(answer: Answer, block: Any) -> None:
    """A tool that ran at the provider."""
    known = answer.facts.setdefault("hosted_tools", [])
    known.append({"type": get(block, "name"), "id": get(block, "id")})


def _plain(content: Any) -> Any:
    """The text of a result that is a single text block, otherwise the content as it is."""
    if isinstance(content, list | tuple) and len(content) == 1 and get(content[0], "type") == "text":
        return get(content[0], "text")
    return content


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
