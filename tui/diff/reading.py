"""Reads two sessions and holds them against each other, for the Diff view. Everything here is for a thread."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import NamedTuple

from promptetheus.cause.diff_report import DiffReport, Side
from promptetheus.cause.effects import Effects
from promptetheus.cause.noise import Noise
from promptetheus.display import short_id
from promptetheus.project_rules import ProjectRules, read_rules
from promptetheus.queries.diffs import ReadSession, compare_pictures, effects_for, read_session, report_on
from promptetheus.queries.rows import SessionRow, Status
from promptetheus.queries.tasks import all_rows, nearest_passing
from promptetheus.tui.garbage import not_looked_for
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.progress import Progress

Stamp = tuple[int, int, int] | None
"""Inode, size and time of a file as it was read; None for one that is gone."""


class CannotCompare(Exception):
    """There is nothing to show; the text says why and what to do."""


class Sides(NamedTuple):
    """Two sessions whose order a person chose: `left` is the baseline."""

    left: Path
    right: Path


@dataclass(frozen=True, slots=True)
class Compared:
    """Two sessions, and what came of holding them against each other."""

    report: DiffReport
    left: ReadSession
    right: ReadSession
    stamps: tuple[Stamp, Stamp]
    """The files as they were just before they were read."""
    problems: tuple[str, ...]
    """What is wrong with the project's rules."""
    evidence: Callable[[], Effects]
    """Reads what other sessions of the project show of the tools; up to a second the first time."""

    def session(self, side: Side) -> ReadSession:
        """The session of a side."""
        return self.left if side is Side.LEFT else self.right

    def with_noise(self, noise: Noise) -> Compared:
        """The same sessions under other rules."""
        return replace(self, report=self.report.with_noise(noise))

    def because(self, chosen: str) -> Compared:
        """With why the left session was picked."""
        return replace(self, report=replace(self.report, chosen=chosen))

    def with_evidence(self) -> Compared:
        """Judged by other sessions too; itself where they tell nothing new."""
        report = self.report.with_effects(self.evidence())
        if report is self.report:
            return self
        # Worked out here, and not in the thread that draws.
        _ = report.banner, report.differences
        return replace(self, report=report)

    def with_pictures(self) -> Compared:
        """With the screenshots of equal steps looked at; some 40 ms a pair."""
        look = partial(compare_pictures, self.left.spool, self.right.spool)
        return replace(self, report=self.report.with_pictures(look))


@not_looked_for()
def read_and_compare(
    spool: Path,
    paths: tuple[Path, ...],
    rows: Sequence[SessionRow] | None,
    noise: Noise | None,
    progress: Progress,
) -> Compared:
    """Compare two sessions, or one with the passing session of its task that has most in common with it.

    Args:
        rows: The spool's sessions, newest first; None to read which there are.
        noise: The rules in force; None for the project's own.

    Raises:
        CannotCompare: with the reason.
        GivenUp: when nobody waits for it any more.
    """
    if rows is None:
        progress.say("reading which sessions there are")
        rows = all_rows(spool)
    rules = read_rules(spool)
    noise = rules.noise() if noise is None else noise
    if len(paths) == 1:
        return _with_nearest(spool, paths[0], rows, rules, noise, progress)
    stamps = stamp_of(paths[0]), stamp_of(paths[1])
    one, other = (_read(path, progress) for path in paths)
    if not isinstance(paths, Sides) and _is_better(other, one):
        one, other, stamps = other, one, stamps[::-1]
    return _compare(spool, one, other, rows, rules, noise, progress, stamps, "")


def stamp_of(path: Path) -> Stamp:
    """A file as it is now."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _is_better(one: ReadSession, other: ReadSession) -> bool:
    """Whether `one` is rather the baseline: of a session that passed and one that did not, that is no question."""
    return one.row.status is Status.PASSED and other.row.status is not Status.PASSED


def _with_nearest(
    spool: Path,
    path: Path,
    rows: Sequence[SessionRow],
    rules: ProjectRules,
    noise: Noise,
    progress: Progress,
) -> Compared:
    stamp = stamp_of(path)
    right = _read(path, progress)
    progress.say("looking for the nearest session that passed")
    told = partial(progress.told, "looking for the nearest session that passed")
    chosen = nearest_passing(right.row, right.run(noise), rows, noise, told)
    if chosen is None:
        raise CannotCompare(
            f"No other session of this task has passed, so there is nothing to hold {short_id(right.row.session_id)} "
            + with_keys(
                "against. In the list of sessions, mark any two with <sessions.mark:space> "
                "and press <sessions.diff:d>."
            )
        )
    left_stamp = stamp_of(chosen.row.path)
    left = _read(chosen.row.path, progress)
    return _compare(spool, left, right, rows, rules, noise, progress, (left_stamp, stamp), chosen.why)


def _read(path: Path, progress: Progress) -> ReadSession:
    name = short_id(path.stem)
    progress.say(f"reading {name}")
    try:
        return read_session(path, lambda events: progress.say(f"reading {name}: {events:,} events"))
    except OSError as error:
        raise CannotCompare(f"{name} cannot be read: {error.strerror or type(error).__name__}.") from None


def _compare(
    spool: Path,
    left: ReadSession,
    right: ReadSession,
    rows: Sequence[SessionRow],
    rules: ProjectRules,
    noise: Noise,
    progress: Progress,
    stamps: tuple[Stamp, Stamp],
    why: str,
) -> Compared:
    progress.say("telling what the tools do to the world")
    judged = partial(effects_for, spool, rows, rules.effects, left, right)
    effects = judged(most_bytes=0)
    progress.say(f"comparing {len(left.events):,} events with {len(right.events):,}")
    report = report_on(left, right, noise=noise, effects=effects, chosen=why)
    progress.say("finding the first difference")
    # Worked out where it is asked for first: here, and not in the thread that draws.
    _ = report.banner, report.differences
    return Compared(report, left, right, stamps, rules.problems, judged)
