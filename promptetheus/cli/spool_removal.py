"""`spool purge` and `spool prune`: sessions that go."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from promptetheus.cli.output import out, print_json, say
from promptetheus.display import size

if TYPE_CHECKING:
    from promptetheus.delivery.purge import Purge


def run(arguments: argparse.Namespace) -> int:
    """Run `spool purge` or `spool prune`."""
    return _purge(arguments) if arguments.action == "purge" else _prune(arguments)


def _purge(arguments: argparse.Namespace) -> int:
    from promptetheus.delivery import dead_letters
    from promptetheus.delivery.purge import purge

    spool: Path = arguments.spool
    plan = _plan(spool, arguments.sent, dead_letters.files(spool) if arguments.dead_letter else [])
    kind = "delivered" if arguments.sent else "pending"
    what = f"{len(plan.sessions)} {kind} session(s) with {plan.events} event(s)"
    if plan.dead:
        what += f" and {len(plan.dead)} file(s) of refused events"
    if plan.running:
        say(f"{plan.running} running session(s) stay.")
    if not plan.files:
        return _told(arguments, 0, 0, "Nothing to purge.")
    if not arguments.yes and not _confirmed(f"Delete {what}, {size(plan.size_bytes)}, from {spool}?"):
        return 1
    purge(plan)
    kind = (
        "spool + dead-letter"
        if arguments.dead_letter
        else "sent spool"
        if arguments.sent
        else "pending spool"
    )
    return _told(arguments, plan.files, plan.size_bytes, f"Purged {plan.files} {kind} file(s) from {spool}.")


def _plan(spool: Path, sent: bool, dead: list[Path]) -> Purge:
    from promptetheus.cli.spool import deliveries
    from promptetheus.delivery.purge import plan_purge
    from promptetheus.queries.catalog import Catalog, Status

    catalog = Catalog(spool)
    catalog.refresh()
    rows = catalog.rows()
    running = {row.path.name for row in rows if row.status is Status.RUNNING}
    events = {row.path.name: row.events for row in rows}
    return plan_purge(deliveries(spool), running=running, events=events, sent=sent, dead=dead)


def _confirmed(question: str) -> bool:
    if not sys.stdin.isatty():
        say(f"{question} There is nobody to ask here: say --yes. Nothing was deleted.")
        return False
    try:
        answer = input(f"{question} [y/N] ")
    except EOFError:
        answer = ""
    if answer.strip().lower() in ("y", "yes"):
        return True
    say("Nothing was deleted.")
    return False


def _prune(arguments: argparse.Namespace) -> int:
    from promptetheus.retention import prune
    from promptetheus.settings import get_config

    config = get_config()
    cap = config.spool_max_bytes if arguments.cap is None else arguments.cap
    if cap < 0:
        say("--cap is a number of bytes.")
        return 2
    if not cap:
        return _told(arguments, 0, 0, "The spool has no cap (0): nothing to prune. Say --cap BYTES.")
    pruned = prune(arguments.spool, cap, keep_undelivered=config.api_key is not None)
    text = (
        f"Pruned {pruned.sessions} session(s) and {pruned.artifacts} artifact(s), {size(pruned.size_bytes)}."
    )
    return _told(arguments, pruned.sessions, pruned.size_bytes, text)


def _told(arguments: argparse.Namespace, number: int, size_bytes: int, text: str) -> int:
    if arguments.json:
        print_json({"spool": str(arguments.spool), "deleted": number, "bytes": size_bytes})
    else:
        out(text)
    return 0
