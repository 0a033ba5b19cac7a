"""The steps directly inside a span."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from promptetheus.cause.describe import describe
from promptetheus.cause.steps import Step, StepKind
from promptetheus.queries.session_log import SessionLog

MOST_LISTED = 100
MOST_LOOKED_AT = 2_000
"""Steps after the span's start that are looked at; the tree shows all of them."""


class InnerStep(NamedTuple):
    """A step inside a span."""

    step: Step
    description: str
    """One printable line."""


def span_contents(log: SessionLog, span: Step, steps: Sequence[Step]) -> list[InnerStep]:
    """The first steps whose events carry the span's id, or whose span has it as parent."""
    span_id = log.event(span.events[0]).get("span_id")
    ended = len(span.events) > 1
    found: list[InnerStep] = []
    for step in steps[span.index + 1 : span.index + 1 + MOST_LOOKED_AT]:
        if ended and step.events[0] > span.events[-1]:
            break
        key = "parent_id" if step.kind is StepKind.SPAN else "span_id"
        if span_id and log.event(step.events[0]).get(key) == span_id:
            found.append(InnerStep(step, describe(step, log.event)))
            if len(found) >= MOST_LISTED:
                break
    return found
