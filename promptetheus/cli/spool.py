"""What is recorded, what was delivered, what was refused: promptetheus spool list.

  list                    pending, sent and dead events of each session
  replay [SESSION…]       send what is pending to the gateway now
  retry [SESSION…]        send again what the gateway refused
  purge [--dead-letter]   delete sessions that were not delivered, after asking
  prune                   delete old sessions until the spool is below its cap, delivered ones first

Exit codes: 0 nothing is pending afterwards (replay, retry) or done; 1 something is left, or it was not possible;
2 the command was not understood.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from promptetheus.cli.options import add_json, add_spool
from promptetheus.cli.output import out, print_json, say
from promptetheus.delivery.overview import SessionDelivery, overview, report, totals
from promptetheus.display import age, printable_line

ACTIONS = ("list", "replay", "retry", "purge", "prune")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("action", choices=ACTIONS, help="what to do, see above")
    parser.add_argument("sessions", nargs="*", metavar="SESSION", help="replay, retry: only these sessions")
    parser.add_argument("--dead-letter", action="store_true", help="purge: the refused events, too")
    parser.add_argument(
        "--sent", action="store_true", help="purge: delivered sessions instead of pending ones"
    )
    parser.add_argument("--yes", "-y", action="store_true", help="purge: do not ask")
    parser.add_argument(
        "--cap", metavar="BYTES", type=int, help="prune: down to so many bytes (default: the setting)"
    )
    add_spool(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    action: str = arguments.action
    if arguments.sessions and action not in ("replay", "retry"):
        say(f"`spool {action}` takes no session.")
        return 2
    if not arguments.spool.is_dir():
        return _no_spool(arguments)
    if action == "list":
        return _list(arguments.spool, arguments.json)
    if action in ("replay", "retry"):
        from promptetheus.cli import spool_delivery

        return spool_delivery.run(arguments)
    from promptetheus.cli import spool_removal

    return spool_removal.run(arguments)


def _no_spool(arguments: argparse.Namespace) -> int:
    nothing = {"list": "nothing pending", "replay": "nothing to replay", "retry": "nothing to retry"}
    what = nothing.get(arguments.action, f"nothing to {arguments.action}")
    if arguments.json:
        print_json({"spool": str(arguments.spool), "exists": False, "sessions": []})
    else:
        out(f"No spool directory at {arguments.spool} — {what}.")
    return 0


def deliveries(spool: Path) -> list[SessionDelivery]:
    """How far each session of the spool is, with the number of events from the catalog."""
    from promptetheus.queries.catalog import Catalog

    catalog = Catalog(spool)
    catalog.refresh()
    events = {row.path.name: row.events for row in catalog.rows()}
    return list(overview(spool, lambda path: events.get(path.name)))


def _list(spool: Path, as_json: bool) -> int:
    from promptetheus.delivery import dead_letters

    found = deliveries(spool)
    pending = [entry for entry in found if entry.pending_bytes]
    sent = [entry for entry in found if not entry.pending_bytes and entry.is_meant]
    dead = dead_letters.files(spool)
    sums = totals(spool, found)
    if as_json:
        print_json(report(spool, found))
        return 0
    out(f"Spool: {spool}")
    out(
        f"  pending : {sums.pending_events} event(s) across {sums.pending_sessions} session file(s), "
        f"{sums.pending_bytes} bytes"
    )
    if sent or sums.sent_events:
        out(f"  sent    : {sums.sent_events} event(s), {len(sent)} session(s) as a whole")
    dead_bytes = sum(path.stat().st_size for path in dead)
    out(f"  dead    : {sums.dead_events} event(s) across {len(dead)} file(s), {dead_bytes} bytes")
    for entry in pending:
        out(f"    {printable_line(entry.stem)}: {entry.pending_events} pending{_trouble(entry)}")
    if dead:
        say("Refused events can be sent again: promptetheus spool retry")
    return 0


def _trouble(entry: SessionDelivery) -> str:
    if not entry.last_error:
        return ""
    import time

    when = "" if entry.failed_at is None else f" {age(max(0.0, time.time() - entry.failed_at))}"
    return f" (failed{when}: {printable_line(entry.last_error, 160)})"
