"""The write path: from what happened to one line on disk.

Everything that runs code of others (the reprs of their objects, redactors, transports) runs before the lock or
after it: it may wait for another thread, which may be recording.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Mapping
from typing import Any

import orjson

from promptetheus import context, guard, process
from promptetheus.clock import now_timestamp
from promptetheus.encoding import encode_value, jsonable
from promptetheus.events import EVENT_TYPES, Event, validate_event, validate_llm_call
from promptetheus.ids import new_nonce
from promptetheus.oversize import shrink
from promptetheus.redaction import DefaultRedactor, Redactor
from promptetheus.sampling import ALWAYS_KEPT_TYPES, keeps
from promptetheus.sinks import Sink
from promptetheus.spool import LINE_LIMIT_BYTES
from promptetheus.summary import SummaryCounter

_KNOWN_TYPES = frozenset(EVENT_TYPES)
_UNCHECKED_TYPES = _KNOWN_TYPES - {"llm_call"}
"""Types whose payloads are the user's."""

_LINE = (
    b'{"idempotency_key":%b%d",%b"payload":%b,"seq":%d,"session_id":%b,%b"timestamp":"%b","type":"%b"}\n'
)
"""An event with its keys in the order of the alphabet; payload and metadata are encoded already."""

_SCALARS = frozenset({str, int, float, bool, type(None)})
_NOT_COUNTED = frozenset({"arguments", "result", "content", "documents", "selected_values", "event_time_map"})
"""Fields of payloads that the summary does not look at."""
_BODY_LIMIT_BYTES = LINE_LIMIT_BYTES - 65_536
"""What payload and metadata may take of a line: the envelope and the summary of the session need room, too."""


class Recorder:
    """Gives the events of one session their numbers and hands their lines to the sink."""

    def __init__(
        self, session_id: str, sink: Sink | None, redact: Redactor | None, rates: Mapping[str, float]
    ) -> None:
        self.counter = SummaryCounter()
        self.sink = sink
        """None when the session was sampled out: events are made and not written."""
        self.opening: Callable[[], None] | None = None
        """Records the first line. Called before the first event that is not that line itself."""
        self._session_id = session_id
        self._session_json = encode_value(session_id)
        self._rates = rates
        self._default_redactor = redact if isinstance(redact, DefaultRedactor) else None
        self._custom_redactor = None if isinstance(redact, DefaultRedactor) else redact
        self._redacting: set[int] = set()
        self._numbers = itertools.count()
        self._started = sink is None
        self._forks = process.forks
        self._take_nonce()

    def record(self, kind: str, payload: dict[str, Any], metadata: Any = None) -> Event:
        """Write one event and return its envelope, also when it was dropped. `payload` becomes part of it."""
        if self._forks != process.forks:
            self._after_fork()
        if not self._started or self.opening is not None:
            self.start()
        timestamp = now_timestamp()
        about = copied(metadata) if metadata else None
        span_id = parent_id = None
        if context.span_stack.get():
            span_id, parent_id = context.enclosing_spans(self._session_id)
        sink = self.sink
        problem = "" if type(kind) is str and kind in _UNCHECKED_TYPES else _problem(kind, payload)
        if sink is None or problem or self._custom_redactor is not None:
            event = self._envelope(kind, timestamp, next(self._numbers), payload, about, span_id, parent_id)
            if problem:
                guard.report("dropped.invalid", f"an event was not recorded: {problem}")
            elif sink is not None:
                return self._record_redacted(sink, event)
            return event
        body = encode_value(payload)
        extra = encode_value(about) if about else b""
        if self._default_redactor is not None:
            body, payload = self._scrubbed(body, payload)
            if about:
                extra, about = self._scrubbed(extra, about)
        if len(body) + len(extra) > _BODY_LIMIT_BYTES:
            payload, about = orjson.loads(body), orjson.loads(extra or b"{}")
            self._shrink(sink, payload, about)
            body, extra = encode_value(payload), encode_value(about) if about else b""
        is_plain = _is_plain(payload)
        with sink.lock:
            seq = next(self._numbers)
            event = self._envelope(kind, timestamp, seq, payload, about, span_id, parent_id)
            if kind in self._rates and self._is_sampled_out(event):
                return event
            if sink.is_spool:
                self._count(event if is_plain else {**event, **_read_back(body, extra)})
                if kind == "session_end":
                    extra = encode_value(self._closed(event))
            middle = _before_payload(extra, span_id, parent_id) if extra or span_id else b""
            span = b'"span_id":"%b",' % span_id.encode() if span_id else b""
            at, named = timestamp.encode(), kind.encode()
            line = _LINE % (self._key_json, seq, middle, body, seq, self._session_json, span, at, named)
            if sink.is_spool:
                sink.write(line)
        if not sink.is_spool:
            sink.write(line)
        return event

    def _record_redacted(self, sink: Sink, event: Event) -> Event:
        """The slower way, for a redactor of the user, who gets the whole envelope."""
        if event["type"] in self._rates and self._is_sampled_out(event):
            return event
        clean = self._redacted(event)
        parts = [clean["payload"], clean["metadata"]] if "metadata" in clean else [clean["payload"]]
        if sum(len(encode_value(part)) for part in parts) > _BODY_LIMIT_BYTES:
            self._shrink(sink, *parts)
        with sink.lock:
            if sink.is_spool:
                self._count(clean)
                if clean["type"] == "session_end":
                    clean["metadata"] = self._closed(clean)
                sink.write(encode_value(clean) + b"\n")
        if not sink.is_spool:
            sink.write(encode_value(clean) + b"\n")
        return clean

    def _redacted(self, event: Event) -> Event:
        """What the redactor makes of the event: always a valid one, without content when it fails."""
        plain = _plain_copy(event)
        thread = threading.get_ident()
        try:
            if thread in self._redacting or self._custom_redactor is None:
                raise RecursionError("the redactor records events itself")
            self._redacting.add(thread)
            try:
                clean = self._custom_redactor(plain)
            finally:
                self._redacting.discard(thread)
            if clean is None and plain != _plain_copy(event):  # changed in place
                clean = plain
            if not isinstance(clean, Mapping) or not isinstance(clean.get("payload"), Mapping):
                raise TypeError("the redactor returned no event")
            identity = {name: event[name] for name in ("session_id", "seq", "idempotency_key")}
            kept: Event = jsonable({**clean, **identity})
            if not kept.get("metadata"):
                kept.pop("metadata", None)
            elif not isinstance(kept["metadata"], dict):
                raise TypeError("the redactor returned metadata that are no mapping")
            validate_event(kept)
            return kept
        except Exception as error:
            guard.report("failed.redact", "the redactor failed, the content of an event was dropped", error)
            return _without_content(event)

    def shown(self, names: tuple[str, ...], args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Positional arguments as their repr may show them: without the values of parameters that are secret
        by name. In the repr of a tuple no redactor could know them."""
        redactor = self._default_redactor
        if redactor is None or not any(redactor.hides(name) for name in names):
            return args
        secret = [position for position, name in enumerate(names) if redactor.hides(name)]
        return tuple("[REDACTED]" if number in secret else item for number, item in enumerate(args))

    def redacted_trace(self, trace: dict[str, Any]) -> dict[str, Any]:
        """What a transport is told of the session when it begins, without secrets. Its id stays."""
        if self._default_redactor is not None:
            clean, _ = self._scrubbed(encode_value(trace), trace)
            return {**orjson.loads(clean), "id": trace["id"]}
        if self._custom_redactor is None:
            return trace
        event = self._envelope("state_change", now_timestamp(), 0, trace, None, None, None)
        return {**self._redacted(event)["payload"], "id": trace["id"]}

    def _scrubbed(self, encoded: bytes, value: dict[str, Any]) -> tuple[bytes, dict[str, Any]]:
        assert self._default_redactor is not None
        try:
            clean = self._default_redactor.encoded(encoded)
            if clean is encoded:
                return encoded, value
            return clean, orjson.loads(clean)
        except Exception as error:
            guard.report("failed.redact", "redaction failed, the content of an event was dropped", error)
            return b'{"redaction":"failed"}', {"redaction": "failed"}

    def _shrink(self, sink: Sink, *parts: dict[str, Any]) -> None:
        guard.count("truncated.line")
        shrink(list(parts), _BODY_LIMIT_BYTES, lambda data, extension: sink.store(data, extension, "value"))

    def _envelope(
        self,
        kind: str,
        timestamp: str,
        seq: int,
        payload: dict[str, Any],
        about: dict[str, Any] | None,
        span_id: str | None,
        parent_id: str | None,
    ) -> Event:
        event: Event = {
            "type": kind,
            "session_id": self._session_id,
            "timestamp": timestamp,
            "seq": seq,
            "idempotency_key": f"{self._key}{seq}",
            "payload": payload,
        }
        if about:
            event["metadata"] = about
        if span_id is not None:
            event["span_id"], event["parent_id"] = span_id, parent_id
        return event

    def _is_sampled_out(self, event: Event) -> bool:
        kind = event["type"]
        if kind in ALWAYS_KEPT_TYPES or keeps(event["idempotency_key"], self._rates[kind]):
            return False
        guard.count("dropped.sampled")
        return True

    def _count(self, event: Event) -> None:
        try:
            self.counter.add(event)
        except Exception as error:
            guard.mistake("summary", error)

    def _closed(self, event: Event) -> dict[str, Any]:
        """The metadata of the last line: the event's own and the summary, which lists read without the rest."""
        sink = self.sink
        assert sink is not None
        summary = self.counter.result()
        own_bytes = sink.own_bytes()
        if own_bytes is not None:
            summary["spool_bytes"] = own_bytes
        event["metadata"] = {**event.get("metadata", {}), "summary": summary}
        if sink.lost_events:
            event["metadata"]["lost_events"] = sink.lost_events
        return event["metadata"]  # type: ignore[no-any-return]

    def start(self) -> None:
        """Before the first event: find the number to go on with, and record the first line."""
        sink = self.sink
        if sink is None:
            return
        with sink.lock:
            if not self._started:
                self._started = True
                self._numbers = itertools.count(sink.start())
            if self.opening is not None:
                opening, self.opening = self.opening, None
                opening()

    def _after_fork(self) -> None:
        """A child writes to the same file under a nonce of its own, so that no two events share a key."""
        self._forks = process.forks
        self._take_nonce()
        if self.sink is not None:
            self.sink.after_fork()

    def _take_nonce(self) -> None:
        nonce = new_nonce()
        self._key = f"{self._session_id}:{nonce}:"
        self._key_json = encode_value(self._key)[:-1]


def copied(value: Any) -> dict[str, Any]:
    """A shallow copy of a mapping. Anything else that is there is kept under `value`."""
    if value is None:
        return {}
    if type(value) is dict:
        return value.copy()
    try:
        return dict(value) if isinstance(value, Mapping) else {"value": value}
    except Exception as error:
        return {"value": f"<{type(value).__name__}: not recordable, {type(error).__name__}>"}


def _problem(kind: object, payload: dict[str, Any]) -> str:
    """What is wrong with an event: the parts of `validate_event` that a caller can get wrong."""
    if not isinstance(kind, str):
        return "type must be a string"
    if kind not in _KNOWN_TYPES:
        return f"unknown event type: {kind[:100]}"
    if kind == "llm_call":
        try:
            validate_llm_call(payload)
        except (TypeError, ValueError) as error:
            return str(error)
    return ""


def _is_plain(payload: dict[str, Any]) -> bool:
    """Whether the summary may look at the payload itself: it calls methods of the values that it looks at, which
    may be anything. Otherwise it looks at what was written."""
    for name, item in payload.items():  # noqa: SIM110 - a generator costs 0.3 µs, of 6 for an event
        if type(item) not in _SCALARS and name not in _NOT_COUNTED:
            return False
    return True


def _read_back(body: bytes, extra: bytes) -> dict[str, Any]:
    read = {"payload": orjson.loads(body)}
    if extra:
        read["metadata"] = orjson.loads(extra)
    return read


def _before_payload(extra: bytes, span_id: str | None, parent_id: str | None) -> bytes:
    """The keys between `idempotency_key` and `payload` in the order of the alphabet."""
    metadata = b'"metadata":%b,' % extra if extra else b""
    if span_id is None:
        return metadata
    parent = b"null" if parent_id is None else b'"%b"' % parent_id.encode()
    return b'%b"parent_id":%b,' % (metadata, parent)


def _plain_copy(event: Event) -> Event:
    """A copy that a redactor may change in place without touching the agent's objects."""
    return orjson.loads(encode_value(event))  # type: ignore[no-any-return]


def _without_content(event: Event) -> Event:
    """The event with nothing in it but what keeps the session readable: fails closed."""
    kept = {key: event[key] for key in event if key not in ("payload", "metadata")}
    name = event["payload"].get("name")
    name = name if isinstance(name, str) else ""
    kept["payload"] = {}
    if event["type"] == "state_change" and name in ("session_started", "span_start", "span_end"):
        kept["payload"] = {"name": name}
    if event["type"] == "llm_call":
        kept["payload"] = {"model": "[REDACTED]"}
    kept["metadata"] = {"redaction": "the redactor failed"}
    return kept
