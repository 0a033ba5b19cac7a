"""A value that was too large for a line of the spool: the event holds its beginning and where the whole was kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

from promptetheus.artifacts import read_artifact
from promptetheus.tui.keymap import with_keys

MAX_OPENED_BYTES = 32 << 20
"""More is not loaded into the terminal; the file itself can be opened elsewhere."""


class StoredValue(NamedTuple):
    """Beginning and whereabouts of a large value."""

    preview: str
    size_bytes: int | None
    storage_path: str
    """Relative to the spool directory; "" when the whole was not kept."""

    @property
    def note(self) -> str:
        """What to say beside the preview."""
        return (
            with_keys("<session.open:o> opens all of it") if self.storage_path else "cut when it was recorded"
        )


def stored_value(thing: object) -> StoredValue | None:
    """`thing` as a reference to a stored value; None for every other value."""
    if not isinstance(thing, dict) or thing.get("truncated") is not True:
        return None
    preview, path, size = thing.get("preview"), thing.get("storage_path"), thing.get("size_bytes")
    if not isinstance(preview, str):
        return None
    return StoredValue(
        preview,
        size if isinstance(size, int) and not isinstance(size, bool) else None,
        path if isinstance(path, str) else "",
    )


def whole_value(stored: StoredValue, spool: Path) -> Any:
    """The whole value, read from the spool. Raises OSError or ValueError when it cannot be read."""
    data = read_artifact(spool, stored.storage_path, MAX_OPENED_BYTES)
    return data.decode(errors="replace")
