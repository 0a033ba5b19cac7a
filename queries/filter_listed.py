"""What a list shows and its filter narrows, as far as one has to know that to complete what is typed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from promptetheus.cause.steps import Step, StepKind
from promptetheus.queries.filter import STEP_FIELDS
from promptetheus.queries.filter_fields import (
    META,
    NUMBER_FIELDS,
    SCORE,
    TEXT_FIELDS,
    named_fields,
    number_of,
    text_field,
)
from promptetheus.queries.filter_terms import Term, understand
from promptetheus.queries.rows import SessionRow, Status


class Listed(Protocol):
    """What a list shows and its filter narrows, as far as completing goes."""

    @property
    def fields(self) -> Collection[str]:
        """Canonical names of the fields that narrow this list."""

    @property
    def own(self) -> Mapping[str, str]:
        """What those of the fields mean that only this list has, by name."""

    def understand(self, typed: Term) -> Term | str:
        """The term, an empty string while it is unfinished, or what is wrong with it."""

    def names(self, prefix: str) -> Collection[str]:
        """The fields that occur of those that are named as `score.helpful>` and `meta.trial:` are."""

    def values(self, field: str) -> Iterator[Iterable[str]]:
        """For each thing listed, what a text field says of it."""

    def numbers(self, field: str) -> Iterator[float | None]:
        """For each thing listed, what a number field says of it."""


class ListedSessions:
    """A list of sessions, or of something that sessions decide about."""

    def __init__(self, rows: Callable[[], Sequence[SessionRow]]) -> None:
        self.rows = rows

    @property
    def own(self) -> Mapping[str, str]:
        """None: what is said of sessions is said in every list of them."""
        return {}

    def understand(self, typed: Term) -> Term | str:
        """As everywhere."""
        return understand(typed)

    @property
    def fields(self) -> Collection[str]:
        """All of them."""
        return (*TEXT_FIELDS, *NUMBER_FIELDS, SCORE, META)

    def names(self, prefix: str) -> Collection[str]:
        """Scores, or names in the metadata."""
        return named_fields(prefix, self.rows())

    def values(self, field: str) -> Iterator[Iterable[str]]:
        """Of each session."""
        known = text_field(field)
        return iter(()) if known is None else map(known.values, self.rows())

    def numbers(self, field: str) -> Iterator[float | None]:
        """Of each session."""
        return (number_of(field, row) for row in self.rows())


class ListedSteps(NamedTuple):
    """A list of steps."""

    steps: Callable[[], Sequence[Step]]

    @property
    def own(self) -> Mapping[str, str]:
        """None."""
        return {}

    def understand(self, typed: Term) -> Term | str:
        """As everywhere."""
        return understand(typed)

    @property
    def fields(self) -> Collection[str]:
        """Those that say something about a step."""
        return STEP_FIELDS

    def names(self, _prefix: str) -> Collection[str]:
        """Scores and metadata are a session's."""
        return ()

    def values(self, field: str) -> Iterator[Iterable[str]]:
        """Of each step."""
        return (_of_step(step, field) for step in self.steps())

    def numbers(self, field: str) -> Iterator[float | None]:
        """Of each step."""
        return (step.duration_ms for step in self.steps()) if field == "dur" else iter(())


class ListedWords:
    """A list that is narrowed by words alone."""

    @property
    def own(self) -> Mapping[str, str]:
        """None."""
        return {}

    def understand(self, typed: Term) -> Term | str:
        """As everywhere."""
        return understand(typed)

    @property
    def fields(self) -> Collection[str]:
        """None."""
        return ()

    def names(self, _prefix: str) -> Collection[str]:
        """None."""
        return ()

    def values(self, _field: str) -> Iterator[Iterable[str]]:
        """None."""
        return iter(())

    def numbers(self, _field: str) -> Iterator[float | None]:
        """None."""
        return iter(())


class ListedRows(ListedWords):
    """Rows of a query, narrowed by what is typed as it is: no word of it can be a mistake."""


def _of_step(step: Step, field: str) -> tuple[str, ...]:
    match field:
        case "tool":
            return (step.name,) if step.kind is StepKind.TOOL else ()
        case "model":
            return (step.name,) if step.kind is StepKind.LLM else ()
        case "type":
            is_plain = step.ok is not False or step.kind is StepKind.ERROR
            return (step.kind.value,) if is_plain else (step.kind.value, StepKind.ERROR.value)
        case "status":
            return () if step.ok is None else (Status.PASSED.value if step.ok else Status.FAILED.value,)
        case _:
            return ()
