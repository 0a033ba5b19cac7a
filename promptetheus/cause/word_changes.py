"""Which words of a text became which: for the two sides of a message, emphasised where they differ."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from rapidfuzz.distance import Indel

MAX_WORDS = 20_000
"""Words, blanks and signs of each text that are compared, about 100,000 characters; the rest is one segment."""

WORTH_MARKING = 0.35
"""Of texts that share less (`share_equal`), marks on single words are a distraction."""

_PIECE = re.compile(r"\w+|[^\S\n]+|\n|[^\w\s]")


class Words(StrEnum):
    """Where a stretch of text stands."""

    BOTH = "both"
    LEFT = "left"
    RIGHT = "right"


class Stretch(NamedTuple):
    """Words in a row that are in both texts, or in one of them."""

    where: Words
    text: str
    """As it stands there: not yet fit for a screen (`display.printable`)."""


@dataclass(frozen=True, slots=True)
class WordChanges:
    """Two texts as one sequence: what only the left has stands before what only the right has in its place."""

    stretches: tuple[Stretch, ...]
    share_equal: float
    """From 0 to 1, by characters."""
    cut: bool = False
    """Whether the texts were too long to be compared to their ends."""

    @property
    def left(self) -> tuple[Stretch, ...]:
        """The left text in stretches."""
        return tuple(stretch for stretch in self.stretches if stretch.where is not Words.RIGHT)

    @property
    def right(self) -> tuple[Stretch, ...]:
        """The right text in stretches."""
        return tuple(stretch for stretch in self.stretches if stretch.where is not Words.LEFT)


def word_changes(before: str, after: str) -> WordChanges:
    """Compare two texts word by word. Takes about 0.1 s for the longest that are compared."""
    one, rest_one = _pieces(before)
    other, rest_other = _pieces(after)
    numbers: dict[str, int] = {}
    a = [numbers.setdefault(piece, len(numbers)) for piece in one]
    b = [numbers.setdefault(piece, len(numbers)) for piece in other]
    equal = [
        (step.src_start, step.dest_start, step.src_end - step.src_start)
        for step in Indel.opcodes(a, b)
        if step.tag == "equal"
    ]
    found: list[Stretch] = []
    i = j = 0
    for start, to, size in [*filter(lambda match: _carries(one, match), equal), (len(one), len(other), 0)]:
        found.append(Stretch(Words.LEFT, "".join(one[i:start])))
        found.append(Stretch(Words.RIGHT, "".join(other[j:to])))
        found.append(Stretch(Words.BOTH, "".join(one[start : start + size])))
        i, j = start + size, to + size
    if rest_one == rest_other:
        found.append(Stretch(Words.BOTH, rest_one))
    else:
        found += [Stretch(Words.LEFT, rest_one), Stretch(Words.RIGHT, rest_other)]
    same = sum(len(stretch.text) for stretch in found if stretch.where is Words.BOTH)
    longest = max(len(before), len(after))
    return WordChanges(
        tuple(stretch for stretch in found if stretch.text),
        same / longest if longest else 1.0,
        bool(rest_one or rest_other),
    )


def _pieces(text: str) -> tuple[list[str], str]:
    """The text in words, blanks and signs, and what is left of it beyond the limit."""
    found: list[str] = []
    for match in _PIECE.finditer(text):
        if len(found) == MAX_WORDS:
            return found, text[match.start() :]
        found.append(match.group())
    return found, ""


def _carries(pieces: Sequence[str], match: tuple[int, int, int]) -> bool:
    """Whether an equal stretch says something: a blank or a comma between two changes does not."""
    start, _, size = match
    at_an_end = start == 0 or start + size == len(pieces)
    return at_an_end or any(piece[0].isalnum() or piece == "\n" for piece in pieces[start : start + size])
