"""What may stand at the cursor of a filter: fields with what they mean, values with how often they occur."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import islice

from promptetheus.queries.filter_fields import (
    META,
    NUMBER_FIELDS,
    SCORE,
    TEXT_FIELDS,
    canonical,
    number_in,
)
from promptetheus.queries.filter_listed import Listed, ListedRows
from promptetheus.queries.filter_terms import (
    COMPARISONS,
    FAILING,
    Term,
    quoted,
    statuses_of,
    term_at,
    typed_terms,
)
from promptetheus.queries.rows import Status

COUNTED_AT_ONCE = 400
"""Sessions or steps, in about a millisecond."""

_STEPS_OF_LADDER = [digit * 10.0**power for power in range(-3, 9) for digit in (1, 2, 5)]
_LIMITS: dict[str, tuple[str, ...]] = {
    "": ("0", *(f"{step:g}" for step in _STEPS_OF_LADDER if step < 1e3),
         *(f"{step / 1e3:g}k" for step in _STEPS_OF_LADDER if 1e3 <= step < 1e6),
         *(f"{step / 1e6:g}m" for step in _STEPS_OF_LADDER if step >= 1e6)),
    "ms": ("10ms", "50ms", "100ms", "200ms", "500ms", "1s", "2s", "5s", "10s", "30s", "1m", "2m", "5m", "10m", "30m",
           "1h", "2h", "6h", "12h", "1d"),
    "B": ("1kb", "10kb", "50kb", "100kb", "500kb", "1mb", "5mb", "10mb", "50mb", "100mb", "500mb", "1gb", "10gb"),
}  # fmt: skip
"""Round numbers that a limit may be, by the unit of the field."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A term that may stand there."""

    text: str
    note: str = ""
    """What a field means, in words."""
    count: int | None = None
    """How many of what is listed have the value, or lie within the limit."""


class Occurring:
    """How often the values of a field occur in a list; counted in portions, because a list may be long."""

    def __init__(self, listed: Listed, field: str) -> None:
        self.field = field
        self.counts: dict[str, int] = {}
        self.numbers: list[float] = []
        """What a number field says, in order once everything is counted."""
        self._is_number = is_number_field(field)
        self._values = iter(()) if self._is_number else listed.values(field)
        self._numbers = listed.numbers(field) if self._is_number else iter(())
        if field == "status" and SCORE in listed.fields:
            self.counts.update(dict.fromkeys((FAILING, *(status.value for status in Status)), 0))

    def count(self) -> bool:
        """Count some more; whether anything is left."""
        if self._is_number:
            portion = list(islice(self._numbers, COUNTED_AT_ONCE))
            self.numbers += [number for number in portion if number is not None]
            if not portion:
                self.numbers.sort()
            return bool(portion)
        looked_at = 0
        for values in islice(self._values, COUNTED_AT_ONCE):
            looked_at += 1
            for value in set(values):
                if value:
                    self.counts[value] = self.counts.get(value, 0) + 1
        if not looked_at and FAILING in self.counts and self.field == "status":
            failing = (status.value for status in Status if status.is_failing)
            self.counts[FAILING] = sum(self.counts[value] for value in failing)
        return looked_at > 0


def is_number_field(field: str) -> bool:
    """Whether a canonical name is that of a number."""
    return field in NUMBER_FIELDS or field.startswith(f"{SCORE}.")


def completed_field(text: str, cursor: int, listed: Listed) -> str:
    """The canonical name of the field whose values may stand at the cursor; empty where a field, or nothing, may."""
    term = term_at(text, cursor)
    return canonical(term.field) if term.operator and _narrows(canonical(term.field), listed) else ""


def candidates(
    text: str, cursor: int, listed: Listed, occurring: Occurring | None = None, *, everything: bool = False
) -> list[Candidate]:
    """What may replace the term under the cursor, best first.

    Args:
        occurring: The values of `completed_field`, where that is one.
        everything: List all fields where nothing is typed yet.
    """
    term = term_at(text, cursor)
    if not term.operator:
        found = _fields(term, listed, everything=everything)
    elif not _narrows(canonical(term.field), listed):
        found = _corrected(term, listed)
    elif occurring is None:
        found = []
    elif is_number_field(occurring.field):
        found = _limits(term, occurring)
    else:
        found = _values(term, listed, occurring)
    return [each for each in found if each.text != term.text]


def complete(text: str, cursor: int, candidate: str) -> tuple[str, int]:
    """The text with the term under the cursor replaced by a candidate's, and where the cursor is then."""
    term = term_at(text, cursor)
    end = term.start + len(term.text)
    return text[: term.start] + candidate + text[end:], term.start + len(candidate)


def problems_in(text: str, listed: Listed) -> tuple[str, ...]:
    """What is wrong with a filter, a sentence for each term that narrows nothing in this list."""
    if isinstance(listed, ListedRows):
        return ()
    return tuple(problem for term in typed_terms(text) if (problem := _problem(term, listed)))


def _problem(term: Term, listed: Listed) -> str:
    understood = listed.understand(term)
    if isinstance(understood, str):
        return understood
    if not understood.field or _narrows(understood.field, listed):
        return ""
    if not listed.fields:
        return f"{term.text}: this list is narrowed by words alone, {understood.field} means nothing here."
    fields = ", ".join(sorted(listed.fields))
    return f"{term.text}: {understood.field} is about sessions and narrows nothing here. Of steps there are {fields}."


def _narrows(field: str, listed: Listed) -> bool:
    return field.partition(".")[0] in listed.fields


def _fields(term: Term, listed: Listed, *, everything: bool) -> list[Candidate]:
    start = term.value.casefold()
    for prefix, note in ((SCORE, "the value of this score"), (META, "a value in the sessions' metadata")):
        if start.startswith(f"{prefix}.") and prefix in listed.fields:
            names = sorted(name for name in listed.names(prefix) if name.casefold().startswith(start))
            return [Candidate(term.sign + name, note) for name in names]
    if not (start or everything):
        return []
    offered = [(f"{name}:", meaning) for name, meaning in listed.own.items()]
    offered += [(f"{name}:", known.help) for name, known in TEXT_FIELDS.items() if name in listed.fields]
    offered += [(f"{name}>", known.help) for name, known in NUMBER_FIELDS.items() if name in listed.fields]
    offered += [
        (f"{prefix}.", note)
        for prefix, note in ((SCORE, "a score, by its name"), (META, "the sessions' metadata, by its name"))
        if prefix in listed.fields
    ]
    return [Candidate(term.sign + name, note) for name, note in offered if name.startswith(start)]


def _corrected(term: Term, listed: Listed) -> list[Candidate]:
    """The same term with the field that was probably meant, where the rest of it makes sense there."""
    value = term.unsigned[len(term.field) + len(term.operator) :]
    known = [name for name in listed.fields if name not in (SCORE, META)]
    notes = {name: each.help for name, each in TEXT_FIELDS.items()}
    notes.update(listed.own)
    notes.update((name, each.help) for name, each in NUMBER_FIELDS.items())
    close = get_close_matches(canonical(term.field), known, n=3, cutoff=0.6)
    found = [Candidate(f"{term.sign}{name}{_operator(term, name)}{value}", notes[name]) for name in close]
    return [each for each in found if _makes_sense(each, listed)]


def _makes_sense(candidate: Candidate, listed: Listed) -> bool:
    return not any(_problem(term, listed) for term in typed_terms(candidate.text))


def _values(term: Term, listed: Listed, occurring: Occurring) -> list[Candidate]:
    wanted, counts = term.value.casefold(), occurring.counts
    found = [value for value in counts if wanted in value.casefold()]
    found.sort(key=lambda value: (not value.casefold().startswith(wanted), -counts[value], value))
    before = f"{term.sign}{term.field}{_operator(term, occurring.field)}"
    offered = [_counted(f"{before}{quoted(value)}", value, occurring) for value in found]
    # Any text may be an agent; statuses there are few, and `:=` does not take those that stand for several.
    return [each for each in offered if occurring.field != "status" or _makes_sense(each, listed)]


def _counted(text: str, value: str, occurring: Occurring) -> Candidate:
    """An offer with how many have the value; `status:failed` stands for those that failed their goal, too."""
    counts = occurring.counts
    if FAILING in counts and occurring.field == "status" and value != FAILING:
        meant = statuses_of(next(typed_terms(text)))
        return Candidate(text, count=sum(counts[status.value] for status in meant))
    return Candidate(text, count=counts[value])


def _limits(term: Term, occurring: Occurring) -> list[Candidate]:
    """Round limits that tell some of what is listed from the rest."""
    numbers, field = occurring.numbers, occurring.field
    unit = NUMBER_FIELDS[field].unit if field in NUMBER_FIELDS else ""
    before, wanted = f"{term.sign}{term.field}{term.operator}", term.value.casefold()
    found: list[Candidate] = []
    told = {0, len(numbers)}
    for label in _LIMITS[unit]:
        limit = number_in(label, unit)
        assert limit is not None
        match term.operator:
            case ">":
                within = len(numbers) - bisect_right(numbers, limit)
            case ">=":
                within = len(numbers) - bisect_left(numbers, limit)
            case "<":
                within = bisect_left(numbers, limit)
            case "<=":
                within = bisect_right(numbers, limit)
            case _:
                return []
        if within not in told and label.startswith(wanted):
            found.append(Candidate(before + label, count=within))
        told.add(within)
    return found


def _operator(term: Term, field: str) -> str:
    """As typed, where the field has it: only numbers are compared."""
    return ":" if term.operator in COMPARISONS and not is_number_field(field) else term.operator
