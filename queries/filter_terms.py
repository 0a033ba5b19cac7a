"""The terms of the filter language: from typed text to what each part asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple

from promptetheus.queries.filter_fields import (
    NUMBER_FIELDS,
    SCORE,
    TEXT_FIELDS,
    canonical,
    fields,
    number_in,
    text_field,
)
from promptetheus.queries.rows import Status

_TERM = re.compile(
    r"""(?P<minus>[-!]?)
    (?:(?P<field>[A-Za-z_]+(?:\.[^\s:<>=!"]+)?)(?P<operator>:=|:|>=|<=|!=|=|>|<))?
    (?P<value>(?:"(?:\\.|[^"\\])*"?|[^\s"])*)""",
    re.VERBOSE | re.DOTALL,
)
_QUOTE = re.compile(r'\\(["\\])|"')
"""Quotes that only hold a value together, and what a backslash makes part of it."""

COMPARISONS = (">", "<", ">=", "<=")
"""Operators that only numbers have."""

FAILING = "failing"
"""`status:failing`: failed its goal, failed, or crashed."""


class Term(NamedTuple):
    """One part of a filter."""

    text: str
    """As typed."""
    start: int
    """Where it stands in the typed text."""
    negated: bool
    field: str
    """The canonical name of the field; empty for plain words."""
    operator: str
    value: str
    """Without quotes."""
    number: float | None = None
    """For number fields: in milliseconds, bytes or plain."""

    @property
    def sign(self) -> str:
        """`-` or `!` as typed; empty where it is not negated."""
        return self.text[:1] if self.negated else ""

    @property
    def unsigned(self) -> str:
        """As typed, without the sign."""
        return self.text[len(self.sign) :]


def typed_terms(text: str) -> Iterator[Term]:
    """The parts of a text as typed, nothing looked up yet."""
    position = 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        found = _TERM.match(text, position)
        if found is None or found.end() == position:
            position += 1
            continue
        value = unquoted(found["value"])
        yield Term(
            found[0], position, bool(found["minus"]), found["field"] or "", found["operator"] or "", value
        )
        position = found.end()


def unquoted(value: str) -> str:
    """The value without its quotes; inside them `\\"` is a quote and `\\\\` a backslash."""
    return _QUOTE.sub(lambda found: found[1] or "", value) if '"' in value else value


def quoted(value: str) -> str:
    """A value so that it is one term, whatever is in it."""
    # `agent:=x` asks for exactly x, so a value that begins with the sign is held together, too.
    if not re.search(r'[\s"\\]|^=', value):
        return value
    return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'


def term_at(text: str, cursor: int) -> Term:
    """The part that the cursor is in or directly behind; an empty one where there is none."""
    for term in typed_terms(text):
        if term.start <= cursor <= term.start + len(term.text):
            return term
    return Term("", cursor, False, "", "", "")


def understand(typed: Term) -> Term | str:
    """The term with its field and number known, an empty string while it is unfinished, or what is wrong."""
    field = canonical(typed.field)
    if not typed.operator:
        return typed if typed.value else ""
    is_number = field in NUMBER_FIELDS or field.startswith(SCORE + ".")
    if not is_number and text_field(field) is None:
        if not typed.value or typed.value.startswith("//"):  # `TypeError:` and addresses are words
            words = unquoted(typed.unsigned)
            return Term(typed.text, typed.start, typed.negated, "", "", words)
        close = get_close_matches(field, (*TEXT_FIELDS, *NUMBER_FIELDS), n=1, cutoff=0.6)
        hint = f", did you mean {close[0]}?" if close else "."
        known = ", ".join(name.rstrip(":>") for name, _ in fields())
        as_words = f'"{typed.unsigned}"'
        return (
            f"{typed.text}: {typed.field} is not a field{hint} There are {known}."
            f" To look for the words: {as_words}"
        )
    if not typed.value:
        return ""
    if is_number:
        number = number_in(typed.value, NUMBER_FIELDS[field].unit if field in NUMBER_FIELDS else "")
        if number is None:
            return f"{typed.text}: {typed.value} is not a number{_example(field)}"
        return Term(typed.text, typed.start, typed.negated, field, typed.operator, typed.value, number)
    if typed.operator in COMPARISONS:
        return f"{typed.text}: {field} is no number, write {field}:{typed.value}"
    if field == "status" and not statuses_of(typed):
        known = ", ".join((*(status.value for status in Status), "error", FAILING))
        return f"{typed.text}: no status is called {typed.value}. There are {known}."
    return Term(typed.text, typed.start, typed.negated, field, typed.operator, typed.value)


def _example(field: str) -> str:
    found = NUMBER_FIELDS.get(field)
    return f" ({found.help})" if found else ""


@lru_cache(maxsize=64)
def statuses_of(term: Term) -> frozenset[Status]:
    """The statuses a term means. `failed` is both `failed` and `failed goal`; exact with `=` or the whole words."""
    wanted = term.value.casefold()
    exact = frozenset(status for status in Status if wanted in (status.value, status.word))
    if term.operator in (":=", "=", "!="):
        return exact
    failing = frozenset(status for status in Status if status.is_failing)
    if wanted == FAILING:
        return failing
    begun = frozenset(
        status for status in Status if status.value.startswith(wanted) or status.word.startswith(wanted)
    )
    return begun or (failing if FAILING.startswith(wanted) else begun)
