"""Anthropic's wire format: messages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from tests.adapters.stub_replies import Conversation, Reply, halves, pieces_of

Json = dict[str, Any]
_STOP = {"stop": "end_turn", "tools": "tool_use", "length": "max_tokens"}
_CACHE_WRITTEN = 2


def conversation(body: Json) -> Conversation:
    """What a messages request asks for."""
    tools = {tool["name"]: tool.get("input_schema", {}) for tool in body.get("tools", []) if "name" in tool}
    found = Conversation(body.get("model", ""), tools=tools)
    for message in body.get("messages", []):
        content, role = message.get("content"), message.get("role")
        if isinstance(content, str):
            found.turns.append((role, content))
            continue
        blocks = [block for block in content or [] if isinstance(block, dict)]
        if any(block.get("type") == "tool_use" for block in blocks):
            found.turns.append(("calls", ""))
        for block in blocks:
            if block.get("type") == "tool_result":
                found.turns.append(("result", _text(block.get("content"))))
        said = " ".join(str(block["text"]) for block in blocks if block.get("type") == "text")
        if said and role in ("user", "assistant"):
            found.turns.append((role, said))
    choice = body.get("tool_choice") or {}
    if choice.get("type") == "any":
        found.forced_tool = ""
    elif choice.get("type") == "tool":
        found.forced_tool = choice["name"]
    wanted = (body.get("output_config") or {}).get("format") or body.get("output_format") or {}
    if wanted.get("type") == "json_schema":
        found.schema = wanted.get("schema", {})
    return found


def message(body: Json, reply: Reply, number: int) -> Json:
    """A message of the model."""
    return {
        "id": f"msg_{number}",
        "type": "message",
        "role": "assistant",
        "model": body["model"],
        "content": _blocks(reply),
        "stop_reason": _STOP[reply.finish],
        "stop_sequence": None,
        "usage": _usage(reply, reply.output_tokens),
    }


def stream(body: Json, reply: Reply, number: int) -> Iterator[Json]:
    """The events of a streamed message; `type` names each."""
    opened = {
        **message(body, reply, number),
        "content": [],
        "stop_reason": None,
        "usage": _usage(reply, 1),
    }
    yield {"type": "message_start", "message": opened}
    yield {"type": "ping"}
    for index, block in enumerate(_blocks(reply)):
        if block["type"] == "text":
            empty: Json = {"type": "text", "text": ""}
            deltas = [{"type": "text_delta", "text": piece} for piece in pieces_of(block["text"])]
        else:
            empty = {**block, "input": {}}
            parts = halves(json.dumps(block["input"]))
            deltas = [{"type": "input_json_delta", "partial_json": part} for part in ("", *parts)]
        yield {"type": "content_block_start", "index": index, "content_block": empty}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    yield {
        "type": "message_delta",
        "delta": {"stop_reason": _STOP[reply.finish], "stop_sequence": None},
        "usage": {"output_tokens": reply.output_tokens},
    }
    yield {"type": "message_stop"}


def _blocks(reply: Reply) -> list[Json]:
    blocks: list[Json] = [{"type": "text", "text": reply.text}] if reply.text else []
    blocks += [
        {"type": "tool_use", "id": f"toolu_{tool.call_id}", "name": tool.name, "input": tool.arguments}
        for tool in reply.tools
    ]
    return blocks


def _usage(reply: Reply, output_tokens: int) -> Json:
    """Anthropic counts cached input apart."""
    return {
        "input_tokens": reply.input_tokens - reply.cached_tokens - _CACHE_WRITTEN,
        "output_tokens": output_tokens,
        "cache_read_input_tokens": reply.cached_tokens,
        "cache_creation_input_tokens": _CACHE_WRITTEN,
    }


def _text(content: Any) -> str:
    if isinstance(content, list):
        return " ".join(str(block.get("text", "")) for block in content if isinstance(block, dict))
    return str(content)
