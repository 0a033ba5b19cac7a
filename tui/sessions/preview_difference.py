"""Where a failing session parts from one that passed, in few lines for the preview. Reads sessions: for a thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from promptetheus.display import printable_line, short_id
from promptetheus.queries.rows import SessionRow, Status
from promptetheus.tui.sessions.session_cells import newest

MOST_PASSING = 6
"""Sessions that passed and are held against it; the Diff view looks at more."""

_LEAST_VALUES = 60
"""Characters for the two values that differ: both are in sight on a narrow screen, too."""

_BEFORE_VALUES = 60
"""Cells of a line that say what differs, and where in it: the rest is for the two values."""

MOST_EVENTS = 3_000
"""Longer sessions are left to the Diff view."""


def passing_like(row: SessionRow, rows: Sequence[SessionRow]) -> list[SessionRow]:
    """The newest sessions of the same agent and goal that passed."""
    alike = [
        other
        for other in rows
        if other.status is Status.PASSED
        and other.goal == row.goal
        and other.agent == row.agent
        and other.events <= MOST_EVENTS
    ]
    return sorted(alike, key=newest, reverse=True)[:MOST_PASSING]


def difference(
    row: SessionRow, rows: Sequence[SessionRow], given_up: Callable[[], bool], width: int
) -> tuple[str, ...]:
    """Up to three printable lines; none when nothing can be said, or nobody waits for it any more.

    Args:
        rows: All sessions, in any order.
        width: Cells of a line of the preview.
    """
    # None of this is needed before the first frame.
    from promptetheus.cause.diff_report import Side
    from promptetheus.cause.effects import evidence_in, judge
    from promptetheus.cause.noise import DEFAULT_NOISE
    from promptetheus.cause.signatures import make_run
    from promptetheus.queries.diffs import read_session, report_on
    from promptetheus.queries.tasks import nearest_passing

    passing = passing_like(row, rows) if row.events <= MOST_EVENTS else []
    if not passing:
        return ()
    try:
        right = read_session(row.path)
        run = make_run(right.events)
        chosen = None if given_up() else nearest_passing(row, run, passing)
        if chosen is None or given_up():
            return ()
        left = read_session(chosen.row.path)
    except OSError:
        return ()
    effects = judge([evidence_in(run), evidence_in(make_run(left.events))], {})
    report = report_on(left, right, noise=DEFAULT_NOISE, effects=effects)
    banner = report.banner
    that = f"the passing session {short_id(chosen.row.session_id)}"
    if banner.not_comparable:
        return (f"Has too little in common with {that} to say where they part.",)
    place = banner.first_row if banner.first_row is not None else banner.effective_row
    if place is None:
        return (f"Does nothing otherwise than {that}.",)
    mine, theirs = report.cell(place, Side.RIGHT), report.cell(place, Side.LEFT)
    if mine is None and theirs is not None:
        return (f"First differs from {that}, which has a step that is missing here:", theirs.text)
    if mine is None:
        return ()
    if theirs is None:
        return (f"First differs from {that} at step {mine.number}, which that one does not have:", mine.text)
    said = f"First differs from {that} at step {mine.number}:"
    found = report.comparison.first
    if found is not None and found.changes and place == banner.first_row:
        # In the words of the banner of the Diff view: of two long lines one would have to find it.
        name = printable_line(found.name, 80) or "message"
        values = max(_LEAST_VALUES, width - _BEFORE_VALUES)
        return said, f"{name}, {found.kind.value}: {report.changed_value(found, values)}"
    return said, f"here   {mine.text}", f"there  {theirs.text}"
