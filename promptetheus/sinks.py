"""Where the events of a session go: the spool, the memory of a test, or a transport of the user's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from promptetheus import guard
from promptetheus.sampling import Judge
from promptetheus.spool_sink import SpoolSink

NAMED_TRANSPORTS = ("auto", "spool", "http", "memory")


class Sink(Protocol):
    """What the recorder needs of the place that events go to."""

    lock: Any
    is_spool: bool
    """Whether lines stand in a file: in the order of `seq`, opened by a first line, closed by a summary."""

    @property
    def lost_events(self) -> int: ...
    def start(self) -> int: ...
    def announce(self, trace: dict[str, Any]) -> None: ...
    def write(self, line: bytes) -> bool: ...
    def store(self, data: bytes | BinaryIO, extension: str, what: str) -> Mapping[str, Any] | None: ...
    def own_bytes(self) -> int | None: ...
    def sync(self) -> None: ...
    def flush(self, timeout: float | None) -> None: ...
    def decide(self, judge: Judge) -> None: ...
    def after_fork(self) -> None: ...
    def close(self) -> None: ...
    def prune(self) -> None: ...


def make_sink(transport: Any, spool_dir: Path, session_id: str, tail: bool = False) -> Sink:
    """The sink for a `transport=` argument. An unknown name is reported once and records to the spool."""
    if transport is None or isinstance(transport, str):
        name = transport or "auto"
        if name == "memory":
            from promptetheus.transport import InMemoryTransport
            from promptetheus.transport_sink import TransportSink

            return TransportSink(InMemoryTransport(), session_id, tail)
        if name not in NAMED_TRANSPORTS:
            report_unknown_transport(name)
        return SpoolSink(spool_dir, session_id)
    from promptetheus.transport import LocalSpoolTransport
    from promptetheus.transport_sink import TransportSink

    if isinstance(transport, LocalSpoolTransport):
        return SpoolSink(transport.spool_dir, session_id)
    if not _can_send(transport):
        guard.report(
            "settings.transport",
            f"a {type(transport).__name__} has no send_event or send_batch, recording to the spool",
        )
        return SpoolSink(spool_dir, session_id)
    return TransportSink(transport, session_id, tail)


def _can_send(transport: Any) -> bool:
    try:
        return hasattr(transport, "send_event") or hasattr(transport, "send_batch")
    except Exception:  # an object that raises wherever it is touched
        return False


def report_unknown_transport(name: str) -> None:
    """Say once that a transport's name is not known."""
    known = ", ".join(NAMED_TRANSPORTS)
    guard.report(
        "settings.transport", f"transport={name[:100]!r} is unknown, recording to the spool; known: {known}"
    )
