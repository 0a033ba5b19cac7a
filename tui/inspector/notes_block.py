"""The notes of a spool as the inspector shows them, over the page of the step that they are about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from promptetheus.display import printable
from promptetheus.notes import Note, Subject
from promptetheus.tui.inspector.page import Frame, Line, styled
from promptetheus.tui.project_notes import glyph, notes_of
from promptetheus.tui.wrapping import wrap


@dataclass(slots=True)
class NotesBlock:
    """The notes about a step, over its page in the inspector."""

    notes: Sequence[Note]

    def lines(self, frame: Frame) -> list[Line]:
        """Each with its glyph, wrapped; nothing of them is cut."""
        found: list[Line] = []
        for note in self.notes:
            text = printable(note.text) or "bookmarked"
            for place, line in enumerate(wrap(text, max(4, frame.width - 2), 200).lines):
                mark = f"{glyph(note)} " if place == 0 else "  "
                found.append(
                    Line(styled((mark, frame.looks.accent), (line, frame.looks.strong)), value=note.text)
                )
        return [*found, Line(styled(("", frame.looks.text)))] if found else []


def notes_about(spool: Path, session_id: object, step: int) -> tuple[Note, ...]:
    """The notes about one step; those about the session as a whole stand at its first one."""
    if not isinstance(session_id, str):
        return ()
    notes = notes_of(spool)
    whole = notes.about(Subject(session_id=session_id)) if step == 0 else ()
    return (*whole, *notes.about(Subject(session_id=session_id, step=step)))
