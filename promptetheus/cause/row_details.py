"""What exactly differs in one row of two sessions side by side; worked out when somebody looks at the row.

The words of messages, arguments and results by JSON path, the page in words, and how long and how much it took.
Pictures are named here and compared by who may read files (`RowDetails.pictures`, `picture_changes`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple

from promptetheus.cause.comparison import Change, Row, SideBySide
from promptetheus.cause.dom_changes import page_differences
from promptetheus.cause.signatures import Run
from promptetheus.cause.steps import StepKind
from promptetheus.cause.value_changes import ValueChange, value_changes
from promptetheus.cause.word_changes import WordChanges, word_changes
from promptetheus.display import count, duration

MAX_PICTURES = 10
"""Screenshots of one step that are held against those of the other."""

_TEXT_FROM = 60
"""A changed text of so many characters is told by its words, a shorter one as a whole."""


class PicturePair(NamedTuple):
    """Screenshots taken after the same step, by their paths in their spools; None where there is none (any more)."""

    left: str | None
    right: str | None

    @property
    def is_same(self) -> bool:
        """Whether the files are known to be equal: artifacts are named by their content."""
        return self.left is not None and self.left == self.right


class TextChange(NamedTuple):
    """A long text inside arguments or a result, word by word."""

    change: ValueChange
    """The one of the row's changes that it tells more exactly."""
    words: WordChanges


@dataclass(frozen=True, slots=True)
class RowDetails:
    """Everything that differs in a row; what does not is empty."""

    words: WordChanges | None = None
    """Of a message."""
    arguments: tuple[ValueChange, ...] = ()
    """Of a call, action, query, state or error."""
    result: tuple[ValueChange, ...] = ()
    """Of a call or query; error texts count as results."""
    texts: tuple[TextChange, ...] = ()
    """The long texts among them, word by word."""
    page: tuple[str, ...] = ()
    """Sentences on how the page differs after the step."""
    pictures: tuple[PicturePair, ...] = ()
    """All of the row, equal ones too."""
    numbers: tuple[tuple[str, str, str], ...] = ()
    """What differs in time and tokens: name, left, right, as people write them."""

    def __bool__(self) -> bool:
        parts = (self.words, self.arguments, self.result, self.page, self.numbers)
        return any(parts) or any(not pair.is_same for pair in self.pictures)


def row_details(sides: SideBySide, row: Row) -> RowDetails:
    """The details of a row. Of a step that has no counterpart there is nothing to compare, and all is empty."""
    if row.left is None or row.right is None:
        return RowDetails(pictures=_pictures(sides, row))
    left, right = sides.left, sides.right
    kind = left.steps[row.left].kind
    before, after = left.arguments[row.left], right.arguments[row.right]
    if kind in (StepKind.USER, StepKind.AGENT) and isinstance(before, str) and isinstance(after, str):
        return RowDetails(
            words=word_changes(before, after) if row.change is not Change.SAME else None,
            numbers=_numbers(left, row.left, right, row.right),
        )
    arguments = tuple(value_changes(before, after, left.noise))
    result = tuple(value_changes(left.result(row.left), right.result(row.right), left.noise))
    return RowDetails(
        arguments=arguments,
        result=result,
        texts=tuple(_texts((*arguments, *result))),
        page=tuple(_page(left.page(row.left), right.page(row.right))),
        pictures=_pictures(sides, row),
        numbers=_numbers(left, row.left, right, row.right),
    )


def _texts(changes: Sequence[ValueChange]) -> list[TextChange]:
    return [
        TextChange(change, word_changes(change.before, change.after))
        for change in changes
        if isinstance(change.before, str)
        and isinstance(change.after, str)
        and max(len(change.before), len(change.after)) >= _TEXT_FROM
    ]


def _page(left: Mapping[str, Any] | None, right: Mapping[str, Any] | None) -> list[str]:
    if left is None and right is None:
        return []
    if left is None or right is None:
        side = "right" if left is None else "left"
        return [f"Only the {side} session has a snapshot of the page here."]
    return page_differences(left, right)


def _pictures(sides: SideBySide, row: Row) -> tuple[PicturePair, ...]:
    left = [] if row.left is None else _paths(sides.left, row.left)
    right = [] if row.right is None else _paths(sides.right, row.right)
    return tuple(PicturePair(*pair) for pair in zip_longest(left, right))


def _paths(run: Run, place: int) -> list[str | None]:
    shots = run.following(place, "screenshot")[:MAX_PICTURES]
    return [path if isinstance(path := shot.get("storage_path"), str) and path else None for shot in shots]


def _numbers(left: Run, i: int, right: Run, j: int) -> tuple[tuple[str, str, str], ...]:
    before, after = left.steps[i], right.steps[j]
    found = []
    if before.duration_ms is not None and after.duration_ms is not None:
        found.append(("took", duration(before.duration_ms), duration(after.duration_ms)))
    if before.kind is StepKind.LLM:
        payloads = [run.following(place, "llm_call") for run, place in ((left, i), (right, j))]
        for key, name in (("input_tokens", "input tokens"), ("output_tokens", "output tokens")):
            tokens = [each[0].get(key) if each else None for each in payloads]
            if any(type(number) is int for number in tokens):
                texts = [count(number if type(number) is int else None) for number in tokens]
                found.append((name, texts[0], texts[1]))
    return tuple(line for line in found if line[1] != line[2])
