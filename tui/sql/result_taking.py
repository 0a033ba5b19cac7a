"""A result taken along: as CSV or JSON on the clipboard, or in a file."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

from promptetheus.queries.open_query import Row
from promptetheus.queries.open_result import OpenResult
from promptetheus.queries.parquet import write_parquet
from promptetheus.queries.result_text import write_csv, write_json
from promptetheus.tui.progress import Progress

Form = Literal["csv", "json", "parquet"]

MOST_COPIED_ROWS = 1_000
"""A clipboard takes little; a file takes all of it."""

_AT_ONCE = 1_000


def result_text(result: OpenResult, form: Literal["csv", "json"], rows: list[Row]) -> str:
    """These rows of a result as text."""
    text = io.StringIO()
    if form == "csv":
        write_csv(text, result.columns, rows)
    else:
        write_json(text, result.columns, result.types, rows)
    return text.getvalue()


def first_rows(result: OpenResult, most: int) -> list[Row]:
    """At most so many rows. Blocks; raises SqlError."""
    return list(_taken(result, most, lambda rows: None))


def write_result(result: OpenResult, form: Form, path: Path, progress: Progress) -> int:
    """Write all rows to a file that is not there yet; returns their number.

    Blocks. Raises SqlError, OSError (FileExistsError for a file that is there), CannotWrite, GivenUp; whatever was
    written until then is taken away again.
    """
    if path.exists():
        raise FileExistsError(path)

    def tell(done: int) -> None:
        known = result.known if result.complete else None
        progress.say(f"writing row {done:,}", done / known if known else None)

    rows = _taken(result, None, tell)
    try:
        if form == "parquet":
            return write_parquet(result.columns, result.types, rows, path)
        with path.open("x", encoding="utf-8", errors="replace", newline="") as file:
            if form == "csv":
                return write_csv(file, result.columns, rows)
            return write_json(file, result.columns, result.types, rows)
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def _taken(result: OpenResult, most: int | None, tell: Callable[[int], None]) -> Iterator[Row]:
    taken = 0
    while most is None or taken < most:
        if result.complete and taken >= result.known:
            return
        wanted = _AT_ONCE if most is None else min(_AT_ONCE, most - taken)
        rows = result.rows(taken, wanted)
        taken += len(rows)
        yield from rows
        tell(taken)
