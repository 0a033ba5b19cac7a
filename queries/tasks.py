"""The sessions that did the task of another one, passed or failed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from promptetheus.cause.baseline import nearest
from promptetheus.cause.noise import DEFAULT_NOISE, Noise
from promptetheus.cause.signatures import Run, make_run
from promptetheus.cause.suspects import SuspectReport, find_suspects
from promptetheus.queries.roots import Roots
from promptetheus.queries.rows import SessionRow, Status
from promptetheus.queries.session_log import SessionLog
from promptetheus.queries.spools import Spools

MAX_SESSIONS = 200
"""Sessions of a task that are read, the newest first."""


MAX_READ_BYTES = 64 << 20
"""Of session files of a group, in one go."""

Told = Callable[[int, int], object]
"""Called before each session that is read, with how many were read and of how many; what it raises ends the work."""


def _nobody(_done: int, _of: int) -> None:
    """Nobody wants to know how far the work is."""


class SameTask(NamedTuple):
    """Sessions of one task and how they were recognised."""

    rows: list[SessionRow]
    by: str
    """`the same agent and goal`, or by what else."""


class Groups(NamedTuple):
    """Failing sessions and passing ones to hold against them."""

    failing: list[SessionRow]
    passing: list[SessionRow]
    by: str
    """What they have in common: `sessions of the same agent and goal`."""


class Chosen(NamedTuple):
    """A session to compare with, and why it."""

    row: SessionRow
    why: str


def all_rows(spools: Roots) -> list[SessionRow]:
    """Every session, newest first; one that lies in two spools is taken from the one named first."""
    found = Spools(spools)
    for _ in found.scan():
        pass
    return found.distinct_rows()[0]


def same_task(row: SessionRow, rows: Iterable[SessionRow]) -> SameTask:
    """The other sessions of the task of `row`: of its agent and goal, else of its goal, else of its task_id."""
    others = [other for other in rows if other.session_id != row.session_id]
    goal = [other for other in others if row.goal and other.goal == row.goal]
    both = [other for other in goal if other.agent == row.agent]
    if both and (len(both) == len(goal) or passed(both)):
        return SameTask(both[:MAX_SESSIONS], "the same agent and goal")
    if goal:
        return SameTask(goal[:MAX_SESSIONS], "the same goal")
    task = row.metadata.get("task_id")
    known = [
        other
        for other in others
        if task is not None and other.metadata.get("task_id") == task and other.project == row.project
    ]
    return SameTask(known[:MAX_SESSIONS], "the same task_id" if known else "the same agent and goal")


def passed(rows: Iterable[SessionRow]) -> list[SessionRow]:
    """Those that met their goal."""
    return [row for row in rows if row.status is Status.PASSED]


def failed(rows: Iterable[SessionRow]) -> list[SessionRow]:
    """Those that failed their goal, ended in an error or crashed."""
    return [row for row in rows if row.status.is_failing]


def ended(rows: Iterable[SessionRow]) -> list[SessionRow]:
    """Sessions that are over: a running one has not failed yet, and has not passed either."""
    return [row for row in rows if row.status not in (Status.RUNNING, Status.EMPTY)]


def groups_of_task(row: SessionRow, rows: Iterable[SessionRow]) -> Groups:
    """The sessions of the task of `row`, itself among them."""
    task = same_task(row, rows)
    every = [row, *task.rows]
    return Groups(failed(every), passed(every), f"sessions of {task.by}")


def groups_of_agent(agent: str, rows: Iterable[SessionRow]) -> Groups:
    """The sessions of an agent, whatever their task: what is particular to one task separates them, too."""
    every = [row for row in rows if row.agent == agent]
    return Groups(failed(every), passed(every), f"all tasks of {agent}")


def groups_of_fingerprint(fingerprint: str, rows: Iterable[SessionRow]) -> Groups:
    """The sessions that failed in this way, and those that passed of the same tasks."""
    rows = list(rows)
    failing = [row for row in rows if row.fingerprint == fingerprint]
    tasks = {(row.agent, row.goal) for row in failing}
    passing = [row for row in passed(rows) if (row.agent, row.goal) in tasks]
    return Groups(
        failing, passing, f"sessions that fail as {fingerprint[:6]}, and passing ones of their tasks"
    )


def suspects_between(
    groups: Groups, limit: int | None = 20, noise: Noise = DEFAULT_NOISE, told: Told = _nobody
) -> SuspectReport:
    """What the failing sessions do and the passing ones do not. Reads up to 200 sessions of each group; the report
    says how many it read."""
    failing, passing = (
        [run for _, run in _read_runs(rows, noise, told)] for rows in (groups.failing, groups.passing)
    )
    return find_suspects(failing, passing, limit)


def nearest_passing(
    row: SessionRow,
    run: Run,
    rows: Sequence[SessionRow],
    noise: Noise = DEFAULT_NOISE,
    told: Told = _nobody,
) -> Chosen | None:
    """The passing session of the task of `row` (whose steps are `run`) with most in common; None when
    no session of that task passed. Reads up to 200 sessions."""
    task = same_task(row, rows)
    runs = _read_runs(passed(task.rows), noise, told)
    choice = nearest(run, [found for _, found in runs])
    if choice is None:
        return None
    why = f"a passing session of {task.by}, {choice.describe(len(runs))}"
    return Chosen(runs[choice.place][0], why)


def _read_runs(
    rows: Sequence[SessionRow], noise: Noise, told: Told = _nobody
) -> list[tuple[SessionRow, Run]]:
    """The first of these sessions, as many as can be read in a few seconds; at least one, however long."""
    found: list[tuple[SessionRow, Run]] = []
    room = MAX_READ_BYTES
    shown = rows[:MAX_SESSIONS]
    for number, row in enumerate(shown):
        told(number, len(shown))
        room -= row.size_bytes
        if found and room < 0:
            break
        run = read_run(row.path, noise)
        if run is not None:
            found.append((row, run))
    return found


def read_run(path: Path, noise: Noise = DEFAULT_NOISE) -> Run | None:
    """A session as a run; None when its file cannot be read any more."""
    log = SessionLog(path)
    try:
        while log.poll().more:
            pass
        return make_run(log.events(), noise)
    except OSError:
        return None
    finally:
        log.close()
