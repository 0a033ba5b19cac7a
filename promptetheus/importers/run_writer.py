"""The events of an imported run as lines of a session: numbered, with keys that the next import knows again."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from promptetheus import __version__
from promptetheus.artifacts import picture_extension, store_artifact
from promptetheus.clock import now_timestamp
from promptetheus.encoding import encode_line, jsonable
from promptetheus.events import Event, validate_event
from promptetheus.importers.continued_spans import ContinuedSpans
from promptetheus.importers.draft import Draft, ImportedRun
from promptetheus.importers.narrowing import mapping
from promptetheus.oversize import shrink
from promptetheus.process import own_facts
from promptetheus.spool import LINE_LIMIT_BYTES
from promptetheus.summary import SummaryCounter

_BODY_LIMIT_BYTES = LINE_LIMIT_BYTES - 65_536
"""What payload and metadata may take of a line: the envelope and the summary need room, too."""


class RunWriter:
    """Makes events of the drafts of one run, counting them as the SDK counts its own."""

    def __init__(self, spool_dir: Path, session_id: str, run: ImportedRun) -> None:
        self.counter = SummaryCounter()
        self._spool_dir = spool_dir
        self._session_id = session_id
        self._run = run
        self._now = now_timestamp()
        self._time = run.started or self._now
        self._seq = 0
        self._known: set[str] | None = None
        self._spans = ContinuedSpans()

    def go_on_after(self, existing: Iterable[Event]) -> None:
        """Take the events of the session file into account, so that only others are given out."""
        self._known = set()
        for event in existing:
            self.counter.add(event)
            self._spans.learn(event)
            key, seq = event.get("idempotency_key"), event.get("seq")
            if isinstance(key, str):
                self._known.add(key.rpartition(":")[0].rpartition(":")[2])
            if type(seq) is int:
                self._seq = max(self._seq, seq + 1)

    def events(self, drafts: Iterator[Draft]) -> Iterator[Event]:
        """The events of the session, numbered, those already there left out."""
        if self._known is None:
            yield self._counted(self._event(self._start()))
        for draft in drafts:
            if self._known is None:
                yield from self._checked(draft)
            elif draft.type == "session_end" or _digest(draft.key) not in self._known:
                for placed in self._spans.place(draft):
                    yield from self._checked(placed)

    def _checked(self, draft: Draft) -> Iterator[Event]:
        if draft.picture is not None:
            draft.payload.update(self._kept_picture(draft.picture))
        event = self._event(draft)
        try:
            validate_event(event)
        except (TypeError, ValueError) as error:
            self._run.skipped.add(f"invalid {draft.type}: {error}")
            return
        yield self._counted(event)

    def closed(self, end: Event, bytes_before: int) -> Event:
        """The last event with the summary of the whole file."""
        metadata = dict(end.get("metadata", {}))
        metadata["imported"] = self._imported()
        metadata["summary"] = {**self.counter.result(), "spool_bytes": bytes_before}
        return {**end, "metadata": metadata}

    def _start(self) -> Draft:
        run = self._run
        after = {
            "agent": run.agent,
            "user_goal": run.user_goal,
            "project_id": run.project_id,
            "environment": None,
            "tags": run.tags,
        }
        metadata: dict[str, Any] = {
            "session_metadata": run.metadata,
            "sdk": {"name": "promptetheus", "version": __version__},
            **own_facts(),
            "imported": self._imported(),
        }
        if run.system_prompt:
            metadata["system_prompt"] = run.system_prompt
        payload = {"name": "session_started", "before": None, "after": after}
        return Draft("state_change", payload, "start", run.started, metadata)

    def _imported(self) -> dict[str, Any]:
        run = self._run
        found: dict[str, Any] = {
            "format": str(run.format),
            "source": run.source,
            "sha256": run.sha256,
            "timed": run.timed,
            "at": self._now,
            "record": run.record,
            "origin": run.origin,
            "timezone": run.timezone,
            "skipped": run.skipped.counts,
            "kept": run.kept.counts,
        }
        if run.origin is not None and self._seq == 0:
            del found["kept"]  # not known yet: such a run is read while it is written
        return {key: item for key, item in found.items() if item is not None}

    def _event(self, draft: Draft) -> Event:
        if draft.timestamp is not None and self._run.timed:
            self._time = draft.timestamp
        event: Event = {
            "type": draft.type,
            "session_id": self._session_id,
            "timestamp": self._time if self._run.timed else self._now,
            "seq": self._seq,
            "idempotency_key": f"{self._session_id}:{_digest(draft.key)}:{self._seq}",
            "payload": draft.payload,
        }
        if draft.metadata:
            event["metadata"] = draft.metadata
        if draft.span_id is not None:
            event["span_id"] = draft.span_id
            event["parent_id"] = draft.parent_id
        return event

    def _counted(self, event: Event) -> Event:
        self._seq += 1
        self.counter.add(event)
        return event

    def _kept_picture(self, data: bytes) -> dict[str, Any]:
        kept = store_artifact(self._spool_dir, data, picture_extension(data))
        return {"artifact_id": kept.artifact_id, "storage_path": kept.storage_path}


def event_line(spool_dir: Path, event: Event) -> bytes:
    """The line of an event, its largest values moved to artifacts where it would be too long."""
    line = encode_line(event)
    if len(line) <= LINE_LIMIT_BYTES:
        return line

    def store(data: bytes, extension: str) -> dict[str, Any]:
        kept = store_artifact(spool_dir, data, extension)
        return {"artifact_id": kept.artifact_id, "storage_path": kept.storage_path}

    plain = mapping(jsonable(event))
    parts = [part for part in (plain.get("payload"), plain.get("metadata")) if isinstance(part, dict)]
    shrink(parts, _BODY_LIMIT_BYTES, store)
    return encode_line(plain)


def _digest(key: str) -> str:
    """What stands for a draft's key in the idempotency key of its event."""
    return hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:16]
