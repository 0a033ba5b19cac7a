"""List recorded sessions, newest first.

Plain output is one line a session; --long adds status, agent, goal and numbers; --json has everything.

  promptetheus sessions --filter 'status:failed agent:booking dur>2s' --long
  promptetheus sessions --sort cost:desc --limit 10
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptetheus.cli.options import add_filter, add_json, add_limit, add_spools, named
from promptetheus.cli.output import out, print_json, say
from promptetheus.display import age, count, counted, money, printable_line

if TYPE_CHECKING:
    from promptetheus.queries.ordering import Order
    from promptetheus.queries.rows import SessionRow


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_spools(parser)
    add_json(parser)
    parser.add_argument("--long", "-l", action="store_true", help="status, agent, goal and numbers of each")
    add_filter(parser, "only these: see below")
    parser.add_argument(
        "--sort",
        type=_order,
        metavar="COLUMN[:desc]",
        help="started, ended, status, agent, goal, dur, cost, tokens, steps, errors, score.NAME … (default"
        " started:desc); sessions without a value come last",
    )
    add_limit(parser, None, "sessions")
    parser.add_argument(
        "--cursor",
        "--after",
        dest="cursor",
        metavar="CURSOR",
        help="go on behind a page: what it named as its next_cursor, with the same --sort and --filter",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from promptetheus.queries.ordering import NEWEST_FIRST, in_order
    from promptetheus.queries.paging import BadCursor, page

    spools: list[Path] = arguments.spools
    where = named(spools)
    if not any(spool.is_dir() for spool in spools) and not arguments.json:
        out(f"No spool directory at {where} — no sessions.")
        return 0
    wanted = arguments.filter
    order: Order = arguments.sort or NEWEST_FIRST
    looks_at_cost = arguments.long or arguments.json or order.column == "cost"
    rows = _rows(spools, priced=looks_at_cost or any(term.field == "cost" for term in wanted.terms))
    found = [row for row in rows if wanted.matches(row)]
    if order != NEWEST_FIRST or len(spools) > 1:
        found = in_order(found, order)
    try:
        shown = page(found, arguments.limit, arguments.cursor, order)
    except BadCursor as error:
        say(f"promptetheus sessions: {error}")
        return 2
    if arguments.json:
        print_json(
            {
                "spool": str(spools[0]),
                "spools": [str(spool) for spool in spools],
                "sessions": [row_as_json(row) for row in shown.rows],
                "total": len(found),
                "next_cursor": shown.next_cursor,
            }
        )
    elif not rows:
        out(f"No sessions found in {where}.")
    elif not found:
        out(f"None of {counted(len(rows), 'session')} in {where} fits the filter.")
    else:
        for row in shown.rows:
            out(
                _long(row) if arguments.long else f"  {printable_line(row.session_id)}: {row.events} event(s)"
            )
    if shown.next_cursor is not None and not arguments.json:
        more = f"{len(found) - len(shown.rows)} more" if arguments.cursor is None else "There are more"
        say(f"{more}; --limit all shows all, --cursor {shown.next_cursor} goes on.")
    return 0


def _order(text: str) -> Order:
    from promptetheus.queries.ordering import BadOrder, parse_order

    try:
        return parse_order(text)
    except BadOrder as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _rows(spools: list[Path], *, priced: bool) -> list[SessionRow]:
    """The sessions of all spools, newest first. Prices take 250 ms to load: only where somebody looks at them."""
    from promptetheus.queries.spools import Spools

    found = Spools(spools)
    for _ in found.scan():
        pass
    if priced:
        found.price_rows()
    return found.rows()


def row_as_json(row: SessionRow) -> dict[str, Any]:
    """A session row as data: every field by its name, plus the total of tokens."""
    import dataclasses

    fields = {field.name: getattr(row, field.name) for field in dataclasses.fields(row)}
    fields["path"] = str(row.path)
    fields["status"] = str(row.status)
    fields["tokens"] = row.tokens
    return fields


def _long(row: SessionRow) -> str:
    from promptetheus.fingerprint import marked_label
    from promptetheus.queries.rows import took_text

    now_s = time.time()
    started = row.started if row.started is not None else row.mtime
    head = f"{row.status.glyph} {row.status.word:<11}  {printable_line(row.session_id)}"
    facts = [
        age(now_s - started),
        printable_line(row.agent or "unnamed agent", 40),
        printable_line(row.goal or "no goal", 80),
        f"{took_text(row, now_s)}  {counted(row.steps, 'step')}  {counted(row.errors, 'error')}"
        f"  {count(row.tokens)} tokens  {money(row.cost_usd)}",
    ]
    if row.label:
        facts.append(f"{row.fingerprint}  {printable_line(marked_label(row.label), 100)}")
    return head + "".join(f"\n      {fact}" for fact in ("  ".join(facts[:2]), *facts[2:]))
