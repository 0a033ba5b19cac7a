"""What failing sessions do that passing ones of the same task do not.

Give a session, and its task is looked at; or an agent, a failure by its fingerprint, or two groups, each with a
filter as the sessions list takes it.
Exit code 0: compared; 1: no session, or one of the groups is empty; 2: not understood.
"""

from __future__ import annotations

import argparse
import shlex
from typing import TYPE_CHECKING

from promptetheus.cli.options import a_filter, add_json, add_limit, add_spools, named
from promptetheus.cli.output import out, print_json, quoted, say

if TYPE_CHECKING:
    from promptetheus.cause.suspects import Suspect
    from promptetheus.queries.tasks import Groups


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument(
        "session", nargs="?", help="a session of the task: id, the beginning of one, or a file"
    )
    parser.add_argument("--agent", help="all sessions of this agent")
    parser.add_argument(
        "--fingerprint",
        metavar="ID",
        help="sessions that failed in this way against passing ones of their tasks",
    )
    parser.add_argument(
        "--failing",
        type=a_filter,
        metavar="FILTER",
        help="the failing group, e.g. 'fp:8ae0' (with --passing)",
    )
    parser.add_argument(
        "--passing",
        type=a_filter,
        metavar="FILTER",
        help="the passing group, e.g. 'agent:booking status:passed'",
    )
    add_limit(parser, 10, "suspects")
    add_spools(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    by_filter = arguments.failing is not None or arguments.passing is not None
    ways = [
        arguments.session is not None,
        arguments.agent is not None,
        arguments.fingerprint is not None,
        by_filter,
    ]
    if sum(ways) != 1 or (by_filter and (arguments.failing is None or arguments.passing is None)):
        say(
            "promptetheus suspects: name a session, --agent, --fingerprint, or both --failing and --passing; "
            "one of these"
        )
        return 2
    groups = _by_filter(arguments) if by_filter else _by_name(arguments)
    if isinstance(groups, int):
        return groups
    from promptetheus.project_rules import read_rules
    from promptetheus.queries.tasks import suspects_between

    report = suspects_between(groups, arguments.limit, read_rules(arguments.spools[0]).noise())
    for word, read, rows in (
        ("failing", report.failing, groups.failing),
        ("passing", report.passing, groups.passing),
    ):
        if read < len(rows):
            say(f"Only {read} of {len(rows)} {word} sessions were read, the newest.")
    if arguments.json:
        from promptetheus.exporters.suspect_export import suspects_document

        ids = ([row.session_id for row in rows] for rows in (groups.failing, groups.passing))
        print_json(suspects_document(report, groups.by, *ids))
    else:
        out(f"{report.verdict} ({groups.by})" if groups.by else report.verdict)
        for suspect in report.suspects:
            out(_line(suspect))
    if report.failing and report.passing:
        return 0
    agents = {row.agent for row in (*groups.failing, *groups.passing) if row.agent}
    if arguments.session is not None and len(agents) == 1:
        say(f"All tasks of its agent: promptetheus suspects --agent {shlex.quote(agents.pop())}")
    return 1


def _by_name(arguments: argparse.Namespace) -> Groups | int:
    from promptetheus.cli.fingerprints import whole_fingerprint
    from promptetheus.cli.targets import open_session
    from promptetheus.queries.tasks import all_rows, groups_of_agent, groups_of_fingerprint, groups_of_task

    if arguments.session is not None:
        log = open_session(arguments.spools, arguments.session)
        return 1 if log is None else groups_of_task(log.row(), all_rows(arguments.spools))
    rows = all_rows(arguments.spools)
    if arguments.agent is not None:
        groups = groups_of_agent(arguments.agent, rows)
        if not groups.failing and not groups.passing:
            say(
                f"No session of an agent {quoted(arguments.agent)} has passed or failed in {named(arguments.spools)}."
            )
            return 1
        return groups
    fingerprint = whole_fingerprint(arguments.fingerprint, {row.fingerprint for row in rows})
    return 1 if fingerprint is None else groups_of_fingerprint(fingerprint, rows)


def _by_filter(arguments: argparse.Namespace) -> Groups:
    from promptetheus.queries.tasks import Groups, all_rows

    rows = all_rows(arguments.spools)
    failing = [row for row in rows if arguments.failing.matches(row)]
    taken = {row.session_id for row in failing}
    passing = [row for row in rows if arguments.passing.matches(row) and row.session_id not in taken]
    return Groups(failing, passing, "")


def _line(suspect: Suspect) -> str:
    counts = suspect.counts
    line = (
        f"{suspect.score:.2f}  {suspect.kind.value:<10}  {suspect.text}\n"
        f"      in {counts.failing_with} of {counts.failing} failing, {counts.passing_with} of {counts.passing}"
        f" passing ({100 * suspect.effect:+.0f} points); p {suspect.p:.3g}, corrected {suspect.q:.3g};"
        f" {suspect.verdict}"
    )
    return line + (f"\n      the same sessions: {'; '.join(suspect.alike)}" if suspect.alike else "")
