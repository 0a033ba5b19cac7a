"""What a decorated call looks like in the record: the repr of its arguments and of its result, cut to a limit,
and beside them their values, whole, where they are JSON."""

from __future__ import annotations

from typing import Any, NamedTuple, cast

from promptetheus.encoding import NOT_JSON, as_json, clip
from promptetheus.guard import pass_on

REPR_LIMIT = 16_384
"""A repr is kept up to so many characters; the event's metadata then says how long it was."""

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


def json_or_repr(value: object) -> Any:
    """The value as JSON, or its repr where it is none."""
    plain = as_json(value)
    return safe_repr(value)[0] if plain is NOT_JSON else plain


def arguments_of(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """The `arguments` payload of a decorated call, and metadata with the sizes of what was cut."""
    args_text, args_size = safe_repr(args)
    kwargs_text, kwargs_size = safe_repr(kwargs)
    cut = {name: size for name, size in (("args", args_size), ("kwargs", kwargs_size)) if size is not None}
    return {"args": args_text, "kwargs": kwargs_text}, {"truncated": cut} if cut else {}


class Parameters(NamedTuple):
    """The positional parameters of a Python function."""

    names: tuple[str, ...] = ()
    rest: str | None = None
    """The name of `*args`."""


def parameters_of(function: Any) -> Parameters:
    """The positional parameters of a Python function, read from its code; none of other callables."""
    if isinstance(function, staticmethod | classmethod):
        function = function.__func__
    code = getattr(function, "__code__", None)
    if code is None:
        return Parameters()
    names: tuple[str, ...] = code.co_varnames[: code.co_argcount]
    has_rest = code.co_flags & 0x04  # CO_VARARGS
    rest = code.co_varnames[code.co_argcount + code.co_kwonlyargcount] if has_rest else None
    return Parameters(names[1:] if getattr(function, "__self__", None) is not None else names, rest)


def plain_arguments(
    parameters: Parameters, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> dict[str, Any] | None:
    """By parameter name, the arguments that are JSON; None without names for them. `self` is left out."""
    names, rest = parameters
    if len(args) > len(names) and rest is None:
        return None
    bound = dict(zip(names, args, strict=False))
    if len(args) > len(names) and rest is not None:
        bound[rest] = list(args[len(names) :])
    bound.update(kwargs)
    if names[:1] in (("self",), ("cls",)):
        bound.pop(names[0], None)
    values = {name: as_json(value) for name, value in bound.items()}
    return {name: value for name, value in values.items() if value is not NOT_JSON}


def result_metadata(value: object, size: Size | None) -> dict[str, Any]:
    """What the metadata of a result say besides its repr: the value itself, and how long a repr was that was cut."""
    metadata: dict[str, Any] = {} if size is None else {"truncated": {"result": size}}
    if value is not None:
        plain = as_json(value)
        if plain is not NOT_JSON:
            metadata["result"] = plain
    return metadata


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
