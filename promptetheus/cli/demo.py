"""Record a few example runs and open them in the terminal.

Three agents at work, passing and failing: one books the wrong day, one clicks on a page that has moved, one goes
round in circles. It takes seven seconds, needs no key and no network, and sends nothing. One more run goes on
while the terminal is open, so that there is something to watch.
"""

from __future__ import annotations

import argparse
import shlex
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from promptetheus.cli.options import add_json, add_spool
from promptetheus.cli.output import out, print_json, say
from promptetheus.demo.own_spool import DEMO_SPOOL
from promptetheus.display import printable_line

if TYPE_CHECKING:
    from promptetheus.queries.catalog import SessionRow

LIVE_SPEED, LIVE_ROUNDS = 3.5, 8
"""The run that goes on while the terminal is open takes about 20 seconds."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_spool(parser, DEMO_SPOOL)
    parser.add_argument("--no-tui", action="store_true", help="record only, and say what to look at")
    parser.add_argument("--fast", action="store_true", help="record without pauses")
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from promptetheus.demo.record import record_demo

    spool: Path = arguments.spool
    say(f"Recording three agents in {spool}: no key, no network.")
    try:
        session_ids = record_demo(spool, fast=arguments.fast, say=_say_verdict)
    except OSError as error:
        say(f"Cannot record in {spool}: {error.strerror or error}. Name another place with --spool DIR.")
        return 1
    rows = _rows(spool, session_ids)
    if len(rows) < len(session_ids):
        say(f"Only {len(rows)} of {len(session_ids)} runs could be written to {spool}. Is the disk full?")
        return 1
    if arguments.json:
        _print_as_json(spool, rows)
        return 0
    if not arguments.no_tui and _has_terminal():
        code = _open(spool)
        say(f"The runs are in {spool}. To come back: promptetheus tui --spool {shlex.quote(str(spool))}")
        return code
    _print_what_next(spool, rows)
    return 0


def _say_verdict(line: str) -> None:
    width = shutil.get_terminal_size((120, 24)).columns
    say(f"  {printable_line(line, max(width - 3, 40))}")


def _rows(spool: Path, session_ids: list[str]) -> list[SessionRow]:
    from promptetheus.queries.catalog import Catalog

    catalog = Catalog(spool)
    catalog.refresh()
    found = {row.session_id: row for row in catalog.rows()}
    return [found[session_id] for session_id in session_ids if session_id in found]


def _has_terminal() -> bool:
    from promptetheus.tui.launch import has_terminal

    return has_terminal()


def _open(spool: Path) -> int:
    """The terminal on the recorded runs, while one more goes on in a process of its own."""
    from promptetheus.demo.agent_process import AgentProcess
    from promptetheus.demo.coding_agent import Mood
    from promptetheus.demo.own_spool import token_of
    from promptetheus.tui.launch import CannotShow, Target, show

    with AgentProcess(spool, token_of(spool), Mood.LOOPS, speed=LIVE_SPEED, rounds=LIVE_ROUNDS):
        try:
            return show(Target(spool, None))
        except CannotShow as error:
            say(f"promptetheus demo: {error}")
            return 2


def _print_as_json(spool: Path, rows: list[SessionRow]) -> None:
    sessions = [
        {
            "session_id": row.session_id,
            "agent": row.agent,
            "goal": row.goal,
            "status": str(row.status),
            "fingerprint": row.fingerprint or None,
            "label": row.label or None,
            "events": row.events,
        }
        for row in rows
    ]
    print_json({"spool": str(spool), "sessions": sessions})


def _print_what_next(spool: Path, rows: list[SessionRow]) -> None:
    """Commands to copy, for the run that this whole product is about: the wrong day."""
    failed = next(row for row in rows if row.fingerprint and row.failed_checks)
    passed = next(row for row in rows if row.passed_checks and row.goal == failed.goal)
    place = f"--spool {shlex.quote(str(spool))}"
    sql = "select agent, status, count(*) as runs from sessions group by all order by all"
    out(f"{len(rows)} runs of 3 agents are in {spool}. What to look at next:")
    for command, why in (
        (f"promptetheus tui {place}", "all of them, in the terminal"),
        (f"promptetheus sessions {place}", "all of them, as a list"),
        (f"promptetheus replay {failed.session_id} {place}", "the run that booked the wrong day"),
        (f"promptetheus fingerprint {failed.session_id} {place}", "the name of that failure"),
        (f"promptetheus diff {passed.session_id} {failed.session_id} {place}", "a good run, and that one"),
        (f'promptetheus sql "{sql}" {place}', "all of them, counted"),
    ):
        out(f"\n  # {why}\n  {command}")
