"""Sessions and failures, each as a line of an answer."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from promptetheus.display import age, duration, money, printable_line
from promptetheus.fingerprint import marked_label
from promptetheus.queries.rows import SessionRow
from promptetheus.spool import session_file_stem

if TYPE_CHECKING:
    from promptetheus.cause.failures import Failure


def session_name(session_id: str) -> str:
    """What a session is called in our own words: an id may be any text, the name of its file may not."""
    return session_file_stem(session_id)


def session_facts(row: SessionRow) -> str:
    """How it stands and how much was recorded; nothing of what was recorded."""
    return (
        f"Session {session_name(row.session_id)}: {row.status.word}, {row.steps} steps, {row.events} events, "
        f"{row.errors} errors, {row.failed_checks} failed checks, {duration(row.duration_ms)}."
    )


def step_range(numbers: Collection[int]) -> str:
    """Which steps there are."""
    return f"steps {min(numbers)} to {max(numbers)}" if numbers else "no steps"


def session_line(row: SessionRow, now_s: float) -> str:
    """A session in a list."""
    started = age(max(0.0, now_s - row.started)) if row.started is not None else "–"
    cost = f", {money(row.cost_usd)}" if row.cost_usd else ""
    label = f"; {row.fingerprint} {printable_line(marked_label(row.label), 160)}" if row.fingerprint else ""
    goal = printable_line(row.goal, 120)
    return (
        f"{session_name(row.session_id)}  {row.status.word}  {started}  {printable_line(row.agent, 40)}: {goal} "
        f"({row.steps} steps, {duration(row.duration_ms)}, {row.errors} errors{cost}){label}"
    )


def failure_line(failure: Failure, now_s: float) -> str:
    """A way of failing in a list."""
    last = age(max(0.0, now_s - failure.last_s))
    examples = ", ".join(map(session_name, failure.examples[:2]))
    return (
        f"{failure.fingerprint}  {failure.state}  ×{failure.sessions}  last {last}  "
        f"{printable_line(marked_label(failure.label), 200)}  e.g. {examples}"
    )
