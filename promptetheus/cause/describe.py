"""A step in one line of text: the same words in the terminal, the command line and exports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from promptetheus.cause.steps import Step, StepKind
from promptetheus.display import duration, plain_value, printable_line, size, value
from promptetheus.events import Event, as_mapping

_LIMIT = 400
_PART = 160


def describe(step: Step, event_of: Callable[[int], Event]) -> str:
    """What happened in a step, e.g. `search_calendar(day="Tuesday") → ["Tuesday 2pm"]`.

    Printable, one line, at most 400 characters. `event_of` gives the event of a number.
    """
    event = event_of(step.events[0])
    payload = as_mapping(event.get("payload"))
    match step.kind:
        case StepKind.TOOL:
            text = _tool(step, event, payload, event_of)
        case StepKind.USER | StepKind.AGENT:
            text = plain_value(_beginning(payload.get("content")), _LIMIT)
        case StepKind.LLM:
            text = _llm(step, event, payload)
        case StepKind.RETRIEVAL:
            documents = payload.get("documents")
            found = len(documents) if isinstance(documents, list) else 0
            text = f"{value(payload.get('query'), _PART)} → {found} document{'' if found == 1 else 's'}"
        case StepKind.ACTION:
            url, target = payload.get("url"), payload.get("target")
            where = f"  at {plain_value(url, 80)}" if url and url != target else ""
            text = f"{plain_value(payload.get('action'), 40)} {plain_value(payload.get('target'), 80)}{where}"
        case StepKind.DOM:
            text = plain_value(payload.get("url"), _PART) + _warnings(payload)
        case StepKind.SHOT | StepKind.RECORDING:
            text = _picture(payload, event)
        case StepKind.CHECK:
            text = _check(payload)
        case StepKind.ERROR:
            text = _error(step, payload)
        case StepKind.SPAN:
            text = printable_line(step.name or "span", _PART)
        case StepKind.STATE:
            text = _state(step, payload)
        case StepKind.SCORE | StepKind.METRIC:
            unit = f" {plain_value(payload['unit'], 20)}" if payload.get("unit") else ""
            comment = f"  {plain_value(payload['comment'], _PART)}" if payload.get("comment") else ""
            text = f"{printable_line(step.name, 60)} = {value(payload.get('value'), 40)}{unit}{comment}"
        case StepKind.START:
            after = as_mapping(payload.get("after"))
            text = f"{plain_value(after.get('agent'), 60)} · {plain_value(after.get('user_goal'), _LIMIT)}"
        case StepKind.END:
            error = f": {plain_value(payload['error'], _PART)}" if payload.get("error") else ""
            text = f"{plain_value(payload.get('status'), 40)}{error}"
        case StepKind.OTHER:
            text = f"{printable_line(step.name or 'event', 60)} {value(dict(payload), _PART)}"
    return printable_line(text, _LIMIT)


def _beginning(content: Any) -> Any:
    """What was said; of a message too large for its line, which was kept apart, the beginning that the line holds."""
    if isinstance(content, dict) and content.get("truncated") is True:
        return content.get("preview", content)
    return content


def _part(thing: Any, limit: int) -> str:
    """A value on one line; of one too large for the line of its event its beginning, and how large it is."""
    beginning = _beginning(thing)
    if beginning is thing:
        return value(thing, limit)
    kept = thing.get("size_bytes")
    return plain_value(beginning, limit) + (f"  {size(kept)}" if isinstance(kept, int) else "")


def call_arguments(event: Event) -> Any:
    """The arguments of a tool_call as values: those of a decorated call where they were JSON, else its reprs."""
    arguments = as_mapping(event.get("payload")).get("arguments")
    if _is_decorated(as_mapping(arguments)):
        plain = as_mapping(event.get("metadata")).get("arguments")
        if isinstance(plain, Mapping):
            return plain
    return arguments


def _is_decorated(arguments: Mapping[str, Any]) -> bool:
    return len(arguments) == 2 and "args" in arguments and "kwargs" in arguments


def call_result(event: Event) -> Any:
    """The result of a tool_result as a value: that of a decorated call where it was JSON, else its repr."""
    metadata = as_mapping(event.get("metadata"))
    return metadata["result"] if "result" in metadata else as_mapping(event.get("payload")).get("result")


def call_text(tool: str, arguments: Any, limit: int = _PART) -> str:
    """A call as it would be written: `search_calendar(day="Tuesday")`."""
    name = printable_line(tool or "tool", 80)
    if isinstance(arguments, Mapping) and _beginning(arguments) is arguments:
        if _is_decorated(arguments) and isinstance(arguments["args"], str):
            inside = _from_reprs(arguments)
        else:
            room = max(16, limit // max(1, min(len(arguments), 4)))
            pairs = [
                f"{printable_line(str(key), 40)}={_part(item, room)}" for key, item in _first(arguments, 8)
            ]
            inside = ", ".join(pairs) + (", …" if len(arguments) > 8 else "")
    else:
        inside = "" if arguments is None else _part(arguments, limit)
    return printable_line(f"{name}({inside})", limit + 80)


def _from_reprs(arguments: Mapping[str, Any]) -> str:
    args = str(arguments["args"])
    if args.startswith("(") and args.endswith(")"):
        args = args[1:-1].removesuffix(",")
    kwargs = str(arguments["kwargs"])
    return plain_value(
        args if kwargs in ("{}", "") else f"{args}, **{kwargs}" if args else f"**{kwargs}", _PART
    )


def _tool(step: Step, event: Event, payload: Mapping[str, Any], event_of: Callable[[int], Event]) -> str:
    if event.get("type") == "tool_result":
        return f"result without its call → {_outcome(event)}"
    text = call_text(step.name, call_arguments(event))
    if len(step.events) > 1:
        return f"{text} → {_outcome(event_of(step.events[1]))}"
    return f"{text} …" if step.open else text


def _outcome(event: Event) -> str:
    payload = as_mapping(event.get("payload"))
    if payload.get("error"):
        return plain_value(_gist(payload["error"]), _PART)
    return _part(call_result(event), _PART)


def _gist(error: Any) -> Any:
    """The last line of a traceback, which names the error; any other text as it is."""
    if isinstance(error, str) and error.startswith("Traceback (most recent call last)"):
        return error[-2000:].rstrip().rpartition("\n")[2]
    return error


def _llm(step: Step, event: Event, payload: Mapping[str, Any]) -> str:
    tokens = [payload.get("input_tokens"), payload.get("output_tokens")]
    used = ""
    if any(isinstance(number, int) for number in tokens):
        into, out = (f"{n:,}" if isinstance(n, int) else "?" for n in tokens)
        used = f"  {into} → {out} tok"
    return printable_line(step.name or "unknown model", 80) + used


def _warnings(payload: Mapping[str, Any]) -> str:
    warnings = payload.get("warnings")
    if not isinstance(warnings, list) or not warnings:
        return ""
    return f"  ⚠ {plain_value(warnings[0], _PART)}" + (
        f" (+{len(warnings) - 1})" if len(warnings) > 1 else ""
    )


def _picture(payload: Mapping[str, Any], event: Event) -> str:
    kept = payload.get("size_bytes")
    parts = [plain_value(payload["artifact_type"], 40)] if payload.get("artifact_type") else []
    metadata = as_mapping(event.get("metadata"))
    if metadata.get("width") and metadata.get("height"):
        parts.append(f"{plain_value(metadata['width'], 8)}×{plain_value(metadata['height'], 8)}")
    if isinstance(kept, int):
        parts.append(size(kept))
    if payload.get("source"):
        parts.append(plain_value(payload["source"], _PART))
    if not payload.get("storage_path"):
        parts.append("not kept")
    return "  ".join(parts)


def _check(payload: Mapping[str, Any]) -> str:
    mismatches = payload.get("mismatches")
    if payload.get("passed"):
        return "goal met"
    if isinstance(mismatches, list) and mismatches:
        return "; ".join(plain_value(item, _PART) for item in mismatches[:5])
    return "goal not met" if payload.get("passed") is not None else "no verdict"


def _error(step: Step, payload: Mapping[str, Any]) -> str:
    message = plain_value(payload.get("message") or payload.get("error") or "error", _LIMIT)
    kind = printable_line(step.name, 60)
    return message if not kind or message.startswith(kind) else f"{kind}: {message}"


def _state(step: Step, payload: Mapping[str, Any]) -> str:
    name = printable_line(step.name, 80)
    before, after = payload.get("before"), payload.get("after")
    if before is None and after is None:
        return name
    if before is None:
        return f"{name}: {value(after, _PART)}"
    return f"{name}: {value(before, _PART)} → {value(after, _PART)}"


def took(step: Step) -> str:
    """How long a step took, "" when that is not known."""
    return "" if step.duration_ms is None else duration(step.duration_ms)


def _first(mapping: Mapping[str, Any], number: int) -> list[tuple[str, Any]]:
    return [pair for pair, _ in zip(mapping.items(), range(number), strict=False)]
