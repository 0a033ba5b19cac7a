"""Say whether a failure is gone, as far as the sessions show.

Compared are the sessions of the tasks in which it was seen: those before --since with those after. Without --since
the silence since it was last seen is judged.
Exit code 0: gone; 1: still there, or no such fingerprint; 2: not understood; 3: not enough sessions yet.
"""

from __future__ import annotations

import argparse

from promptetheus.cause.verification import Standing, Verification
from promptetheus.cli.fingerprints import whole_fingerprint
from promptetheus.cli.options import a_filter, add_json, add_spools
from promptetheus.cli.output import out, print_json, quoted, say
from promptetheus.display import printable_line
from promptetheus.fingerprint import marked_label

_EXIT = {Standing.GONE: 0, Standing.STILL_THERE: 1, Standing.NOT_ENOUGH: 3}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("fingerprint", help="of the failure, or the beginning of it")
    when = parser.add_mutually_exclusive_group()
    when.add_argument(
        "--since", metavar="TIME", help="when it was mended: 2026-11-22 or 2026-11-22T07:04:12Z"
    )
    when.add_argument(
        "--sessions", type=a_filter, metavar="FILTER", help="which sessions ran with the fix, e.g. tag:fixed"
    )
    add_spools(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from promptetheus.clock import parse_timestamp
    from promptetheus.queries.fix_check import check_fix
    from promptetheus.queries.tasks import all_rows, ended

    since = None
    if arguments.since is not None:
        text = arguments.since if "T" in arguments.since else f"{arguments.since}T00:00:00Z"
        since = parse_timestamp(text)
        if since is None:
            say(
                f"promptetheus verify: {quoted(arguments.since)} is no time; write 2026-11-22 or 2026-11-22T07:04:12Z"
            )
            return 2
    rows = all_rows(arguments.spools)
    fingerprint = whole_fingerprint(arguments.fingerprint, (row.fingerprint for row in ended(rows)))
    if fingerprint is None:
        return 1
    found = check_fix(rows, fingerprint, since_s=since, fixed=arguments.sessions)
    _show(arguments.json, fingerprint, found.verification, found.new)
    return _EXIT[found.verification.standing]


def _show(as_json: bool, fingerprint: str, found: Verification, new: dict[str, str]) -> None:
    if as_json:
        print_json(
            {
                "fingerprint": fingerprint,
                "standing": found.standing.value,
                "before": {"with": found.before_with, "sessions": found.before},
                "after": {"with": found.after_with, "sessions": found.after},
                "needed": found.needed,
                "rate_interval": list(found.interval),
                "new_fingerprints": sorted(new),
                "text": found.describe(),
            }
        )
        return
    out(f"{printable_line(fingerprint, 40)}  {found.describe()}")
    for other, label in sorted(new.items()):
        out(f"New since: {printable_line(other, 40)}  {printable_line(marked_label(label), 100)}")
