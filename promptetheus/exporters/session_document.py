"""A session as one JSON document: what `export` writes, and what can be imported and opened again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from promptetheus.events import Event


def session_document(session_id: str, events: Sequence[Event]) -> dict[str, Any]:
    """Its events, and how many there are of each type."""
    types = dict(Counter(str(event.get("type")) for event in events))
    return {
        "session_id": session_id,
        "events": list(events),
        "summary": {"count": len(events), "types": types},
    }
