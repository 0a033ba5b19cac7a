"""What a decorated call looks like in the record: the repr of its arguments, and their values where they are
JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

REPR_LIMIT = 16_384
"""A repr is kept up to so many characters; the event's metadata then says how long it was."""

VALUE_LIMIT = 16_384
"""Plain values are kept in the metadata while their texts stay below so many characters in all."""

_MAX_DEPTH = 12


def name_of(function: Any) -> str:
    """The name of a callable: a function's own, that of the function inside a partial, else its class."""
    inner = function
    while hasattr(inner, "func") and not hasattr(inner, "__name__"):
        inner = inner.func
    name = getattr(inner, "__name__", None)
    return name if isinstance(name, str) else type(function).__name__


def safe_repr(value: object) -> tuple[str, int]:
    """A repr cut to `REPR_LIMIT`, and its whole length. A repr that raises is named, not passed on."""
    try:
        text = repr(value)
    except Exception as error:
        text = f"<{type(value).__name__}: repr failed with {type(error).__name__}>"
    size = len(text)
    return (text if size <= REPR_LIMIT else text[:REPR_LIMIT] + "…"), size


def arguments_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """The `arguments` payload of a decorated call, and metadata with the sizes of what was cut."""
    args_text, args_size = safe_repr(args)
    kwargs_text, kwargs_size = safe_repr(kwargs)
    cut = {}
    if args_size > REPR_LIMIT:
        cut["args_characters"] = args_size
    if kwargs_size > REPR_LIMIT:
        cut["kwargs_characters"] = kwargs_size
    return {"args": args_text, "kwargs": kwargs_text}, {"truncated": cut} if cut else {}


def parameter_names(function: Callable[..., Any]) -> tuple[str, ...]:
    """The positional parameters of a Python function, read from its code; empty for other callables."""
    code = getattr(function, "__code__", None)
    return code.co_varnames[: code.co_argcount] if code is not None else ()


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


def _room_left(value: object, room: int, depth: int) -> int:
    kind = type(value)
    if value is None or kind is bool or kind is int or kind is float:
        return room - 8
    if kind is str:
        return room - len(value)  # type: ignore[arg-type]
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
