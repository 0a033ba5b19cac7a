"""JSON Lines in bounded memory: a line at a time, with its place in the file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO, Any, NamedTuple

import orjson

from promptetheus.importers.json_stream import Progress

MAX_LINE_BYTES = 64 << 20
"""A line longer than this is skipped."""

_READ_BYTES = 256 << 10


class Line(NamedTuple):
    """A line that is not blank."""

    offset: int
    """Where it starts in the file."""
    data: bytes | None
    """Its bytes without the newline; None when it is longer than `MAX_LINE_BYTES`."""


def lines(file: IO[bytes], progress: Progress | None = None) -> Iterator[Line]:
    """The lines of a file from where it stands, blank ones left out, each with its offset."""
    offset = file.tell()
    while data := file.readline(MAX_LINE_BYTES + 1):
        start, complete = offset, data.endswith(b"\n")
        offset += len(data)
        if len(data) > MAX_LINE_BYTES and not complete:
            while rest := file.readline(_READ_BYTES):
                offset += len(rest)
                if rest.endswith(b"\n"):
                    break
            yield Line(start, None)
        elif stripped := data.strip():
            yield Line(start, stripped)
        if progress is not None:
            progress(offset)


def parse_line(data: bytes) -> Any:
    """The value of one line. Raises ValueError when it is not JSON or nested too deeply to be anyone's record."""
    try:
        return orjson.loads(data)
    except ValueError:
        pass
    import json  # reads what JavaScript and Python write and orjson refuses: lone surrogates, NaN, 1e999

    try:
        return json.loads(data)
    except RecursionError:
        raise ValueError("nested too deeply") from None
