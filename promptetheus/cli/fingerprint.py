"""Name the way a session failed: equal failures have equal fingerprints.

Of a session that crashed it says so, and what was open when its process died. Exit code 0: said, failure or not;
1: no such session.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from promptetheus.cause.describe import describe
from promptetheus.cause.steps import Step
from promptetheus.cli.options import add_json, add_spools
from promptetheus.cli.output import out, print_json
from promptetheus.cli.targets import open_session
from promptetheus.display import printable_line
from promptetheus.fingerprint import failure_fingerprint, marked_label

if TYPE_CHECKING:
    from promptetheus.queries.session_log import SessionLog

_OPEN_SHOWN = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("session", help="session id, the beginning of one, or a file")
    add_spools(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from promptetheus.queries.rows import Status

    log = open_session(arguments.spools, arguments.session)
    if log is None:
        return 1
    failure = failure_fingerprint(log.events())
    row = log.row()
    crashed = row.status is Status.CRASHED
    open_steps = [step for step in log.steps if step.open] if crashed else []
    if arguments.json:
        print_json(
            {
                "session_id": row.session_id,
                "status": str(row.status),
                "is_failure": failure.is_failure,
                "fingerprint": failure.fingerprint,
                "label": "crashed" if crashed and not failure.is_failure else failure.label,
                "signals": failure.signals,
                "crashed": crashed,
                "open": [
                    {"step": step.index, "kind": step.kind.value, "name": step.name} for step in open_steps
                ],
            }
        )
        return 0
    if failure.is_failure:
        out(f"{failure.fingerprint}  {printable_line(marked_label(failure.label))}")
        for signal in failure.signals:
            out(f"  - {printable_line(signal)}")
    elif row.status is Status.RUNNING:
        out("No failure detected so far: this session is still running.")
    elif row.status is Status.EMPTY:
        out("No failure detected: this session has no events.")
    elif not crashed:
        out("No failure detected in this session.")
    if crashed:
        _show_crash(log, open_steps, first=not failure.is_failure)
    return 0


def _show_crash(log: SessionLog, open_steps: list[Step], *, first: bool) -> None:
    """Where the process died: in its open calls and spans, or behind its last step."""
    lead = "Crashed" if first else "It also crashed"
    out(f"{lead}: its process ended without closing the session.")
    where = open_steps or log.steps[-1:]
    words = "open then" if open_steps else "last step"
    for step in where[:_OPEN_SHOWN]:
        out(f"  {words}: step {step.index}  {step.kind.value:<9} {describe(step, log.event)}")
    if len(where) > _OPEN_SHOWN:
        out(f"  and {len(where) - _OPEN_SHOWN} more")
