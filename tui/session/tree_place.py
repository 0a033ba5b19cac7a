"""What a row of the tree says about its place in it: the lines that lead to it, and what a folded span hides."""

from __future__ import annotations

from typing import NamedTuple

from promptetheus.cause.step_outline import Outline
from promptetheus.cause.steps import Step
from promptetheus.display import count
from promptetheus.tui.session.step_list import StepList

COUNTED_INSIDE = 1_000
"""Steps of a folded span that are counted; of more it says `1000+`."""


class TreePlace(NamedTuple):
    """The last fields of a `RowState`."""

    guides: str
    fold: str
    note: str
    note_failed: bool


NO_PLACE = TreePlace("", "", "", False)


def place_in_tree(outline: Outline, steps: StepList, step: Step) -> TreePlace:
    """The guides and folds of a step's row."""
    guides = outline.guides(step.index)
    if not outline.is_folded(step.index):
        return TreePlace(guides, "▾ " if outline.children(step.index) else "", "", False)
    inside = outline.inside(step.index, COUNTED_INSIDE)
    failed = sum(steps[child].ok is False for child in inside)
    return TreePlace(
        guides, "▸ ", folded_note(len(inside), failed, len(inside) >= COUNTED_INSIDE), failed > 0
    )


def folded_note(steps: int, failed: int, more: bool) -> str:
    """What a folded span says of what it hides: `12 steps, 1 failed`."""
    text = f"{count(steps)}{'+' if more else ''} {'step' if steps == 1 else 'steps'}"
    return f"{text}, {failed} failed" if failed else text
