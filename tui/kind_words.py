"""The one word that a step's kind goes by on screen."""

from __future__ import annotations

from promptetheus.cause.steps import Step, StepKind
from promptetheus.display import printable_line

KIND_CELLS = 8
"""Width of the column; no word of ours is longer, an action's name may be and is cut."""

_WORDS = {
    StepKind.USER: "you",
    StepKind.RETRIEVAL: "retrieve",
    StepKind.RECORDING: "recorded",
}


def kind_word(step: Step) -> str:
    """`tool`, `llm`, `you`, …; a browser action goes by its own name: `click`."""
    if step.kind is StepKind.ACTION and step.name:
        return printable_line(step.name, KIND_CELLS)
    return _WORDS.get(step.kind, step.kind.value)


def word_of_kind(kind: str) -> str:
    """The same for a step of which only the kind is at hand."""
    return _WORDS.get(StepKind(kind), kind)


def kind_in_full(step: Step) -> str:
    """The word where there is room for all of it: `retrieval`."""
    return step.kind.value if step.kind in (StepKind.RETRIEVAL, StepKind.RECORDING) else kind_word(step)
