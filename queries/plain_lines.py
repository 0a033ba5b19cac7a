"""Many lines at once: where they stand and their seqs, for blocks in which every line is as our encoder writes it.

A few passes over a block of a megabyte take a quarter of the time that `event_line.peek` takes line by line. A block
with a line that looks otherwise is left to `peek`; the same lines are believed here and there.
"""

from __future__ import annotations

import re
from operator import sub
from typing import NamedTuple

from promptetheus.queries.event_line import HEAD, MAX_BRACKETS

# The end of a line, before the head of the next. In valid JSON every quote inside a string is escaped, so none is
# followed by `,"`: what stands between these quotes is one value. A match ends with a newline, so where there are
# as many matches as newlines each line has its own.
_TAIL = re.compile(
    rb',"seq":(\d{1,15}),"session_id":"[^"]{1,256}"(?:,"span_id":"[^"]{1,128}")?'
    rb',"timestamp":"[^"]{1,40}","type":"[^"]{1,40}"\}\r?\n(?=' + re.escape(HEAD) + rb"|\Z)"
)


class PlainLines(NamedTuple):
    """The lines of a block, in its order."""

    starts: list[int]
    """Counted from the beginning of the block."""
    lengths: list[int]
    """With their line ends."""
    seqs: list[int]


def plain_lines(block: bytes) -> PlainLines | None:
    """The lines of a block that ends with a newline; None where one of them has to be looked at by itself."""
    if not block.startswith(HEAD):
        return None
    seqs = _TAIL.findall(block)
    # A second head inside a line: a torn one with another glued to it, or a payload that imitates one.
    if not seqs or block.count(HEAD) != len(seqs):
        return None
    ends: list[int] = []
    find, append, end = block.find, ends.append, 0
    while end := find(b"\n", end) + 1:
        append(end)
    if len(ends) != len(seqs):
        return None
    starts = [0, *ends[:-1]]
    lengths = list(map(sub, ends, starts))
    if max(lengths) > MAX_BRACKETS and _may_be_deep(block, starts, lengths):
        return None
    return PlainLines(starts, lengths, list(map(int, seqs)))


def _may_be_deep(block: bytes, starts: list[int], lengths: list[int]) -> bool:
    count = block.count
    return any(
        length > MAX_BRACKETS
        and count(b"[", start, start + length) + count(b"{", start, start + length) >= MAX_BRACKETS
        for start, length in zip(starts, lengths, strict=True)
    )
