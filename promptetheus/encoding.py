"""Any Python value as one line of valid JSON: never raises, never two lines, never bare NaN.

orjson writes what is JSON already (and dates, enums, UUIDs, dataclasses, numpy) at full speed; `jsonable` is
the slow road for what it refuses: cycles, depth, lone surrogates, huge integers, objects of other kinds.
orjson's `default=` hook is not used: a `__repr__` that changes the dictionary which is being written crashes
the interpreter there. On the slow road everything is copied first.
"""

from __future__ import annotations

import base64
import math
import os
from collections.abc import Iterable, Mapping, Sequence, Set
from gc import get_referents, is_tracked
from typing import Any

import orjson

from promptetheus.guard import pass_on

MAX_DEPTH = 64
"""Containers nested deeper than this are replaced by a mark."""

MAX_NODES = 10_000
"""A value that has to be converted keeps so many parts; the rest is replaced by a mark."""

MAX_CONVERTED_NODES = 2_000
"""A value that is kept beside its repr is converted up to so many parts."""

MAX_BYTES_PREVIEW = 4096
"""Raw bytes in a payload are kept up to this length; the size is always kept."""

MAX_OBJECT_TEXT = 16_384
"""The text of an object that is no JSON is kept up to so many characters."""

_FEW_PARTS = 2_000
"""So many keys and values, each counted as often as it occurs, cannot be much whatever they are."""

_MAX_REPEATS = 10_000
"""A value whose containers occur again more often than this when it is written out goes the slow road: twenty
lists, each holding the one before twice, would be a million."""

OPTIONS = (
    orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z | orjson.OPT_PASSTHROUGH_DATACLASS
)
"""Dataclasses go the slow road: thirty of them, each holding the one before twice, would be endless."""

_INT_MIN, _INT_MAX = -(2**63), 2**64 - 1
_CONTAINERS = frozenset({dict, list, tuple})
_PLAIN = frozenset({str, int, float, bool, type(None)})
_NUMBERS_AS_TEXT = frozenset({"Decimal", "Fraction", "timedelta"})


def encode_value(value: object) -> bytes:
    """A value as compact JSON, keys sorted, UTF-8. Takes anything; never raises."""
    try:
        if not is_bounded(value):
            return orjson.dumps(jsonable(value), option=OPTIONS)
        return orjson.dumps(value, option=OPTIONS)
    except BaseException as error:  # a TypeError of orjson, or a dictionary that another thread changes
        pass_on(error)
        return orjson.dumps(jsonable(value), option=OPTIONS)


def encode_line(event: Mapping[str, Any]) -> bytes:
    """One compact JSON line, keys sorted, UTF-8, ending in a newline. Takes any mapping; never raises."""
    return encode_value(event) + b"\n"


def jsonable(value: object, max_nodes: int = MAX_NODES) -> Any:
    """A copy of `value` made only of JSON types. Cycles, depth and hostile objects become short marks."""
    return _Conversion(max_nodes).convert(value, 0)


def clip(text: str, limit: int) -> str:
    """At most `limit` characters of a text and `…`, cut between words.

    Half a word could be half a secret, which no pattern recognises; a run of digits may be half a card number.
    """
    if len(text) <= limit:
        return text
    head = text[:limit]
    words = max(head.rfind(mark, limit - 4096 if limit > 4096 else 0) for mark in " \n\t,")
    return head[: max(words, limit - 4096, 0)].rstrip("0123456789- ") + "…"


NOT_JSON = object()
"""What `as_json` gives for a value that no JSON can stand for."""


def as_json(value: object) -> Any:
    """The value where orjson writes it whole, else a copy of JSON types: of pydantic models, sets, mappings of any
    kind up to `MAX_CONVERTED_NODES` parts. `NOT_JSON` when a part could only be described, or refers to itself."""
    if type(value) in _PLAIN:
        return value
    try:
        if is_bounded(value):
            orjson.dumps(value, option=OPTIONS)
            return value
    except BaseException as error:
        pass_on(error)
    try:
        return _Conversion(MAX_CONVERTED_NODES, is_strict=True).convert(value, 0)
    except _NotJson:
        return NOT_JSON


class _NotJson(Exception):
    """A value can only be described."""


class _Conversion:
    """One walk through a value, with what it has left and the containers it is inside of."""

    def __init__(self, nodes: int = MAX_NODES, is_strict: bool = False) -> None:
        self._nodes_left = nodes
        self._is_strict = is_strict
        """Whether to raise `_NotJson` instead of putting a mark or a description in the place of a value."""
        self._open: set[int] = set()

    def convert(self, value: Any, depth: int) -> Any:
        if value is None or value is True or value is False:
            return value
        self._nodes_left -= 1
        if self._nodes_left < 0:
            return self._mark("…")
        try:
            if isinstance(value, str):
                return _text(value)
            if isinstance(value, int):
                number = int(value)
                return number if _INT_MIN <= number <= _INT_MAX else _digits(number)
            if isinstance(value, float):
                return float(value) if math.isfinite(value) else None
            if isinstance(value, bytes | bytearray | memoryview):
                return _bytes(value)
            return self._inside(value, depth)
        except _NotJson:
            raise
        except BaseException as error:
            pass_on(error)
            return self._mark(f"<{type(value).__name__}: not recordable, {type(error).__name__}>")

    def _mark(self, text: str) -> str:
        if self._is_strict:
            raise _NotJson
        return text

    def _inside(self, value: Any, depth: int) -> Any:
        if depth >= MAX_DEPTH:
            return self._mark(f"<{type(value).__name__}: nested deeper than {MAX_DEPTH}>")
        if id(value) in self._open:
            return self._mark(f"<{type(value).__name__}: refers to itself>")
        self._open.add(id(value))
        try:
            return self._container(value, depth)
        finally:
            self._open.discard(id(value))

    def _container(self, value: Any, depth: int) -> Any:
        if isinstance(value, Mapping):
            return self._mapping(list(value.items()), depth)
        if isinstance(value, tuple) and hasattr(value, "_asdict"):
            return self._mapping(list(value._asdict().items()), depth)
        if isinstance(value, Set):
            items = self._items(value, depth)
            return sorted(items, key=lambda item: (type(item).__name__, str(item)))
        if isinstance(value, Sequence):
            return self._items(value, depth)
        return self._object(value, depth)

    def _mapping(self, entries: Iterable[tuple[Any, Any]], depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, item in entries:
            if self._nodes_left < 0:
                found["…"] = "…"
                break
            name = _key(key)
            while name in found:  # 1 and "1" are two keys
                name += f" ({type(key).__name__})"
            found[name] = self.convert(item, depth + 1)
        return found

    def _items(self, value: Iterable[Any], depth: int) -> list[Any]:
        found = []
        for item in list(value):
            found.append(self.convert(item, depth + 1))
            if self._nodes_left < 0:
                break
        return found

    def _object(self, value: Any, depth: int) -> Any:
        if self._is_strict and isinstance(value, BaseException | type):
            raise _NotJson
        if isinstance(value, BaseException):
            return {"error_type": type(value).__name__, "message": clip(_text(str(value)), MAX_OBJECT_TEXT)}
        if isinstance(value, type):
            return clip(_text(repr(value)), MAX_OBJECT_TEXT)
        dump = getattr(type(value), "model_dump", None)  # pydantic v2
        if callable(dump):
            return self.convert(dump(value), depth + 1)
        fields = getattr(type(value), "__dataclass_fields__", None)
        if fields is not None:
            return self._mapping([(name, getattr(value, name, None)) for name in fields], depth)
        if isinstance(value, os.PathLike):
            return self.convert(os.fspath(value), depth + 1)
        try:  # dates, enums, UUIDs and numpy inside a value that made the fast road fail
            return orjson.loads(orjson.dumps(value, option=OPTIONS))
        except (TypeError, ValueError, RecursionError):
            if self._is_strict and type(value).__name__ not in _NUMBERS_AS_TEXT:
                raise _NotJson from None
            return _described(value)


def _described(value: Any) -> str:
    if type(value).__name__ in _NUMBERS_AS_TEXT:
        return _text(str(value))
    return clip(_text(repr(value)), MAX_OBJECT_TEXT)


def _key(key: object) -> str:
    try:
        return _text(key if isinstance(key, str) else clip(str(key), MAX_OBJECT_TEXT))
    except BaseException as error:
        pass_on(error)
        return f"<{type(key).__name__}: not recordable, {type(error).__name__}>"


def _text(text: str) -> str:
    """A lone surrogate cannot be written as UTF-8; DuckDB rejects its escape. It becomes U+FFFD."""
    plain = str.__str__(text)
    try:
        plain.encode()
        return plain
    except UnicodeEncodeError:
        return plain.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _digits(number: int) -> str:
    try:
        return str(number)
    except ValueError:  # beyond sys.get_int_max_str_digits
        return hex(number) if number.bit_length() < 1 << 16 else f"<int of {number.bit_length()} bits>"


def _bytes(value: bytes | bytearray | memoryview) -> dict[str, Any]:
    """Bytes that are text as text, so that people and redaction can read them; others as base64."""
    view = memoryview(value)
    size = view.nbytes
    head = bytes(view.cast("B")[:MAX_BYTES_PREVIEW]) if view.c_contiguous else bytes(view)[:MAX_BYTES_PREVIEW]
    described: dict[str, Any] = {"size_bytes": size, "truncated": size > len(head)}
    try:
        text = head.decode("utf-8", "ignore" if size > len(head) else "strict")
        if text.isprintable() or not any(character < " " and character not in "\t\n\r" for character in text):
            return {"text": clip(text, MAX_BYTES_PREVIEW - 1) if size > len(head) else text, **described}
    except UnicodeDecodeError:
        pass
    return {"base64": base64.b64encode(head).decode(), **described}


def is_bounded(value: Any) -> bool:
    """Whether a value, written out, is about as large as it is in memory: then orjson may have it.

    What is not tracked for garbage collection holds no container (up to CPython 3.13 dictionaries of plain values
    are not), and that is asked at the speed of C. Three levels, the common case, are looked at without a list.
    """
    try:
        found = 0
        for part in value.values() if type(value) is dict else value if type(value) in _CONTAINERS else ():
            if not is_tracked(part):
                continue
            kind = type(part)
            if kind is dict:
                part = part.values()
            elif kind is not list and kind is not tuple:
                continue
            found += len(part)
            if found > _FEW_PARTS:
                return _has_few_repeats(value)
            if any(map(is_tracked, part)):
                for inner in part:
                    if type(inner) in _CONTAINERS:
                        found += len(inner)
                        if any(map(is_tracked, inner.values() if type(inner) is dict else inner)):
                            return _is_bounded_below(value)
        return found <= _FEW_PARTS or _has_few_repeats(value)
    except RuntimeError:  # another thread changes it
        return False


def _is_bounded_below(value: Any) -> bool:
    level, found = [value], 0
    while level:
        inside = get_referents(*level)
        found += len(inside)
        if found > _FEW_PARTS:
            return _has_few_repeats(value)
        level = [item for item in filter(is_tracked, inside) if type(item) in _CONTAINERS]
    return True


def _has_few_repeats(value: Any) -> bool:
    repeats, seen = 0, set()
    pending = [value]
    while pending:
        container = pending.pop()
        if id(container) in seen:
            repeats += 1 + len(container) // 8
            if repeats > _MAX_REPEATS:
                return False
        seen.add(id(container))
        if is_tracked(container):
            pending += [item for item in get_referents(container) if type(item) in _CONTAINERS]
    return True
