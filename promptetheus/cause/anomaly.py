"""A finding about a single session: what looks wrong, and the steps that show it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from promptetheus.display import printable_line

_MAX_EVIDENCE = 10


class AnomalyKind(StrEnum):
    """What looks wrong, the more telling first."""

    FALSE_SUCCESS = "success claimed against a failed check"
    IGNORED_ERROR = "error ignored"
    EMPTY_RESULT = "empty result"
    REPETITION = "the same call again"
    OSCILLATION = "back and forth"
    CUT_OFF = "answer cut off"
    CONTEXT_LOST = "context lost"
    NO_CHANGE = "nothing changed after it"
    STALL = "stall"
    UNANSWERED = "call without an answer"


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One finding."""

    kind: AnomalyKind
    steps: tuple[int, ...]
    """Numbers of the steps that show it, in their order, at most 10."""
    text: str
    """One printable line."""


def finding(kind: AnomalyKind, steps: Sequence[int], text: str) -> Anomaly:
    """A finding with its words made one printable line, its evidence cut to 10 steps."""
    return Anomaly(kind, tuple(steps[:_MAX_EVIDENCE]), printable_line(text, 240))
