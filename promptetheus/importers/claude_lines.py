"""One line of a Claude Code session as events: messages, calls, results, pictures, and what the harness noted."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from promptetheus.clock import format_timestamp
from promptetheus.importers.call_pairing import CallPairing
from promptetheus.importers.claude_index import Thread, Usage
from promptetheus.importers.claude_prompts import FLAGS, INTERRUPTED, is_injected
from promptetheus.importers.draft import Draft, Tally
from promptetheus.importers.narrowing import arguments, items, mapping, moment, name, number, text, whole
from promptetheus.importers.preview import cut, preview

SYNTHETIC_MODEL = "<synthetic>"
"""Stands in the place of the model where the harness itself wrote the message."""

_SHARED_FIELDS = frozenset(
    {"uuid", "parentUuid", "sessionId", "timestamp", "type", "userType", "cwd", "version", "gitBranch"}
)
_MAX_AROUND = 20
_MAX_THINKING = 200_000
_RESULT_DETAILS = 8_000


@dataclass
class Reading:
    """What is known while the lines of one thread are read in order."""

    thread: Thread
    pairing: CallPairing
    line_at: Callable[[int], dict[str, Any]]
    """The record that starts at an offset."""
    told: set[str] = field(default_factory=set)
    """Messages whose `llm_call` was given."""
    permission_mode: Any = None
    around: list[Any] = field(default_factory=list)
    """Records that no event stands for, kept for the metadata of the next event."""
    api_error: str = ""
    """The text of the latest assistant line, when it was an error of the API."""

    @property
    def kept(self) -> Tally:
        """Counts what is kept as metadata."""
        return self.thread.kept

    def keep(self, kind: str, record: Any) -> None:
        """Keep a cut copy of what no event stands for."""
        self.kept.add(kind)
        if len(self.around) < _MAX_AROUND:
            self.around.append({"kind": cut(kind, 80), "record": preview(record)})


def line_events(record: dict[str, Any], digest: str, reading: Reading) -> Iterator[Draft]:
    """The events of a line. Their keys are made of its digest, so a later import knows them."""
    spoken = moment(record.get("timestamp"))
    timestamp = format_timestamp(spoken) if spoken is not None else None
    uuid = text(record.get("uuid"))
    for position, draft in enumerate(_drafts(record, reading)):
        draft.key = f"{digest}:{position}"
        draft.timestamp = timestamp
        if uuid:
            draft.metadata["uuid"] = uuid[:100]
        if reading.around:
            draft.metadata["around"] = reading.around
            reading.around = []
        yield draft


def _drafts(record: dict[str, Any], reading: Reading) -> Iterator[Draft]:
    kind = text(record.get("type"))
    message = record.get("message")
    if kind in ("user", "assistant") and not isinstance(message, dict):
        reading.keep(f"{kind} line without a message", record)
    elif kind == "user":
        yield from _user(record, mapping(message), reading)
    elif kind == "assistant":
        yield from _assistant(record, mapping(message), reading)
    elif kind == "system":
        yield from _system(record, reading)
    elif kind == "summary":
        said = text(record.get("summary")) or text(mapping(message).get("content"))
        yield Draft("state_change", {"name": "summary", "before": None, "after": said}, "")
    elif kind == "permission-mode":
        before, mode = reading.permission_mode, preview(record.get("permissionMode"), 100)
        if mode == before:
            reading.kept.add("permission-mode")
            return
        reading.permission_mode = mode
        yield Draft("state_change", {"name": "permission_mode", "before": before, "after": mode}, "")
    elif kind == "attachment":
        yield from _attachment(mapping(record.get("attachment")), reading)
    elif kind:
        reading.keep(kind, {key: item for key, item in record.items() if key not in ("uuid", "parentUuid")})
    else:
        reading.keep("line without a type", record)


def _user(record: dict[str, Any], message: dict[str, Any], reading: Reading) -> Iterator[Draft]:
    content = message.get("content")
    said = [content] if isinstance(content, str) else []
    pictures: list[Draft] = []
    details = record.get("toolUseResult")
    for block in items(content):
        kind = mapping(block).get("type")
        if kind == "text":
            said.append(text(block.get("text")))
        elif kind == "image":
            pictures.extend(_picture(block, reading, {}))
        elif isinstance(kind, str) and kind.endswith("tool_result"):
            yield from _result(block, details, reading)
            details = None
        elif isinstance(block, str):
            said.append(block)
        else:
            reading.keep(f"block {name(kind) or '?'}", block)
    if not isinstance(content, str | list):
        reading.keep("message without content", message)
    if said or pictures:
        whole_text = "\n\n".join(part for part in said if part)
        yield Draft("user_message", {"content": whole_text}, "", metadata=_marks(record, whole_text))
        yield from pictures


def _marks(record: dict[str, Any], said: str) -> dict[str, Any]:
    marks: dict[str, Any] = {mark: True for flag, mark in FLAGS.items() if record.get(flag) is True}
    if said.startswith(INTERRUPTED):
        marks["interrupted"] = True
    elif is_injected(said):
        marks["injected"] = True
    return marks


def _assistant(record: dict[str, Any], message: dict[str, Any], reading: Reading) -> Iterator[Draft]:
    message_id = text(message.get("id")) or text(record.get("uuid"))
    model = text(message.get("model"))
    reading.api_error = ""
    content = message.get("content")
    blocks = [{"type": "text", "text": content}] if isinstance(content, str) else items(content)
    if record.get("isApiErrorMessage") is True:
        reading.api_error = "\n".join(text(mapping(block).get("text")) for block in blocks) or "API error"
        payload = {"handled": True, "message": reading.api_error, "error_type": "ApiError"}
        yield Draft("error", payload, "")
        return
    if message_id not in reading.told and model != SYNTHETIC_MODEL:
        reading.told.add(message_id)
        yield from _llm_call(record, message_id, model, reading)
    for block in blocks:
        kind = mapping(block).get("type")
        if kind == "text":
            if text(block.get("text")):
                yield Draft("agent_message", {"content": text(block.get("text"))}, "")
        elif kind == "thinking":
            pass  # in the metadata of the llm_call
        elif isinstance(kind, str) and kind.endswith("tool_use"):
            tool = text(block.get("name")) or "unknown"
            called = arguments(block.get("input"))
            call_id = reading.pairing.opened(text(block.get("id")), tool)
            yield Draft("tool_call", {"tool_name": tool, "arguments": called, "call_id": call_id}, "")
        elif isinstance(kind, str) and kind.endswith("tool_result"):
            yield from _result(block, None, reading)
        else:
            reading.keep(f"block {name(kind) or '?'}", block)


def _llm_call(record: dict[str, Any], message_id: str, model: str, reading: Reading) -> Iterator[Draft]:
    """The call to the model behind a message, once for all its lines, with the counts of the last of them."""
    usage = reading.thread.usage.get(message_id, Usage())
    thinking = _thinking(usage, reading)
    if not model and usage.input is None and usage.output is None:
        if thinking:
            reading.keep("thinking of an unknown model", thinking)
        return
    counts = {
        "input_tokens": usage.input,
        "output_tokens": usage.output,
        "cached_tokens": usage.cached,
        "latency_ms": whole(record.get("durationMs")),
    }
    payload: dict[str, Any] = {"model": model or "unknown"}
    payload.update({key: count for key, count in counts.items() if count is not None})
    found = {
        "message_id": message_id[:100],
        "stop_reason": usage.stop_reason[:100],
        "cache_write_tokens": usage.cache_written,
        "cost_usd": number(record.get("costUSD")),
        "thinking": thinking,
    }
    metadata = {key: item for key, item in found.items() if item not in (None, "")}
    yield Draft("llm_call", payload, "", metadata=metadata)


def _thinking(usage: Usage, reading: Reading) -> str:
    """The reasoning of a message from all its lines."""
    parts, room = [], _MAX_THINKING
    for offset in usage.thinking:
        message = mapping(reading.line_at(offset).get("message"))
        for block in map(mapping, items(message.get("content"))):
            if block.get("type") == "thinking" and text(block.get("thinking")) and room > 0:
                parts.append(cut(text(block.get("thinking")), room))
                room -= len(parts[-1])
    return "\n\n".join(parts)


def _result(block: dict[str, Any], details: Any, reading: Reading) -> Iterator[Draft]:
    """The answer to a call, its pictures after it."""
    call_id = reading.pairing.answered(text(block.get("tool_use_id")), "")
    answer, pictures = _answer(block.get("content"), call_id, reading)
    failed = block.get("is_error") is True
    payload: dict[str, Any] = {"call_id": call_id, "result": answer, "error": None}
    if failed:
        payload = {"call_id": call_id, "result": None, "error": answer or "the tool failed"}
    metadata: dict[str, Any] = {}
    if isinstance(details, dict | list) and details:
        metadata["tool_use_result"] = preview(details, _RESULT_DETAILS)
    elif isinstance(details, str) and details and details != answer:
        metadata["tool_use_result"] = cut(details, _RESULT_DETAILS)
    yield Draft("tool_result", payload, "", metadata=metadata)
    yield from pictures


def _answer(content: Any, call_id: str, reading: Reading) -> tuple[Any, list[Draft]]:
    """What a tool answered, text as text, and the pictures in it."""
    if not isinstance(content, list):
        return content, []
    parts: list[Any] = []
    pictures: list[Draft] = []
    for block in content:
        if mapping(block).get("type") == "image":
            shots = _picture(block, reading, {"call_id": call_id})
            pictures.extend(shots)
            parts.append({"type": "image", "kept_as": "screenshot" if shots else "nothing"})
        elif mapping(block).get("type") == "text":
            parts.append(text(block.get("text")))
        else:
            parts.append(block)
    if all(isinstance(part, str) for part in parts):
        return "\n".join(parts), pictures
    return parts, pictures


def _picture(block: dict[str, Any], reading: Reading, metadata: dict[str, Any]) -> list[Draft]:
    """A picture as a screenshot; one that is not in the file is only counted."""
    source = mapping(block.get("source"))
    try:
        data = base64.b64decode(text(source.get("data")), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data:
        reading.keep("picture that is not in the file", {**block, "source": preview(source, 300)})
        return []
    marks = {**metadata, "media_type": cut(text(source.get("media_type")), 100)}
    payload = {"size_bytes": len(data), "source_type": "bytes"}
    return [Draft("screenshot", payload, "", metadata=marks, picture=data)]


def _system(record: dict[str, Any], reading: Reading) -> Iterator[Draft]:
    """What the harness noted: errors, compactions, times of turns, notices."""
    subtype = text(record.get("subtype"))
    content = record.get("content")
    if subtype == "turn_duration":
        took = number(record.get("durationMs"))
        if took is not None:
            yield Draft("metric", {"name": "turn_duration", "value": took, "unit": "ms"}, "")
            return
    if subtype == "compact_boundary":
        facts = mapping(record.get("compactMetadata"))
        before = {"tokens": facts.get("preTokens")} if facts.get("preTokens") is not None else None
        yield Draft("state_change", {"name": "compaction", "before": before, "after": preview(facts)}, "")
    elif "error" in subtype or record.get("level") == "error":
        said = text(content) or text(mapping(record.get("error")).get("message")) or subtype or "error"
        yield Draft(
            "error", {"handled": True, "message": said, "error_type": cut(subtype, 100) or "system"}, ""
        )
    elif subtype == "stop_hook_summary" and not items(record.get("hookErrors")):
        reading.keep("system stop_hook_summary", preview(_own_fields(record)))
    else:
        after = content if isinstance(content, str) else preview(_own_fields(record))
        payload = {"name": f"system {cut(subtype, 80)}".strip(), "before": None, "after": after}
        yield Draft("state_change", payload, "", metadata={"level": name(record.get("level"))[:40]})


def _own_fields(record: dict[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in record.items() if key not in _SHARED_FIELDS and item is not None}


def _attachment(attachment: dict[str, Any], reading: Reading) -> Iterator[Draft]:
    """What was attached to the conversation: hooks that failed are errors, queued prompts are messages."""
    kind = text(attachment.get("type"))
    if kind.startswith("hook_") and kind.endswith("_error"):
        blocking = mapping(attachment.get("blockingError"))
        said = text(blocking.get("blockingError")) or text(attachment.get("stderr")) or f"{kind} of a hook"
        payload = {"handled": True, "message": said, "error_type": cut(kind, 100)}
        yield Draft("error", payload, "", metadata={"attachment": preview(attachment)})
    elif kind == "queued_command" and text(attachment.get("prompt")):
        yield Draft(
            "user_message", {"content": text(attachment.get("prompt"))}, "", metadata={"queued": True}
        )
    else:
        reading.keep(f"attachment {kind}".strip(), attachment)
