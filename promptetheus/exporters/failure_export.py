"""The ways in which sessions fail, as data and as Markdown: what `promptetheus failures` and the terminal write."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from promptetheus.cause.failures import Failure
from promptetheus.display import printable_line
from promptetheus.exporters.markdown_export import inline_code
from promptetheus.fingerprint import marked_label
from promptetheus.notes import Note

Noted = tuple[Failure, Sequence[Note]]
"""A failure with what a person noted about it."""


def failures_text(form: Literal["json", "md"], spools: Sequence[Path], listed: Iterable[Noted]) -> str:
    """All of them as the text of a file."""
    if form == "json":
        return json.dumps(failures_document(spools, listed), indent=2, ensure_ascii=False) + "\n"
    parts = [f"# Failures in {', '.join(inline_code(str(spool)) for spool in spools)}"]
    return "\n\n".join([*parts, *(failure_markdown(failure, notes) for failure, notes in listed)]) + "\n"


def failures_document(spools: Sequence[Path], listed: Iterable[Noted]) -> dict[str, Any]:
    """All of them as `promptetheus failures --json` prints them."""
    return {
        "spool": str(spools[0]),
        "spools": [str(spool) for spool in spools],
        "failures": [failure_as_json(failure, notes) for failure, notes in listed],
    }


def failure_as_json(failure: Failure, notes: Iterable[Note]) -> dict[str, Any]:
    """One of them."""
    told = dataclasses.asdict(failure)
    return {**told, "state": failure.state, "notes": [note_as_json(note) for note in notes]}


def note_as_json(note: Note) -> dict[str, Any]:
    """A note about a failure."""
    written = datetime.fromtimestamp(note.written_s, UTC).isoformat(timespec="seconds")
    return {"id": note.note_id, "text": note.text, "written": written, "fingerprint": note.about.fingerprint}


def failure_markdown(failure: Failure, notes: Iterable[Note], said: str = "") -> str:
    """One of them under a heading: how it stands, where and when it was seen, what was noted.

    Args:
        said: What its newest session says in full, where the label leaves something out.
    """
    agents = ", ".join(inline_code(agent or "unnamed agent") for agent in failure.agents)
    since = f", {failure.since:,} of its tasks since" if failure.since else ""
    lines = [
        f"## {inline_code(failure.fingerprint)} {inline_code(marked_label(failure.label))}",
        "",
        *([inline_code(said), ""] if said else []),
        f"{failure.state}: {failure.sessions:,} session{'s' * (failure.sessions != 1)} of {agents}{since}",
        "",
        f"- first seen {_when(failure.first_s)}, last seen {_when(failure.last_s)}",
        f"- newest sessions: {', '.join(inline_code(each) for each in failure.examples)}",
    ]
    if failure.per_day:
        lines.append(f"- a day: {', '.join(f'{day}: {number}' for day, number in failure.per_day)}")
    for note in notes:
        lines += ["", f"> {printable_line(note.text)}"]
    return "\n".join(lines)


def _when(seconds: float) -> str:
    return (
        datetime.fromtimestamp(seconds, UTC).isoformat(sep=" ", timespec="seconds").replace("+00:00", " UTC")
    )
