"""The filter of the rows of a query: words of any column, `column:value`, `column>limit`, and `-` or `!` for not.

Columns are the query's own, so a field that is none of them is no mistake: it is looked for as it is typed.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, NamedTuple

from promptetheus.queries.filter_fields import number_in
from promptetheus.queries.filter_terms import Term, typed_terms, unquoted
from promptetheus.queries.result_text import plain_text

_COMPARE: Mapping[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "=": operator.eq,
    ":=": operator.eq,
    "!=": operator.ne,
}


class RowFilter:
    """What a person typed, for the rows of one result; everything must match, whatever the case."""

    def __init__(self, text: str, columns: Sequence[str]) -> None:
        places = {name.casefold(): place for place, name in reversed([*enumerate(columns)])}
        asked = [each for term in typed_terms(text) if (each := _asked(term, places)).wanted]
        self._words = [(each.wanted, each.negated) for each in asked if each.column is None]
        self._cells = [each for each in asked if each.column is not None]

    def matches(self, row: Sequence[Any]) -> bool:
        """Whether a row passes every term."""
        # Loops, not generators: a million rows are looked through, which is a third faster so.
        for each in self._cells:
            if not each.matches(row):
                return False
        if self._words:
            text = "\n".join([cell if type(cell) is str else plain_text(cell) for cell in row]).casefold()
            for word, negated in self._words:
                if (word in text) == negated:
                    return False
        return True


class _Asked(NamedTuple):
    """One term."""

    column: int | None
    """Its place; None for words of any column."""
    operator: str
    wanted: str
    number: float | None
    negated: bool

    def matches(self, row: Sequence[Any]) -> bool:
        """Whether the row's cell is as it should be."""
        assert self.column is not None
        return _is_so(row[self.column], self) != self.negated


def _is_so(cell: Any, asked: _Asked) -> bool:
    if cell is None:
        return False
    compare = _COMPARE.get(asked.operator)
    if compare is None:
        return asked.wanted in plain_text(cell).casefold()
    if asked.number is not None and isinstance(cell, int | float | Decimal) and not isinstance(cell, bool):
        return compare(float(cell), asked.number)
    return compare(plain_text(cell).casefold(), asked.wanted)


def _asked(term: Term, places: Mapping[str, int]) -> _Asked:
    """The term, `wanted` being empty while it is not finished."""
    column = places.get(term.field.casefold()) if term.operator else None
    wanted = term.value if column is not None else unquoted(term.unsigned)
    return _Asked(column, term.operator, wanted.casefold(), number_in(term.value, ""), term.negated)
