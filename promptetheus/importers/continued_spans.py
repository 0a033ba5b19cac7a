"""Spans that go on after they were recorded as ended: a subagent that was still at work at the last import.

A span that has ended is not opened again. What is new in it goes into a further span of its own.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace

from promptetheus.events import Event
from promptetheus.importers.draft import Draft
from promptetheus.importers.narrowing import mapping, text


class ContinuedSpans:
    """Puts new events of spans that a session file has already into spans that continue them."""

    def __init__(self) -> None:
        self._recorded: dict[str, str] = {}
        """Names of the spans in the file, by id."""
        self._continued: dict[str, str] = {}
        """Id of the span that continues a recorded one."""

    def learn(self, event: Event) -> None:
        """Take an event of the file into account."""
        payload = mapping(event.get("payload"))
        if event.get("type") == "state_change" and payload.get("name") == "span_start":
            self._recorded[text(event.get("span_id"))] = text(payload.get("span_name"))

    def place(self, draft: Draft) -> Iterator[Draft]:
        """The draft where it belongs, after the opening of a span that it needs."""
        span_id = draft.span_id
        if span_id is None or span_id not in self._recorded:
            yield draft
            return
        ends = draft.payload.get("name") == "span_end"
        if span_id not in self._continued:
            if ends:  # nothing new but the number of lines
                return
            digest = hashlib.sha256(f"{span_id}/{draft.key}".encode("utf-8", "replace")).hexdigest()
            self._continued[span_id] = f"span_{digest[:32]}"
            name = f"{self._recorded[span_id]} (continued)"
            payload = {"name": "span_start", "span_name": name, "continues": span_id}
            yield self._moved(Draft("state_change", payload, f"{draft.key}:span", draft.timestamp), draft)
        if ends:
            name = f"{self._recorded[span_id]} (continued)"
            draft = replace(draft, payload={"name": "span_end", "span_name": name})
        yield self._moved(draft, draft)

    def _moved(self, draft: Draft, like: Draft) -> Draft:
        parent_id = like.parent_id
        return replace(
            draft,
            span_id=self._continued[like.span_id or ""],
            parent_id=self._continued.get(parent_id, parent_id) if parent_id is not None else None,
        )
