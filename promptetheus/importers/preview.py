"""A value cut to a size: what is kept of a record that no event stands for."""

from __future__ import annotations

from typing import Any

PREVIEW_CHARACTERS = 2_000
"""Default size of a preview."""

_MAX_DEPTH = 8


def preview(value: object, limit: int = PREVIEW_CHARACTERS) -> Any:
    """A copy of a JSON value of about `limit` characters; what was cut ends in `…`.

    The cost is bounded by `limit`, not by the value.
    """
    return _Room(limit).copy(value, 0)


def cut(text: str, limit: int) -> str:
    """The text, or its first `limit` characters and `…`."""
    return text if len(text) <= limit else text[:limit] + "…"


class _Room:
    """How many characters may still be copied."""

    __slots__ = ("left",)

    def __init__(self, limit: int) -> None:
        self.left = limit

    def copy(self, value: object, depth: int) -> Any:
        if isinstance(value, str):
            kept = cut(value, max(0, self.left))
            self.left -= len(kept) + 2
            return kept
        self.left -= 5
        if isinstance(value, dict):
            return self._object(value, depth)
        if isinstance(value, list):
            return self._array(value, depth)
        return value if isinstance(value, bool | int | float | None) else cut(str(value), max(0, self.left))

    def _object(self, value: dict[Any, Any], depth: int) -> Any:
        if depth >= _MAX_DEPTH:
            return "{…}"
        kept: dict[str, Any] = {}
        for key, item in value.items():
            if self.left <= 0:
                kept["…"] = f"{len(value) - len(kept)} more"
                break
            name = cut(str(key), self.left)
            self.left -= len(name) + 3
            kept[name] = self.copy(item, depth + 1)
        return kept

    def _array(self, value: list[Any], depth: int) -> Any:
        if depth >= _MAX_DEPTH:
            return "[…]"
        kept: list[Any] = []
        for item in value:
            if self.left <= 0:
                kept.append(f"… {len(value) - len(kept)} more")
                break
            kept.append(self.copy(item, depth + 1))
        return kept
