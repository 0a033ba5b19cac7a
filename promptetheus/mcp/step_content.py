"""What a step is made of, whole or in part, as text for a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

from promptetheus.cause.describe import call_arguments, call_result, describe
from promptetheus.cause.steps import Step
from promptetheus.events import Event
from promptetheus.mcp.answers import Refused, events_without_secrets
from promptetheus.queries.session_log import SessionLog

Part = Literal["all", "arguments", "result", "raw", "image"]

MAX_STEP_CHARS = 4_000
"""Of one step in an answer; the rest is there by `offset`."""

_PICTURE_PX = (1_000.0, 1_000.0)


def step_text(step: Step, log: SessionLog, part: Part = "all", path: str = "", offset: int = 0) -> str:
    """A step without its secrets, from a character on.

    Raises Refused when `path` leads nowhere in it.
    """
    from promptetheus.exporters.markdown_export import step_markdown, value_text
    from promptetheus.mcp.values import BadPath, value_at

    events = events_without_secrets(map(log.event, step.events))
    if part == "all" and not path:
        text = step_markdown(
            step, events, describe(step, dict(zip(step.events, events, strict=True)).__getitem__)
        )
    else:
        try:
            text = value_text(value_at(_content(events, part), path))
        except BadPath as error:
            raise Refused(str(error)) from None
    return _from_character(text, offset)


def steps_around(log: SessionLog, place: int) -> list[str]:
    """The step at a place of the list with a few before and after it, a line each."""

    def event_of(number: int) -> Event:
        return events_without_secrets([log.event(number)])[0]

    focus = log.steps[place]
    return [
        f"{'>' if step is focus else ' '} {step.index}  {step.kind.value}  {describe(step, event_of)}"
        for step in log.steps[max(0, place - 6) : place + 7]
    ]


def small_picture(spool: Path, events: Sequence[Event]) -> bytes | None:
    """A PNG of the first screenshot among these events that is there and can be shown."""
    from promptetheus.artifacts import read_artifact
    from promptetheus.pictures import PictureError, small_copy

    for event in events:
        payload = event.get("payload")
        path = payload.get("storage_path") if isinstance(payload, dict) else None
        if not isinstance(path, str):
            continue
        try:
            return small_copy(read_artifact(spool, path), _PICTURE_PX)[1]
        except (OSError, ValueError, PictureError):
            continue
    return None


def _content(events: Sequence[Event], part: Part) -> Any:
    if part == "arguments":
        return call_arguments(events[0])
    if part == "result":
        results = [event for event in events[1:] if event.get("type") == "tool_result"]
        if not results:
            return None
        payload = results[-1].get("payload")
        error = payload.get("error") if isinstance(payload, dict) else None
        return {"error": error} if error else call_result(results[-1])
    if part == "raw":
        return list(events)
    return [event.get("payload") for event in events]


def _from_character(text: str, offset: int) -> str:
    if not offset and len(text) <= MAX_STEP_CHARS:
        return text
    shown = text[offset : offset + MAX_STEP_CHARS]
    end = offset + len(shown)
    if end >= len(text):
        return shown
    return f"{shown}\n[characters {offset} to {end} of {len(text)}; offset={end} goes on]"
