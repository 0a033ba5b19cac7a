"""What ways of failing are called in their list: each differently, also where their labels are the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from promptetheus.cause.failures import Failure
from promptetheus.queries.failure_list import ListedFailure
from promptetheus.tui.failures.alike_labels import AlikeLabels, cuts_apart
from promptetheus.tui.failures.failure_row import shown_in_full, shown_label
from promptetheus.tui.fit import cells


class FailureLabels:
    """The labels, and of those that are the same to the last letter what was read of their sessions."""

    def __init__(self) -> None:
        self.longest = 0
        """Cells of the longest label."""
        self._same: frozenset[str] = frozenset()
        """Labels of several ways of failing."""
        self._said: dict[str, str] = {}
        """All that a fingerprint is made of, by fingerprint; "" where no session of it could be read."""
        self._alike = AlikeLabels()
        self._cuts: dict[int, dict[str, str]] = {}
        """What was read, as it is shown in so many cells."""

    def measure(self, failures: Iterable[ListedFailure]) -> None:
        """Find which labels are alike, in all there are: a filter must not change how they are written."""
        times = Counter(shown_label(each.failure) for each in failures)
        self.longest = max(map(cells, times), default=0)
        self._same = frozenset(label for label, number in times.items() if number > 1)
        self._alike = AlikeLabels([*times, *filter(None, self._said.values())])
        self._cuts.clear()

    def unread(self, failures: Iterable[ListedFailure]) -> list[str]:
        """Fingerprints of those that look like another one as long as nobody has read a session of them."""
        return [
            each.failure.fingerprint
            for each in failures
            if each.failure.fingerprint not in self._said and shown_label(each.failure) in self._same
        ]

    def tell(self, said: Mapping[str, str]) -> None:
        """Take what was read, by fingerprint; see `told_in_full`."""
        for fingerprint, words in said.items():
            self._said[fingerprint] = text = shown_in_full(words)
            if text:
                self._alike.add(text)
        self._cuts.clear()

    def in_cells(self, failure: Failure, width: int) -> str:
        """What one is called, in so many cells."""
        label = shown_label(failure)
        said = self._said.get(failure.fingerprint) if label in self._same else None
        if not said:
            return self._alike.cut(label, width)
        if width not in self._cuts:
            self._cuts[width] = cuts_apart(filter(None, self._said.values()), width, self._alike)
        return self._cuts[width][said]
