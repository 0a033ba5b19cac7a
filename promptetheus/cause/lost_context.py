"""Where a model did not get to see or say everything: answers cut off, a conversation cut down between two calls."""

from __future__ import annotations

import re

from promptetheus.cause.anomaly import Anomaly, AnomalyKind, finding
from promptetheus.cause.signatures import Run
from promptetheus.cause.steps import StepKind
from promptetheus.display import count
from promptetheus.events import as_mapping

CONTEXT_TOKENS = 8_000
CONTEXT_SHARE = 0.6
"""A model that is given less than this share of what it was given at its last call, and had been given at least so
many tokens, has lost a part of the conversation."""

_TRUNCATED = re.compile(
    r"[\[(<…. ]\s*(?:output |result |response )?truncated\b|\btruncated (?:output|result|response)", re.I
)
_TAIL = 400
_CUT_OFF = frozenset({"length", "max_tokens", "max_output_tokens", "context_length_exceeded", "MAX_TOKENS"})


def cut_off(run: Run) -> list[Anomaly]:
    """A model stopped because there was no more room."""
    found = []
    for step in run.steps:
        if step.kind is not StepKind.LLM:
            continue
        event = run.events[step.events[0]]
        for holder in (as_mapping(event.get("payload")), as_mapping(event.get("metadata"))):
            reason = holder.get("finish_reason") or holder.get("stop_reason")
            if isinstance(reason, str) and reason in _CUT_OFF:
                found.append(
                    finding(AnomalyKind.CUT_OFF, [step.index], f"{step.name} stopped at its limit: {reason}")
                )
    return found


def context_lost(run: Run) -> list[Anomaly]:
    """A model was suddenly given much less than before, or an answer says itself that a part of it is missing."""
    found = []
    given: dict[str, int] = {}
    for place, step in enumerate(run.steps):
        if step.kind is StepKind.LLM:
            tokens = as_mapping(run.events[step.events[0]].get("payload")).get("input_tokens")
            if type(tokens) is not int:
                continue
            before = given.get(step.name, 0)
            given[step.name] = tokens
            if before >= CONTEXT_TOKENS and tokens < CONTEXT_SHARE * before:
                text = f"{step.name} was given {count(tokens)} tokens after {count(before)}"
                found.append(finding(AnomalyKind.CONTEXT_LOST, [step.index], text))
        elif step.kind is StepKind.TOOL:
            result = run.result(place)
            if isinstance(result, str) and _TRUNCATED.search(result[-_TAIL:]):
                text = f"the agent saw a part of the answer only: {run.text(place)}"
                found.append(finding(AnomalyKind.CONTEXT_LOST, [step.index], text))
    return found
