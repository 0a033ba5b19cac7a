"""The steps of a session as a tree: which span encloses which step, and what of it is unfolded.

Grows with the session. Nothing recurses: a chain of 100,000 spans is as well as one of three.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from promptetheus.cause.steps import Step, StepKind

ROOT = -1
"""Stands for "inside no span"."""

MOST_LEVELS = 100
"""Spans nested deeper are put beside their parent: nobody reads that deep, and every row looks up its ancestors."""

MOST_GUIDES = 24
"""Levels that are drawn; what lies deeper is drawn at this depth."""


class Outline:
    """Parents and children of steps by their index, and the rows that are visible."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        """Visible steps in the order of the tree."""
        self._parents: list[int] = []
        self._depths: list[int] = []
        self._children: dict[int, list[int]] = {}
        self._spans: dict[str, int] = {}
        self._folded: set[int] = set()
        self._shown: frozenset[int] | None = None
        self._stale = False
        """Whether a step was added somewhere else than at the end."""

    def __len__(self) -> int:
        """Steps taken in so far."""
        return len(self._parents)

    def add(self, step: Step, event: Mapping[str, Any]) -> None:
        """Take in the next step, with its opening event."""
        span_id = event.get("span_id")
        parent = ROOT
        if step.kind is StepKind.SPAN:
            parent_id = event.get("parent_id")
            parent = self._spans.get(parent_id, ROOT) if isinstance(parent_id, str) else ROOT
            if isinstance(span_id, str):
                self._spans.setdefault(span_id, step.index)
        elif isinstance(span_id, str):
            parent = self._spans.get(span_id, ROOT)
        depth = 0 if parent == ROOT else self._depths[parent] + 1
        if depth > MOST_LEVELS:
            parent, depth = self._parents[parent], depth - 1
        self._parents.append(parent)
        self._depths.append(depth)
        self._children.setdefault(parent, []).append(step.index)
        self._place(step.index, parent)

    def grow(self, steps: Sequence[Step], count: int, event: Callable[[int], Mapping[str, Any]]) -> None:
        """Take in the first `count` steps, as far as they are new; `event` gives an event by its number."""
        for index in range(len(self), count):
            step = steps[index]
            # A step that no known span encloses needs no look at its event.
            inside = step.depth > 0 or step.kind is StepKind.SPAN
            self.add(step, event(step.events[0]) if inside else {})

    def settle(self) -> None:
        """Put the rows in order after steps were added."""
        if self._stale:
            self.rebuild()

    def _place(self, index: int, parent: int) -> None:
        """Give a new step its row, where that is the end: sessions nearly always grow there."""
        if self._stale or self._shown is not None:
            return
        around = self.ancestors(index)
        if any(ancestor in self._folded for ancestor in around):
            return
        if (
            parent == ROOT
            or not self.rows
            or self.rows[-1] == parent
            or parent in self.ancestors(self.rows[-1])
        ):
            self.rows.append(index)
        else:
            self._stale = True

    def ancestors(self, index: int) -> list[int]:
        """The spans around a step, innermost first."""
        found = []
        parent = self._parents[index]
        while parent != ROOT:
            found.append(parent)
            parent = self._parents[parent]
        return found

    def children(self, index: int) -> list[int]:
        """The steps directly inside a span."""
        return self._children.get(index, [])

    def inside(self, index: int, most: int) -> list[int]:
        """Steps inside a span at any depth; counts no further than `most`."""
        found: list[int] = []
        waiting = list(self.children(index))
        while waiting and len(found) < most:
            child = waiting.pop()
            found.append(child)
            waiting.extend(self.children(child))
        return found

    def is_folded(self, index: int) -> bool:
        """Whether the steps inside a span are hidden."""
        return index in self._folded

    def set_folded(self, index: int, folded: bool) -> bool:
        """Fold or unfold a span; whether that changed anything."""
        if folded == (index in self._folded) or not self.children(index):
            return False
        (self._folded.add if folded else self._folded.discard)(index)
        self.rebuild()
        return True

    def reveal(self, index: int) -> bool:
        """Unfold every span around a step; whether any was folded."""
        folded = [ancestor for ancestor in self.ancestors(index) if ancestor in self._folded]
        self._folded.difference_update(folded)
        if folded:
            self.rebuild()
        return bool(folded)

    def show_only(self, matches: list[int] | None) -> None:
        """Show these steps and the spans around them, whatever is folded; all again with None."""
        if matches is None:
            self._shown = None
        else:
            shown = set(matches)
            for index in matches:
                for ancestor in self.ancestors(index):
                    if ancestor in shown:
                        break
                    shown.add(ancestor)
            self._shown = frozenset(shown)
        self.rebuild()

    def rebuild(self) -> None:
        """Work out the visible rows anew."""
        rows: list[int] = []
        shown, folded = self._shown, self._folded
        waiting = list(reversed(self.children(ROOT)))
        while waiting:
            index = waiting.pop()
            if shown is not None and index not in shown:
                continue
            rows.append(index)
            if shown is not None or index not in folded:
                waiting.extend(reversed(self.children(index)))
        self.rows = rows
        self._stale = False

    def row_near(self, index: int) -> int:
        """The row of a step, or of the nearest span around it that is visible; 0 where none is."""
        for candidate in (index, *self.ancestors(index)):
            try:
                return self.rows.index(candidate)
            except ValueError:
                continue
        return 0

    def guides(self, index: int) -> str:
        """The lines that lead to a row: `│ ├ `."""
        chain = [index, *self.ancestors(index)][: MOST_GUIDES + 1]
        parts = []
        for node in chain[:-1]:
            is_last = self._children[self._parents[node]][-1] == node
            parts.append(("└ " if is_last else "├ ") if node == index else ("  " if is_last else "│ "))
        return "".join(reversed(parts))
