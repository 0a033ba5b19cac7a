"""Large JSON documents member by member, in bounded memory.

ijson does the parsing (in C where its C backend is installed). Its own object builder is not used: it carries
a path of the length of the nesting, so that a megabyte of `[` takes tens of gigabytes.
"""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any, BinaryIO, NamedTuple

import ijson  # type: ignore[import-untyped]

MAX_DEPTH = 100
"""Containers nested deeper than this become a mark; the record they are in is kept."""

MAX_MEMBER_CHARACTERS = 64 << 20
"""A record (one run, one task) larger than this is skipped."""

TOO_DEEP = f"<nested deeper than {MAX_DEPTH}>"

MAX_STRING_BYTES = 32 << 20
"""A document with a single string larger than this is not read on: the parser's cost grows with its square."""

_READ_BYTES = 256 << 10
_IDLE_READS = MAX_STRING_BYTES // _READ_BYTES

Progress = Callable[[int], None]
"""Called with the number of bytes read so far."""


class UnreadableJson(ValueError):
    """The file stops being JSON here. The message says where and why; members given out before it stand."""


class Member(NamedTuple):
    """A part of a document: a value of the top level, or one item of an array there."""

    key: str
    """Name at the top level; "" when the document is an array."""
    position: int | None
    """Position in the array, from 0; None for a value that is not taken apart."""
    value: Any
    problem: str = ""
    """Why there is no value, e.g. that it is too large."""


def members(
    file: BinaryIO,
    arrays: tuple[str, ...] = (),
    values: tuple[str, ...] = (),
    progress: Progress | None = None,
) -> Iterator[Member]:
    """The items of a document that is an array; of one that is an object, the items of the `arrays` and the
    `values` named, in the order of the file. Raises UnreadableJson where the text stops being JSON.

    Strict parsing first. Where that fails, the file is read again with the mistakes put right that Python's own
    writer and careless editors make (NaN, Infinity, numbers out of range, bytes that are no UTF-8).
    """
    given = 0
    try:
        for member in _members(_Metered(file, progress), arrays, values):
            given += 1
            yield member
        return
    except (ijson.JSONError, UnicodeError):
        file.seek(0)
    try:
        for position, member in enumerate(_members(_Mended(file, progress), arrays, values)):
            if position >= given:
                yield member
    except (ijson.JSONError, UnicodeError) as error:
        raise UnreadableJson(_reason(error)) from error


def keys(file: BinaryIO, limit: int) -> Iterator[tuple[str, str]]:
    """The keys that tell what a document is, as (where, key): where is "" for the top level of an object, "[]"
    for the objects in a top-level array, and the name of the array for the objects in an array one level down.
    Ends quietly after `limit` parse events or where the text stops being JSON.
    """
    meter = _Metered(file, None)
    opened: list[str] = []
    name = ""
    try:
        for number, (event, value) in enumerate(
            ijson.basic_parse(meter, use_float=True, buf_size=_READ_BYTES)
        ):
            meter.idle = 0
            if number >= limit:
                return
            if event == "map_key":
                if opened == ["start_map"]:
                    name = value
                    yield "", value
                elif opened == ["start_array", "start_map"]:
                    yield "[]", value
                elif opened == ["start_map", "start_array", "start_map"]:
                    yield name, value
            elif event in ("start_map", "start_array"):
                opened.append(event)
            elif event in ("end_map", "end_array"):
                opened.pop()
    except (ijson.JSONError, UnicodeError, UnreadableJson):
        return


def begins_as_json(file: BinaryIO, events: int = 1_000) -> bool:
    """Whether the first `events` parse events of a file, or all there are, come without a mistake."""
    try:
        for number, _ in enumerate(ijson.basic_parse(_Metered(file, None), use_float=True)):
            if number >= events:
                break
    except (ijson.JSONError, UnicodeError, UnreadableJson):
        return False
    return True


class _Metered:
    """Counts what is read, and stops a single token that would fill the memory."""

    def __init__(self, file: BinaryIO, progress: Progress | None) -> None:
        self._file = file
        self._progress = progress
        self._bytes = 0
        self.idle = 0
        """Reads since the last parse event."""

    def read(self, size: int = -1) -> bytes:
        if size == 0:  # ijson asks so whether it gets bytes or text
            return b""
        self.idle += 1
        if self.idle > _IDLE_READS:
            raise UnreadableJson(f"a single value is larger than {MAX_STRING_BYTES >> 20} MB")
        data = self._file.read(size)
        self._bytes += len(data)
        if self._progress is not None:
            self._progress(self._bytes)
        return data


_TOKEN = re.compile(
    rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|-?(?:NaN|Infinity)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?(?P<exponent>\d+))?',
    re.DOTALL,
)


class _Mended(_Metered):
    """The text with bare NaN and Infinity made null, numbers out of range made strings, bytes that are no UTF-8
    made U+FFFD. Strings pass untouched otherwise."""

    def __init__(self, file: BinaryIO, progress: Progress | None) -> None:
        super().__init__(file, progress)
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")("replace")
        self._rest = b""
        self._ended = False

    def read(self, size: int = -1) -> bytes:
        while size and not self._ended:
            raw = super().read(_READ_BYTES)
            self._ended = not raw
            self._rest += self._decoder.decode(raw, self._ended).encode()
            cut = len(self._rest) if self._ended else _last_boundary(self._rest)
            if cut:
                whole, self._rest = self._rest[:cut], self._rest[cut:]
                return _TOKEN.sub(_mend, whole)
        return b""


def _mend(match: re.Match[bytes]) -> bytes:
    token = match.group()
    if token.startswith(b'"'):
        return token
    if not token[-1:].isdigit():
        return b"null"
    out_of_range = len(match["exponent"] or b"") > 2 or (token.lstrip(b"-").isdigit() and len(token) > 18)
    return b'"' + token + b'"' if out_of_range else token


_BOUNDARY = re.compile(rb'[^"]*+(?:"[^"\\]*+(?:\\.[^"\\]*+)*+"[^"]*+)*+', re.DOTALL)


def _last_boundary(data: bytes) -> int:
    """Where to cut so that neither a string nor a number nor a word is cut in two."""
    match = _BOUNDARY.match(data)
    end = match.end() if match else 0
    for position in range(end, max(0, end - 400), -1):
        if data[position - 1 : position] in (b",", b"]", b"}", b"[", b"{", b":", b'"'):
            return position
    return 0


def _members(meter: _Metered, arrays: tuple[str, ...], values: tuple[str, ...]) -> Iterator[Member]:
    events = ijson.basic_parse(meter, use_float=True, buf_size=_READ_BYTES)
    first = next(events)[0]
    if first == "start_array":
        yield from _items("", events, meter)
    elif first == "start_map":
        for event, key in events:
            if event == "end_map":
                break
            event, value = next(events)
            if key in arrays and event == "start_array":
                yield from _items(key, events, meter)
            elif key in values:
                yield _member(key, None, event, value, events, meter)
            elif event in ("start_map", "start_array"):
                _drain(1, events, meter)
    for _ in events:  # a document that goes on after its end is reported, not ignored
        pass


def _items(key: str, events: Iterator[tuple[str, Any]], meter: _Metered) -> Iterator[Member]:
    for index in itertools.count():
        event, value = next(events, ("end_array", None))
        if event == "end_array":
            return
        yield _member(key, index, event, value, events, meter)


def _member(
    key: str, index: int | None, event: str, value: Any, events: Iterator[tuple[str, Any]], meter: _Metered
) -> Member:
    try:
        return Member(key, index, _value(event, value, events, meter))
    except _TooLargeError:
        return Member(key, index, None, f"larger than {MAX_MEMBER_CHARACTERS >> 20} MB")


class _TooLargeError(Exception):
    """A member is larger than may be held; it was read to its end."""


def _value(event: str, value: Any, events: Iterator[tuple[str, Any]], meter: _Metered) -> Any:
    """Build one value. Not recursive: its depth is the file's choice."""
    if event not in ("start_map", "start_array"):
        return value
    root: Any = {} if event == "start_map" else []
    stack: list[Any] = [root]
    key, weight = "", 0
    for event, value in events:
        meter.idle = 0
        if event == "map_key":
            key = value
            weight += len(value)
            continue
        if event in ("end_map", "end_array"):
            stack.pop()
            if not stack:
                return root
            continue
        opened = event in ("start_map", "start_array")
        if opened:
            value = {} if event == "start_map" else []
            if len(stack) >= MAX_DEPTH:
                _drain(1, events, meter)
                value, opened = TOO_DEEP, False
        elif event == "string":
            weight += len(value)
        weight += 16
        if weight > MAX_MEMBER_CHARACTERS:
            _drain(len(stack) + opened, events, meter)
            raise _TooLargeError
        parent = stack[-1]
        if type(parent) is dict:
            parent[key] = value
        else:
            parent.append(value)
        if opened:
            stack.append(value)
    return root


def _drain(depth: int, events: Iterator[tuple[str, Any]], meter: _Metered) -> None:
    """Read on until `depth` open containers are closed."""
    for event, _ in events:
        meter.idle = 0
        if event in ("start_map", "start_array"):
            depth += 1
        elif event in ("end_map", "end_array"):
            depth -= 1
            if not depth:
                return


def _reason(error: Exception) -> str:
    words = str(error).split("\n")[0].strip().removeprefix("b'").rstrip("'")
    return words[:200] or type(error).__name__
