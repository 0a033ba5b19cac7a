"""Events kept in memory, for tests and for agents that look at their own run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, Self

Event = dict[str, Any]


class Transport(Protocol):
    """What `Session(transport=…)` takes."""

    def send_event(self, event: Mapping[str, Any]) -> None: ...


class BaseTransport:
    """Batches as single events, and a close that flushes once."""

    def __init__(self) -> None:
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed

    def send_event(self, event: Mapping[str, Any]) -> None:
        """Take one event. Raises RuntimeError after `close`."""
        raise RuntimeError("send_event is for a subclass to define")

    def send_batch(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Take several events in order."""
        for event in events:
            self.send_event(event)

    def flush(self, timeout: float | None = None) -> None:
        """Pass on what is held."""

    def close(self) -> None:
        """Flush and refuse further events."""
        if not self._closed:
            self.flush()
            self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


class InMemoryTransport(BaseTransport):
    """Keeps a copy of each event in `events`."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[Event] = []
        self.flush_count = 0

    def send_event(self, event: Mapping[str, Any]) -> None:
        """Keep a copy. Raises RuntimeError after `close`."""
        if self._closed:
            raise RuntimeError("the transport is closed")
        self.events.append(dict(event))

    def flush(self, timeout: float | None = None) -> None:
        """Count the flush."""
        self.flush_count += 1

    def upload_artifact(
        self, session_id: str, *, body: bytes, content_type: str, filename: str | None, artifact_type: str
    ) -> dict[str, Any]:
        """An identity for the artifact; its bytes are not kept."""
        artifact_id = f"artifact_{len(self.events) + 1}"
        name = filename or "artifact.bin"
        return {
            "artifact_id": artifact_id,
            "storage_path": f"artifacts/memory/{session_id}/{artifact_id}/{name}",
        }
