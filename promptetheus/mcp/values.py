"""A place in a JSON value, by a path such as `result.items[3].name`."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

_PART = re.compile(r"\.?([^.\[\]]+)|\[(\d+)\]|\[\"([^\"]*)\"\]")


class BadPath(LookupError):
    """The path leads nowhere; the message says where it ends and what is there."""


def value_at(value: Any, path: str) -> Any:
    """The value at a path; a leading `$` or `$.` is allowed. Raises BadPath."""
    rest = path.removeprefix("$").removeprefix(".")
    done = ""
    while rest:
        found = _PART.match(rest)
        if not found:
            raise BadPath(f"The path is not understood at {rest[:40]!r}; write result.items[3].name.")
        name, index, quoted = found.groups()
        value = _child(value, name if name is not None else quoted, index, done)
        done += found[0]
        rest = rest[found.end() :]
    return value


def _child(value: Any, name: str | None, index: str | None, done: str) -> Any:
    where = f"At {done or 'the top'}"
    if isinstance(value, Mapping):
        key = index if name is None else name
        if key in value:
            return value[key]
        raise BadPath(f"{where} there is no {key!r}; there are {len(value)} keys: part='raw' shows them.")
    if isinstance(value, Sequence) and not isinstance(value, str):
        number = index if index is not None else name
        if number is not None and number.isdecimal() and int(number) < len(value):
            return value[int(number)]
        raise BadPath(f"{where} is a list of {len(value)} items, from [0].")
    raise BadPath(f"{where} is a single value.")
