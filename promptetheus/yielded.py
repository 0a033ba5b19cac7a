"""What a generator yielded: its first items as they were at that moment, and how many there were in all."""

from __future__ import annotations

from typing import Any

import orjson

from promptetheus.calls import json_or_repr
from promptetheus.encoding import encode_value

MAX_ITEMS = 1_000
"""So many items are kept; further ones are counted."""

MAX_ITEMS_BYTES = 262_144
"""And so many bytes of them, as JSON."""


class Yielded:
    """Collects the items of one run of a generator."""

    def __init__(self) -> None:
        self.count = 0
        self._kept: list[bytes] = []
        self._room = MAX_ITEMS_BYTES
        self._characters: int | None = 0

    def add(self, item: Any) -> None:
        """Take an item: its JSON, or its repr where it is none. Its consumer may change it afterwards."""
        self.count += 1
        if self._characters is not None:
            self._characters = self._characters + len(item) if type(item) is str else None
        if self._room <= 0 or len(self._kept) >= MAX_ITEMS:
            return
        encoded = encode_value(json_or_repr(item))
        self._room -= len(encoded)
        if self._room >= 0:
            self._kept.append(encoded)

    def items(self) -> list[Any]:
        """The items that were kept."""
        kept: list[Any] = orjson.loads(b"[" + b",".join(self._kept) + b"]")
        return kept

    def facts(self, is_closed: bool) -> dict[str, Any]:
        """`count` and `kept` items, `characters` of all where all were texts, and whether the consumer `closed` the
        generator before its end."""
        facts: dict[str, Any] = {"count": self.count, "kept": len(self._kept)}
        if self.count and self._characters is not None:
            facts["characters"] = self._characters
        if is_closed:
            facts["closed"] = True
        return facts
