"""Queries that are kept with a name, in one `.sql` file that people edit too: a comment line, then the query."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple


class NamedQuery(NamedTuple):
    """A query and what people call it."""

    name: str
    sql: str


def parse_queries(text: str) -> list[NamedQuery]:
    """The queries of a file. Each begins with a line `-- name` after an empty line or at the top; a query that was
    kept under a name twice counts once, as it was kept last."""
    found: dict[str, str] = {}
    name, lines, after_gap = "", list[str](), True
    for line in [*text.splitlines(), "", "-- "]:
        if line.startswith("-- ") and after_gap:
            sql = "\n".join(lines).strip()
            if name and sql:
                found.pop(name, None)
                found[name] = sql
            name, lines = line.removeprefix("-- ").strip(), []
        else:
            lines.append(line)
        after_gap = not line.strip()
    return [NamedQuery(name, sql) for name, sql in found.items()]


def format_queries(queries: list[NamedQuery]) -> str:
    """The text of a file that holds these queries."""
    return "\n\n".join(f"-- {' '.join(name.split())}\n{sql.strip()}" for name, sql in queries) + "\n"


@cache
def examples() -> tuple[NamedQuery, ...]:
    """The worked examples of docs/sql.md."""
    return tuple(parse_queries(files(__package__).joinpath("examples.sql").read_text("utf-8")))
