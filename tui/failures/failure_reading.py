"""Reads the failures of a spool for the Failures view, again whenever a session ends. For a thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import is_
from pathlib import Path

from promptetheus.notes import Notes
from promptetheus.queries.failure_list import ListedFailure, list_failures
from promptetheus.queries.filter import Filter
from promptetheus.queries.rows import SessionRow, Status
from promptetheus.queries.tasks import ended
from promptetheus.tui.diff.reading import Stamp, stamp_of
from promptetheus.tui.state_field import StateFilter


@dataclass(frozen=True, slots=True)
class ReadFailures:
    """The failures, and what they were read from."""

    failures: Sequence[ListedFailure]
    sessions: Sequence[SessionRow]
    """The sessions that have ended, newest first."""
    notes: Stamp
    """The file of notes as it was."""
    shortest: Mapping[str, SessionRow]
    """Of those that failed in each way, by fingerprint, the one that is read most quickly."""
    other_numbers: str = ""
    """See `why_other_numbers`."""

    def of(self, fingerprint: str) -> list[SessionRow]:
        """The sessions that failed in this way, the newest first."""
        return [row for row in self.sessions if row.fingerprint == fingerprint]

    def matching(self, wanted: StateFilter) -> list[ListedFailure]:
        """Those in the state asked for of which a session matches. Words may stand in what is said of the failure,
        too: its notes, `new`."""
        if not wanted.narrows:
            return list(self.failures)
        sessions: dict[str, list[SessionRow]] = {}
        for row in self.sessions:
            if row.fingerprint:
                sessions.setdefault(row.fingerprint, []).append(row)
        return [each for each in self.failures if _fits(each, sessions[each.failure.fingerprint], wanted)]


NOTHING = ReadFailures((), (), None, {})


def _fits(listed: ListedFailure, sessions: Sequence[SessionRow], wanted: StateFilter) -> bool:
    if not wanted.lets_through(listed.failure.life.value):
        return False
    own = _words(listed).casefold()
    said = [term for term in wanted.others if not term.field and term.value.casefold() in own]
    if any(term.negated for term in said):
        return False
    rest = Filter("", tuple(term for term in wanted.others if term not in said), ())
    return any(map(rest.matches, sessions))


def _words(listed: ListedFailure) -> str:
    failure = listed.failure
    notes = " ".join(note.text for note in listed.notes)
    return f"{failure.fingerprint} {failure.state} {failure.label} {notes}"


def why_other_numbers(ended_sessions: Sequence[SessionRow]) -> str:
    """Why as many sessions as have a way of failing are not as many as are failing; "" where they are.

    `, 11 of them passed`: something failed in them, and they reached their goal. ` · 1 more crashed`: nothing says
    as what it failed.
    """
    well = Counter(row.status.word for row in ended_sessions if row.fingerprint and not row.status.is_failing)
    untold = Counter(
        row.status.word for row in ended_sessions if row.status.is_failing and not row.fingerprint
    )
    said = f", {well.total():,} of them {' or '.join(sorted(well, reverse=True))}" if well else ""
    if untold:
        how = "crashed" if set(untold) == {Status.CRASHED.word} else "do not say how"
        said += f" · {untold.total():,} more {how}"
    return said


def read_failures(spool: Path, rows: Sequence[SessionRow], before: ReadFailures) -> ReadFailures:
    """The failures of these sessions; `before` itself when nothing that matters has changed since."""
    over = ended(rows)
    notes = stamp_of(Notes(spool).path)
    # A row is another object as soon as anything about its session is different.
    same = len(over) == len(before.sessions) and all(map(is_, over, before.sessions))
    if same and notes == before.notes:
        return before
    return ReadFailures(list_failures(spool, over), over, notes, _shortest(over), why_other_numbers(over))


def _shortest(rows: Sequence[SessionRow]) -> dict[str, SessionRow]:
    found: dict[str, SessionRow] = {}
    for row in rows:
        if row.fingerprint and (
            row.fingerprint not in found or row.size_bytes < found[row.fingerprint].size_bytes
        ):
            found[row.fingerprint] = row
    return found
