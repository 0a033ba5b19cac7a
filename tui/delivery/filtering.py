"""The filter of the Delivery view: `state:` says how a session stands, all else is that of the list of sessions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from promptetheus.queries.filter import Filter
from promptetheus.queries.filter_fields import canonical
from promptetheus.queries.filter_listed import ListedSessions
from promptetheus.queries.filter_terms import Term, typed_terms, understand
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.delivery.row import DeliveryLine, Standing

STATE = "state"
"""The field that only this list has."""

_WORDS = ", ".join(standing.word for standing in Standing)


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """What a person typed, for lines of this list; what is not understood narrows nothing."""

    states: tuple[Term, ...]
    words: tuple[Term, ...]
    sessions: Filter
    """The terms about the session itself."""
    problems: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.states or self.words or self.sessions)

    def matches(self, line: DeliveryLine) -> bool:
        """Whether a line passes every term."""
        return (
            all(_is_in_state(term, line.standing) != term.negated for term in self.states)
            and all((term.value.casefold() in line.words) != term.negated for term in self.words)
            and self._matches_session(line)
        )

    def _matches_session(self, line: DeliveryLine) -> bool:
        if line.row is not None:
            return self.sessions.matches(line.row)
        # Of a session that was not read only its id is known.
        return all(
            (term.field == "id" and term.value.casefold() in line.entry.stem.casefold()) != term.negated
            for term in self.sessions.terms
        )


def delivery_filter(text: str) -> DeliveryFilter:
    """The filter that a person typed; never raises."""
    states: list[Term] = []
    words: list[Term] = []
    others: list[Term] = []
    problems: list[str] = []
    for typed in typed_terms(text):
        understood = _state(typed) if canonical(typed.field) == STATE else understand(typed)
        if isinstance(understood, str):
            problems += [understood] if understood else []
        elif understood.field == STATE:
            states.append(understood)
        else:
            (others if understood.field else words).append(understood)
    return DeliveryFilter(tuple(states), tuple(words), Filter(text, tuple(others), ()), tuple(problems))


def _state(typed: Term) -> Term | str:
    """The term, an empty string while it is unfinished, or what is wrong."""
    if not typed.value:
        return ""
    wanted = typed.value.casefold()
    if typed.operator not in (":", ":=", "=", "!=") or not any(s.word.startswith(wanted) for s in Standing):
        return f"{typed.text}: there is no such state. There are {_WORDS}."
    return Term(typed.text, typed.start, typed.negated, STATE, typed.operator, wanted)


def _is_in_state(term: Term, standing: Standing) -> bool:
    return standing.word.startswith(term.value) != (term.operator == "!=")


class ListedDelivery(ListedSessions):
    """The sessions of this list and how they stand, for what may be typed."""

    def __init__(
        self, rows: Callable[[], Sequence[SessionRow]], lines: Callable[[], Sequence[DeliveryLine]]
    ) -> None:
        super().__init__(rows)
        self.lines = lines

    @property
    def own(self) -> Mapping[str, str]:
        """How they stand."""
        return {STATE: _WORDS}

    @property
    def fields(self) -> Collection[str]:
        """The own one before those of sessions."""
        return (STATE, *super().fields)

    def values(self, field: str) -> Iterator[Iterable[str]]:
        """Of each session."""
        if field == STATE:
            return ((line.standing.word,) for line in self.lines())
        return super().values(field)
