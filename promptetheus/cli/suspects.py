"""What failing sessions do that passing ones of the same task do not.

Give a session, and its task is looked at; or two groups, each with a filter as the sessions list takes it.
Exit code 0: compared; 1: no session, or one of the groups is empty; 2: not understood.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from promptetheus.cli.options import add_json, add_spool
from promptetheus.cli.output import out, print_json, say
XXX
from promptetheus.cli.targets import open_session
from promptetheus.suspects import Suspect, SuspectReport, find_suspects

if TYPE_CHECKING:
    from promptetheus.queries.rows import SessionRow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "session", nargs="?", help="a session of the task: id, the beginning of one, or a file"
    )
    parser.add_argument(
        "--failing", metavar="FILTER", help="the failing group, e.g. 'fp:8ae0' (with --passing)"
    )
    parser.add_argument(
        "--passing", metavar="FILTER", help="the passing group, e.g. 'agent:booking status:passed'"
    )
    parser.add_argument(
        "--limit", type=int, default=10, metavar="N", help="at most so many suspects (default 10)"
    )
    add_spool(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    groups = _by_filter(arguments) if arguments.session is None else _by_task(arguments)
    if isinstance(groups, int):
        return groups
    failing_rows, passing_rows, by = groups
    failing = [run for row in failing_rows[:MAX_SESSIONS] if (run := read_run(row.path)) is not None]
    passing = [run for row in passing_rows[:MAX_SESSIONS] if (run := read_run(row.path)) is not None]
    report = find_suspects(failing, passing, max(1, arguments.limit))
    if arguments.json:
        print_json(_as_json(report, failing_rows, passing_rows, by))
    else:
        out(f"{report.verdict} ({by})" if by else report.verdict)
        for suspect in report.suspects:
            out(_line(suspect))
    return 0 if failing and passing else 1


Groups = tuple[list["SessionRow"], list["SessionRow"], str]


def _by_task(arguments: argparse.Namespace) -> Groups | int:
    log = open_session(arguments.spool, arguments.session)
    if log is None:
        return 1
    row = log.row()
    task = same_task(row, all_rows(arguments.spool))
    rows = [row, *task.rows]
    return failed(rows), passed(rows), f"sessions of {task.by}"


def _by_filter(arguments: argparse.Namespace) -> Groups | int:
    from promptetheus.queries.filter import parse_filter

    if not arguments.failing or not arguments.passing:
        say("promptetheus suspects: name a session, or both --failing and --passing")
        return 2
    filters = parse_filter(arguments.failing), parse_filter(arguments.passing)
    for problem in (*filters[0].problems, *filters[1].problems):
        say(f"filter: {problem}")
    rows = all_rows(arguments.spool)
    failing = [row for row in rows if filters[0].matches(row)]
    taken = {row.session_id for row in failing}
    passing = [row for row in rows if filters[1].matches(row) and row.session_id not in taken]
    return failing, passing, ""


def _line(suspect: Suspect) -> str:
    counts = suspect.counts
    line = (
        f"{suspect.score:.2f}  {suspect.kind.value:<10}  {suspect.text}\n"
        f"      in {counts.failing_with} of {counts.failing} failing, {counts.passing_with} of {counts.passing}"
        f" passing; p {suspect.p:.3g}, corrected {suspect.q:.3g}; {suspect.verdict}"
    )
    return line + (f"\n      the same sessions: {'; '.join(suspect.alike)}" if suspect.alike else "")


def _as_json(
    report: SuspectReport, failing: list[SessionRow], passing: list[SessionRow], by: str
) -> dict[str, object]:
    return {
        "by": by or None,
        "verdict": report.verdict,
        "failing": [row.session_id for row in failing[:MAX_SESSIONS]],
        "passing": [row.session_id for row in passing[:MAX_SESSIONS]],
        "looked_at": report.looked_at,
        "suspects": [
            {
                "kind": suspect.kind.value,
                "text": suspect.text,
                **suspect.counts._asdict(),
                "ochiai": round(suspect.score, 4),
                "p": suspect.p,
                "q": suspect.q,
                "more_sessions": suspect.more_sessions,
                "verdict": suspect.verdict,
                "alike": list(suspect.alike),
            }
            for suspect in report.suspects
        ],
    }
