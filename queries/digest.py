"""The two lines that a session's row is made from: its first one, and the last one with the summary.

For a session that did not end so, the last line is made from what was counted; both kinds can be cached.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from promptetheus.clock import parse_timestamp
from promptetheus.events import Event
from promptetheus.queries.event_line import Reject, parse
from promptetheus.queries.lines import Pread
from promptetheus.queries.rows import SessionRow, Skipped, Status, deferred_row
from promptetheus.queries.session_row import build_row, empty_row, session_id_of, status_of

MAX_DIGEST_BYTES = 16 * 1024
"""Longer lines are not kept: their rows are worked out at once, and not cached."""

SEALED = (b'"type":"session_end"}\n', b'"type":"session_end"}\r\n')
"""How the last line of a closed session ends, as our encoder writes it."""

_WHOLE_BYTES = 8 * 1024
"""Files up to this size are read in one go: a second system call costs more than the bytes."""

_HEAD_BYTES = 2 * 1024
_TAIL_BYTES = 4 * 1024
_MAX_EDGE_BYTES = 2 * 1024 * 1024
"""A first or last line longer than this is left to the whole reading; the SDK stays below 1 MiB."""


class Digest:
    """What a row is made from. The lines are whole JSON objects, with or without a line end."""

    __slots__ = ("counted", "first", "last")

    def __init__(self, first: bytes, last: bytes, counted: bool = False) -> None:
        self.first = first
        self.last = last
        self.counted = counted
        """Whether `last` was made by `count_digest`, not written by the session."""


def read_ends(pread: Pread, size: int) -> Digest | None:
    """The first and last line of a file that ends like a closed session; None otherwise. Nothing is checked yet."""
    if size <= _WHOLE_BYTES:
        data = pread(size, 0)
        if not data.endswith(SEALED):
            return None
        return Digest(data[: data.find(b"\n")], data[data.rfind(b"\n", 0, -1) + 1 :])
    tail = pread(_TAIL_BYTES, size - _TAIL_BYTES)
    if not tail.endswith(SEALED):
        return None
    last, first = _last_line(tail, pread, size), _first_line(pread, size)
    return None if last is None or first is None else Digest(first, last)


def sealed_row(root: str, name: str, digest: Digest, size: int, mtime: float) -> SessionRow | None:
    """The row of a session whose last line carries a summary of every byte before it; None otherwise."""
    try:
        end: Any = orjson.loads(digest.last)
        summary = end["metadata"]["summary"]
        if summary["spool_bytes"] != size - len(digest.last):
            return None
        first = parse(digest.first)
        if isinstance(first, Reject):
            return None
        if len(digest.first) + len(digest.last) > MAX_DIGEST_BYTES:
            return _built(Path(root, name), digest.counted, first, end, size, mtime)
        return deferred_row(
            session_id_of(name, first),
            status_of(summary, True, False),
            parse_timestamp(first.get("timestamp")),
            mtime,
            size,
            Rest(root, name, size, mtime, digest),
        )
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def count_digest(
    first: Event, summary: Mapping[str, Any], last_time: object, ended: bool, skipped: Skipped, mended: int
) -> Digest | None:
    """The digest of a session that was read whole; None where it would be too long."""
    kept = {key: first[key] for key in ("type", "session_id", "seq", "timestamp") if key in first}
    last = {
        "ended": ended,
        "mended": mended,
        "metadata": {"summary": summary},
        "skipped": [skipped.torn, skipped.garbage, skipped.foreign, skipped.oversized],
        "timestamp": last_time,
    }
    try:
        kept |= {"payload": first.get("payload"), "metadata": first.get("metadata")}
        digest = Digest(orjson.dumps(kept), orjson.dumps(last), counted=True)
    except (TypeError, ValueError, RecursionError):  # what only a tolerant reader reads is not cached
        return None
    return digest if len(digest.first) + len(digest.last) <= MAX_DIGEST_BYTES else None


class Rest:
    """Works out all fields of a row from its digest. Ten thousand are made at a time: no dataclass."""

    __slots__ = ("_digest", "_mtime", "_name", "_root", "_size")

    def __init__(
        self, root: str, name: str, size: int, mtime: float, digest: Digest | Callable[[], Digest | None]
    ) -> None:
        self._root = root
        self._name = name
        self._size = size
        self._mtime = mtime
        self._digest = digest

    def __call__(self) -> SessionRow:
        """The row. Where the digest is damaged, what the file itself says now."""
        path = Path(self._root, self._name)
        digest = self._digest if isinstance(self._digest, Digest) else self._digest()
        if digest is not None:
            try:
                first = parse(digest.first)
                if not isinstance(first, Reject):
                    end = orjson.loads(digest.last)
                    return _built(path, digest.counted, first, end, self._size, self._mtime)
            except (ValueError, TypeError, KeyError, AttributeError):
                pass
        return _read_again(path)


def _built(
    path: Path, counted: bool, first: Event, end: Mapping[str, Any], size: int, mtime: float
) -> SessionRow:
    summary = end["metadata"]["summary"]
    ended, skipped, mended = True, Skipped(), 0
    if counted:
        ended, skipped, mended = end["ended"], Skipped(*end["skipped"]), end["mended"]
    return build_row(
        path,
        size,
        mtime,
        first,
        summary,
        last_time=end.get("timestamp"),
        ended=ended,
        writer_lives=False,
        skipped=skipped,
        mended=mended,
    )


def _read_again(path: Path) -> SessionRow:
    from promptetheus.queries.row_reader import read_whole

    try:
        return read_whole(path)
    except Exception:  # gone, or no session any more: the next refresh says so
        return empty_row(path, os.stat_result((0,) * 10))


def _last_line(tail: bytes, pread: Pread, size: int) -> bytes | None:
    length = len(tail)
    while True:
        start = tail.rfind(b"\n", 0, -1) + 1
        if start:
            return tail[start:]
        if length >= size or length >= _MAX_EDGE_BYTES:
            return None
        length = min(size, length * 8)
        tail = pread(length, size - length)


def _first_line(pread: Pread, size: int) -> bytes | None:
    length = _HEAD_BYTES
    while True:
        head = pread(length, 0)
        cut = head.find(b"\n")
        if cut >= 0:
            return head[:cut]
        if length >= size or length >= _MAX_EDGE_BYTES:
            return None
        length = min(size, length * 8)
