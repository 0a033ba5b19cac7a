"""Values of foreign files narrowed to the types we need: nothing in such a file has the type it should have."""

from __future__ import annotations

import math
from typing import Any

import orjson

from promptetheus.clock import parse_timestamp

_YEAR_10000_S = 253_402_300_800

MAX_TOKENS = 1 << 53
"""Larger counts are no counts: they would not survive a reader that takes numbers as doubles."""


def mapping(value: object) -> dict[str, Any]:
    """The value if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def items(value: object) -> list[Any]:
    """The value if it is a JSON array, else an empty one."""
    return value if isinstance(value, list) else []


def text(value: object) -> str:
    """The value if it is a string, else ""."""
    return value if isinstance(value, str) else ""


def name(value: object) -> str:
    """A string or an integer as a name; "" for everything else. Task ids are written both ways."""
    if isinstance(value, bool):
        return ""
    return str(value) if isinstance(value, int) else text(value)


def whole(value: object) -> int | None:
    """A count that is not negative, also when it was written as 12.0; None when it is no count."""
    found = number(value)
    if found is None or not 0 <= found < MAX_TOKENS or found != int(found):
        return None
    return int(found)


def number(value: object) -> float | None:
    """A finite number, or None. Booleans are no numbers."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        found = float(value)
    except OverflowError:
        return None
    return found if math.isfinite(found) else None


def moment(value: object) -> float | None:
    """An ISO 8601 time in seconds since 1970; None for what is none, and for years in which no agent ran."""
    found = parse_timestamp(value)
    return found if found is not None and 0 <= found < _YEAR_10000_S else None


def arguments(value: object) -> dict[str, Any]:
    """The arguments of a tool call, which many formats keep as JSON text.

    Text that is no JSON becomes `{"raw": text}`; JSON that is no object becomes `{"value": …}`.
    """
    if isinstance(value, str):
        try:
            value = orjson.loads(value)
        except ValueError:
            return {"raw": value}
    if isinstance(value, dict):
        return value
    return {} if value is None else {"value": value}


def structured(content: object) -> Any:
    """A tool's answer: JSON text of an object or array becomes that, everything else stays as it is.

    Bare numbers and words stay text: "6.0" must not become 6.
    """
    if isinstance(content, str) and content[:1] in ("{", "["):
        try:
            return orjson.loads(content)
        except ValueError:
            return content
    return content
