"""A session as one HTML file that stands alone: no script, nothing from outside, every text escaped."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from promptetheus.cause.describe import call_arguments, call_result, describe
from promptetheus.cause.narrative import headline
from promptetheus.cause.steps import Step, StepKind, build_steps
from promptetheus.display import duration
from promptetheus.events import Event
from promptetheus.exporters.diff_style import STYLE
from promptetheus.exporters.html_text import html_page
from promptetheus.exporters.html_text import html_text as _text
from promptetheus.exporters.markdown_export import value_text
from promptetheus.notes import Note

MAX_STEPS = 10_000
"""Steps that are written out; the file says how many it left out."""

MAX_PICTURES = 40
_PICTURE_PX = (900.0, 900.0)

MAX_VALUE = 20_000
"""Characters of one value; the whole stands in the session's file."""

_OWN_STYLE = """
.step { border-top: 1px solid #8883; padding: .5rem 0; }
.step summary { cursor: pointer; } .step pre { white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; }
.step .no { display: inline-block; min-width: 3rem; opacity: .6; }
.step .kind { display: inline-block; min-width: 5rem; }
.note { border-left: 3px solid #e8743b; padding-left: .6rem; margin: .3rem 0; white-space: pre-wrap; }
.step img { max-width: 100%; height: auto; }
"""

Picture = Callable[[str], str | None]
"""By an artifact's path: a PNG in base64, or None where it cannot be shown."""


def session_html(
    session_id: str,
    events: Sequence[Event],
    *,
    notes: Sequence[Note] = (),
    picture: Picture = lambda path: None,
) -> str:
    """Everything that happened, step by step, under the outcome in one sentence; failed steps are open.

    Args:
        notes: What a person wrote about the session and its steps.
        picture: Reads screenshots; without it none are shown.
    """
    steps = build_steps(events)
    pictures = _Room(MAX_PICTURES)
    body = [f"<h1>Session <code>{_text(session_id, 200)}</code></h1>", f"<p>{_text(headline(events))}</p>"]
    body += [_note(note) for note in notes if note.about.step is None]
    by_step: dict[int, list[Note]] = {}
    for note in notes:
        if note.about.step is not None:
            by_step.setdefault(note.about.step, []).append(note)
    for step in steps[:MAX_STEPS]:
        found = [events[number] for number in step.events]
        said = describe(step, events.__getitem__)
        body.append(_step(step, found, said, by_step.get(step.index, []), picture, pictures))
    if len(steps) > MAX_STEPS:
        body.append(f"<p>{len(steps) - MAX_STEPS} more steps are left out here.</p>")
    body.append(
        "<footer>Written by <code>promptetheus export</code>. Texts are as the agent recorded them.</footer>"
    )
    return html_page(_text(session_id, 60), f"{STYLE}{_OWN_STYLE}", body)


class _Room:
    """How many pictures may still be embedded."""

    def __init__(self, pictures: int) -> None:
        self.left = pictures


def _step(
    step: Step, events: Sequence[Event], said: str, notes: Sequence[Note], picture: Picture, room: _Room
) -> str:
    bad = ' class="bad"' if step.ok is False else ""
    took = f' <span class="quiet">{duration(step.duration_ms)}</span>' if step.duration_ms is not None else ""
    head = (
        f'<span class="no">{step.index}</span><span class="kind">{_text(step.kind.value, 20)}</span>'
        f"<span{bad}>{_text(said, 500)}</span>{took}"
    )
    parts = [_note(note) for note in notes]
    parts += [
        f'<div class="quiet">{name}</div><pre>{_text(value_text(value), MAX_VALUE)}</pre>'
        for name, value in _values(step, events)
    ]
    for event in events:
        stored = _payload(event).get("storage_path")
        if event.get("type") == "screenshot" and isinstance(stored, str) and room.left:
            data = picture(stored)
            if data is not None:
                room.left -= 1
                source = escape(data, quote=True)
                image = f"data:image/png;base64,{source}"
                parts.append(f'<img alt="screenshot" src="{image}">')
    is_open = " open" if step.ok is False or notes else ""
    inside = f"<summary>{head}</summary>{''.join(parts)}"
    return f'<details class="step" id="step-{step.index}"{is_open}>{inside}</details>'


def _values(step: Step, events: Sequence[Event]) -> list[tuple[str, Any]]:
    opening = events[0]
    if step.kind is StepKind.TOOL and opening.get("type") == "tool_call":
        found: list[tuple[str, Any]] = [("arguments", call_arguments(opening))]
        for result in events[1:]:
            error = _payload(result).get("error")
            found.append(("error", error) if error else ("result", call_result(result)))
        return found
    if step.kind in (StepKind.USER, StepKind.AGENT):
        return [("", _payload(opening).get("content"))]
    return [("", dict(_payload(opening)))]


def _note(note: Note) -> str:
    return f'<div class="note">{_text(note.text or "bookmarked")}</div>'


def _payload(event: Mapping[str, Any]) -> Mapping[str, Any]:
    payload = event.get("payload")
    return payload if isinstance(payload, Mapping) else {}


def pictures_of(spool: Path) -> Picture:
    """Reads screenshots of a spool, small enough to embed."""

    def read(path: str) -> str | None:
        from promptetheus.artifacts import read_artifact
        from promptetheus.pictures import PictureError, small_copy

        try:
            return b64encode(small_copy(read_artifact(spool, path), _PICTURE_PX)[1]).decode()
        except (OSError, ValueError, PictureError):
            return None

    return read
