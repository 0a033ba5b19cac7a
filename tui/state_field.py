"""The field `state:` of the lists whose lines are in a state of their own: one more beside those of sessions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from promptetheus.queries.filter_fields import canonical
from promptetheus.queries.filter_listed import ListedSessions
from promptetheus.queries.filter_terms import Term, typed_terms, understand
from promptetheus.queries.rows import SessionRow

STATE = "state"


class StateFilter(NamedTuple):
    """What a person typed, in the order typed; what is not understood narrows nothing."""

    states: tuple[Term, ...]
    others: tuple[Term, ...]
    """Plain words, and terms about sessions."""
    problems: tuple[str, ...]

    @property
    def narrows(self) -> bool:
        """Whether it may leave out anything."""
        return bool(self.states or self.others)

    def lets_through(self, state: str) -> bool:
        """Whether a line in this state passes; of the state, its beginning is enough."""
        return all(
            (state.startswith(term.value) != (term.operator == "!=")) != term.negated for term in self.states
        )


def state_filter(text: str, known: Collection[str]) -> StateFilter:
    """The filter that a person typed, in a list whose lines are in one of the `known` states; never raises."""
    states: list[Term] = []
    others: list[Term] = []
    problems: list[str] = []
    for typed in typed_terms(text):
        of_state = canonical(typed.field) == STATE
        understood = _state(typed, known) if of_state else understand(typed)
        if isinstance(understood, str):
            problems += [understood] if understood else []
        else:
            (states if of_state else others).append(understood)
    return StateFilter(tuple(states), tuple(others), tuple(problems))


def _state(typed: Term, known: Collection[str]) -> Term | str:
    """The term, an empty string while it is unfinished, or what is wrong."""
    if not typed.value:
        return ""
    wanted = typed.value.casefold()
    if typed.operator not in (":", ":=", "=", "!=") or not any(state.startswith(wanted) for state in known):
        return f"{typed.text}: there is no such state. There are {', '.join(known)}."
    return Term(typed.text, typed.start, typed.negated, STATE, typed.operator, wanted)


class ListedStates(ListedSessions):
    """The sessions of such a list and the states of its lines, for what may be typed."""

    def __init__(
        self,
        rows: Callable[[], Sequence[SessionRow]],
        states: Callable[[], Iterable[str]],
        known: Collection[str],
    ) -> None:
        super().__init__(rows)
        self.states = states
        self.known = known

    @property
    def own(self) -> Mapping[str, str]:
        """The states that there are."""
        return {STATE: ", ".join(self.known)}

    def understand(self, typed: Term) -> Term | str:
        """The own one among them."""
        return _state(typed, self.known) if canonical(typed.field) == STATE else super().understand(typed)

    @property
    def fields(self) -> Collection[str]:
        """The own one before those of sessions."""
        return (STATE, *super().fields)

    def values(self, field: str) -> Iterator[Iterable[str]]:
        """Of each line its state, else of each session."""
        if field == STATE:
            return ((state,) for state in self.states())
        return super().values(field)
