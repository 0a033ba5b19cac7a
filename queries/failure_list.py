"""The ways in which sessions failed, with what a person noted about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

from promptetheus.cause.deviation import Deviation, Deviations, deviation, deviation_classes
from promptetheus.cause.effects import judge
from promptetheus.cause.failures import Failure, Outcome, failures
from promptetheus.notes import Note, Notes, Subject
from promptetheus.queries.filter_fields import task_id
from promptetheus.queries.project_effects import evidence_of
from promptetheus.queries.roots import Roots, roots_of
from promptetheus.queries.rows import SessionRow
from promptetheus.queries.tasks import MAX_SESSIONS, ended, failed, passed, read_run, same_task

MAX_PASSING = 20
"""Passing sessions of a task that a failing one is held against, the newest first."""


class Task(NamedTuple):
    """What a session was to do."""

    task_id: str
    """Its id in the session's metadata; "" where they name none."""
    goal: str


@dataclass(frozen=True, slots=True)
class ListedFailure:
    """A line of the list."""

    failure: Failure
    notes: tuple[Note, ...]
    tasks: tuple[Task, ...] = ()
    """What the sessions that failed so were to do, each once, that of the newest first: ways of failing that are
    called alike differ in it."""


def outcome_of(row: SessionRow) -> Outcome:
    """How a session ended."""
    return Outcome(row.session_id, _started(row), row.agent, row.goal, row.fingerprint, row.label)


def _started(row: SessionRow) -> float:
    return row.started if row.started is not None else row.mtime


def list_failures(spools: Roots, rows: Iterable[SessionRow]) -> list[ListedFailure]:
    """The failures of these sessions, the one seen last first. Running sessions do not count yet."""
    over = ended(rows)
    tasks = _tasks(over)
    listed = [
        ListedFailure(failure, (), tasks[failure.fingerprint]) for failure in failures(map(outcome_of, over))
    ]
    return with_notes(spools, listed)


def _tasks(rows: Sequence[SessionRow]) -> dict[str, tuple[Task, ...]]:
    """The tasks of each way of failing, by fingerprint."""
    found: dict[str, dict[Task, None]] = {}
    for row in sorted(rows, key=_started, reverse=True):
        if row.fingerprint:
            found.setdefault(row.fingerprint, {})[Task(task_id(row), row.goal)] = None
    return {fingerprint: tuple(tasks) for fingerprint, tasks in found.items()}


def with_notes(spools: Roots, listed: Iterable[ListedFailure]) -> list[ListedFailure]:
    """The same failures with the notes of this moment."""
    kept = [Notes(root) for root in roots_of(spools)]

    def about(failure: Failure) -> tuple[Note, ...]:
        subject = Subject(fingerprint=failure.fingerprint)
        return tuple(note for notes in kept for note in notes.about(subject))

    return [replace(each, notes=about(each.failure)) for each in listed]


def list_deviations(
    spools: Roots, rows: Iterable[SessionRow], corrections: Mapping[str, str] | None = None
) -> Deviations:
    """How the newest failing sessions (200 at most) depart from the passing ones of their tasks.

    Args:
        corrections: tool name to effect, see `project_rules.ProjectRules.effects`.
    """
    rows = ended(rows)
    effects = judge(evidence_of(spools, rows), corrections)
    read = lru_cache(maxsize=4 * MAX_SESSIONS)(read_run)
    found: list[tuple[str, Deviation | None]] = []
    for row in failed(rows)[:MAX_SESSIONS]:
        run = read(row.path)
        if run is not None:
            baselines = passed(same_task(row, rows).rows)[:MAX_PASSING]
            known = [each for other in baselines if (each := read(other.path)) is not None]
            found.append((row.session_id, deviation(run, known, effects)))
    return deviation_classes(found)
