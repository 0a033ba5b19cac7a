"""What the stub model says: decided from the request alone, so that a test steers it by what its user says.

    call add({"a": 2, "b": 3})                      asks for a tool
    call add({"a": 2}) and call add({"a": 4})       asks for two at once
    call look({}) then call book({"day": 2})        one after the other's result
    say "Booked."                                   answers with this text

A request that demands a tool or a JSON schema gets arguments made up from the schema. Model names make it fail:
see `Trouble`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

DEFAULT_TEXT = "Hello from the stub."

_CALL = re.compile(r"call ([\w.-]+)\(")
_SAY = re.compile(r'say "([^"]*)"')


@dataclass(frozen=True)
class ToolUse:
    """A tool that the model asks for."""

    name: str
    arguments: dict[str, Any]
    call_id: str


@dataclass(frozen=True)
class Reply:
    """One answer of the model, whatever the wire format."""

    text: str = ""
    tools: tuple[ToolUse, ...] = ()
    finish: str = "stop"
    """`stop`, `tools` or `length`."""
    input_tokens: int = 11
    """All of them, the cached ones among them."""
    output_tokens: int = 7
    cached_tokens: int = 4
    reasoning_tokens: int = 3


@dataclass
class Conversation:
    """What the stub has to know of a request."""

    model: str
    turns: list[tuple[str, str]] = field(default_factory=list)
    """(role, text) in order; roles `user`, `assistant`, `calls` (the model asked for tools), `result`."""
    tools: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Schema of the arguments by tool name."""
    forced_tool: str | None = None
    """A tool that must be called; "" for any."""
    schema: dict[str, Any] | None = None
    """The JSON schema that the answer must have; {} for any object."""


def answer(conversation: Conversation, number: int) -> Reply:
    """The reply to a request; `number` makes the ids of its tool calls."""
    asked = next((text for role, text in reversed(conversation.turns) if role == "user"), "")
    since = _since_the_user(conversation.turns)
    rounds = [part for part in re.split(r"\bthen\b", asked) if _CALL.search(part)]
    done = sum(1 for role, _ in since if role == "calls")
    if done < len(rounds) and conversation.tools:
        return _tools(_calls_in(rounds[done]), number)
    if conversation.forced_tool is not None and conversation.tools:
        name = conversation.forced_tool or _final_tool(conversation)
        return _tools([(name, made_up(conversation.tools.get(name, {})))], number)
    finish = "length" if "length" in conversation.model else "stop"
    if conversation.schema is not None:
        return Reply(text=json.dumps(made_up(conversation.schema)), finish=finish)
    said = _SAY.search(asked)
    if said is not None:
        return Reply(text=said.group(1), finish=finish)
    results = [text for role, text in since if role == "result"]
    return Reply(text=f"The tools said: {'; '.join(results)}" if results else DEFAULT_TEXT, finish=finish)


def made_up(schema: dict[str, Any], definitions: dict[str, Any] | None = None) -> Any:
    """A value that a JSON schema allows: the first choice everywhere."""
    known = {**(definitions or {}), **schema.get("$defs", {})}
    if "$ref" in schema:
        return made_up(known.get(schema["$ref"].rpartition("/")[2], {}), known)
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return made_up(schema[choice][0], known)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "string":
            return "text"
        case "integer":
            return 3
        case "number":
            return 1.5
        case "boolean":
            return True
        case "array":
            return [made_up(schema.get("items", {}), known)]
        case "null":
            return None
    return {name: made_up(inner, known) for name, inner in schema.get("properties", {}).items()}


def pieces_of(text: str) -> list[str]:
    """A text as a model streams it: word by word."""
    return re.findall(r"\S+\s*|\s+", text)


def halves(text: str) -> tuple[str, str]:
    """A text in two pieces, neither of them JSON."""
    middle = max(1, len(text) // 2)
    return text[:middle], text[middle:]


def _since_the_user(turns: list[tuple[str, str]]) -> list[tuple[str, str]]:
    last = max((number for number, turn in enumerate(turns) if turn[0] == "user"), default=-1)
    return turns[last + 1 :]


def _calls_in(text: str) -> list[tuple[str, dict[str, Any]]]:
    found = []
    for match in _CALL.finditer(text):
        try:
            arguments, _ = json.JSONDecoder().raw_decode(text, match.end())
        except ValueError:
            arguments = {}
        found.append((match.group(1), arguments if isinstance(arguments, dict) else {}))
    return found


def _final_tool(conversation: Conversation) -> str:
    names = list(conversation.tools)
    return next((name for name in names if name.startswith("final_result")), names[0])


def _tools(calls: list[tuple[str, dict[str, Any]]], number: int) -> Reply:
    uses = tuple(
        ToolUse(name, arguments, f"call_{number}_{index}") for index, (name, arguments) in enumerate(calls)
    )
    return Reply(tools=uses, finish="tools")
