"""`query`: an answer of the sandbox as lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from promptetheus.display import printable_line
from promptetheus.encoding import encode_value
from promptetheus.mcp.answers import Answer, Refused, cut

if TYPE_CHECKING:
    from promptetheus.queries.isolated import IsolatedDatabase

TIMEOUT_S = 20.0
_CELL_BYTES = 500


def sql_answer(database: IsolatedDatabase, sql: str, max_rows: int) -> Answer:
    """Run a query. Raises Refused with DuckDB's message and the views when it cannot be run."""
    from promptetheus.queries.sql import SqlError
    from promptetheus.queries.views import views

    try:
        result = database.run(sql, max_rows=max_rows, timeout_s=TIMEOUT_S)
    except SqlError as error:
        known = "; ".join(
            f"{view.name}({', '.join(column for column, *_ in view.columns)})" for view in views()
        )
        raise Refused(f"{printable_line(str(error), 600)}\nThe views: {known}") from None
    cut_off = f"; only the first {max_rows} are shown, use LIMIT or an aggregate" if result.truncated else ""
    facts = [f"{len(result.rows)} rows in {result.elapsed_ms:.0f} ms{cut_off}."]
    lines = [" | ".join(map(_cell, result.columns))] if result.columns else []
    lines += [" | ".join(map(_cell, row)) for row in result.rows]
    return Answer(facts, lines, "the spool")


def _cell(value: Any) -> str:
    text = (
        value
        if isinstance(value, str)
        else orjson.loads(encode_value(str(value) if value is not None else ""))
    )
    return cut(printable_line(str(text), 2_000), _CELL_BYTES)
