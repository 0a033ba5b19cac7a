"""Which rows of a comparison are shown: stretches of equal steps fold, a filter hides. No widget is touched here."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CONTEXT_ROWS = 2
"""Equal steps that stay before and after a difference."""

FOLDED_FROM = 3
"""Fewer equal steps than this are shown: a line that stands for two of them saves nothing."""


@dataclass(frozen=True, slots=True)
class Fold:
    """A line that stands for equal steps in a row."""

    first: int
    """The row it begins with."""
    count: int
    is_open: bool = False
    """Whether its rows are shown under it."""


Shown = int | Fold
"""What a line of the view shows: a row of the comparison by its number, or a fold."""


class DiffLines:
    """The lines of one comparison."""

    def __init__(self, equal: Sequence[bool]) -> None:
        self.lines: list[Shown] = []
        self.folding = True
        """Whether equal steps fold at all."""
        self.matches: frozenset[int] | None = None
        """Rows that a filter lets through; None without a filter."""
        self._equal = equal
        self._opened: set[int] = set()
        """First rows of the folds that somebody opened."""
        self._starts: list[int] = []
        self._arrange()

    def fold_all(self, folding: bool) -> None:
        """Fold equal steps, or show all of them."""
        self.folding = folding
        self._opened.clear()
        self._arrange()

    def show_matches(self, matches: frozenset[int] | None) -> None:
        """Show only these rows, none of them folded."""
        self.matches = matches
        self._arrange()

    def set_open(self, fold: Fold, is_open: bool) -> bool:
        """Open or close a fold; False when it was so already."""
        if fold.is_open == is_open:
            return False
        (self._opened.add if is_open else self._opened.discard)(fold.first)
        self._arrange()
        return True

    def fold_at(self, line: int) -> Fold | None:
        """The fold that a line is, or that it belongs to."""
        if not 0 <= line < len(self.lines):
            return None
        shown = self.lines[line]
        if isinstance(shown, Fold):
            return shown
        for before in range(line - 1, -1, -1):
            fold = self.lines[before]
            if isinstance(fold, Fold):
                return fold if fold.first <= shown < fold.first + fold.count else None
            if not self._equal[fold]:
                return None
        return None

    def row_at(self, line: int) -> int | None:
        """The row that a line shows; the first one of a fold; None where there is no such line."""
        if not 0 <= line < len(self.lines):
            return None
        shown = self.lines[line]
        return shown.first if isinstance(shown, Fold) else shown

    def line_of(self, row: int) -> int:
        """The line that shows a row or stands for it; the one before, where a filter hides it."""
        line = max(0, bisect_right(self._starts, row) - 1)
        # An open fold begins with the same row as the first line under it.
        return line

    def shows(self, row: int) -> bool:
        """Whether a row has a line of its own now."""
        return self.row_at(self.line_of(row)) == row and not isinstance(self.lines[self.line_of(row)], Fold)

    def _arrange(self) -> None:
        if self.matches is not None:
            self.lines = [*sorted(self.matches)]
        elif not self.folding:
            self.lines = list(range(len(self._equal)))
        else:
            self.lines = list(self._folded())
        self._starts = [shown.first if isinstance(shown, Fold) else shown for shown in self.lines]

    def _folded(self) -> Iterator[Shown]:
        total, row = len(self._equal), 0
        while row < total:
            if not self._equal[row]:
                yield row
                row += 1
                continue
            end = row
            while end < total and self._equal[end]:
                end += 1
            yield from self._stretch(row, end)
            row = end

    def _stretch(self, start: int, end: int) -> Iterator[Shown]:
        first = start + (CONTEXT_ROWS if start else 0)
        last = end - (CONTEXT_ROWS if end < len(self._equal) else 0)
        if last - first < FOLDED_FROM:
            yield from range(start, end)
            return
        yield from range(start, first)
        is_open = first in self._opened
        yield Fold(first, last - first, is_open)
        if is_open:
            yield from range(first, last)
        yield from range(last, end)
