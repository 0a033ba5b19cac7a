"""Files that DuckDB cannot read as they are: their events are written out for it once, line by line.

DuckDB gives up on a whole query over one huge line and loses lines with bad UTF-8; with a copy SQL sees the
events that every other reader sees.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from promptetheus.encoding import encode_line
from promptetheus.queries.event_line import Reject, parse_tolerantly
from promptetheus.queries.lines import MAX_LINE_BYTES, LineReader
from promptetheus.queries.rows import SessionRow
from promptetheus.queries.source import NotReadable, Source


def needs_copy(row: SessionRow) -> bool:
    """Whether DuckDB would stumble over this session's file, or take lines for events that are none."""
    skipped = row.skipped
    if skipped.garbage or skipped.foreign or skipped.oversized or row.mended:
        return True
    # A last line without an end counts as torn, whatever its length.
    return bool(skipped.torn) and row.size_bytes >= MAX_LINE_BYTES and _has_oversized_tail(row.path)


def copy_events(path: Path, target: Path) -> None:
    """Write the events of a session file to `target`, one clean line each. A file that is gone gives none."""
    with open(target, "wb", opener=_private) as out:
        try:
            source = Source(path)
        except (NotReadable, FileNotFoundError):
            return
        lines = LineReader()
        while (block := lines.next_block(source.pread, source.size)) is not None:
            for line in block[1].split(b"\n"):
                if line:
                    _copy_line(line, out.write)
        _copy_line(lines.tail(source.pread, source.size), out.write)
        source.close()


def _copy_line(line: bytes, write: Callable[[bytes], object]) -> None:
    event, mended = parse_tolerantly(line)
    if not isinstance(event, Reject):
        write(encode_line(event) if mended else line + b"\n")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _has_oversized_tail(path: Path) -> bool:
    try:
        source = Source(path)
    except (NotReadable, FileNotFoundError):
        return False
    lines = LineReader()
    while lines.next_block(source.pread, source.size) is not None:
        pass
    source.close()
    return source.size - lines.offset >= MAX_LINE_BYTES
