"""What may stand at the cursor of a query: views, their columns, macros, words of the language, values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from promptetheus.cause.steps import StepKind
from promptetheus.queries.rows import Status
from promptetheus.queries.views import macros, views
from promptetheus.tui.sql.words import KEYWORDS, Word, WordKind, words

MOST = 40
"""Candidates that are offered at most."""

_BEFORE_VIEW = frozenset(("from", "join", "describe"))
_TABLE_MACROS = frozenset(("last_sessions", "timeline", "retries"))
_COMPARED = re.compile(r"(\w+)\s*(?:=|<>|!=|in\s*\(|,)\s*$", re.IGNORECASE)
_VALUES: dict[str, tuple[str, ...]] = {
    "status": tuple(status.value for status in Status),
    "kind": tuple(kind.value for kind in StepKind),
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One thing that may stand there."""

    text: str
    note: str
    """What it is, in a few words."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What may replace the characters from `start` to `end`."""

    start: int
    end: int
    candidates: tuple[Candidate, ...]


def complete_sql(sql: str, offset: int, values: Mapping[str, Sequence[str]] | None = None) -> Completion:
    """Candidates at a place of a query, the likeliest first.

    Args:
        offset: The cursor, in characters.
        values: By column, texts that occur there.
    """
    before = sql[:offset]
    found = list(words(before))
    last = found[-1] if found else None
    inside = last is not None and last.end == offset
    if inside and last is not None and last.kind is WordKind.COMMENT:
        return Completion(offset, offset, ())
    if inside and last is not None and last.text.startswith("'"):
        return _values_at(before, last, offset, {**_VALUES, **(values or {})})
    start = last.start if inside and last is not None and last.kind is not WordKind.LITERAL else offset
    prefix = before[start:]
    candidates = _candidates(sql, before[:start], found[:-1] if start < offset else found)
    shown = _fitting(candidates, prefix)
    return Completion(start, offset, tuple(shown) if prefix or _opens(before, found) else ())


def _opens(before: str, found: Sequence[Word]) -> bool:
    """Whether candidates are worth showing before anything of them is typed."""
    if before.endswith("."):
        return True
    return bool(found) and before[-1:].isspace() and found[-1].text.casefold() in _BEFORE_VIEW


def _candidates(sql: str, before: str, earlier: Sequence[Word]) -> Iterator[Candidate]:
    previous = earlier[-1].text.casefold() if earlier else ""
    if before.endswith(".") and earlier:
        yield from _columns([_aliases(sql).get(previous, previous)])
        return
    if previous in _BEFORE_VIEW:
        yield from _views()
        yield from (each for each in _macros() if each.text.split("(")[0] in _TABLE_MACROS)
        return
    mentioned = {word.text.casefold() for word in words(sql) if word.kind is WordKind.VIEW}
    yield from _columns(view.name for view in views() if view.name in mentioned)
    yield from (Candidate(keyword, "") for keyword in KEYWORDS)
    yield from _macros()
    yield from _views()
    if not mentioned:
        yield from _columns(view.name for view in views())


def _fitting(candidates: Iterable[Candidate], prefix: str) -> Iterator[Candidate]:
    folded, seen = prefix.casefold(), set[str]()
    for candidate in candidates:
        name = candidate.text.casefold()
        if name.startswith(folded) and name != folded and name not in seen:
            seen.add(name)
            yield candidate
            if len(seen) == MOST:
                return


def _values_at(before: str, string: Word, offset: int, values: Mapping[str, Sequence[str]]) -> Completion:
    if string.text.endswith("'") and len(string.text) > 1:
        return Completion(offset, offset, ())
    column = _column_before(before[: string.start])
    typed = string.text[1:]
    fitting = [
        Candidate(value.replace("'", "''") + "'", column)
        for value in values.get(column, ())
        if value.casefold().startswith(typed.casefold())
    ]
    return Completion(string.start + 1, offset, tuple(fitting[:MOST]))


def _column_before(text: str) -> str:
    """`status` of `status = `, `status in (` and `status in ('passed', `."""
    listed = re.sub(r"'(?:[^']|'')*'\s*,\s*", "", text)
    found = _COMPARED.search(listed)
    return found[1].casefold() if found else ""


_ALIAS = re.compile(r"\b(?:from|join|,)\s+(\w+)\s+(?:as\s+)?(\w+)", re.IGNORECASE)


def _aliases(sql: str) -> dict[str, str]:
    return {found[2].casefold(): found[1].casefold() for found in _ALIAS.finditer(sql)}


def _columns(names: Iterable[str]) -> Iterator[Candidate]:
    by_name = {view.name: view for view in views()}
    for name in names:
        view = by_name.get(name)
        if view is not None:
            yield from (Candidate(column, said) for column, said in view.columns)


@cache
def _views() -> tuple[Candidate, ...]:
    return tuple(Candidate(view.name, view.description) for view in views())


@cache
def _macros() -> tuple[Candidate, ...]:
    return tuple(Candidate(f"{macro.name}(", f"{macro.call}: {macro.description}") for macro in macros())
