"""The notes of a spool, and the glyphs by which they are known wherever something that has one is shown."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from promptetheus.notes import Note, NoteKind, Notes

NOTED = "✎"
"""Stands before a note, and before a session that somebody wrote one about."""

BOOKMARK = "◈"


@lru_cache(maxsize=8)
def notes_of(spool: Path) -> Notes:
    """The notes of a spool, read again only when their file changed."""
    return Notes(spool)


def glyph(note: Note) -> str:
    """Tells a note from a bookmark."""
    return NOTED if note.kind is NoteKind.NOTE else BOOKMARK
