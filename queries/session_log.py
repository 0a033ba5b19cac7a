"""One session's events: where each line stands, parsed when somebody looks at it."""

from __future__ import annotations

import os
import threading
from array import array
from bisect import bisect_right
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from promptetheus.cause.steps import Step, StepBuilder
from promptetheus.events import Event
from promptetheus.queries.event_line import Peek, Reject, parse, peek
from promptetheus.queries.lines import LineReader
from promptetheus.queries.listing import stamp_of
from promptetheus.queries.plain_lines import plain_lines
from promptetheus.queries.row_reader import Reading, read_open
from promptetheus.queries.rows import NOTHING_SKIPPED, SessionRow, Skipped
from promptetheus.queries.sequence import Sequence, sequence_of
from promptetheus.queries.session_row import empty_row
from promptetheus.queries.source import NotReadable, Source

if TYPE_CHECKING:
    from promptetheus.trace_tree import SpanNode

__all__ = ["Growth", "NotReadable", "SessionLog", "Skipped"]

_UNKNOWN = 0
_CACHED_EVENTS = 512
_FED_AT_ONCE = 250
"""Events, within three milliseconds."""
_WINDOW_BYTES = 256 * 1024
"""Reading on: one system call serves the neighbours of a line too."""


class Growth(NamedTuple):
    """What a poll found."""

    added: int
    """Events more than before; after a reset, all of them."""
    reset: bool
    """Event and step numbers given out before are no longer valid: the file was replaced or truncated, or an event
    with an earlier `seq` arrived late."""
    more: bool
    """There are whole lines left: `max_bytes` ended this poll."""


class SessionLog:
    """The events of one file in the order of (seq, arrival), numbered from 0.

    Safe to use from several threads. The file may grow, be truncated, replaced or deleted meanwhile.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._turn = threading.Lock()
        """Held by who waits for a single event: a thread that reads on would otherwise take the lock again before
        the one that draws wakes up."""
        self._source: Source | None = None
        self._reading: Reading | None = None
        self._clear()

    def _clear(self) -> None:
        self._lines = LineReader()
        self._offsets = array("q")
        self._lengths = array("q")
        self._seqs = array("q")
        self._types = array("I")
        """Numbers in `_type_names`, `_UNKNOWN` until somebody has read the event."""
        self._type_names: list[str] = [""]
        self._type_numbers: dict[str, int] = {}
        self._unnumbered: set[int] = set()
        """Offsets of the lines without a `seq` of their own."""
        self._garbage = 0
        self._foreign = 0
        self._torn = 0
        self._renumbered()

    def _renumbered(self) -> None:
        """Forget everything that goes by event number."""
        self._events: OrderedDict[int, Event] = OrderedDict()
        self._by_offset: dict[int, int] = {}
        self._window = (0, b"")
        self._builder = StepBuilder()
        self._stepped = 0

    def poll(self, max_bytes: int | None = None) -> Growth:
        """Take in whole lines written since the last poll, at most about `max_bytes` of them.

        Raises:
            FileNotFoundError: there is no such file (any more). What was read stays readable.
            NotReadable: it is no regular file, or an export that is not JSON.
        """
        with self._lock:
            reset = self._open_current()
            source = self._source
            assert source is not None
            before = 0 if reset else len(self)
            taken = 0
            more = False
            while block := self._lines.next_block(source.pread, source.size):
                reset |= self._take(block[0], block[1], before)
                taken += len(block[1])
                if max_bytes is not None and taken >= max_bytes:
                    more = self._lines.offset < source.size
                    break
            if not more:
                reset |= self._take_tail(source, before)
            return Growth(len(self) if reset else len(self) - before, reset, more)

    def __len__(self) -> int:
        return len(self._offsets)

    def event(self, number: int) -> Event:
        """Event `number`. A line that cannot be read any more gives an event of type `unreadable`."""
        with self._turn, self._lock:
            event = self._events.get(number)
            if event is not None:
                self._events.move_to_end(number)
                return event
            event = self._parsed(number)
            self._events[number] = event
            if len(self._events) > _CACHED_EVENTS:
                self._events.popitem(last=False)
            return event

    def raw(self, number: int) -> bytes:
        """The line of event `number` as it stands in the file, without its line end."""
        with self._lock:
            return self._line(number).rstrip(b"\r\n")

    def type_of(self, number: int) -> str:
        """The type of event `number`, without parsing it."""
        with self._lock:
            if self._types[number] == _UNKNOWN:
                found = peek(self._line(number).rstrip(b"\r\n"))
                name = found.type if isinstance(found, Peek) else "unreadable"
                self._types[number] = self._type_number(name)
            return self._type_names[self._types[number]]

    def seq_of(self, number: int) -> int:
        """The `seq` that event `number` is ordered by; events without one stand after their predecessor."""
        return self._seqs[number]

    def offset_of(self, number: int) -> int:
        """Where the line of event `number` begins in the file."""
        return self._offsets[number]

    @property
    def sequence(self) -> Sequence:
        """Gaps and duplicates in the numbering of what was polled so far."""
        with self._lock:
            unnumbered = self._unnumbered
            without = (
                {number for number, offset in enumerate(self._offsets) if offset in unnumbered}
                if unnumbered
                else ()
            )
            return sequence_of(self._seqs, without)

    def number_at(self, offset: int) -> int | None:
        """The number of the event whose line begins at this offset of the file."""
        with self._lock:
            if len(self._by_offset) != len(self):
                self._by_offset = {start: number for number, start in enumerate(self._offsets)}
            return self._by_offset.get(offset)

    def events(self) -> list[Event]:
        """All events, parsed. For whole-session work (diffs, exports); a view asks for single ones."""
        with self._lock:
            return [self._parsed(number) for number in range(len(self))]

    @property
    def steps(self) -> list[Step]:
        """The steps of everything polled so far; the same list grows, until a reset."""
        while self.build_steps():
            pass
        return self._builder.steps

    def build_steps(self) -> bool:
        """Build steps for some more of the events polled, within three milliseconds; whether there are yet more.
        Other threads get their turn in between."""
        with self._turn:
            pass
        with self._lock:
            stop = min(len(self), self._stepped + _FED_AT_ONCE)
            for number in range(self._stepped, stop):
                event = self._parsed(number)
                self._types[number] = self._type_number(event["type"][:200])
                try:
                    self._builder.add(number, event)
                except Exception:  # one hostile event must not hide the others; it stays visible as an event
                    continue
            self._stepped = stop
            return stop < len(self)

    def forest(self) -> list[SpanNode]:
        """The span tree of everything polled so far."""
        from promptetheus.trace_tree import build_trace_forest

        return build_trace_forest(self.events())

    def row(self, most_bytes: int | None = None) -> SessionRow:
        """The session as lists show it, from the file as it is now. Raises what `poll` raises.

        Args:
            most_bytes: Count no more of the file than this, such as what a log has polled of it; None for all.
        """
        with self._lock:
            source = Source(self.path)
            size = source.size if most_bytes is None else min(most_bytes, source.size)
            try:
                self._reading = read_open(self.path, source.pread, size, source.found, self._reading)
            finally:
                source.close()
            found = self._reading.found
            return (
                found if isinstance(found, SessionRow) else empty_row(self.path, source.found, self.skipped)
            )

    @property
    def skipped(self) -> Skipped:
        """Lines that are not events, as far as polled."""
        if not (self._torn or self._garbage or self._foreign or self._lines.oversized):
            return NOTHING_SKIPPED
        return Skipped(self._torn, self._garbage, self._foreign, self._lines.oversized)

    @property
    def size_bytes(self) -> int:
        """The size of the file at the last poll."""
        return self._source.size if self._source else 0

    def close(self) -> None:
        """Give the file back. A later poll opens it again and reads from the start."""
        with self._lock:
            if self._source is not None:
                self._source.close()
            self._source = None
            self._clear()

    def _open_current(self) -> bool:
        """Have the file open that stands under the path now; whether what was read before is void."""
        source = self._source
        if source is not None:
            there = os.stat(self.path, follow_symlinks=False)
            same_file = (there.st_dev, there.st_ino) == source.inode
            if same_file and stamp_of(there) == stamp_of(source.found):
                return False
            if (
                same_file
                and source.grown()
                and self._lines.offset <= source.size
                and self._lines.is_continued_by(source.pread)
            ):
                return False
        found = Source(self.path)  # where this fails, what was read stays readable
        if source is not None:
            source.close()
        had_events = len(self) > 0
        self._clear()
        self._source = found
        return had_events

    def _take(self, start: int, block: bytes, visible: int) -> bool:
        """Index the lines of a block; whether events before `visible` got new numbers."""
        last_seq = self._seqs[-1] if self._seqs else -1
        plain = plain_lines(block)
        if plain is not None and plain.seqs[0] >= last_seq and sorted(plain.seqs) == plain.seqs:
            # An array takes a list faster than its `extend` does.
            self._seqs += array("q", plain.seqs)
            self._offsets += array("q", [start + place for place in plain.starts])
            self._lengths += array("q", plain.lengths)
            self._types += array("I", [_UNKNOWN]) * len(plain.seqs)
            return False
        batch: list[tuple[int, int, int, int]] = []
        offset = start
        for line in block.split(b"\n"):
            length = len(line)
            found = peek(line) if length and not line.isspace() else None
            if isinstance(found, Peek):
                if found.seq is None:
                    self._unnumbered.add(offset)
                else:
                    last_seq = found.seq
                batch.append((last_seq, offset, length, self._type_number(found.type)))
            elif found is Reject.GARBAGE:
                self._garbage += 1
            elif found is Reject.FOREIGN:
                self._foreign += 1
            offset += length + 1
        return self._commit(batch, visible)

    def _type_number(self, name: str) -> int:
        number = self._type_numbers.get(name)
        if number is None:
            number = self._type_numbers[name] = len(self._type_names)
            self._type_names.append(name)
        return number

    def _commit(self, batch: list[tuple[int, int, int, int]], visible: int) -> bool:
        if not batch:
            return False
        batch.sort()
        columns = (self._seqs, self._offsets, self._lengths, self._types)
        position = len(self)
        if position and batch[0][0] < self._seqs[-1]:
            # Late arrivals: everything from their place on is numbered anew.
            position = bisect_right(self._seqs, batch[0][0])
            batch = sorted([*zip(*(column[position:] for column in columns), strict=True), *batch])
            for column in columns:
                del column[position:]
            self._renumbered()
        for column, values in zip(columns, zip(*batch, strict=True), strict=True):
            column.extend(values)
        return position < visible

    def _take_tail(self, source: Source, visible: int) -> bool:
        """Take a last line without a newline if it is whole: no beginning of an object is an object."""
        tail = self._lines.tail(source.pread, source.size)
        self._torn = int(source.size > self._lines.offset and not tail.isspace())
        if not tail.rstrip().endswith(b"}") or isinstance(parse(tail), Reject):
            return False
        self._torn = 0
        start = self._lines.offset
        self._lines.take_tail(tail)
        return self._take(start, tail, visible)

    def _parsed(self, number: int) -> Event:
        event = parse(self._line(number))
        if isinstance(event, Reject):
            return {
                "type": "unreadable",
                "seq": self._seqs[number],
                "payload": {"message": "This line cannot be read.", "reason": event.value},
            }
        return event

    def _line(self, number: int) -> bytes:
        offset, length = self._offsets[number], self._lengths[number]
        start, window = self._window
        if not start <= offset <= offset + length <= start + len(window):
            if self._source is None:
                return b""
            start, window = offset, self._source.pread(max(_WINDOW_BYTES, length), offset)
            self._window = (start, window)
        return window[offset - start : offset - start + length]
