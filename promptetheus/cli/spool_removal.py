"""`spool purge` and `spool prune`: sessions that go."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from promptetheus.cli.output import out, print_json, say
from promptetheus.display import size


def run(arguments: argparse.Namespace) -> int:
    """Run `spool purge` or `spool prune`."""
    return _purge(arguments) if arguments.action == "purge" else _prune(arguments)


def _purge(arguments: argparse.Namespace) -> int:
    from promptetheus.delivery import dead_letters

    spool: Path = arguments.spool
    sessions, running, events = _sessions(spool, arguments.sent)
    dead = dead_letters.files(spool) if arguments.dead_letter else []
    total_bytes = sum(path.stat().st_size for path in [*sessions, *dead])
    what = f"{len(sessions)} {'delivered' if arguments.sent else 'pending'} session(s) with {events} event(s)"
    if dead:
        what += f" and {len(dead)} file(s) of refused events"
    if running:
        say(f"{running} running session(s) stay.")
    if not sessions and not dead:
        return _told(arguments, 0, 0, "Nothing to purge.")
    if not arguments.yes and not _confirmed(f"Delete {what}, {size(total_bytes)}, from {spool}?"):
        return 1
    for path in sessions:
        path.unlink(missing_ok=True)
        path.with_name(path.name.removesuffix(".jsonl") + ".delivery.json").unlink(missing_ok=True)
    for path in dead:
        path.unlink(missing_ok=True)
    number = len(sessions) + len(dead)
    kind = (
        "spool + dead-letter"
        if arguments.dead_letter
        else "sent spool"
        if arguments.sent
        else "pending spool"
    )
    return _told(arguments, number, total_bytes, f"Purged {number} {kind} file(s) from {spool}.")


def _sessions(spool: Path, sent: bool) -> tuple[list[Path], int, int]:
    """The files to delete, how many running sessions stay, and how many events the files have."""
    from promptetheus.cli.spool import deliveries
    from promptetheus.queries.catalog import Catalog, Status

    catalog = Catalog(spool)
    catalog.refresh()
    rows = {row.path.name: row for row in catalog.rows()}
    chosen: list[Path] = []
    running = events = 0
    for entry in deliveries(spool):
        if bool(entry.pending_bytes) is sent:
            continue
        row = rows.get(entry.session_file.name)
        if row is not None and row.status is Status.RUNNING:
            running += 1
            continue
        chosen.append(entry.session_file)
        events += row.events if row is not None else 0
    return chosen, running, events


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
