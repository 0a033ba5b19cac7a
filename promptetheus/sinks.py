"""Where the events of a session go: the spool, the memory of a test, or a transport of the user's own."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

from promptetheus import guard
from promptetheus.sampling import Judge
from promptetheus.settings import get_config
from promptetheus.spool_sink import SpoolSink

NAMED_TRANSPORTS = ("auto", "spool", "http", "memory")


class Delivery(NamedTuple):
    """A named transport with where it goes to, as the arguments of `start` say."""

    name: str
    endpoint: str | None
    api_key: str | None


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
    endpoint = api_key = None
    if isinstance(transport, Delivery):
        transport, endpoint, api_key = transport
    if transport is None or isinstance(transport, str):
        name = transport or "auto"
        if name == "memory":
            from promptetheus.transport import InMemoryTransport
            from promptetheus.transport_sink import TransportSink

            return TransportSink(InMemoryTransport(), session_id, tail)
        if name not in NAMED_TRANSPORTS:
            report_unknown_transport(name)
        return _spool_sink(spool_dir, session_id, name, endpoint, api_key)
    from promptetheus.transport import LocalSpoolTransport
    from promptetheus.transport_sink import TransportSink

    if isinstance(transport, LocalSpoolTransport):
        target = getattr(transport, "target", None)
        if target is not None:
            from promptetheus.delivery.sink import DeliveringSink

            return DeliveringSink(transport.spool_dir, session_id, target)
        return SpoolSink(transport.spool_dir, session_id)
    if not _can_send(transport):
        guard.report(
            "settings.transport",
            f"a {type(transport).__name__} has no send_event or send_batch, recording to the spool",
        )
        return SpoolSink(spool_dir, session_id)
    return TransportSink(transport, session_id, tail)


def _spool_sink(
    spool_dir: Path, session_id: str, name: str, endpoint: str | None, api_key: str | None
) -> Sink:
    """The spool, with delivery when the transport's name allows it and there is a key."""
    if name in ("auto", "http") and (
        api_key or os.environ.get("PROMPTETHEUS_API_KEY") or get_config().api_key
    ):
        from promptetheus.delivery.destination import destination

        target = destination(endpoint, api_key)
        if target is not None:
            from promptetheus.delivery.sink import DeliveringSink

            return DeliveringSink(spool_dir, session_id, target)
    if name == "http":
        guard.report(
            "settings.transport",
            "transport='http' needs an api_key or PROMPTETHEUS_API_KEY: only the spool is written",
        )
    return SpoolSink(spool_dir, session_id)


def _can_send(transport: Any) -> bool:
    try:
        return hasattr(transport, "send_event") or hasattr(transport, "send_batch")
    except BaseException as error:  # an object that raises wherever it is touched
        guard.pass_on(error)
        return False


def report_unknown_transport(name: str) -> None:
    """Say once that a transport's name is not known."""
    known = ", ".join(NAMED_TRANSPORTS)
    guard.report(
        "settings.transport", f"transport={name[:100]!r} is unknown, recording to the spool; known: {known}"
    )
