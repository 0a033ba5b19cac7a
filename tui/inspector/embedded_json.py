"""JSON that was recorded as text, as tool results often are, read back so that it can be shown as JSON."""

from __future__ import annotations

import ast
import json
from typing import Any, NamedTuple

MAX_JSON_CHARACTERS = 1 << 20
"""Longer texts are shown as text: reading them would be felt at the keyboard."""

MAX_LITERAL_CHARACTERS = 1 << 15
"""Python's own notation is read thirty times slower than JSON."""


class Embedded(NamedTuple):
    """A value found in a text."""

    value: Any
    note: str
    """How it was written, for people."""


def embedded_json(text: str) -> Embedded | None:
    """The object or list that `text` holds as JSON or as a Python literal; None for anything else."""
    if len(text) > MAX_JSON_CHARACTERS:
        return None
    head, tail = text.lstrip()[:1], text.rstrip()[-1:]
    if (head, tail) not in (("{", "}"), ("[", "]"), ("(", ")")):
        return None
    try:
        found = json.loads(text)
        return Embedded(found, "JSON in a text")
    except (ValueError, RecursionError):
        pass
    if len(text) > MAX_LITERAL_CHARACTERS:
        return None
    try:
        found = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        return None
    if not isinstance(found, dict | list | tuple):
        return None
    return Embedded(_plain(found), "a Python value in a text")


def _plain(found: Any) -> Any:
    """Tuples, sets and bytes as what JSON has for them."""
    if isinstance(found, dict):
        return {str(key): _plain(item) for key, item in found.items()}
    if isinstance(found, list | tuple):
        return [_plain(item) for item in found]
    if isinstance(found, set):
        return sorted((_plain(item) for item in found), key=str)
    if isinstance(found, bytes | complex) or found is Ellipsis:
        return repr(found)
    return found
