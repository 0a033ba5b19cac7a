"""What an import did with a file: for people and for programs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from promptetheus.importers.draft import ImportedRun, Tally
from promptetheus.importers.recording import Outcome, Recorded

MAX_NOTES = 100
"""Records that could not be imported and are named; further ones are counted."""


@dataclass
class FileReport:
    """One file."""

    path: Path
    format: str | None = None
    """None when it is of no format that can be imported."""
    sessions: list[Recorded] = field(default_factory=list)
    problem: str = ""
    """Why the file, or the rest of it, could not be imported; a sentence about `path`."""
    notes: list[str] = field(default_factory=list)
    """Single records that could not be imported."""
    more_notes: int = 0
    adopted_notes: int = 0
    """What a person wrote about the sessions, and came along with them."""
    kept: Tally = field(default_factory=Tally)
    skipped: Tally = field(default_factory=Tally)
    part_of: Path | None = None
    """For a subagent's file: the session's file it was imported with."""
    left_alone: bool = False
    """A file of another kind met in a directory: no problem, it was just not for us."""

    def note(self, words: str) -> None:
        """Remember a record that could not be imported."""
        if len(self.notes) < MAX_NOTES:
            self.notes.append(words)
        else:
            self.more_notes += 1

    def take(self, run: ImportedRun, recorded: Recorded) -> None:
        """Take a run that is in the spool now into account."""
        self.sessions.append(recorded)
        if recorded.outcome is not Outcome.ALREADY_THERE:
            self.kept.merge(run.kept)
        self.skipped.merge(run.skipped)

    @property
    def events(self) -> int:
        """Events written."""
        return sum(recorded.events for recorded in self.sessions)

    def outcomes(self) -> dict[Outcome, int]:
        """How many sessions became of each kind."""
        return Counter(recorded.outcome for recorded in self.sessions)

    def as_json(self) -> dict[str, Any]:
        """The report as data."""
        outcomes = self.outcomes()
        return {
            "path": str(self.path),
            "format": self.format,
            "imported": outcomes.get(Outcome.IMPORTED, 0),
            "appended_to": outcomes.get(Outcome.APPENDED, 0),
            "already_there": outcomes.get(Outcome.ALREADY_THERE, 0),
            "events": self.events,
            "adopted_notes": self.adopted_notes,
            "sessions": [
                {"session_id": r.session_id, "outcome": r.outcome.value, "events": r.events}
                for r in self.sessions
            ],
            "kept_as_metadata": self.kept.counts,
            "skipped": self.skipped.counts,
            "notes": self.notes,
            "more_notes": self.more_notes,
            "problem": self.problem or None,
            "part_of": str(self.part_of) if self.part_of else None,
            "left_alone": self.left_alone,
        }
