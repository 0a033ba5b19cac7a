"""Events too large for a line: their largest values move to artifacts, a reference and a preview stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from promptetheus.encoding import clip

_PREVIEW_CHARACTERS = 2_000
_SMALL_BYTES = 4_096
"""Values below this stay: a reference would not be much shorter."""

Store = Callable[[bytes, str], Mapping[str, Any] | None]
"""Keeps data with a file extension; returns `artifact_id` and `storage_path`, or None when it could not."""


def shrink(parts: list[dict[str, Any]], limit_bytes: int, store: Store) -> None:
    """Change the mappings (payload, metadata) in place so that together they encode to `limit_bytes` or less.

    The largest values go first. Each becomes `{"artifact_id", "storage_path", "size_bytes", "preview",
    "truncated": true}`, without the first two when it could not be stored.
    """
    sizes = {
        (number, key): len(orjson.dumps(item))
        for number, part in enumerate(parts)
        for key, item in part.items()
    }
    excess = sum(sizes.values()) + sum(len(key) + 4 for _, key in sizes) + 16 - limit_bytes
    for (number, key), size in sorted(sizes.items(), key=lambda entry: -entry[1]):
        if excess <= 0 or size <= _SMALL_BYTES:
            break
        reference = _reference(parts[number][key], store)
        parts[number][key] = reference
        excess -= size - len(orjson.dumps(reference))
    if excess > 0:  # thousands of middling values
        for part in parts:
            reference = _reference(dict(part), store)
            part.clear()
            part.update(reference)


def _reference(item: Any, store: Store) -> dict[str, Any]:
    is_text = isinstance(item, str)
    data = item.encode() if is_text else orjson.dumps(item)
    preview = data[: _PREVIEW_CHARACTERS * 4].decode("utf-8", "ignore")
    return {
        **(store(data, "txt" if is_text else "json") or {}),
        "size_bytes": len(data),
        "preview": clip(preview, _PREVIEW_CHARACTERS),
        "truncated": True,
    }
