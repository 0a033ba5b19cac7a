"""Whole lines out of a file that may still grow: up to the last newline, in blocks, within bounded memory."""

from __future__ import annotations

from collections.abc import Callable

MAX_LINE_BYTES = 32 * 1024 * 1024
"""A longer line is passed over and counted. DuckDB gives up on the same size; the SDK stays below 1 MiB."""

BLOCK_BYTES = 1024 * 1024

_MARK_BYTES = 96
"""Enough to hold an idempotency key, which no other line has."""

_STRIDE_BYTES = MAX_LINE_BYTES // 2
_PROBE_BYTES = 16 * 1024

Pread = Callable[[int, int], bytes]
"""`pread(length, offset)`."""


def may_have_oversized_line(pread: Pread, size: int) -> bool:
    """Whether a file may hold a line longer than `MAX_LINE_BYTES`; reads next to nothing where it does not.

    Such a line covers one of the strides whole, wherever it begins: each stride is searched for its first newline.
    """
    for start in range(0, size - _STRIDE_BYTES + 1, _STRIDE_BYTES):
        position, length = start, _PROBE_BYTES
        while position < start + _STRIDE_BYTES:
            piece = pread(min(length, start + _STRIDE_BYTES - position), position)
            if not piece:
                return False
            if b"\n" in piece:
                break
            position, length = position + len(piece), BLOCK_BYTES
        else:
            return True
    return False


class LineReader:
    """Remembers how far a file was read; `next_block` gives what whole lines there are beyond."""

    __slots__ = ("_head", "_mark", "_searched", "offset", "oversized")

    def __init__(self) -> None:
        self.offset = 0
        """Where the next line begins."""
        self.oversized = 0
        """Lines passed over because they were longer than `MAX_LINE_BYTES`."""
        self._searched = 0
        """There is no newline between `offset` and here: a torn line that grows is not searched twice."""
        self._head = self._mark = b""
        """The first bytes of the file, and the last ones before `offset`."""

    def next_block(self, pread: Pread, end: int) -> tuple[int, bytes] | None:
        """The offset and bytes of the next lines, the last byte a newline; None when no whole line is left.

        A block has about `BLOCK_BYTES`, or one line where that is longer.
        """
        while True:
            start = self.offset
            if self._searched <= start < end:  # nearly always: whole lines, read once
                data = pread(min(BLOCK_BYTES, end - start), start)
                if cut := data.rfind(b"\n") + 1:
                    return start, self._advance(start, data[:cut])
                self._searched = start + len(data)
            newline = self._first_newline(pread, end)
            if newline is None:
                return None
            if newline - start >= MAX_LINE_BYTES:
                self.oversized += 1
                self._mark = b""
                self.offset = self._searched = newline + 1
                continue
            data = pread(min(end - start, max(BLOCK_BYTES, newline + 1 - start)), start)
            cut = data.rfind(b"\n") + 1
            if not cut:  # the file shrank between two reads
                return None
            return start, self._advance(start, data[:cut])

    def take_tail(self, tail: bytes) -> None:
        """Count what stood after the last newline as read."""
        self._advance(self.offset, tail)

    def is_continued_by(self, pread: Pread) -> bool:
        """Whether the file still begins, and stands before `offset`, as it was read: not rewritten in place."""
        start = self.offset - len(self._mark)
        return pread(len(self._head), 0) == self._head and pread(len(self._mark), start) == self._mark

    def tail(self, pread: Pread, end: int) -> bytes:
        """What stands after the last newline; empty where that is nothing or too long to be an event."""
        length = end - self.offset
        return pread(length, self.offset) if 0 < length < MAX_LINE_BYTES else b""

    def _advance(self, start: int, data: bytes) -> bytes:
        if start == 0:
            self._head = data[:_MARK_BYTES]
        self._mark = data[-_MARK_BYTES:]
        self.offset = self._searched = start + len(data)
        return data

    def _first_newline(self, pread: Pread, end: int) -> int | None:
        position = max(self._searched, self.offset)
        while position < end:
            piece = pread(min(BLOCK_BYTES, end - position), position)
            if not piece:
                break
            found = piece.find(b"\n")
            if found >= 0:
                return position + found
            position += len(piece)
        self._searched = position
        return None
