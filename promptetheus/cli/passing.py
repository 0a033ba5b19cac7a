"""The sessions of a spool that did the task of another one, passed or failed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from promptetheus.signatures import Run, make_run

if TYPE_CHECKING:
    from promptetheus.queries.rows import SessionRow

MAX_SESSIONS = 200
"""Sessions of a task that are read, the newest first."""


class SameTask(NamedTuple):
    """Sessions of one task and how they were recognised."""

    rows: list[SessionRow]
    by: str
    """`the same agent and goal`, or by what else."""


def all_rows(spool: Path) -> list[SessionRow]:
    """Every session of the spool, newest first."""
    from promptetheus.queries.catalog import Catalog

    catalog = Catalog(spool)
    for _ in catalog.scan():
        pass
    return catalog.rows()


def same_task(row: SessionRow, rows: list[SessionRow]) -> SameTask:
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
    return SameTask(known[:MAX_SESSIONS], "the same task_id")


def passed(rows: list[SessionRow]) -> list[SessionRow]:
    """Those that met their goal."""
    from promptetheus.queries.rows import Status

    return [row for row in rows if row.status is Status.PASSED]


def failed(rows: list[SessionRow]) -> list[SessionRow]:
    """Those that failed their goal, ended in an error or crashed."""
    return [row for row in rows if row.status.is_failing]


def read_run(path: Path) -> Run | None:
    """A session as a run; None when its file cannot be read any more."""
    from promptetheus.queries.session_log import SessionLog

    log = SessionLog(path)
    try:
        while log.poll().more:
            pass
        return make_run(log.events())
    except OSError:
        return None
    finally:
        log.close()
