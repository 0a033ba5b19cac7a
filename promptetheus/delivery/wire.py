"""Requests and answers of the gateway, as pure functions.

POST {api_url}/api/traces/{session}/events     {"events": [envelope, …]}
                                               {"accepted": n, "rejected": [{"index", "idempotency_key", "reason"}]}
POST {api_url}/api/traces/{session}/artifacts  the bytes; their kind, name and hash in headers
POST {api_url}/api/traces                      {"id", "agent", "user_goal", …}, for gateways that want it first
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson

from promptetheus.events import Event

COMPRESS_MIN_BYTES = 1024
_FAST = 1
"""gzip level: 1 takes a fifth of the time of 9 for a tenth more bytes."""

MAX_REASON_LENGTH = 500

_ARTIFACT = re.compile(rb'"storage_path":"(artifacts/[0-9a-f]{2}/[0-9a-f]{64}\.[a-z0-9]{1,8})"')


class Refusal(NamedTuple):
    """An event that the gateway will not take."""

    place: int
    """Which event of the batch, from 0."""
    reason: str


class Accounting(NamedTuple):
    """What an answer says of a batch."""

    refused: tuple[Refusal, ...]
    is_complete: bool
    """Whether each event was either accepted or refused. If not, all that were not refused have to be sent
    again: the gateway may or may not have them."""


def trace_url(api_url: str, session_id: str, what: str) -> str:
    """The URL of a session's `events` or `artifacts`. An id may hold any character."""
    return f"{api_url}/api/traces/{quote(session_id, safe='')}/{what}"


def batch_body(lines: Sequence[bytes]) -> bytes:
    """The body of a batch from lines of the spool, as they are: nothing is encoded again."""
    return b'{"events":[' + b",".join(line.rstrip(b"\n") for line in lines) + b"]}"


def compressed(body: bytes) -> tuple[bytes, dict[str, str]]:
    """The body and its headers; small ones stay as they are."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if len(body) < COMPRESS_MIN_BYTES:
        return body, headers
    return gzip.compress(body, _FAST, mtime=0), {**headers, "Content-Encoding": "gzip"}


def account(answer: bytes, keys: Sequence[str]) -> Accounting:
    """Read the answer to a batch of events with these idempotency keys.

    Counts must add up: an answer that is no JSON object, has no `accepted` number, or counts more or fewer
    events than were sent says nothing about those that it does not name.
    """
    try:
        found = orjson.loads(answer)
    except ValueError:
        return Accounting((), False)
    if not isinstance(found, dict):
        return Accounting((), False)
    entries = found.get("rejected")
    refused: dict[int, str] = {}
    for entry in entries if isinstance(entries, list) else []:
        index = _index(entry, keys)
        if index is not None and index not in refused:
            reason = entry.get("reason")
            refused[index] = reason[:MAX_REASON_LENGTH] if isinstance(reason, str) and reason else "rejected"
    accepted = found.get("accepted")
    if not isinstance(accepted, int) or isinstance(accepted, bool) or accepted < 0:
        accepted = -1
    is_complete = accepted >= 0 and accepted + len(refused) == len(keys)
    return Accounting(tuple(Refusal(*item) for item in sorted(refused.items())), is_complete)


def trace_of(opening: Event, session_id: str) -> dict[str, Any]:
    """The trace that a session's first line describes; only its id when the first line is something else."""
    payload, metadata = opening.get("payload"), opening.get("metadata")
    facts = payload.get("after") if isinstance(payload, dict) else None
    facts = facts if isinstance(facts, dict) else {}
    user = metadata.get("session_metadata") if isinstance(metadata, dict) else None
    return {
        "id": session_id,
        **{name: facts.get(name) for name in ("agent", "user_goal", "project_id", "environment")},
        "metadata": user if isinstance(user, dict) else {},
        "tags": facts.get("tags") if isinstance(facts.get("tags"), list) else [],
    }


def artifact_paths(line: bytes) -> list[str]:
    """The artifacts of the spool that a line names, wherever in it: in a text the quotes would be escaped."""
    return [path.decode() for path in _ARTIFACT.findall(line)]


def retry_after_s(value: str | None, now_s: float) -> float | None:
    """Seconds that a `Retry-After` header asks to wait (RFC 9110, 10.2.3): a number of seconds or a date."""
    if not value:
        return None
    if value.strip().isdecimal():
        return float(value)
    from email.utils import parsedate_to_datetime

    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - now_s)
    except (ValueError, OverflowError):
        return None


def _index(entry: object, keys: Sequence[str]) -> int | None:
    if not isinstance(entry, Mapping):
        return None
    key, index = entry.get("idempotency_key"), entry.get("index")
    if isinstance(key, str) and key in keys:
        return keys.index(key)
    if isinstance(index, int) and not isinstance(index, bool) and 0 <= index < len(keys):
        return index
    return None
