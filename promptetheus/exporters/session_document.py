"""A session as one JSON document: what `export` writes, and what can be imported and opened again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from promptetheus.events import Event
from promptetheus.notes import Note, note_fields


def session_document(session_id: str, events: Sequence[Event], notes: Sequence[Note] = ()) -> dict[str, Any]:
    """Its events, how many there are of each type, and what a person wrote about it, if anything."""
    types = dict(Counter(str(event.get("type")) for event in events))
    document: dict[str, Any] = {
        "session_id": session_id,
        "events": list(events),
        "summary": {"count": len(events), "types": types},
    }
    if notes:
        document["notes"] = [note_fields(note) for note in notes]
    return document
