"""The steps of a session by how long they took, the longest first, one at a time."""

from __future__ import annotations

from collections.abc import Iterable

from promptetheus.cause.steps import Step, StepKind


def next_longest(steps: Iterable[Step], below: Step | None = None) -> Step | None:
    """The longest step that is no span, or the longest of those that took less than `below`.

    Equally long ones follow each other in the order of the session. None when no step has a duration (any more).
    One pass: a key must not cost the sorting of a long session.
    """
    limit = None if below is None else _key(below)
    timed = (step for step in steps if step.duration_ms is not None and step.kind is not StepKind.SPAN)
    return max((step for step in timed if limit is None or _key(step) < limit), key=_key, default=None)


def _key(step: Step) -> tuple[float, int]:
    return step.duration_ms or 0.0, -step.index
