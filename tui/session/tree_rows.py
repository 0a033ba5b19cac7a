"""The rows of the tree: steps under the spans that enclose them, as folds and a filter leave them."""

from __future__ import annotations

from promptetheus.cause.step_outline import Outline
from promptetheus.cause.steps import Step
from promptetheus.queries.session_log import SessionLog
from promptetheus.tui.session.step_list import StepList
from promptetheus.tui.session.tree_place import NO_PLACE, TreePlace, place_in_tree

BUILT_AT_ONCE = 3_000
"""Steps of which a tree is built while the person waits; each may take the reading of an event."""


class TreeRows:
    """Rows and steps by each other's numbers. Built when first looked at: each event is read for it once."""

    def __init__(self, steps: StepList, log: SessionLog) -> None:
        self._steps = steps
        self._log = log
        self._outline: Outline | None = None
        self._matches: list[int] | None = None

    def __len__(self) -> int:
        return 0 if self._outline is None else len(self._outline.rows)

    @property
    def is_far(self) -> bool:
        """Whether it takes so long to build them that `prepare` should run in a thread first."""
        return self._outline is None and self._steps.count > BUILT_AT_ONCE

    def prepare(self) -> None:
        """Build them, for a thread."""
        outline = self._grown(Outline())
        outline.show_only(self._matches)
        self._outline = outline

    def grow(self) -> None:
        """Take in the steps that are new; all of them the first time."""
        is_new = self._outline is None
        outline = self._outline = self._grown(self._outline or Outline())
        if is_new and self._matches is not None:
            outline.show_only(self._matches)
        outline.settle()

    def _grown(self, outline: Outline) -> Outline:
        outline.grow(self._steps.steps, self._steps.count, self._log.event)
        return outline

    def show_matches(self, matches: list[int] | None) -> None:
        """Show only these steps with the spans around them; all of them with None."""
        self._matches = matches
        if self._outline is not None:
            self._outline.show_only(matches)

    def step_at(self, row: int) -> int:
        """Index of the step in a row."""
        assert self._outline is not None
        return self._outline.rows[row]

    def row_near(self, step: int) -> int:
        """The row of a step, or of the nearest span around it that is visible; 0 where none is."""
        return 0 if self._outline is None else self._outline.row_near(step)

    def place_of(self, step: Step) -> TreePlace:
        """What the row of a step says about its place."""
        return NO_PLACE if self._outline is None else place_in_tree(self._outline, self._steps, step)

    def reveal(self, step: int) -> bool:
        """Unfold what hides a step; whether that changed anything."""
        return self._outline is not None and self._outline.reveal(step)

    def fold(self, step: int) -> bool:
        """Fold a span; whether that changed anything."""
        return self._outline is not None and self._outline.set_folded(step, True)

    def unfold(self, step: int) -> bool:
        """Unfold a span; whether that changed anything."""
        return self._outline is not None and self._outline.set_folded(step, False)

    def span_around(self, step: int) -> int | None:
        """Index of the innermost span around a step."""
        around = () if self._outline is None else self._outline.ancestors(step)
        return around[0] if around else None

    def has_inside(self, step: int) -> bool:
        """Whether something happened inside a span."""
        return self._outline is not None and bool(self._outline.children(step))
