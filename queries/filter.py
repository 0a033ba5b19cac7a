r"""The filter language of every list: plain words, `field:value`, `number>limit`, quotes, and `-` or `!` for not.

Made for typing: a term that is not finished or not understood narrows nothing; `Filter.problems` says so. Commands
use `read_filter`, which refuses such a term.

    booking "tuesday at 2pm" status:failed agent:browser task:7 tool:search fp:8ae0 type:error tag:nightly
    dur>2s tokens>4k cost>0.05 score.helpful<=0.5 meta.trial:2 -tag:flaky !status:passed status:="failed goal"
    agent:"the \"best\" one"
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable
from typing import NamedTuple

from promptetheus.queries.filter_fields import fields, number_of, text_field
from promptetheus.queries.filter_terms import FAILING, Term, statuses_of, typed_terms, understand
from promptetheus.queries.rows import SessionRow, Status

__all__ = [
    "FAILING",
    "BadFilter",
    "Filter",
    "Term",
    "fields",
    "parse_filter",
    "read_filter",
    "searched",
]

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
    "!=": operator.ne,
}
STEP_FIELDS = frozenset({"tool", "type", "status", "dur", "model", "error"})
"""Fields that say something about a step; the others do not narrow a timeline."""


class Filter(NamedTuple):
    """A parsed filter: everything must match."""

    text: str
    terms: tuple[Term, ...]
    """What narrows, in the order typed."""
    problems: tuple[str, ...]
    """What was not understood and narrows nothing, as sentences."""

    def __bool__(self) -> bool:
        return bool(self.terms)

    def matches(self, row: SessionRow) -> bool:
        """Whether a session passes every term."""
        return all(_matches_row(term, row) != term.negated for term in self.terms)

    def matches_step(
        self, kind: str, name: str, text: str, ok: bool | None, duration_ms: float | None
    ) -> bool:
        """Whether a step passes every term that concerns steps; `agent:`, `tokens>` and the like concern sessions.

        Args:
            kind: as `StepKind`; `type:error` matches it.
            name: tool, model or action.
            text: what plain words are looked for in.
        """
        return all(
            _matches_step(term, kind, name, text, ok, duration_ms) != term.negated
            for term in self.terms
            if not term.field or term.field in STEP_FIELDS
        )


def parse_filter(text: str) -> Filter:
    """The filter that a person typed; never raises."""
    terms: list[Term] = []
    problems: list[str] = []
    for typed in typed_terms(text):
        understood = understand(typed)
        if isinstance(understood, Term):
            terms.append(understood)
        elif understood:
            problems.append(understood)
    return Filter(text, tuple(terms), tuple(problems))


class BadFilter(ValueError):
    """A filter that is not understood or not finished; the message says why, a line for each term."""


def read_filter(text: str) -> Filter:
    """The filter that stands in a command, whole: nothing of it is passed over. Raises BadFilter."""
    found = parse_filter(text)
    unfinished = [
        f"{typed.text}: nothing stands behind it" for typed in typed_terms(text) if understand(typed) == ""
    ]
    if found.problems or unfinished:
        raise BadFilter("\n".join((*found.problems, *unfinished)))
    return found


def _matches_row(term: Term, row: SessionRow) -> bool:
    if not term.field:
        return term.value.casefold() in searched(row)
    if term.number is not None:
        return _compares(term, number_of(term.field, row))
    if term.field == "status":
        return (row.status in statuses_of(term)) != (term.operator == "!=")
    known = text_field(term.field)
    return known is not None and _matches_text(term, known.values(row), known.whole)


def _compares(term: Term, value: float | None) -> bool:
    if value is None or term.number is None:
        return False
    compare = _COMPARE.get(term.operator)
    if compare is not None:
        return compare(value, term.number)
    return abs(value - term.number) <= abs(term.number) * 1e-9


def _matches_text(term: Term, values: Iterable[str], whole: bool = False) -> bool:
    wanted = term.value.casefold()
    match ":=" if whole and term.operator == ":" else term.operator:
        case ":=" | "=":
            return any(value.casefold() == wanted for value in values)
        case "!=":
            return all(value.casefold() != wanted for value in values)
        case _:
            return any(wanted in value.casefold() for value in values)


def searched(row: SessionRow) -> str:
    """What plain words are looked for in, without capitals."""
    return "\n".join(
        (
            row.session_id,
            row.agent,
            row.goal,
            row.status,
            row.status.word,
            row.project,
            row.environment,
            row.fingerprint,
            row.label,
            row.error or "",
            *row.tags,
            *row.tools,
            *row.usage,
        )
    ).casefold()


def _matches_step(
    term: Term, kind: str, name: str, text: str, ok: bool | None, duration_ms: float | None
) -> bool:
    wanted = term.value.casefold()
    match term.field:
        case "":
            said = wanted in name.casefold() or wanted in text.casefold() or wanted == kind
            # The row says so by its sign, the head of the session by this word.
            return said or (ok is False and wanted in ("error", "errors"))
        case "dur":
            return _compares(term, duration_ms)
        case "tool":
            return kind == "tool" and _matches_text(term, (name,))
        case "model":
            return kind == "llm" and _matches_text(term, (name,))
        case "status":
            wanted_ok = statuses_of(term)
            return (ok is False and Status.FAILED in wanted_ok) or (ok is True and Status.PASSED in wanted_ok)
        case "error":
            return ok is False and wanted in text.casefold()
        case _:
            # Event types are longer than kinds (tool_call: tool), people write either; a failed step is an error too.
            found = kind.startswith(wanted) or wanted.startswith(kind) or wanted in _EVENT_WORDS.get(kind, ())
            return found or (ok is False and "error".startswith(wanted))


_EVENT_WORDS = {
    "user": ("user_message", "message"),
    "agent": ("agent_message", "message"),
    "action": ("browser_action",),
    "dom": ("dom_snapshot",),
    "shot": ("screenshot",),
    "recording": ("replay_artifact",),
    "check": ("goal_check",),
    "state": ("state_change",),
    "start": ("session_started", "state_change"),
    "end": ("session_end",),
    "span": ("span_start", "span_end", "state_change"),
}
