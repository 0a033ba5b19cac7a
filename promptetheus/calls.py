"""What a decorated call looks like in the record: the repr of its arguments, and their values where they are
JSON."""

from __future__ import annotations

from typing import Any, cast

from promptetheus.encoding import clip
from promptetheus.guard import pass_on

REPR_LIMIT = 16_384
"""A repr is kept up to so many characters; the event's metadata then says how long it was."""

VALUE_LIMIT = 16_384
"""Plain values are kept in the metadata while their texts stay below so many characters in all."""

_MAX_DEPTH = 12
_BRACKETS: dict[type[Any], str] = {list: "[]", tuple: "()", set: "{}", dict: "{}"}

Size = dict[str, int]
"""How much there was of a value that was cut: `{"characters": n}`, or `{"items": n}` of a container."""


def name_of(function: Any) -> str:
    """The name of a callable: a function's own, that of the function inside a partial, else its class."""
    inner = function
    while hasattr(inner, "func") and not hasattr(inner, "__name__"):
        inner = inner.func
    name = getattr(inner, "__name__", None)
    return name if isinstance(name, str) else type(function).__name__


def safe_repr(value: object) -> tuple[str, Size | None]:
    """A repr cut to `REPR_LIMIT` characters, and how much there was if it was cut.

    A repr that raises is named, not passed on. A large list is not written out first to be cut then: the cost
    is bounded by the limit.
    """
    try:
        if not _is_small(value):
            return _short_repr(value)
        text = repr(value)
        if len(text) <= REPR_LIMIT:
            return text, None
        return clip(text, REPR_LIMIT), {"characters": len(text)}
    except BaseException as error:
        pass_on(error)
        return f"<{type(value).__name__}: repr failed with {type(error).__name__}>", None


def text_of(value: object) -> str:
    """`str(value)` for what should have been a text, without what makes that dangerous: it may raise, and a list
    that holds itself a thousand times has no end."""
    if type(value) in _BRACKETS:
        return safe_repr(value)[0]
    try:
        return clip(str(value), REPR_LIMIT)
    except BaseException as error:
        pass_on(error)
        return f"<{type(value).__name__}: not readable, {type(error).__name__}>"


def arguments_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """The `arguments` payload of a decorated call, and metadata with the sizes of what was cut."""
    args_text, args_size = safe_repr(args)
    kwargs_text, kwargs_size = safe_repr(kwargs)
    cut = {name: size for name, size in (("args", args_size), ("kwargs", kwargs_size)) if size is not None}
    return {"args": args_text, "kwargs": kwargs_text}, {"truncated": cut} if cut else {}


def parameter_names(function: Any) -> tuple[str, ...]:
    """The positional parameters of a Python function, read from its code; empty for other callables."""
    if isinstance(function, staticmethod | classmethod):
        function = function.__func__
    code = getattr(function, "__code__", None)
    if code is None:
        return ()
    names: tuple[str, ...] = code.co_varnames[: code.co_argcount]
    return names[1:] if getattr(function, "__self__", None) is not None else names


def plain_arguments(
    names: tuple[str, ...], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any] | None:
    """Arguments by parameter name where all of them are JSON already, else None. `self` is left out."""
    if len(args) > len(names):
        return None
    bound = dict(zip(names, args, strict=False))
    bound.update(kwargs)
    for receiver in ("self", "cls"):
        if names[:1] == (receiver,):
            bound.pop(receiver, None)
    return bound if is_plain(bound) else None


def is_plain(value: object) -> bool:
    """Whether a value is made of JSON types only and small enough to be kept beside its repr."""
    return _room_left(value, VALUE_LIMIT, 0) >= 0


def result_metadata(value: object, size: Size | None) -> dict[str, Any]:
    """What the metadata of a result say besides its repr: the value itself, or how much was cut."""
    if size is not None:
        return {"truncated": {"result": size}}
    return {"result": value} if value is not None and is_plain(value) else {}


def _room_left(value: object, room: int, depth: int) -> int:
    kind = type(value)
    if kind is str:
        return room - len(value)  # type: ignore[arg-type]
    if value is None or kind is bool or kind is int or kind is float:
        return room - 8
    if depth >= _MAX_DEPTH:
        return -1
    if kind is list:
        for item in value:  # type: ignore[attr-defined]
            room = _room_left(item, room - 2, depth + 1)
            if room < 0:
                return -1
        return room
    if kind is dict:
        for key, item in value.items():  # type: ignore[attr-defined]
            if type(key) is not str:
                return -1
            room = _room_left(item, room - len(key) - 4, depth + 1)
            if room < 0:
                return -1
        return room
    return -1


def _is_small(value: object) -> bool:
    """Whether the repr of the built-in containers and texts in a value is about as small as the limit."""
    room, pending = REPR_LIMIT, [cast(Any, value)]
    while pending:
        item = pending.pop()
        kind = type(item)
        if kind is str or kind is bytes or kind is bytearray:
            room -= len(item)
        elif kind in _BRACKETS:
            room -= len(item) + 2
            if room < 0:
                return False
            pending += item.values() if kind is dict else item
        else:
            room -= 8
        if room < 0:
            return False
    return True


def _short_repr(value: object) -> tuple[str, Size]:
    text = clip("".join(_pieces(value, REPR_LIMIT + 1, 0)), REPR_LIMIT)
    unit = "characters" if isinstance(value, str | bytes | bytearray) else "items"
    return text, {unit: len(value)}  # type: ignore[arg-type]


def _pieces(value: Any, room: int, depth: int) -> list[str]:
    """The repr of a value in pieces, up to about `room` characters."""
    kind = type(value)
    if kind is str or kind is bytes or kind is bytearray:
        return [repr(value[:room])]
    if kind not in _BRACKETS or depth > 64 or not value:
        return [repr(value) if kind not in _BRACKETS or not value else "…"]
    pieces = [_BRACKETS[kind][0]]
    used = 2
    for item in value.items() if kind is dict else value:
        if used > room:
            pieces.append("…")
            break
        if kind is dict:
            found = [
                *_pieces(item[0], room - used, depth + 1),
                ": ",
                *_pieces(item[1], room - used, depth + 1),
            ]
        else:
            found = _pieces(item, room - used, depth + 1)
        used += sum(map(len, found)) + 2
        pieces += [*found, ", "]
    if pieces[-1] == ", ":
        pieces.pop()
    if kind is tuple and len(value) == 1:
        pieces.append(",")
    return [*pieces, _BRACKETS[kind][1]]
