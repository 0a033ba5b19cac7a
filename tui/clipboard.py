"""Taking text along: what `y` puts on the clipboard, printable and of bounded size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.app import App

from promptetheus.describe import call_arguments, call_result
from promptetheus.display import duration, printable, size
from promptetheus.events import Event
from promptetheus.steps import Step, StepKind
from promptetheus.tui.page_view import value_text
from promptetheus.tui.subject import payload_of

MOST_CHARACTERS = 100_000
"""Terminals drop longer ones without a word (xterm and tmux take about 74 kB of base64 … 1 MB)."""


def copy_text(app: App[Any], text: str | None) -> None:
    """Put text on the clipboard through the terminal, and say so."""
    if not text:
        app.notify("There is nothing to copy on this line.", timeout=3)
        return
    cut = text[:MOST_CHARACTERS]
    # `printable` has replaced lone surrogates, which could not be encoded.
    app.copy_to_clipboard(printable(cut))
    note = f" (the first {size(len(cut))} of {size(len(text))})" if len(cut) < len(text) else ""
    app.notify(f"Copied {size(len(cut.encode('utf-8', 'replace')))}{note}", timeout=2)


def step_markdown(step: Step, events: Sequence[Event], description: str) -> str:
    """A step as Markdown, for a bug report or a prompt."""
    took = f", {duration(step.duration_ms)}" if step.duration_ms is not None else ""
    verdict = " (failed)" if step.ok is False else ""
    parts = [f"**Step {step.index}: {step.kind}**{verdict}{took}", "", description]
    opening = events[0]
    if step.kind is StepKind.TOOL and opening.get("type") == "tool_call":
        parts += ["", "Arguments:", _fenced(call_arguments(opening))]
        for result in events[1:]:
            error = payload_of(result).get("error")
            label, value = ("Error:", error) if error else ("Result:", call_result(result))
            parts += ["", label, _fenced(value)]
    elif step.kind in (StepKind.USER, StepKind.AGENT):
        parts[-1] = value_text(payload_of(opening).get("content"))
    else:
        parts += ["", _fenced(payload_of(opening))]
    return printable("\n".join(parts))


def _fenced(value: Any) -> str:
    text = value_text(dict(value) if isinstance(value, dict) else value)
    fence = "```"
    while fence in text:  # a value with a fence of its own must not end ours
        fence += "`"
    language = "" if isinstance(value, str) else "json"
    return f"{fence}{language}\n{text}\n{fence}"
