"""`compare`: two sessions, or the failing and the passing ones of a task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from promptetheus.mcp.answers import Answer, Refused, events_without_secrets
from promptetheus.mcp.lines import session_name
from promptetheus.queries.rows import SessionRow

if TYPE_CHECKING:
    from promptetheus.queries.diffs import ReadSession

MAX_SUSPECTS = 15
MAX_PASSING = 20
"""The newest passing sessions of the task that are looked at for the nearest; as many of the agents for what their
tools do. An agent waits for the answer: `promptetheus diff` looks at 200."""

MAX_BASELINE_BYTES = 4 << 20
"""Sessions larger than this and than 20 times the one in question are not picked: they would take seconds, and have
little in common with it."""


def compare_two(spool: Path, row: SessionRow, other: SessionRow | None, rows: Sequence[SessionRow]) -> Answer:
    """Where a session departs from another one: from the nearest passing one when none is named."""
    from promptetheus.cause.side_by_side_text import banner_lines, number_lines, row_lines
    from promptetheus.cause.signatures import make_run
    from promptetheus.project_rules import read_rules
    from promptetheus.queries.diffs import effects_for, report_on
    from promptetheus.queries.tasks import nearest_passing, passed, same_task

    rules = read_rules(spool)
    noise = rules.noise()
    right = _read(row)
    why = ""
    if other is None:
        limit = max(MAX_BASELINE_BYTES, 20 * row.size_bytes)
        fitting = (each for each in passed(same_task(row, rows).rows) if each.size_bytes <= limit)
        newest = list(islice(fitting, MAX_PASSING))
        chosen = nearest_passing(right.row, make_run(right.events, noise), newest, noise)
        if chosen is None:
            raise Refused(
                "No passing session of the same agent and goal, and of a like length, is there to compare with. "
                "Name one as b, or use outline: it names the likeliest first mistake from the session alone."
            )
        other, why = chosen.row, "the nearest passing session of its task"
    left = _read(other)
    recent = [each for each in rows if each.agent in (left.row.agent, right.row.agent)][:MAX_PASSING]
    effects = effects_for(spool, recent, rules.effects, left, right)
    report = report_on(left, right, noise=noise, effects=effects, chosen=why)
    names = f"{session_name(left.row.session_id)} ({left.row.status.word})"
    facts = [
        f"{session_name(right.row.session_id)} ({right.row.status.word}) held against {names}"
        f"{f', {why}' if why else ''}: {len(report.differences)} of {len(report.rows)} aligned steps differ."
    ]
    lines = [*banner_lines(report), *row_lines(report, None), *number_lines(report)]
    return Answer(facts, lines, "both sessions", right.row.session_id)


def _read(row: SessionRow) -> ReadSession:
    """A session without its secrets: what is shown of it is cut, and half a secret is no longer known as one."""
    from promptetheus.queries.diffs import read_session

    found = read_session(row.path)
    return replace(found, events=events_without_secrets(found.events))


def compare_group(spool: Path, row: SessionRow, rows: Sequence[SessionRow]) -> Answer:
    """What failing sessions of the task do that passing ones do not."""
    from promptetheus.project_rules import read_rules
    from promptetheus.queries.tasks import groups_of_task, suspects_between

    groups = groups_of_task(row, list(rows))
    report = suspects_between(groups, MAX_SUSPECTS, read_rules(spool).noise())
    facts = [
        f"{report.failing} failing against {report.passing} passing sessions of its task. {report.verdict}"
    ]
    lines = [
        f"{suspect.kind.value}: {suspect.text}  "
        f"(in {suspect.counts.failing_with} of {suspect.counts.failing} failing, "
        f"{suspect.counts.passing_with} of {suspect.counts.passing} passing; corrected p {suspect.q:.3g}; "
        f"{suspect.verdict})"
        for suspect in report.suspects
    ]
    return Answer(facts, lines, "sessions of the task", row.session_id)
