"""The two lines that a session's row is made from: its first one, and the last one with the summary.

For a session that did not end so, the last line is made from what was counted; both kinds can be cached.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from promptetheus.clock import parse_timestamp
from promptetheus.events import Event
from promptetheus.queries.event_line import Reject, parse
from promptetheus.queries.lines import Pread
from promptetheus.queries.rows import NOTHING_SKIPPED, UNKNOWN, SessionRow, Skipped, deferred_rows
from promptetheus.queries.session_row import build_row, empty_row, session_id_of, status_of

MAX_DIGEST_BYTES = 16 * 1024
"""Longer lines are not kept: their rows are worked out at once, and not cached."""

SEALED = (b'"type":"session_end"}\n', b'"type":"session_end"}\r\n')
"""How the last line of a closed session ends, as our encoder writes it."""

_WHOLE_BYTES = 8 * 1024
"""Files up to this size are read in one go: a second system call costs more than the bytes."""

_HEAD_BYTES = 1024
_TAIL_BYTES = 2 * 1024
_MAX_EDGE_BYTES = 2 * 1024 * 1024
"""A first or last line longer than this is left to the whole reading; the SDK stays below 1 MiB."""


_DAMAGES = (ValueError, TypeError, KeyError, AttributeError)

_SESSION_ID = b'"session_id":"'
# The end of a first line as our encoder writes it; see `event_line.peek`.
_OPENING = re.compile(
    _SESSION_ID + rb'([^"\\]{1,256})"(?:,"span_id":"[^"\\]{1,128}")?'
    rb',"timestamp":"([^"\\]{1,40})","type":"[a-z_]{1,40}"\}\r?\Z'
)


class Digest:
    """What a row is made from. The lines are whole JSON objects, with or without a line end.

    Ten thousand are made at a time: no dataclass, and it is itself what works out the fields of its row.
    """

    __slots__ = ("counted", "first", "last", "mtime_ns", "size")

    def __init__(
        self, first: bytes, last: bytes, size: int = 0, mtime_ns: int = 0, counted: bool = False
    ) -> None:
        self.first = first
        self.last = last
        self.size = size
        self.mtime_ns = mtime_ns
        self.counted = counted
        """Whether `last` was made by `count_digest`, not written by the session."""

    @property
    def is_kept(self) -> bool:
        """Whether it is short enough to be remembered."""
        return len(self.first) + len(self.last) <= MAX_DIGEST_BYTES

    def glance(self, directory: str, name: str, field: str) -> Any:
        """See `Rest.glance`: the last line alone, or not even that."""
        match field:
            case "size_bytes":
                return self.size
            case "skipped" if not self.counted:
                return NOTHING_SKIPPED
            case "mended" if not self.counted:
                return 0
            case "imported" if b'"imported"' not in self.first:
                return None
            case "status":
                try:
                    end = self._end()
                    return status_of(end["metadata"]["summary"], not self.counted or end["ended"], False)
                except _DAMAGES:
                    return UNKNOWN
        return UNKNOWN

    def row(self, directory: str, name: str) -> SessionRow:
        """All fields of the row. Where they cannot be worked out, what the file itself says now. Never raises."""
        path = Path(directory, name)
        try:
            return self.worked_out(path)
        except _DAMAGES:
            return read_again(path)

    def _end(self) -> Any:
        end = orjson.loads(self.last)
        if not self.counted and end["metadata"]["summary"]["spool_bytes"] != self.size - len(self.last):
            raise ValueError("something else in the line looked like the summary's size")
        return end

    def worked_out(self, path: Path) -> SessionRow:
        """All fields of the row. Raises what damaged lines raise."""
        first = parse(self.first)
        if isinstance(first, Reject):
            raise ValueError(first)
        end = self._end()
        ended, skipped, mended = True, NOTHING_SKIPPED, 0
        if self.counted:
            ended, skipped, mended = end["ended"], Skipped(*end["skipped"]), end["mended"]
        return build_row(
            path,
            self.size,
            self.mtime_ns / 1e9,
            first,
            end["metadata"]["summary"],
            last_time=end.get("timestamp"),
            ended=ended,
            writer_lives=False,
            skipped=skipped,
            mended=mended,
        )


def read_ends(pread: Pread, size: int, mtime_ns: int) -> Digest | None:
    """The first and last line of a file that ends like a closed session; None otherwise. Nothing is checked yet."""
    if size <= _WHOLE_BYTES:
        data = pread(size, 0)
        if not data.endswith(SEALED):
            return None
        return Digest(data[: data.find(b"\n")], data[data.rfind(b"\n", 0, -1) + 1 :], size, mtime_ns)
    tail = pread(_TAIL_BYTES, size - _TAIL_BYTES)
    if not tail.endswith(SEALED):
        return None
    head = pread(_HEAD_BYTES, 0)
    start, stop = tail.rfind(b"\n", 0, -1) + 1, head.find(b"\n")
    last = tail[start:] if start else _last_line(tail, pread, size)
    first = head[:stop] if stop >= 0 else _first_line(pread, size)
    return None if last is None or first is None else Digest(first, last, size, mtime_ns)


def is_vouched_for(digest: Digest) -> bool:
    """Whether the last line seems to carry a summary of every byte before it: a look, which parsing confirms."""
    claim = b'"spool_bytes":%d' % (digest.size - len(digest.last))
    place = digest.last.find(claim)
    return place > 0 and digest.last[place + len(claim)] in b",}"


def opening(name: str, first: bytes) -> tuple[str, float | None] | None:
    """Session id and start, from the first line of the file of this name; None where it is no event."""
    found = _OPENING.match(first, first.rfind(_SESSION_ID))
    if found is not None:
        event: Event = {
            "session_id": found[1].decode("utf-8", "replace"),
            "timestamp": found[2].decode("utf-8", "replace"),
        }
    else:
        parsed = parse(first)
        if isinstance(parsed, Reject):
            return None
        event = parsed
    return session_id_of(name, event), parse_timestamp(event.get("timestamp"))


def sealed_row(directory: str, name: str, digest: Digest) -> SessionRow | None:
    """The row of a session whose last line carries a summary of every byte before it; None otherwise."""
    try:
        facts = opening(name, digest.first) if is_vouched_for(digest) else None
        if facts is None:
            return None
        if not digest.is_kept:
            return digest.worked_out(Path(directory, name))
    except _DAMAGES:
        return None
    return deferred_rows(directory, [name], [facts[0]], [facts[1]], [digest])[0]


def count_digest(
    first: Event, summary: Mapping[str, Any], last_time: object, ended: bool, skipped: Skipped, mended: int
) -> Digest | None:
    """The digest of a session that was read whole; None where it would be too long."""
    names = ("type", "session_id", "seq", "timestamp", "payload", "metadata")
    kept = {name: first[name] for name in names if name in first}
    last = {
        "ended": ended,
        "mended": mended,
        "metadata": {"summary": summary},
        "skipped": [skipped.torn, skipped.garbage, skipped.foreign, skipped.oversized],
        "timestamp": last_time,
    }
    try:
        digest = Digest(orjson.dumps(kept), orjson.dumps(last), counted=True)
    except (TypeError, ValueError, RecursionError):  # what only a tolerant reader reads is not cached
        return None
    return digest if digest.is_kept else None


def read_again(path: Path) -> SessionRow:
    """The row of a file whose digest is damaged, from all its lines. Never raises."""
    from promptetheus.queries.row_reader import read_whole

    try:
        return read_whole(path)
    except Exception:  # gone, or no session any more: the next refresh says so
        return empty_row(path, os.stat_result((0,) * 10))


def _last_line(tail: bytes, pread: Pread, size: int) -> bytes | None:
    """The last line of a file of which `tail` is not enough."""
    length = len(tail)
    while length < min(size, _MAX_EDGE_BYTES):
        length = min(size, length * 8)
        tail = pread(length, size - length)
        start = tail.rfind(b"\n", 0, -1) + 1
        if start:
            return tail[start:]
    return None


def _first_line(pread: Pread, size: int) -> bytes | None:
    """The first line of a file that does not end within the first `_HEAD_BYTES`."""
    length = _HEAD_BYTES
    while length < min(size, _MAX_EDGE_BYTES):
        length = min(size, length * 8)
        head = pread(length, 0)
        stop = head.find(b"\n")
        if stop >= 0:
            return head[:stop]
    return None
