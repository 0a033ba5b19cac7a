"""A session under test and what stands in its file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Self

import promptetheus as pt
from promptetheus.events import validate_event

Event = dict[str, Any]


class Record:
    """A session in a spool, current inside its block. What it recorded is read from the file, line by line."""

    def __init__(self, spool: Path, **options: Any) -> None:
        self.session = pt.start(
            **{"agent": "tester", "user_goal": "use the framework", "spool_dir": spool, **options}
        )
        self._path = spool / f"{self.session.session_id}.jsonl"

    def __enter__(self) -> Self:
        self.session.__enter__()
        return self

    def __exit__(self, *exc: Any) -> None:
        self.session.__exit__(None, None, None)

    @property
    def events(self) -> list[Event]:
        """All events so far, each checked against the schema; without the first line and the last."""
        found = [json.loads(line) for line in self._path.read_text().splitlines()]
        for event in found:
            validate_event(event)
        return [event for event in found if not _is_frame(event)]

    @property
    def types(self) -> list[str]:
        """The types of all events; spans as `span_start` and `span_end`."""
        return [
            event["payload"]["name"] if event["type"] == "state_change" else event["type"]
            for event in self.events
        ]

    def of(self, kind: str) -> list[Event]:
        """The events of a type."""
        return [event for event in self.events if event["type"] == kind]

    def only(self, kind: str) -> Event:
        """The one event of a type."""
        (event,) = self.of(kind)
        return event

    def payloads(self, kind: str) -> list[Event]:
        """The payloads of the events of a type."""
        return [event["payload"] for event in self.of(kind)]

    def spans(self) -> dict[str, list[str]]:
        """Names of the spans by the name of the span around them; "" for those at the top."""
        names, parents = {"": ""}, {}
        for event in self.events:
            if event["payload"].get("name") == "span_start":
                names[event["span_id"]] = event["payload"]["span_name"]
                parents[event["span_id"]] = event.get("parent_id") or ""
        found: dict[str, list[str]] = {}
        for span, parent in parents.items():
            found.setdefault(names[parent], []).append(names[span])
        return found

    def span_of(self, event: Event) -> str:
        """The name of the span that an event belongs to; "" for none."""
        for other in self.events:
            if other.get("span_id") == event.get("span_id") and other["payload"].get("name") == "span_start":
                return str(other["payload"]["span_name"])
        return ""


def _is_frame(event: Event) -> bool:
    return bool(event["type"] == "session_end" or event["payload"].get("name") == "session_started")
