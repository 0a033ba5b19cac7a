"""List recorded sessions, newest first.

Plain output is one line a session; --long adds status, agent, goal and numbers; --json has everything.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptetheus.cli.options import add_json, add_spools
from promptetheus.cli.output import out, print_json, say
from promptetheus.display import age, count, duration, money, printable_line

if TYPE_CHECKING:
    from promptetheus.queries.rows import SessionRow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_spools(parser)
    add_json(parser)
    parser.add_argument("--long", "-l", action="store_true", help="status, agent, goal and numbers of each")
    parser.add_argument(
        "--filter", default="", metavar="TEXT", help="e.g. 'status:failed agent:booking dur>2s'"
    )
    parser.add_argument("--limit", type=int, default=0, metavar="N", help="at most so many")
    parser.add_argument(
        "--after", metavar="CURSOR", help="continue behind a page; --json has its next_cursor"
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from promptetheus.queries.filter import parse_filter
    from promptetheus.queries.paging import BadCursor, page

    spools: list[Path] = arguments.spools
    named = ", ".join(map(str, spools))
    if not any(spool.is_dir() for spool in spools) and not arguments.json:
        out(f"No spool directory at {named} — no sessions.")
        return 0
    wanted = parse_filter(arguments.filter)
    for problem in wanted.problems:
        say(f"filter: {problem}")
    rows = _rows(spools, priced=arguments.long or arguments.json or bool(wanted))
    found = [row for row in rows if wanted.matches(row)]
    try:
        shown = page(found, arguments.limit, arguments.after)
    except BadCursor as error:
        say(f"promptetheus sessions: {error}")
        return 2
    if arguments.json:
        print_json(
            {
                "spool": str(spools[0]),
                "spools": [str(spool) for spool in spools],
                "sessions": [row_as_json(row) for row in shown.rows],
                "next_cursor": shown.next_cursor,
            }
        )
    elif not found:
        out(f"No sessions found in {named}.")
    else:
        for row in shown.rows:
            out(
                _long(row) if arguments.long else f"  {printable_line(row.session_id)}: {row.events} event(s)"
            )
    if shown.next_cursor is not None and not arguments.json:
        more = len(found) - len(shown.rows) if arguments.after is None else None
        say(
            f"{'' if more is None else f'{more} '}more; --limit 0 shows all, --after {shown.next_cursor} goes on."
        )
    return 0


def _rows(spools: list[Path], *, priced: bool) -> list[SessionRow]:
    """The sessions of all spools, newest first. Prices take 250 ms to load: only where somebody looks at them."""
    from promptetheus.queries.catalog import Catalog
    from promptetheus.queries.paging import newest_first

    rows: list[SessionRow] = []
    for spool in spools:
        catalog = Catalog(spool)
        for _ in catalog.scan():
            pass
        if priced:
            catalog.price_rows()
        rows += catalog.rows()
    return rows if len(spools) == 1 else sorted(rows, key=newest_first)


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
