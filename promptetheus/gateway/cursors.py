"""Places in a list, as texts that clients hand back to go on there."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence

import orjson

from promptetheus.gateway.errors import Refused


def cursor_of(place: Sequence[object]) -> str:
    """The text of a place."""
    return base64.urlsafe_b64encode(orjson.dumps(list(place))).decode().rstrip("=")


def session_place(cursor: str) -> tuple[float, str]:
    """A place in a list of sessions. Raises Refused (400)."""
    match _parts(cursor):
        case [int() | float() as started, str(session_id)] if not isinstance(started, bool):
            return float(started), session_id
    raise _not_ours()


def event_place(cursor: str) -> tuple[int, int]:
    """A place in a session. Raises Refused (400)."""
    match _parts(cursor):
        case [int(seq), int(arrival)] if abs(seq) < 2**63 and abs(arrival) < 2**63:
            return seq, arrival
    raise _not_ours()


def _parts(cursor: str) -> object:
    try:
        return orjson.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (ValueError, binascii.Error):
        raise _not_ours() from None


def _not_ours() -> Refused:
    return Refused(400, "cursor: take next_cursor of the page before")
