"""A step or a whole session as Markdown: for a bug report, a chat, a prompt. Printable, whatever was recorded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from promptetheus.cause.describe import call_arguments, call_result, describe
from promptetheus.cause.narrative import headline
from promptetheus.cause.steps import Step, StepKind, build_steps
from promptetheus.display import duration, printable, printable_line
from promptetheus.events import Event
from promptetheus.notes import Note


def session_markdown(session_id: str, events: Sequence[Event], notes: Sequence[Note] = ()) -> str:
    """Everything that happened, step by step, under a heading and the outcome in one sentence; with what a person
    wrote about the session and its steps."""
    steps = build_steps(events)
    parts = [f"# Session {printable_line(session_id, 200)}", "", headline(events), *_quoted(notes, None)]
    for step in steps:
        found = [events[number] for number in step.events]
        parts += ["", step_markdown(step, found, describe(step, events.__getitem__))]
        parts += _quoted(notes, step.index)
    return "\n".join(parts) + "\n"


def _quoted(notes: Sequence[Note], step: int | None) -> list[str]:
    """The notes about a step, or with None about the session as a whole."""
    lines: list[str] = []
    for note in notes:
        if note.about.step == step:
            lines += ["", *(f"> {line}" for line in (note.shown or "bookmarked").splitlines())]
    return lines


def step_markdown(step: Step, events: Sequence[Event], description: str) -> str:
    """A step as Markdown, for a bug report or a prompt."""
    took = f", {duration(step.duration_ms)}" if step.duration_ms is not None else ""
    verdict = " (failed)" if step.ok is False else ""
    parts = [f"**Step {step.index}: {step.kind}**{verdict}{took}", "", description]
    opening = events[0]
    if step.kind is StepKind.TOOL and opening.get("type") == "tool_call":
        parts += ["", "Arguments:", _fenced(call_arguments(opening))]
        for result in events[1:]:
            error = _payload(result).get("error")
            label, value = ("Error:", error) if error else ("Result:", call_result(result))
            parts += ["", label, *_blocks(value)]
    elif step.kind in (StepKind.USER, StepKind.AGENT):
        parts[-1] = value_text(_payload(opening).get("content"))
    else:
        parts += ["", *_blocks(_payload(opening))]
    return printable("\n".join(parts))


def _blocks(value: Any) -> list[str]:
    """A value as code; texts of several lines that it holds, such as a traceback, as the lines they are."""
    if not isinstance(value, Mapping):
        return [_fenced(value)]
    texts = {name: text for name, text in value.items() if isinstance(text, str) and "\n" in text.strip()}
    rest = {name: each for name, each in value.items() if name not in texts}
    blocks = [_fenced(rest)] if rest or not texts else []
    for name, text in texts.items():
        blocks += ["", f"{inline_code(str(name))}:", _fenced(text)]
    return blocks


def _fenced(value: Any) -> str:
    text = value_text(dict(value) if isinstance(value, dict) else value)
    fence = "```"
    while fence in text:  # a value with a fence of its own must not end ours
        fence += "`"
    language = "" if isinstance(value, str) else "json"
    return f"{fence}{language}\n{text}\n{fence}"


def inline_code(text: str) -> str:
    """A text of one line that no Markdown is read in; whatever backticks it has."""
    line = printable_line(text)
    fence = "`"
    while fence in line:
        fence += "`"
    space = " " if line.startswith("`") or line.endswith("`") or not line else ""
    return f"{fence}{space}{line}{space}{fence}"


def value_text(value: Any) -> str:
    """A value as people paste it: strings as they are, everything else as JSON. Printable."""
    if isinstance(value, str):
        return printable(value)
    try:
        text = json.dumps(value, ensure_ascii=False, indent=2, default=str)
    except (ValueError, RecursionError):
        text = str(value)
    return printable(text)


def _payload(event: Mapping[str, Any]) -> Mapping[str, Any]:
    payload = event.get("payload")
    return payload if isinstance(payload, Mapping) else {}
