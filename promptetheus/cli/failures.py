"""List the ways in which sessions failed, the one seen last first: new, recurring, gone or back.

Exit code 0.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from promptetheus.cli.options import add_json, add_spool
from promptetheus.cli.output import out, print_json, say
from promptetheus.display import age, printable_line, short_id
from promptetheus.failures import Failure, Outcome, failures

if TYPE_CHECKING:
    from promptetheus.queries.rows import SessionRow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="at most so many")
    add_spool(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    import dataclasses

    from promptetheus.cli.passing import all_rows

    found = failures(map(outcome_of, ended(all_rows(arguments.spool))))
    shown = found[: arguments.limit] if arguments.limit > 0 else found
    if arguments.json:
        print_json({"spool": str(arguments.spool), "failures": [dataclasses.asdict(each) for each in shown]})
    elif not found:
        out(f"No failures in {arguments.spool}.")
    else:
        for failure in shown:
            out(_text(failure))
    if len(shown) < len(found):
        say(f"{len(found) - len(shown)} more; --limit 0 shows all.")
    return 0


def ended(rows: list[SessionRow]) -> list[SessionRow]:
    """Sessions that are over: a running one has not failed yet, and has not passed either."""
    from promptetheus.queries.rows import Status

    return [row for row in rows if row.status not in (Status.RUNNING, Status.EMPTY)]


def outcome_of(row: SessionRow) -> Outcome:
    """How a session ended."""
    started = row.started if row.started is not None else row.mtime
    return Outcome(row.session_id, started, row.agent, row.goal, row.fingerprint, row.label)


def _text(failure: Failure) -> str:
    times = f"{failure.sessions} session{'s' if failure.sessions != 1 else ''}"
    agents = ", ".join(printable_line(agent or "unnamed agent", 40) for agent in failure.agents[:3])
    silence = f", {failure.since} of its tasks since" if failure.since else ""
    seen = f"first {age(time.time() - failure.first_s)}, last {age(time.time() - failure.last_s)}{silence}"
    examples = " ".join(short_id(session_id) for session_id in failure.examples)
    return (
        f"{failure.fingerprint}  {failure.life.value:<9}  {printable_line(failure.label, 100)}\n"
        f"      {times}  {agents}  {seen}\n      {examples}"
    )
