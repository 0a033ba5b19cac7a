"""A session's events in a transport object of the user."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any, BinaryIO

import orjson

from promptetheus import guard
from promptetheus.artifacts import CONTENT_TYPES, MAX_ARTIFACT_BYTES
from promptetheus.events import Event
from promptetheus.sampling import Judge

_MAX_HELD_EVENTS = 50_000
"""A tail-sampled session of a transport object waits in memory for its end up to so many events."""


class TransportSink:
    """A transport object of the user: `send_event` or `send_batch`, and if it has them `create_trace`,
    `upload_artifact` and `flush`. Whatever it raises is reported, never passed on."""

    is_spool = False
    lost_events = 0

    def __init__(self, transport: Any, session_id: str, tail: bool = False) -> None:
        self.transport = transport
        self.lock = threading.RLock()
        self._session_id = session_id
        self._held: list[bytes] | None = [] if tail else None
        self._trace: dict[str, Any] | None = None

    def start(self) -> int:
        """0: what the transport has of this session is its own affair."""
        return 0

    def announce(self, trace: dict[str, Any]) -> None:
        """Tell a transport that wants to know about a session; a tail-sampled one only when it is kept."""
        if self._held is not None:
            self._trace = trace
            return
        create = getattr(self.transport, "create_trace", None)
        if create is not None:
            self._try("create_trace", create, trace)

    def write(self, line: bytes) -> bool:
        """Send the event, as a copy that is the transport's own."""
        if self._held is not None:
            self._held.append(line)
            if len(self._held) > _MAX_HELD_EVENTS:
                guard.report(
                    "settings.tail_sample", "a session grew too long to wait for its end: it is kept"
                )
                self._release([orjson.loads(held) for held in self._held])
            return True
        event = orjson.loads(line)
        if hasattr(self.transport, "send_event"):
            return self._deliver(self.transport.send_event, event, 1)
        return self._deliver(self.transport.send_batch, [event], 1)

    def store(
        self, data: bytes | BinaryIO, extension: str, what: str = "screenshot"
    ) -> Mapping[str, Any] | None:
        """Upload a picture or recording; None when the transport cannot or did not."""
        upload = getattr(self.transport, "upload_artifact", None)
        if upload is None:
            return None
        body = data if isinstance(data, bytes) else data.read(MAX_ARTIFACT_BYTES)
        found = self._try(
            "upload",
            lambda: upload(
                self._session_id,
                body=body,
                content_type=CONTENT_TYPES.get(extension, "application/octet-stream"),
                filename=f"artifact.{extension}",
                artifact_type="replay" if what == "replay_artifact" else "screenshot",
            ),
        )
        if isinstance(found, Mapping) and found.get("artifact_id") and found.get("storage_path"):
            return {"artifact_id": found["artifact_id"], "storage_path": found["storage_path"]}
        return None

    def own_bytes(self) -> int | None:
        """None: there is no file."""
        return None

    def sync(self) -> None:
        """Nothing to sync."""

    def flush(self, timeout: float | None) -> None:
        """Flush the transport; one that takes no timeout is called without. A coroutine is closed, not run:
        `AsyncSession` awaits it instead."""
        flush = getattr(self.transport, "flush", None)
        if flush is None:
            return
        pending = self._try("flush", flush, **({"timeout": timeout} if takes_timeout(flush) else {}))
        close = getattr(pending, "close", None)
        if close is not None and hasattr(pending, "__await__"):
            close()

    def decide(self, judge: Judge) -> None:
        """Send what was held, or forget it."""
        held = self._held
        if held is None:
            return
        events = [orjson.loads(line) for line in held]
        verdict = judge(events)
        if not verdict.keep:
            guard.count("dropped.tail_sampled", len(events))
            events = verdict.skeleton(events[0], events[-1], len(events)) if events else []
        self._release(events)

    def after_fork(self) -> None:
        """A lock of the child's own."""
        self.lock = threading.RLock()

    def close(self) -> None:
        """Nothing: the transport belongs to the user."""

    def prune(self) -> None:
        """Nothing: nothing of this session is in the spool."""

    def _release(self, events: list[Event]) -> None:
        self._held = None
        if not events:
            return
        if self._trace is not None:
            self.announce(self._trace)
        if hasattr(self.transport, "send_batch"):
            self._deliver(self.transport.send_batch, events, len(events))
        else:
            for event in events:
                self._deliver(self.transport.send_event, event, 1)

    def _deliver(self, send: Any, events: Any, number: int) -> bool:
        try:
            send(events)
        except BaseException as error:
            guard.pass_on(error)
            guard.report("failed.send", f"the transport {type(self.transport).__name__} failed", error)
            guard.count("dropped.transport", number)
            return False
        for _ in range(number):
            guard.recorded.add()
        return True

    def _try(self, action: str, call: Any, *args: Any, **keywords: Any) -> Any:
        try:
            return call(*args, **keywords)
        except BaseException as error:
            guard.pass_on(error)
            guard.report(f"failed.{action}", f"the transport {type(self.transport).__name__} failed", error)
            return None


def takes_timeout(function: Any) -> bool:
    """Whether a flush can be called with `timeout=`. Asked of its code: calling it twice would flush twice."""
    code = getattr(getattr(function, "__func__", function), "__code__", None)
    if code is None:
        return True
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return "timeout" in names or bool(code.co_flags & 0x08)
