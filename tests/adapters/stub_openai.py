"""OpenAI's wire formats: chat completions, responses, embeddings."""

from __future__ import annotations

import base64
import json
import struct
from collections.abc import Iterator
from typing import Any

from tests.adapters.stub_replies import Conversation, Reply, halves, pieces_of

Json = dict[str, Any]
_FINISH = {"stop": "stop", "tools": "tool_calls", "length": "length"}


def chat_conversation(body: Json) -> Conversation:
    """What a chat completion request asks for."""
    tools = {
        tool["function"]["name"]: tool["function"].get("parameters", {}) for tool in body.get("tools", [])
    }
    found = Conversation(body.get("model", ""), tools=tools)
    for message in body.get("messages", []):
        role, text = message.get("role"), _text(message.get("content"))
        if role == "assistant" and message.get("tool_calls"):
            found.turns.append(("calls", ""))
        elif role == "tool":
            found.turns.append(("result", text))
        elif role in ("user", "assistant"):
            found.turns.append((role, text))
    found.forced_tool = _forced(body.get("tool_choice"))
    wanted = body.get("response_format") or {}
    if wanted.get("type") == "json_schema":
        found.schema = wanted["json_schema"].get("schema", {})
    elif wanted.get("type") == "json_object":
        found.schema = {}
    return found


def chat_answer(body: Json, reply: Reply, number: int) -> Json:
    """A chat completion."""
    message: Json = {"role": "assistant", "content": reply.text or None, "refusal": None}
    if reply.tools:
        message["tool_calls"] = [
            {
                "id": tool.call_id,
                "type": "function",
                "function": {"name": tool.name, "arguments": json.dumps(tool.arguments)},
            }
            for tool in reply.tools
        ]
    choices = [
        {"index": index, "message": message, "finish_reason": _FINISH[reply.finish], "logprobs": None}
        for index in range(body.get("n") or 1)
    ]
    return {
        "id": f"chatcmpl-{number}",
        "object": "chat.completion",
        "created": 1_700_000_000,
        "model": body["model"],
        "choices": choices,
        "usage": _chat_usage(reply),
    }


def chat_stream(body: Json, reply: Reply, number: int) -> Iterator[Json]:
    """The chunks of a chat completion, as `data:` lines carry them."""
    wants_usage = (body.get("stream_options") or {}).get("include_usage", False)

    def chunk(delta: Json | None, finish: str | None = None, usage: Json | None = None) -> Json:
        found: Json = {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion.chunk",
            "created": 1_700_000_000,
            "model": body["model"],
            "choices": []
            if delta is None
            else [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}],
        }
        if wants_usage:
            found["usage"] = usage
        return found

    yield chunk({"role": "assistant", "content": "" if reply.text else None})
    for piece in pieces_of(reply.text):
        yield chunk({"content": piece})
    for index, tool in enumerate(reply.tools):
        first, second = halves(json.dumps(tool.arguments))
        function = {"name": tool.name, "arguments": ""}
        opening = {"index": index, "id": tool.call_id, "type": "function", "function": function}
        yield chunk({"tool_calls": [opening]})
        for part in (first, second):
            yield chunk({"tool_calls": [{"index": index, "function": {"arguments": part}}]})
    yield chunk({}, _FINISH[reply.finish])
    if wants_usage:
        yield chunk(None, usage=_chat_usage(reply))


def responses_conversation(body: Json) -> Conversation:
    """What a request to the Responses API asks for."""
    tools = {tool["name"]: tool.get("parameters", {}) for tool in body.get("tools", []) if "name" in tool}
    found = Conversation(body.get("model", ""), tools=tools)
    given = body.get("input", "")
    previous = ""
    for item in [{"role": "user", "content": given}] if isinstance(given, str) else given:
        kind = item.get("type", "message")
        if kind == "function_call" and previous != "function_call":
            found.turns.append(("calls", ""))
        elif kind == "function_call_output":
            found.turns.append(("result", _text(item.get("output"))))
        elif kind == "message" and item.get("role") in ("user", "assistant"):
            found.turns.append((item["role"], _text(item.get("content"))))
        previous = kind
    found.forced_tool = _forced(body.get("tool_choice"))
    wanted = (body.get("text") or {}).get("format") or {}
    if wanted.get("type") == "json_schema":
        found.schema = wanted.get("schema", {})
    elif wanted.get("type") == "json_object":
        found.schema = {}
    return found


def responses_answer(body: Json, reply: Reply, number: int, status: str = "completed") -> Json:
    """A response of the Responses API."""
    is_open = status == "in_progress"
    status = "incomplete" if reply.finish == "length" and not is_open else status
    return {
        "id": f"resp_{number}",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": status,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": body.get("instructions"),
        "metadata": {},
        "model": body["model"],
        "output": [] if is_open else _output_items(reply, number),
        "parallel_tool_calls": True,
        "temperature": 1.0,
        "tool_choice": body.get("tool_choice", "auto"),
        "tools": body.get("tools", []),
        "top_p": 1.0,
        "text": body.get("text") or {"format": {"type": "text"}},
        "usage": None if is_open else _responses_usage(reply),
    }


def responses_stream(body: Json, reply: Reply, number: int) -> Iterator[Json]:
    """The events of a streamed response."""
    counter = iter(range(1_000_000))

    def event(kind: str, **fields: Any) -> Json:
        return {"type": kind, "sequence_number": next(counter), **fields}

    yield event("response.created", response=responses_answer(body, reply, number, "in_progress"))
    for index, item in enumerate(_output_items(reply, number)):
        where = {"output_index": index, "item_id": item["id"]}
        opened = {**item, "status": "in_progress"}
        if item["type"] == "message":
            yield event("response.output_item.added", output_index=index, item={**opened, "content": []})
            empty = {"type": "output_text", "text": "", "annotations": []}
            yield event("response.content_part.added", **where, content_index=0, part=empty)
            for piece in pieces_of(reply.text):
                yield event("response.output_text.delta", **where, content_index=0, delta=piece, logprobs=[])
            yield event("response.output_text.done", **where, content_index=0, text=reply.text, logprobs=[])
            yield event("response.content_part.done", **where, content_index=0, part=item["content"][0])
        else:
            yield event("response.output_item.added", output_index=index, item={**opened, "arguments": ""})
            for part in halves(item["arguments"]):
                yield event("response.function_call_arguments.delta", **where, delta=part)
            yield event(
                "response.function_call_arguments.done",
                **where,
                name=item["name"],
                arguments=item["arguments"],
            )
        yield event("response.output_item.done", output_index=index, item=item)
    final = responses_answer(body, reply, number)
    yield event(f"response.{final['status']}", response=final)


def embeddings_answer(body: Json) -> Json:
    """Vectors of eight numbers, different for different texts."""
    given = body.get("input", [])
    texts = [given] if isinstance(given, str) else list(given)
    data = []
    for index, text in enumerate(texts):
        vector = [((hash(str(text)) >> shift) % 97) / 97 for shift in range(0, 64, 8)]
        packed = base64.b64encode(struct.pack("<8f", *vector)).decode()
        wanted = packed if body.get("encoding_format") == "base64" else vector
        data.append({"object": "embedding", "index": index, "embedding": wanted})
    used = {"prompt_tokens": 5 * len(texts), "total_tokens": 5 * len(texts)}
    return {"object": "list", "data": data, "model": body["model"], "usage": used}


def _output_items(reply: Reply, number: int) -> list[Json]:
    items: list[Json] = []
    if reply.text:
        part = {"type": "output_text", "text": reply.text, "annotations": [], "logprobs": []}
        items.append(
            {
                "id": f"msg_{number}",
                "type": "message",
                "role": "assistant",
                "status": "completed",
                "content": [part],
            }
        )
    for index, tool in enumerate(reply.tools):
        items.append(
            {
                "id": f"fc_{number}_{index}",
                "type": "function_call",
                "status": "completed",
                "call_id": tool.call_id,
                "name": tool.name,
                "arguments": json.dumps(tool.arguments),
            }
        )
    return items


def _chat_usage(reply: Reply) -> Json:
    return {
        "prompt_tokens": reply.input_tokens,
        "completion_tokens": reply.output_tokens,
        "total_tokens": reply.input_tokens + reply.output_tokens,
        "prompt_tokens_details": {"cached_tokens": reply.cached_tokens, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reply.reasoning_tokens, "audio_tokens": 0},
    }


def _responses_usage(reply: Reply) -> Json:
    return {
        "input_tokens": reply.input_tokens,
        "input_tokens_details": {"cached_tokens": reply.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": reply.output_tokens,
        "output_tokens_details": {"reasoning_tokens": reply.reasoning_tokens},
        "total_tokens": reply.input_tokens + reply.output_tokens,
    }


def _forced(choice: Any) -> str | None:
    if choice in ("required", "any"):
        return ""
    if isinstance(choice, dict):
        return str(choice.get("name") or (choice.get("function") or {}).get("name") or "")
    return None


def _text(content: Any) -> str:
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return " ".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    return "" if content is None else str(content)
