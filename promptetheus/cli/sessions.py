"""List recorded sessions, newest first.

Plain output is one line a session; --long adds status, agent, goal and numbers; --json has everything.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING, Any

from promptetheus.cli.options import add_json, add_spool
from promptetheus.cli.output import out, print_json, say
from promptetheus.display import age, count, duration, money, printable_line

if TYPE_CHECKING:
    from promptetheus.queries.rows import SessionRow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_spool(parser)
    add_json(parser)
    parser.add_argument("--long", "-l", action="store_true", help="status, agent, goal and numbers of each")
    parser.add_argument("--filter", default="", metavar="TEXT", help="e.g. 'status:failed agent:booking dur>2s'")
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="at most so many")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from promptetheus.queries.catalog import Catalog
    from promptetheus.queries.filter import parse_filter

    if not arguments.spool.is_dir():
        if arguments.json:
            print_json({"spool": str(arguments.spool), "sessions": []})
        else:
            out(f"No spool directory at {arguments.spool} — no sessions.")
        return 0
    catalog = Catalog(arguments.spool)
    for _ in catalog.scan():
        pass
    catalog.price_rows()
    wanted = parse_filter(arguments.filter)
    for problem in wanted.problems:
        say(f"filter: {problem}")
    rows = [row for row in catalog.rows() if wanted.matches(row)]
    shown = rows[: arguments.limit] if arguments.limit > 0 else rows
    if arguments.json:
        print_json({"spool": str(arguments.spool), "sessions": [row_as_json(row) for row in shown]})
    elif not rows:
        out(f"No sessions found in {arguments.spool}.")
    else:
        for row in shown:
            out(_long(row) if arguments.long else f"  {printable_line(row.session_id)}: {row.events} event(s)")
    if len(shown) < len(rows):
        say(f"{len(rows) - len(shown)} more; --limit 0 shows all.")
    return 0


def row_as_json(row: SessionRow) -> dict[str, Any]:
    """A session row as data: every field by its name, plus the total of tokens."""
    import dataclasses

    fields = {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    fields["path"] = str(row.path)
    fields["status"] = str(row.status)
    fields["tokens"] = row.tokens
    return fields


def _long(row: SessionRow) -> str:
    started = row.started if row.started is not None else row.mtime
    head = f"{row.status.glyph} {row.status.word:<11}  {printable_line(row.session_id)}"
    facts = [
        age(time.time() - started),
        printable_line(row.agent or "unnamed agent", 40),
        printable_line(row.goal or "no goal", 80),
        f"{duration(row.duration_ms)}  {row.steps} steps  {row.errors} errors"
        f"  {count(row.tokens)} tokens  {money(row.cost_usd)}",
    ]
    if row.label:
        facts.append(f"{row.fingerprint}  {printable_line(row.label, 100)}")
    return head + "".join(f"\n      {fact}" for fact in ("  ".join(facts[:2]), *facts[2:]))
