"""The words of a query as the editor needs them: what to draw how, and where a word or a string begins."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from functools import cache
from typing import NamedTuple

from promptetheus.queries.views import macros, views

KEYWORDS = (
    "select", "from", "where", "group by", "order by", "having", "limit", "join", "left join", "using", "on",
    "with", "as", "and", "or", "not", "in", "is null", "is not null", "like", "ilike", "between", "case when",
    "then", "else", "end", "distinct", "filter (where", "over (", "partition by", "union all", "qualify",
    "unnest", "count(*)", "sum", "avg", "min", "max", "any_value", "list", "round", "coalesce", "desc", "asc",
    "nulls last", "interval", "group by all", "exists", "cast", "offset", "cross join", "pivot", "exclude",
)  # fmt: skip
"""What completion offers of the language itself, in the order of how often people want it."""

_DRAWN_AS_KEYWORDS = frozenset(
    word for keyword in KEYWORDS for word in re.findall(r"[a-z]+", keyword) if "_" not in keyword
) | {"by", "null", "all", "true", "false", "describe", "rows", "preceding", "following", "current", "row"}

_PIECE = re.compile(
    r"(?P<comment>--[^\n]*|/\*.*?(?:\*/|$))|(?P<string>'(?:[^']|'')*(?:'|$))|(?P<quoted>\"[^\"]*(?:\"|$))"
    r"|(?P<number>\b\d[\d_]*(?:\.\d+)?\b)|(?P<word>[^\W\d]\w*)",
    re.DOTALL,
)


class WordKind(Enum):
    """How a piece of a query is drawn."""

    KEYWORD = "keyword"
    VIEW = "view"
    """A view or a macro of ours."""
    LITERAL = "literal"
    COMMENT = "comment"
    NAME = "name"


class Word(NamedTuple):
    """A piece of a query that is no space and no punctuation."""

    start: int
    end: int
    kind: WordKind
    text: str


def words(sql: str) -> Iterator[Word]:
    """The pieces of a query in order; a string or comment without an end reaches to the end."""
    for found in _PIECE.finditer(sql):
        match found.lastgroup:
            case "comment":
                kind = WordKind.COMMENT
            case "string" | "number":
                kind = WordKind.LITERAL
            case "quoted":
                kind = WordKind.NAME
            case _:
                folded = found.group().casefold()
                keyword = folded in _DRAWN_AS_KEYWORDS
                kind = WordKind.KEYWORD if keyword else WordKind.VIEW if folded in _ours() else WordKind.NAME
        yield Word(found.start(), found.end(), kind, found.group())


@cache
def _ours() -> frozenset[str]:
    return frozenset([*(view.name for view in views()), *(macro.name for macro in macros())])
