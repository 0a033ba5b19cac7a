"""A session as the text of a file, in each of the forms there are, with what a person wrote about it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from promptetheus.events import Event
from promptetheus.exporters.session_document import session_document
from promptetheus.notes import Note, Notes

Form = Literal["json", "md", "html"]


def session_text(form: Form, session_id: str, events: Sequence[Event], spool: Path) -> str:
    """The text. Reads the notes, and for HTML the screenshots, from the spool."""
    notes = session_notes(spool, session_id)
    match form:
        case "json":
            return (
                json.dumps(session_document(session_id, events, notes), indent=2, ensure_ascii=False) + "\n"
            )
        case "md":
            from promptetheus.exporters.markdown_export import session_markdown

            return session_markdown(session_id, events, notes)
        case "html":
            from promptetheus.exporters.session_html import pictures_of, session_html

            return session_html(session_id, events, notes=notes, picture=pictures_of(spool))


def session_notes(spool: Path, session_id: str) -> list[Note]:
    """The notes, marks and bookmarks about a session and its steps."""
    return [note for note in Notes(spool).all() if note.about.session_id == session_id]
