"""Compares failing with passing sessions for the Suspects view, again when the groups change. For a thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from operator import is_
from pathlib import Path

from promptetheus.cause.suspects import SuspectReport
from promptetheus.display import short_id
from promptetheus.project_rules import read_rules
from promptetheus.queries.rows import SessionRow
from promptetheus.queries.tasks import (
    Groups,
    all_rows,
    ended,
    groups_of_fingerprint,
    groups_of_task,
    suspects_between,
)
from promptetheus.tui.progress import Progress

MOST_SUSPECTS = 200


@dataclass(frozen=True, slots=True)
class FoundSuspects:
    """What came of comparing two groups."""

    groups: Groups
    report: SuspectReport

    @property
    def ids(self) -> tuple[list[str], list[str]]:
        """The sessions that were read: failing, passing; the newest first."""
        report, groups = self.report, self.groups
        return (
            [row.session_id for row in groups.failing[: report.failing]],
            [row.session_id for row in groups.passing[: report.passing]],
        )

    @property
    def verdict(self) -> str:
        """What the comparison says, and of how many sessions it could not speak."""
        report, groups = self.report, self.groups
        said = report.verdict
        if not report.passing:
            said += " No session of this task has passed yet."
        elif not report.failing:
            said += " No session of this task has failed."
        cut = [
            f"{read:,} of {len(rows):,} {word}"
            for word, read, rows in (
                ("failing", report.failing, groups.failing),
                ("passing", report.passing, groups.passing),
            )
            if read < len(rows)
        ]
        return f"{said} Read: {' and '.join(cut)}, the newest." if cut else said


class NoGroups(Exception):
    """There is nothing to compare; the text says why."""


def find_suspects_of(
    spool: Path,
    about: Path | str,
    rows: Sequence[SessionRow] | None,
    before: FoundSuspects | None,
    progress: Progress,
) -> FoundSuspects:
    """Compare the failing with the passing sessions; `before` itself when the groups are as they were.

    Raises:
        NoGroups: when the session is gone.
        GivenUp: when nobody waits for it any more.
    """
    if rows is None:
        progress.say("reading which sessions there are")
        rows = all_rows(spool)
    over = ended(rows)
    if isinstance(about, str):
        groups = groups_of_fingerprint(about, over)
    else:
        row = next((row for row in rows if row.path == about), None)
        if row is None:
            raise NoGroups(f"{short_id(about.stem)} is not in the spool any more.")
        groups = groups_of_task(row, over)
    if (
        before is not None
        and _same(groups.failing, before.groups.failing)
        and _same(groups.passing, before.groups.passing)
    ):
        return before
    noise = read_rules(spool).noise()
    told = partial(progress.told, "reading sessions")
    return FoundSuspects(groups, suspects_between(groups, MOST_SUSPECTS, noise, told))


def _same(one: Sequence[SessionRow], other: Sequence[SessionRow]) -> bool:
    return len(one) == len(other) and all(map(is_, one, other))
