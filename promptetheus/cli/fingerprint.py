"""Name the way a session failed: equal failures have equal fingerprints."""

from __future__ import annotations

import argparse

from promptetheus.cli.options import add_json, add_spool
from promptetheus.cli.output import out, print_json
from promptetheus.cli.targets import open_session
from promptetheus.fingerprint import failure_fingerprint


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("session", help="session id, the beginning of one, or a file")
    add_spool(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    log = open_session(arguments.spool, arguments.session)
    if log is None:
        return 1
    failure = failure_fingerprint(log.events())
    if arguments.json:
        print_json(
            {
                "session_id": log.row().session_id,
                "is_failure": failure.is_failure,
                "fingerprint": failure.fingerprint,
                "label": failure.label,
                "signals": failure.signals,
            }
        )
    elif failure.is_failure:
        out(f"{failure.fingerprint}  {failure.label}")
        for signal in failure.signals:
            out(f"  - {signal}")
    else:
        out("No failure detected in this session.")
    return 0
