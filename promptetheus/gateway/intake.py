"""What comes in: bodies of JSON, batches of events, each accepted as a line or refused with a reason. Pure."""

from __future__ import annotations

import zlib
from typing import Any, NamedTuple

import orjson

from promptetheus.encoding import encode_line
from promptetheus.events import EVENT_TYPES, validate_event
from promptetheus.gateway.errors import Refused
from promptetheus.queries.event_line import MAX_SEQ, UNREADABLE, parse_json
from promptetheus.spool import LINE_LIMIT_BYTES

MAX_KEY_LENGTH = 512
_OURS = frozenset({"workspace_id", "project_id", "_reject_reason"})
"""Fields of an envelope that say what only the gateway knows: the place of the line says it."""

_PLAIN_TYPES = frozenset(EVENT_TYPES) - {"llm_call"}
"""Types whose payload may be anything."""

_GZIP = 31
_INFLATE_STEP = 1 << 20


class Incoming(NamedTuple):
    """An event that may be stored."""

    key: str
    seq: int
    line: bytes
    """As it will stand in the spool: compact, keys sorted, with a newline."""
    event: dict[str, Any]


class Batch(NamedTuple):
    """A batch, looked through."""

    events: list[Incoming]
    rejected: list[dict[str, Any]]
    """`index`, `idempotency_key` where there is one, and `reason`."""
    is_bare: bool
    """Whether the body was one event, not a list of them."""


def inflated(data: bytes, encoding: str, limit_bytes: int) -> bytes:
    """A body without its Content-Encoding. Never holds more than the limit. Raises Refused."""
    match encoding.strip().lower():
        case "" | "identity":
            return data
        case "gzip" | "x-gzip":
            return _gunzipped(data, limit_bytes)
    raise Refused(415, f"Content-Encoding {encoding[:40]!r} is not understood: use gzip")


def _gunzipped(data: bytes, limit_bytes: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    try:
        while data:  # a gzip file may have several members (RFC 1952)
            stream = zlib.decompressobj(_GZIP)
            while not stream.eof:
                piece = stream.decompress(data, _INFLATE_STEP)
                size += len(piece)
                if size > limit_bytes:
                    raise Refused(413, f"the body inflates to more than {limit_bytes} bytes")
                pieces.append(piece)
                data = stream.unconsumed_tail
                if not piece and not data and not stream.eof:
                    raise Refused(400, "the gzip body ends too early")
            data = stream.unused_data
    except zlib.error:
        raise Refused(400, "the body is not valid gzip") from None
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def json_object(data: bytes) -> dict[str, Any]:
    """The object in a body; an empty body is an empty object. Raises Refused."""
    if not data or data.isspace():
        return {}
    try:
        found: Any = orjson.loads(data)
    except ValueError:  # NaN, lone surrogates and bad UTF-8 cost an event a character, not a batch its events
        found = parse_json(data)
    if found is UNREADABLE:
        raise Refused(400, "the body is not valid JSON")
    if not isinstance(found, dict):
        raise Refused(400, "the body must be a JSON object")
    return found


def examine(body: dict[str, Any], session_id: str, max_events: int) -> Batch:
    """Each event of a batch as a line of this session, or why it is refused. Raises Refused for the whole."""
    is_bare = "events" not in body and "type" in body
    events = [body] if is_bare else body.get("events")
    if not isinstance(events, list):
        raise Refused(400, 'the body must be {"events": [...]} or one event')
    if len(events) > max_events:
        raise Refused(413, f"a batch has at most {max_events} events, this one {len(events)}")
    accepted: list[Incoming] = []
    rejected: list[dict[str, Any]] = []
    for index, event in enumerate(events):
        try:
            accepted.append(_examined(event, session_id))
        except (TypeError, ValueError) as error:
            rejected.append(_rejection(index, event, str(error)))
    return Batch(accepted, rejected, is_bare)


def _examined(event: Any, session_id: str) -> Incoming:
    if type(event) is not dict:
        raise TypeError("event must be a JSON object")
    event.setdefault("session_id", session_id)
    if not _is_plainly_valid(event):
        validate_event(event)
        _check_bounds(event)
    event["session_id"] = session_id
    if not _OURS.isdisjoint(event):
        for name in _OURS.intersection(event):
            del event[name]
    key, seq = event["idempotency_key"], event["seq"]
    try:
        line = orjson.dumps(event, option=orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE)
    except TypeError:  # lone surrogates, huge numbers
        line = encode_line(event)
        event = orjson.loads(line)
        key = event["idempotency_key"]
    if len(line) > LINE_LIMIT_BYTES:
        raise ValueError(f"the event has {len(line)} bytes, a line has at most {LINE_LIMIT_BYTES}")
    return Incoming(key, seq, line, event)


def _is_plainly_valid(event: dict[str, Any]) -> bool:
    """Whether an event is seen to be valid at a glance, as nearly all are: a fifth of the time of a full look."""
    seq, key = event.get("seq"), event.get("idempotency_key")
    return (
        type(key) is str
        and 0 < len(key) <= MAX_KEY_LENGTH
        and "\0" not in key
        and type(seq) is int
        and 0 <= seq < MAX_SEQ
        and event.get("type") in _PLAIN_TYPES
        and type(event.get("timestamp")) is str
        and type(event.get("payload")) is dict
        and bool(event["session_id"])
        and type(event["session_id"]) is str
        and "span_id" not in event
        and "parent_id" not in event
    )


def _check_bounds(event: dict[str, Any]) -> None:
    """Raise ValueError for what a valid event may have, and a store cannot hold."""
    key = event["idempotency_key"]
    if len(key) > MAX_KEY_LENGTH:
        raise ValueError(f"idempotency_key is longer than {MAX_KEY_LENGTH} characters")
    if "\0" in key:
        raise ValueError("idempotency_key holds a NUL")
    if event["seq"] >= MAX_SEQ:
        raise ValueError(f"seq must be below {MAX_SEQ}")


def _rejection(index: int, event: Any, reason: str) -> dict[str, Any]:
    key = event.get("idempotency_key") if isinstance(event, dict) else None
    named = {"idempotency_key": key[:MAX_KEY_LENGTH]} if isinstance(key, str) else {}
    return {"index": index, **named, "reason": reason[:500]}


def answer(batch: Batch) -> dict[str, Any]:
    """The accounting that the client checks: accepted and rejected add up to what it sent."""
    return {"accepted": len(batch.events), "rejected": batch.rejected}
