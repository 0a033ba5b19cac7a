"""What is wrong with a query, for the person who typed it: in words, and where in the text."""

from __future__ import annotations

from difflib import get_close_matches
from typing import Any

import orjson

from promptetheus.queries.views import VIEW_NAMES

_MARKED_CHARACTERS = 160
"""Of the line in which the mistake is, so much is shown unless it is said otherwise."""


class SqlError(Exception):
    """A query that cannot be run, was stopped or failed; the message is for the person who typed it."""

    def __init__(self, message: str, position: int | None = None, length: int = 0) -> None:
        super().__init__(message)
        self.position = position
        """Where in the typed text the mistake is, in characters from 0; None where that is not known."""
        self.length = length
        """How many characters it takes; 0 where that is not known."""


def from_duckdb(error: Exception, sql: str) -> SqlError:
    """The error that DuckDB raised over `sql`; its `errors_as_json` is on."""
    kind, _, text = str(error).partition(" Error: ")
    facts = _facts(text)
    if facts is None:
        return SqlError(_plain(str(error)))
    message = _plain(f"{kind} Error: {facts.get('exception_message', '')}")
    if facts.get("error_subtype") == "MISSING_ENTRY" and facts.get("type") == "Table":
        message = _no_such_view(str(facts.get("name", "")))
    place = _place(facts, sql)
    return SqlError(message) if place is None else SqlError(message, *place)


def pointed_at(error: SqlError, sql: str, width: int = _MARKED_CHARACTERS) -> str:
    """The line of the query in which the mistake is, and a second one with a mark below it; "" when unknown.

    Of a longer line `width` characters are shown, `…` standing for the rest.
    """
    if error.position is None or error.position > len(sql):
        return ""
    start = sql.rfind("\n", 0, error.position) + 1
    end = sql.find("\n", error.position)
    line = sql[start : len(sql) if end < 0 else end]
    place = error.position - start
    cut = max(0, min(place - width // 2, len(line) - width))
    shown = line[cut : cut + width].replace("\t", " ")
    if cut:
        shown = "…" + shown[1:]
    if cut + width < len(line):
        shown = shown[:-1] + "…"
    mark = "^" * max(1, min(error.length, len(shown) - (place - cut)))
    return f"{shown}\n{' ' * (place - cut)}{mark}"


def _facts(text: str) -> dict[str, Any] | None:
    try:
        found = orjson.loads(text)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _place(facts: dict[str, Any], sql: str) -> tuple[int, int] | None:
    """Start and length in characters; DuckDB counts bytes."""
    try:
        start, length = orjson.loads(facts.get("location") or f"[{facts['position']},0]")
        data = sql.encode("utf-8", "replace")
        if not 0 <= start <= len(data):
            return None
        before = data[:start].decode("utf-8", "ignore")
        return len(before), len(data[start : start + max(0, length)].decode("utf-8", "ignore"))
    except (KeyError, ValueError, TypeError):
        return None


def _no_such_view(name: str) -> str:
    close = get_close_matches(name.casefold(), VIEW_NAMES, n=1)
    hint = f" Did you mean {close[0]}?" if close else ""
    return f"There is no view called {name}.{hint} There are {', '.join(VIEW_NAMES)}."


def _plain(text: str) -> str:
    if "file system operations are disabled" in text or "allowed_directories" in text:
        return "Only the spool's views can be read here: no files, no network, no settings."
    if text.startswith("Out of Memory Error: "):
        # What DuckDB proposes then are settings, which nobody can change here.
        why = text.splitlines()[0].removeprefix("Out of Memory Error: ")
        return f"The query needs more memory than it may have: {why}"
    if "pytz" in text:
        return "Times with a time zone cannot be shown: cast them to timestamp."
    return text
