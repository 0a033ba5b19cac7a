"""Search everything that was recorded: messages, arguments, results, errors.

    promptetheus search "no seats left"
    promptetheus search --regex "HTTP 5\\d\\d" --filter status:failed

Hits are printed as they are found, newest session first. Exit code 1 when there are none.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptetheus.cli.options import add_json, add_spools
from promptetheus.cli.output import out, print_json, say
from promptetheus.display import printable_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promptetheus.queries.search import Hit

LIMIT = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("text", metavar="TEXT", help="what to look for, in any case")
    parser.add_argument("--regex", action="store_true", help="TEXT is a regular expression")
    parser.add_argument("--case", action="store_true", help="upper and lower case are different")
    parser.add_argument("--filter", default="", metavar="TEXT", help="only these sessions: 'agent:booking'")
    parser.add_argument(
        "--limit",
        type=int,
        default=LIMIT,
        metavar="N",
        help=f"at most so many hits (default {LIMIT}; 0: all)",
    )
    add_spools(parser)
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from promptetheus.queries.filter import parse_filter
    from promptetheus.queries.needle import BadPattern, Needle

    try:
        needle = Needle(arguments.text, regex=arguments.regex, case=arguments.case)
    except BadPattern as error:
        say(f"promptetheus search: {error}")
        return 2
    only = parse_filter(arguments.filter)
    for problem in only.problems:
        say(f"filter: {problem}")
    shown: list[dict[str, Any]] = []
    count = 0
    more = False
    for hit in _hits(arguments.spools, needle, only):
        if arguments.limit > 0 and count == arguments.limit:
            more = True
            break
        count += 1
        if arguments.json:
            shown.append(_as_json(hit))
        else:
            out(_line(hit))
    if arguments.json:
        print_json({"text": arguments.text, "hits": shown, "truncated": more})
    elif not count:
        say(f"{arguments.text!r} is not in {', '.join(map(str, arguments.spools))}.")
    if more:
        say(f"There are more than {count} hits; --limit 0 shows all.")
    return 0 if count else 1


def _hits(spools: list[Path], needle: Any, only: Any) -> Iterator[Hit]:
    from promptetheus.queries.catalog import Catalog
    from promptetheus.queries.search import search

    for spool in spools:
        yield from search(Catalog(spool), needle, only=only)


def _as_json(hit: Hit) -> dict[str, Any]:
    return {**dataclasses.asdict(hit), "path": str(hit.path)}


def _line(hit: Hit) -> str:
    step = f"step {hit.step}" if hit.step is not None else f"seq {hit.seq}"
    place = f"{printable_line(hit.session_id)}  {step}  {hit.kind or printable_line(hit.type, 40)}"
    field = hit.field.removeprefix("payload.")
    return f"{place}  {printable_line(field, 60)}: {printable_line(hit.snippet)}"
