"""Ask the spool with DuckDB, read only.

    promptetheus sql "select status, count(*) from sessions group by all"
    promptetheus sql "select tool, avg(duration_ms) from tool_calls group by all" --csv > tools.csv
    promptetheus sql "from sessions" --max-rows 100000 --parquet sessions.parquet

Without a query it lists the views and what their columns mean. `-` reads the query from standard input.
"""

from __future__ import annotations

import argparse
import sys
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from promptetheus.cli.options import add_spool
from promptetheus.cli.output import out, print_json, say
from promptetheus.display import count, duration, plain_value, printable_line

if TYPE_CHECKING:
    from promptetheus.queries.sql import Result

MAX_ROWS = 1000
TIMEOUT_S = 30.0
MAX_CELL = 60
"""Characters of a value that the table shows; --json and --csv have the whole of it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    add_spool(parser)
    parser.add_argument("query", nargs="?", help="one SELECT; without it: the views and their columns")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print JSON")
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
    if arguments.query is None:
        return _show_views(arguments.json)
    from promptetheus.queries.isolated import run_isolated
    from promptetheus.queries.sql import SqlError

    query = sys.stdin.read() if arguments.query == "-" else arguments.query
    if not arguments.spool.is_dir():
        say(f"No spool directory at {arguments.spool}: the views are empty.")
    try:
        result = run_isolated(
            arguments.spool, query, max_rows=arguments.max_rows, timeout_s=arguments.timeout
        )
    except SqlError as error:
        say(f"promptetheus sql: {error}")
        return 1
    if arguments.parquet is not None:
        return _write_parquet(result, arguments.parquet)
    if arguments.json:
        print_json(_records(result))
    elif arguments.csv:
        _print_csv(result)
    else:
        _print_table(result)
    _say_limits(result)
    return 0


def _write_parquet(result: Result, path: Path) -> int:
    from promptetheus.queries.parquet import CannotWrite, write_parquet

    try:
        write_parquet(result, path)
    except CannotWrite as error:
        say(f"promptetheus sql: {path}: {error}")
        return 1
    _say_limits(result)
    rows = len(result.rows)
    say(f"{count(rows)} {'row' if rows == 1 else 'rows'} written to {path}.")
    return 0


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


def _show_views(as_json: bool) -> int:
    from promptetheus.queries.views import views

    if as_json:
        print_json(
            {view.name: {"description": view.description, "columns": dict(view.columns)} for view in views()}
        )
        return 0
    for view in views():
        width = max(len(name) for name, _ in view.columns)
        out(f"{view.name}: {view.description}")
        for name, description in view.columns:
            out(f"  {name:<{width}}  {description}")
        out("")
    return 0


def _records(result: Result) -> list[dict[str, Any]]:
    """One object a row. A name that occurs twice gets a number, so that no value is lost."""
    from promptetheus.queries.parquet import unique_names

    names = unique_names(result.columns)
    return [
        {name: _json_value(value, kind) for name, value, kind in zip(names, row, result.types, strict=True)}
        for row in result.rows
    ]


def _json_value(value: Any, kind: str = "") -> Any:
    if kind == "JSON" and isinstance(value, str):
        import json

        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, datetime | date | timedelta):
        return _text(value)
    if isinstance(value, list | tuple):
        return [_json_value(item) for item in value]
    if isinstance(value, dict):
        return {str(key): _json_value(item) for key, item in value.items()}
    return value


def _text(value: Any) -> str:
    """A value as CSV and the table write it: times in ISO 8601, NULL as nothing."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat() + "Z"
    if isinstance(value, list | tuple | dict):
        import json

        return json.dumps(_json_value(value), ensure_ascii=False, default=str)
    return str(value)


def _print_csv(result: Result) -> None:
    """Values as they are into a file or a pipe; printable ones where a terminal shows them."""
    import csv

    shown = printable_line if sys.stdout.isatty() else str
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([shown(name) for name in result.columns])
    for row in result.rows:
        writer.writerow([shown(_text(value)) for value in row])


def _print_table(result: Result) -> None:
    from rich.cells import cell_len

    heads = [printable_line(name, MAX_CELL) for name in result.columns]
    lines = [[_cell(value) for value in row] for row in result.rows]
    widths = [max(cell_len(line[column]) for line in (heads, *lines)) for column in range(len(heads))]
    right = [_is_number(kind) for kind in result.types]

    def padded(cells: list[str]) -> str:
        parts = []
        for cell, width, to_right in zip(cells, widths, right, strict=True):
            space = " " * (width - cell_len(cell))
            parts.append(space + cell if to_right else cell + space)
        return "  ".join(parts).rstrip()

    out(padded(heads))
    out("  ".join("─" * width for width in widths))
    for line in lines:
        out(padded(line))


def _cell(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        return plain_value(value, MAX_CELL)
    return printable_line(_text(value), MAX_CELL)


def _is_number(kind: str) -> bool:
    name = kind.partition("(")[0]
    return name.endswith("INT") or name in ("INTEGER", "UINTEGER", "DOUBLE", "FLOAT", "DECIMAL")


def _say_limits(result: Result) -> None:
    rows = len(result.rows)
    if result.truncated:
        say(f"Only the first {rows} rows; there are more. --max-rows N shows more of them.")
    if result.skipped:
        say(f"{result.skipped} lines of the spool are no events and were skipped.")
    if sys.stderr.isatty():
        say(f"{count(rows)} {'row' if rows == 1 else 'rows'} in {duration(result.elapsed_ms)}")
