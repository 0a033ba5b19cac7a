"""Search everything that was recorded: messages, arguments, results, errors.

    promptetheus search "no seats left"
    promptetheus search --regex "HTTP 5\\d\\d" --filter status:failed

Hits are printed as they are found, newest session first. --jsonl prints each at once as a line of JSON: session_id,
path, number (of the event), seq, type, step, kind, field, snippet, and where in the snippet the text starts and ends.
--json prints one object when all is found: the list of these as `hits`, and as `truncated` whether --limit left some
out.
Exit code 0: found; 1: not found, or given up; 2: not understood.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from typing import TYPE_CHECKING, Any

from promptetheus.cli.options import add_filter, add_limit, add_spools, named
from promptetheus.cli.output import out, print_json, quoted, say
from promptetheus.display import printable_line

if TYPE_CHECKING:
    from promptetheus.queries.search import Hit

LIMIT = 100


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("text", metavar="TEXT", help="what to look for, in any case")
    parser.add_argument("--regex", action="store_true", help="TEXT is a regular expression")
    parser.add_argument("--case", action="store_true", help="upper and lower case are different")
    add_filter(parser, "only these sessions: see below")
    add_limit(parser, LIMIT, "hits")
    add_spools(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON when all is found")
    form.add_argument("--jsonl", action="store_true", help="print a line of JSON for each hit as it is found")


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    from promptetheus.queries.bounded_search import SearchGivenUp, search_spools
    from promptetheus.queries.needle import BadPattern

    for spool in arguments.spools:
        if not spool.is_dir():
            say(f"No spool directory at {spool}: nothing to search there.")
    gathered: list[dict[str, Any]] = []
    count, more, given_up = 0, False, ""
    try:
        for hit in search_spools(
            arguments.spools,
            arguments.text,
            regex=arguments.regex,
            case=arguments.case,
            only=arguments.filter,
        ):
            if count == arguments.limit:
                more = True
                break
            count += 1
            if arguments.json:
                gathered.append(_as_json(hit))
            elif arguments.jsonl:
                print(json.dumps(_as_json(hit), ensure_ascii=True), flush=True)
            else:
                out(_line(hit))
    except BadPattern as error:
        say(f"promptetheus search: {error}")
        return 2
    except SearchGivenUp as error:
        given_up = str(error)
    if arguments.json:
        print_json(
            {"text": arguments.text, "hits": gathered, "truncated": more, "given_up": given_up or None}
        )
    elif not count and not given_up:
        say(f"{quoted(arguments.text)} is not in {named(arguments.spools)}.")
    if more:
        say(f"There are more than {count} hits; --limit all shows all.")
    if given_up:
        say(f"promptetheus search: {given_up}")
    return 0 if count and not given_up else 1


def _as_json(hit: Hit) -> dict[str, Any]:
    return {**dataclasses.asdict(hit), "path": str(hit.path)}


def _line(hit: Hit) -> str:
    step = f"step {hit.step}" if hit.step is not None else f"seq {hit.seq}"
    place = f"{printable_line(hit.session_id)}  {step}  {hit.kind or printable_line(hit.type, 40)}"
    field = hit.field.removeprefix("payload.")
    return f"{place}  {printable_line(field, 60)}: {printable_line(hit.snippet)}"
