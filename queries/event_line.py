"""One line of a spool file: is it an event, and which?"""

from __future__ import annotations

import json
import re
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from promptetheus.events import Event


class Reject(StrEnum):
    """Why a line is not an event."""

    GARBAGE = "garbage"
    FOREIGN = "foreign"


class Peek(NamedTuple):
    """What ordering and jumping need to know of an event."""

    seq: int | None
    """None where the line has none that can be ordered by."""
    type: str


UNREADABLE: Any = object()
"""What `parse_json` gives for text that is not JSON: null is JSON."""

MAX_SEQ = 2**62

MAX_BRACKETS = 500
"""A line with more of them may be nested too deeply to be parsed: it is tried."""

HEAD = b'{"idempotency_key":"'
"""How every line of our encoder begins: keys are sorted."""

_SEQ = b',"seq":'
# The end of a line as our encoder writes it: keys sorted, so these stand last. In valid JSON the last `}` closes
# the outermost object, and walking back from it every quote below is a delimiter (no quote or backslash in
# between, the keys directly after `,`): so all of this is the envelope, whatever the payload contains.
_TAIL = re.compile(
    _SEQ + rb'(\d{1,15}),"session_id":"[^"\\]{1,256}"(?:,"span_id":"[^"\\]{1,128}")?'
    rb',"timestamp":"[^"\\]{1,40}","type":"([a-z_]{1,40})"\}\r?\Z'
)
_TAIL_BYTES = 600


def peek(line: bytes) -> Peek | Reject:
    """The seq and type of a line without parsing its payload where the line is as our encoder writes it.

    A second event head inside the line (a torn line with another glued to it, or a payload that imitates one)
    and every other key order are parsed. What looks right at both ends is believed: `parse` has the last word.
    """
    if (
        line.startswith(HEAD)
        and line.find(HEAD, 1) < 0
        and (len(line) < MAX_BRACKETS or line.count(b"[") + line.count(b"{") < MAX_BRACKETS)
    ):
        start = line.rfind(_SEQ, -_TAIL_BYTES)
        found = _TAIL.match(line, start) if start > 0 else None
        if found is not None:
            return Peek(int(found[1]), found[2].decode())
    event = parse(line)
    if isinstance(event, Reject):
        return event
    seq = event.get("seq")
    return Peek(seq if type(seq) is int and -1 < seq < MAX_SEQ else None, event["type"][:200])


def parse(line: bytes) -> Event | Reject:
    """The event on a line, or why it is none. Never raises.

    Text that is not valid UTF-8 keeps its place with U+FFFD; NaN, lone surrogates and a byte order mark are read.
    """
    return parse_tolerantly(line)[0]


def parse_tolerantly(line: bytes) -> tuple[Event | Reject, bool]:
    """Like `parse`, and whether the line had to be mended to be read: DuckDB would not read it."""
    try:
        value: Any = orjson.loads(line)
        mended = False
    except ValueError:
        value = _mend(line)
        mended = True
        if value is UNREADABLE:
            return Reject.GARBAGE, False
    return (value, mended) if is_event(value) else (Reject.FOREIGN, False)


def parse_json(data: bytes) -> Any:
    """The value of a JSON text, or UNREADABLE. Never raises."""
    try:
        return orjson.loads(data)
    except ValueError:
        return _mend(data)


def _mend(data: bytes) -> Any:
    try:
        return json.loads(data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return UNREADABLE


def is_event(value: object) -> bool:
    """Whether a JSON value is an event: it has a type, and a session or a place in one.

    Other tools' logs have a `type` too; none of those known has `session_id` or `seq` beside it.
    """
    return (
        isinstance(value, dict)
        and isinstance(value.get("type"), str)
        and (isinstance(value.get("session_id"), str) or type(value.get("seq")) is int)
    )
