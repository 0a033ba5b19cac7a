"""Compare a session with a baseline.

Exit code 0: no difference, or none that makes it worse; 2: the second session fails where the first did not.
"""

from __future__ import annotations

import argparse

from promptetheus.cli.options import add_json, add_spool
from promptetheus.cli.output import out, print_json
from promptetheus.cli.targets import open_session
from promptetheus.regression import diff_sessions


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("baseline", help="session id, the beginning of one, or a file")
    parser.add_argument("candidate", help="the session to compare with it")
    add_spool(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    baseline = open_session(arguments.spool, arguments.baseline)
    candidate = open_session(arguments.spool, arguments.candidate) if baseline is not None else None
    if baseline is None or candidate is None:
        return 1
    diff = diff_sessions(baseline.events(), candidate.events())
    if arguments.json:
        print_json(
            {
                "baseline": baseline.row().session_id,
                "candidate": candidate.row().session_id,
                "regressed": diff.regressed,
                "changes": [
                    {"step": c.key, "kind": c.kind, "detail": c.detail, "regressed": c.regressed}
                    for c in diff.changes
                ],
            }
        )
    elif not diff.changes:
        out("No differences: the two sessions match.")
    else:
        out(diff.summary())
        out("")
        out("REGRESSED" if diff.regressed else "changed, no regression")
    return 2 if diff.regressed else 0
