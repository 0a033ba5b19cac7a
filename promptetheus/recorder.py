"""The write path: from what happened to one line on disk.

Everything that runs code of others (the reprs of their objects, redactors, transports) runs before the lock or
after it: it may wait for another thread, which may be recording.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, cast

import orjson

from promptetheus import context, guard, process
from promptetheus.clock import now_timestamp
from promptetheus.encoding import OPTIONS, encode_value, is_bounded, jsonable
from promptetheus.events import EVENT_TYPES, Event, validate_event, validate_llm_call
from promptetheus.ids import new_nonce
from promptetheus.oversize import shrink
from promptetheus.sampling import ALWAYS_KEPT_TYPES, keeps
from promptetheus.sinks import Sink
from promptetheus.spool import LINE_LIMIT_BYTES
from promptetheus.summary import SummaryCounter

if TYPE_CHECKING:  # compiling its patterns takes 10 ms: only where redaction is on
    from promptetheus.redaction import DefaultRedactor, Redactor

_KNOWN_TYPES = frozenset(EVENT_TYPES)
_LINE_OPTIONS = OPTIONS | orjson.OPT_APPEND_NEWLINE
_UNCHECKED_TYPES = _KNOWN_TYPES - {"llm_call"}
"""Types whose payloads are the user's."""

_SCALARS = frozenset({str, int, float, bool, type(None)})
_READ_FIELDS: dict[str, tuple[str, ...]] = {
    "user_message": (),
    "agent_message": (),
    "tool_call": ("tool_name", "call_id"),
    "tool_result": ("call_id", "error", "status", "tool", "name", "tool_name"),
    "retrieval": (),
    "browser_action": (),
    "dom_snapshot": (),
    "screenshot": (),
    "metric": (),
    "llm_call": ("model", "input_tokens", "output_tokens", "cached_tokens", "cost_usd"),
    "score": ("name", "value"),
    "state_change": ("name", "after"),
}
"""The fields of payloads that the summary looks at, by type of event; of other types it is given what was
written."""

_BODY_LIMIT_BYTES = LINE_LIMIT_BYTES - 65_536
"""What payload and metadata may take of a line: the envelope and the summary of the session need room, too."""


class Recorder:
    """Gives the events of one session their numbers and hands their lines to the sink."""

    def __init__(
        self, session_id: str, sink: Sink | None, redact: Redactor | None, rates: Mapping[str, float]
    ) -> None:
        self.counter = SummaryCounter()
        self._sink = sink
        """None when the session was sampled out: events are made and not written."""
        self._is_spool = sink is not None and sink.is_spool
        self._write_line: Callable[[bytes], object] = bool if sink is None else sink.write
        self.opening: Callable[[], None] | None = None
        """Records the first line. Called before the first event that is not that line itself."""
        self._session_id = session_id
        self._rates = rates
        is_default = getattr(type(redact), "takes_encoded", False)
        self._default_redactor = cast("DefaultRedactor | None", redact if is_default else None)
        self._custom_redactor = None if is_default else redact
        self._redacting: set[int] = set()
        self._seq = 0
        self._is_started = sink is None
        self._lock = threading.RLock() if sink is None else sink.lock
        self._forks = process.forks
        self._ready_forks = -1
        """`process.forks` once everything is prepared for events of this process."""
        self._take_nonce()

    def record(self, kind: str, payload: dict[str, Any], metadata: Any = None) -> Event:
        """Write one event and return its envelope, also when it was dropped. Never raises. `payload` becomes part
        of the envelope."""
        event: Event = {}
        try:
            if self._ready_forks != process.forks:
                self._prepare()
            # In the order in which the line has its keys: orjson sorts that faster.
            event = {
                "idempotency_key": "",
                "payload": payload,
                "seq": -1,
                "session_id": self._session_id,
                "timestamp": now_timestamp(),
                "type": kind,
            }
            if metadata is not None:
                metadata = copied(metadata)
                if metadata:
                    event["metadata"] = metadata
            if context.span_stack.get():
                span_id, parent_id = context.enclosing_spans(self._session_id)
                if span_id is not None:
                    event["span_id"], event["parent_id"] = span_id, parent_id
            if self._sink is None or type(kind) is not str or kind not in _UNCHECKED_TYPES:
                problem = _problem(kind, payload)
                if self._sink is None or problem:
                    self._skip(event, problem)
                    return event
            if self._custom_redactor is not None:
                return self._record_redacted(event)
            if not (
                is_bounded(payload)
                and (not metadata or is_bounded(metadata))
                and self._write(event, is_plain=False)
            ):
                self._make_plain(event)
                self._write(event, is_plain=True)
            return event
        except Exception as error:
            guard.mistake("event", error)
            return event

    def _write(self, event: Event, is_plain: bool) -> bool:
        """Number, encode, count and write an event. False when it has to be made plain first: it has values that
        are no JSON, a secret, or more than a line takes. orjson runs no code of the values that it encodes."""
        kind = event["type"]
        with self._lock:
            if event["seq"] < 0:
                self._number(event)
            if self._rates and kind in self._rates and self._is_sampled_out(event):
                return True
            try:
                line = orjson.dumps(event, option=_LINE_OPTIONS)
            except (
                BaseException
            ) as error:  # a TypeError of orjson, or a dictionary that another thread changes
                guard.pass_on(error)
                return False
            if not is_plain and (
                len(line) > _BODY_LIMIT_BYTES
                or (self._default_redactor is not None and self._is_suspicious(line))
            ):
                return False
            if self._is_spool:
                try:
                    countable = is_plain or _is_countable(kind, event["payload"])
                    self.counter.add(event if countable else orjson.loads(line))
                except Exception as error:
                    guard.mistake("summary", error)
                if kind == "session_end":
                    self._close(event)
                    line = orjson.dumps(event, option=_LINE_OPTIONS)
                self._write_line(line)
        if not self._is_spool:
            self._write_line(line)
        return True

    def _number(self, event: Event) -> None:
        event["seq"] = seq = self._seq
        self._seq = seq + 1
        event["idempotency_key"] = f"{self._key}{seq}"

    def _skip(self, event: Event, problem: str) -> None:
        """An event that is not written takes its number all the same."""
        with self._lock:
            self._number(event)
        if problem:
            guard.report("dropped.invalid", f"an event was not recorded: {problem}")

    def _is_suspicious(self, line: bytes) -> bool:
        """Whether redaction has to look through an encoded event. Its own ids are not looked at."""
        redactor = self._default_redactor
        return redactor is not None and redactor.is_suspicious(
            line[line.find(b'",') : line.rfind(b',"seq":')]
        )

    def _make_plain(self, event: Event) -> None:
        """Replace the content of an event by a copy of JSON types only, without secrets, that fits a line."""
        size, parts = 0, []
        for part in ("payload", "metadata"):
            if part in event:
                encoded = self._scrubbed(encode_value(event[part]))
                event[part] = orjson.loads(encoded)
                parts.append(event[part])
                size += len(encoded)
        if size > _BODY_LIMIT_BYTES:
            self._shrink(*parts)

    def _record_redacted(self, event: Event) -> Event:
        """The slower way, for a redactor of the user, who gets the whole envelope."""
        with self._lock:
            self._number(event)
        clean = self._redacted(event)
        parts = [clean["payload"], clean["metadata"]] if "metadata" in clean else [clean["payload"]]
        if sum(len(encode_value(part)) for part in parts) > _BODY_LIMIT_BYTES:
            self._shrink(*parts)
        self._write(clean, is_plain=True)
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
            if clean.get("type") != event["type"]:
                raise TypeError("the redactor returned another event")
            identity = {name: event[name] for name in ("session_id", "seq", "idempotency_key")}
            kept: Event = jsonable({**clean, **identity})
            if not kept.get("metadata"):
                kept.pop("metadata", None)
            elif not isinstance(kept["metadata"], dict):
                raise TypeError("the redactor returned metadata that are no mapping")
            validate_event(kept)
            return kept
        except BaseException as error:
            guard.pass_on(error)
            guard.report("failed.redact", "the redactor failed, the content of an event was dropped", error)
            return _without_content(event)

    def shown(self, value: Any) -> Any:
        """A value as its repr may show it: without what stands under keys that say it is secret. In the text of a
        repr no redactor could know where it ends."""
        redactor = self._default_redactor
        return value if redactor is None else redactor.without_named(value)

    def shown_arguments(self, names: tuple[str, ...], args: tuple[Any, ...]) -> tuple[Any, ...]:
        """Positional arguments as their repr may show them: without those of parameters that are secret by name."""
        redactor = self._default_redactor
        return args if redactor is None else redactor.arguments_without_named(names, args)

    def joined_if_secret(self, items: list[Any]) -> list[Any]:
        """The texts that a generator yielded as one text, where only together they show a secret: a model's answer
        comes in pieces. Then it is redacted like any other text; else the items as they are."""
        redactor = self._default_redactor
        if redactor is None or len(items) < 2 or not all(type(item) is str for item in items):
            return items
        joined = encode_value("".join(items))
        return items if redactor.encoded(joined) is joined else ["".join(items)]

    def redacted_trace(self, trace: dict[str, Any]) -> dict[str, Any]:
        """What a transport is told of the session when it begins, without secrets. Its id stays."""
        if self._default_redactor is not None:
            return {**orjson.loads(self._scrubbed(encode_value(trace))), "id": trace["id"]}
        if self._custom_redactor is None:
            return trace
        event = {
            "type": "state_change",
            "session_id": self._session_id,
            "timestamp": now_timestamp(),
            "seq": 0,
            "idempotency_key": f"{self._key}0",
            "payload": trace,
        }
        return {**self._redacted(event)["payload"], "id": trace["id"]}

    def _scrubbed(self, encoded: bytes) -> bytes:
        if self._default_redactor is None:
            return encoded
        try:
            return self._default_redactor.encoded(encoded)
        except Exception as error:
            guard.report("failed.redact", "redaction failed, the content of an event was dropped", error)
            return b'{"redaction":"failed"}'

    def _shrink(self, *parts: dict[str, Any]) -> None:
        sink = self._sink
        assert sink is not None
        guard.count("truncated.line")
        shrink(list(parts), _BODY_LIMIT_BYTES, lambda data, extension: sink.store(data, extension, "value"))

    def _is_sampled_out(self, event: Event) -> bool:
        kind = event["type"]
        if kind in ALWAYS_KEPT_TYPES or keeps(event["idempotency_key"], self._rates[kind]):
            return False
        guard.count("dropped.sampled")
        return True

    def _close(self, event: Event) -> None:
        """Put the summary into the last line: lists read it and nothing else of the file."""
        sink = self._sink
        assert sink is not None
        summary = self.counter.result()
        own_bytes = sink.own_bytes()
        if own_bytes is not None:
            summary["spool_bytes"] = own_bytes
        event["metadata"] = {**event.get("metadata", {}), "summary": jsonable(summary)}
        if sink.lost_events:
            event["metadata"]["lost_events"] = sink.lost_events

    def start(self) -> None:
        """Before the first event: find the number to go on with, and record the first line."""
        if self._sink is None:
            return
        with self._lock:
            if not self._is_started:
                self._is_started = True
                self._seq = self._sink.start()
            if self.opening is not None:
                opening, self.opening = self.opening, None
                opening()

    def _prepare(self) -> None:
        """Before the first event of this process: the first line, and after a fork a nonce of its own, so that no
        two events share a key."""
        forks = process.forks
        with process.fork_lock:
            if self._forks != forks:
                self._take_nonce()
                if self._sink is not None:
                    self._sink.after_fork()
                self._lock = threading.RLock() if self._sink is None else self._sink.lock
                self._forks = forks
        self.start()
        self._ready_forks = forks

    def _take_nonce(self) -> None:
        nonce = new_nonce()
        self._key = f"{self._session_id}:{nonce}:"


def copied(value: Any) -> dict[str, Any]:
    """A shallow copy of a mapping. Anything else that is there is kept under `value`."""
    if value is None:
        return {}
    if type(value) is dict:
        return value.copy()
    try:
        return dict(value) if isinstance(value, Mapping) else {"value": value}
    except BaseException as error:
        guard.pass_on(error)
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
        except BaseException as error:  # a value that cannot even be asked for its type
            guard.pass_on(error)
            return f"llm_call cannot be checked: {type(error).__name__}"
    return ""


def _is_countable(kind: str, payload: dict[str, Any]) -> bool:
    """Whether the summary may look at the payload itself: it calls methods of the values that it looks at, which
    may be anything. Otherwise it looks at what was written."""
    fields = _READ_FIELDS.get(kind)
    if fields is None:
        return False
    for name in fields:  # noqa: SIM110 - a generator costs 0.3 µs, of 6 for an event
        if type(payload.get(name)) not in _SCALARS:
            return False
    return True


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
