"""Any Python value as one line of valid JSON: never raises, never two lines, never bare NaN.

orjson writes what is JSON already (and dates, enums, UUIDs, dataclasses, numpy) at full speed; `jsonable` is
the slow road for what it refuses: cycles, depth, lone surrogates, huge integers, objects of other kinds.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping, Sequence, Set
from typing import Any

import orjson

MAX_DEPTH = 64
"""Containers nested deeper than this are replaced by their `repr`-like mark."""

MAX_BYTES_PREVIEW = 4096
"""Raw bytes in a payload are kept as base64 up to this length; the size is always kept."""

_OPTIONS = orjson.OPT_SORT_KEYS | orjson.OPT_APPEND_NEWLINE | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_UTC_Z
_INT_MIN, _INT_MAX = -(2**63), 2**64 - 1


def encode_line(event: Mapping[str, Any]) -> bytes:
    """One compact JSON line, keys sorted, UTF-8, ending in a newline. Takes any mapping; never raises."""
    try:
        return orjson.dumps(event, _default, _OPTIONS)
    except (TypeError, ValueError, RecursionError):
        return orjson.dumps(jsonable(dict(event)), option=_OPTIONS)


def _default(value: object) -> Any:
    return jsonable(value)


def jsonable(value: object, depth: int = 0, _open: frozenset[int] = frozenset()) -> Any:
    """A copy of `value` made only of JSON types. Cycles, depth and hostile objects become short marks."""
    if value is None or isinstance(value, bool):
        return value
    try:
        return _convert(value, depth, _open)
    except Exception as error:
        return f"<{type(value).__name__}: not recordable, {type(error).__name__}>"


def _convert(value: Any, depth: int, open_ids: frozenset[int]) -> Any:
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, int):
        number = int(value)
        return number if _INT_MIN <= number <= _INT_MAX else str(number)
    if isinstance(value, float):
        number_ = float(value)
        return number_ if math.isfinite(number_) else None
    if isinstance(value, bytes | bytearray | memoryview):
        return _bytes(bytes(value[:MAX_BYTES_PREVIEW]), len(value))
    if depth >= MAX_DEPTH:
        return f"<{type(value).__name__}: nested deeper than {MAX_DEPTH}>"
    if id(value) in open_ids:
        return f"<{type(value).__name__}: refers to itself>"
    inner = open_ids | {id(value)}
    if isinstance(value, Mapping):
        return {_key(k): jsonable(v, depth + 1, inner) for k, v in list(value.items())}
    if isinstance(value, Set):
        items = [jsonable(item, depth + 1, inner) for item in list(value)]
        return sorted(items, key=lambda item: (type(item).__name__, str(item)))
    if isinstance(value, Sequence):
        return [jsonable(item, depth + 1, inner) for item in list(value)]
    return _object(value, depth, inner)


def _object(value: Any, depth: int, inner: frozenset[int]) -> Any:
    if isinstance(value, BaseException):
        return {"error_type": type(value).__name__, "message": _text(str(value))}
    dump = getattr(type(value), "model_dump", None)  # pydantic v2
    if callable(dump):
        return jsonable(dump(value), depth + 1, inner)
    try:  # dates, enums, UUIDs, dataclasses and numpy inside a value that made the fast road fail
        return orjson.loads(orjson.dumps(value, option=_OPTIONS))
    except (TypeError, ValueError, RecursionError):
        return _text(repr(value))


def _key(key: object) -> str:
    if isinstance(key, str):
        return _text(key)
    if key is None or isinstance(key, bool | int | float):
        return str(key)
    return _text(str(key))


def _text(text: str) -> str:
    """A lone surrogate cannot be written as UTF-8; DuckDB rejects its escape. It becomes U+FFFD."""
    try:
        text.encode()
        return str(text)
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _bytes(head: bytes, size: int) -> dict[str, Any]:
    return {"base64": base64.b64encode(head).decode(), "size_bytes": size, "truncated": size > len(head)}
