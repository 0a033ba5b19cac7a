"""Ask the spool with DuckDB, read only.

    promptetheus sql "select status, count(*) from sessions group by all"
    promptetheus sql "select tool, avg(duration_ms) from tool_calls group by all" --csv > tools.csv
    promptetheus sql "from sessions" --max-rows 100000 --parquet sessions.parquet
    promptetheus sql --schema tool_calls

--schema lists the views, what their columns mean, and the macros; so does no query at all. `-` reads the query from
standard input. A query sees the views and nothing else: no files, no network, no settings. Worked examples are in
docs/sql.md. Exit code 1: the query failed or was stopped.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from promptetheus.cli.options import add_spools
from promptetheus.cli.output import say
from promptetheus.display import count, counted, duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from promptetheus.queries.open_query import Row
    from promptetheus.queries.open_result import OpenResult
    from promptetheus.queries.sql_error import SqlError

MAX_ROWS = 1000
TIMEOUT_S = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_spools(parser)
    parser.add_argument("query", nargs="?", help="one SELECT; without it: the views and their columns")
    parser.add_argument(
        "--schema",
        nargs="?",
        const="",
        metavar="NAME",
        help="list the views with their columns, and the macros; or the one of this name",
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON: a list with one object a row")
    form.add_argument("--csv", action="store_true", help="print CSV with a header line")
    form.add_argument("--parquet", type=Path, metavar="FILE", help="write a Parquet file")
    parser.add_argument(
        "--max-rows",
        type=_positive,
        default=MAX_ROWS,
        metavar="N",
        help=f"at most so many (default {MAX_ROWS})",
    )
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=TIMEOUT_S,
        metavar="SECONDS",
        help=f"stop after so long (default {TIMEOUT_S:g})",
    )


def run(arguments: argparse.Namespace) -> int:
    """Run the command."""
    if arguments.query is None or arguments.schema is not None:
        from promptetheus.cli.sql_schema import show_schema

        return show_schema(arguments.schema or "", arguments.json)
    from promptetheus.queries.isolated import IsolatedDatabase
    from promptetheus.queries.parquet import CannotWrite
    from promptetheus.queries.sql_error import SqlError

    query = sys.stdin.read() if arguments.query == "-" else arguments.query
    for spool in arguments.spools:
        if not spool.is_dir():
            say(f"No spool directory at {spool}: the views have nothing from there.")
    database = IsolatedDatabase(arguments.spools)
    deadline = time.monotonic() + arguments.timeout
    try:
        result = database.open(query, timeout_s=arguments.timeout)
        rows = _write(arguments, result, deadline)
        is_cut = _has_more(result, rows, deadline)
    except SqlError as error:
        _say_error(error, query)
        return 1
    except CannotWrite as error:
        say(f"promptetheus sql: {arguments.parquet}: {error}")
        return 1
    finally:
        database.close()
    _say_limits(result, rows, is_cut)
    if arguments.parquet is not None:
        say(f"{_rows(rows)} written to {arguments.parquet}.")
    elif sys.stderr.isatty():
        say(f"{_rows(rows)} in {duration(result.elapsed_ms)}")
    return 0


def _write(arguments: argparse.Namespace, result: OpenResult, deadline: float) -> int:
    """Give out the rows in the form asked for; returns their number."""
    from promptetheus.cli.sql_output import print_csv, print_json_rows, print_table
    from promptetheus.queries.parquet import write_parquet

    rows = _taken(result, arguments.max_rows, deadline)
    if arguments.parquet is not None:
        return write_parquet(result.columns, result.types, rows, arguments.parquet)
    if arguments.json:
        return print_json_rows(result.columns, result.types, rows)
    if arguments.csv:
        return print_csv(result.columns, rows)
    return print_table(result.columns, result.types, rows)


def _taken(result: OpenResult, max_rows: int, deadline: float) -> Iterator[Row]:
    """The first rows, fetched as they are written."""
    taken = 0
    while taken < max_rows and not (result.complete and taken >= result.known):
        rows = result.rows(taken, min(1000, max_rows - taken), timeout_s=_left(deadline))
        taken += len(rows)
        yield from rows


def _has_more(result: OpenResult, taken: int, deadline: float) -> bool:
    from promptetheus.queries.sql_error import SqlError

    try:
        while not result.complete and result.known <= taken:
            result.rows(taken, 1, timeout_s=_left(deadline))
    except SqlError:  # no time left to find out
        return True
    return result.truncated or result.known > taken


def _left(deadline: float) -> float:
    return max(0.01, deadline - time.monotonic())


def _say_error(error: SqlError, query: str) -> None:
    from promptetheus.queries.sql_error import pointed_at

    say(f"promptetheus sql: {error}")
    if place := pointed_at(error, query):
        say("  " + place.replace("\n", "\n  "))


def _say_limits(result: OpenResult, rows: int, is_cut: bool) -> None:
    if is_cut and result.truncated and rows >= result.known:
        say(
            f"Only the first {counted(rows, 'row')}; there are more, but a result ends here. Ask for less at a time."
        )
    elif is_cut:
        say(f"Only the first {counted(rows, 'row')}; there are more. --max-rows N shows more of them.")
    if result.skipped:
        lines = counted(
            result.skipped,
            "line of the spool is no event and was",
            "lines of the spool are no events and were",
        )
        say(f"{lines} skipped.")
    if result.shadowed:
        sessions = counted(result.shadowed, "session is", "sessions are")
        say(f"{sessions} in two of the spools; what the one named first holds was taken.")


def _rows(number: int) -> str:
    return f"{count(number)} {'row' if number == 1 else 'rows'}"


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 < number <= 86_400:
        raise argparse.ArgumentTypeError("must be more than 0 and at most 86400")
    return number
