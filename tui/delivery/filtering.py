"""The filter of the Delivery view: `state:` says how a session stands, all else is that of the list of sessions."""

from __future__ import annotations

from dataclasses import dataclass

from promptetheus.queries.filter import Filter
from promptetheus.queries.filter_terms import Term
from promptetheus.tui.delivery.row import DeliveryLine, Standing
from promptetheus.tui.state_field import StateFilter, state_filter

STANDINGS = tuple(standing.word for standing in Standing)
"""What `state:` may be here."""


@dataclass(frozen=True, slots=True)
class DeliveryFilter:
    """What a person typed, for lines of this list."""

    states: StateFilter
    words: tuple[Term, ...]
    sessions: Filter
    """The terms about the session itself."""

    def __bool__(self) -> bool:
        return self.states.narrows

    @property
    def problems(self) -> tuple[str, ...]:
        """What is not understood."""
        return self.states.problems

    def matches(self, line: DeliveryLine) -> bool:
        """Whether a line passes every term."""
        return (
            self.states.lets_through(line.standing.word)
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
    found = state_filter(text, STANDINGS)
    words = tuple(term for term in found.others if not term.field)
    others = tuple(term for term in found.others if term.field)
    return DeliveryFilter(found, words, Filter(text, others, ()))
