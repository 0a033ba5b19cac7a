"""What looks wrong in a single session, with the steps that show it: nothing to compare with is needed.

Signs, not proof: each finding says what was seen and leaves the judgement to the reader. Ordered by how telling
they are; the same events give the same findings.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from promptetheus.cause.anomaly import Anomaly, AnomalyKind, finding
from promptetheus.cause.effects import Effects, infer_effects
from promptetheus.cause.lost_context import context_lost, cut_off
from promptetheus.cause.mistake_signs import answered_nothing
from promptetheus.cause.signatures import Run, make_run
from promptetheus.cause.stalls import pauses, stalls, unanswered
from promptetheus.cause.steps import Step, StepKind
from promptetheus.events import as_mapping
from promptetheus.fingerprint import in_order

__all__ = ["Anomaly", "AnomalyKind", "anomalies"]

REPEATS = 3
"""The same call with the same answer so many times is a repetition."""

OSCILLATIONS = 3
"""A, B, A, B, A, B: two calls in turn so many times."""

MAX_FINDINGS = 50
_LOOKED_AHEAD = 50
_MOVES = frozenset(
    {StepKind.AGENT, StepKind.USER, StepKind.TOOL, StepKind.ACTION, StepKind.RETRIEVAL, StepKind.ERROR}
)

_SUCCESS = re.compile(
    r"\b(?:success(?:fully)?|done|completed?|booked|confirmed|fixed|all set|has been|is now|works)\b",
    re.IGNORECASE,
)
_NOTHING = re.compile(
    r"\b(?:no|none|not|nothing|never|without|empty|unable|cannot|unfortunately|zero|0|sorry)\b|n't\b",
    re.IGNORECASE,
)
"""Words that show that an agent saw an empty answer."""


def anomalies(events: Iterable[Mapping[str, Any]]) -> list[Anomaly]:
    """What looks wrong in a session, the most telling first; at most 50 findings. Never raises on odd events."""
    known = [event for event in in_order(events) if isinstance(event, Mapping)]
    run = make_run(known)
    effects = infer_effects([run])
    found = [
        *_false_success(run),
        *_ignored_errors(run),
        *_empty_results_used(run, effects),
        *_repetitions(run, effects),
        *_oscillations(run),
        *cut_off(run),
        *context_lost(run),
        *_clicks_in_vain(run),
        *stalls(run.steps),
        *pauses(run.steps),
        *unanswered(run, known),
    ]
    order = list(AnomalyKind)
    found.sort(key=lambda anomaly: (order.index(anomaly.kind), anomaly.steps))
    return found[:MAX_FINDINGS]


def _false_success(run: Run) -> list[Anomaly]:
    """The last words say that it worked, and a check says that it did not."""
    failed = any(
        event.get("type") == "goal_check" and as_mapping(event.get("payload")).get("passed") is False
        for event in run.events
    )
    words = [place for place, step in enumerate(run.steps) if step.kind is StepKind.AGENT]
    if not failed or not words:
        return []
    said = run.signatures[words[-1]].content
    claim = _SUCCESS.search(said[:4_000])
    if claim is None:
        return []
    text = f'the agent\'s last words say "{claim.group(0)}", and a check failed'
    return [finding(AnomalyKind.FALSE_SUCCESS, [run.steps[words[-1]].index], text)]


def _ignored_errors(run: Run) -> list[Anomaly]:
    """A call failed, the tool was not called again, and the agent did not speak of it before its next move."""
    found = []
    later: Counter[str] = Counter(step.name for step in run.steps if step.kind is StepKind.TOOL)
    for place, step in enumerate(run.steps):
        if step.kind is not StepKind.TOOL:
            continue
        later[step.name] -= 1
        following = _next_move(run, place)
        if (
            step.ok is False
            and not later[step.name]
            and following is not None
            and following.kind is StepKind.TOOL
        ):
            text = f"{step.name} failed, was not tried again, and the next call followed at once: {run.text(place)}"
            found.append(finding(AnomalyKind.IGNORED_ERROR, [step.index, following.index], text))
    return found


def _next_move(run: Run, place: int) -> Step | None:
    """What the agent did or was told next; model calls, spans and pages in between are not its doing."""
    return next(
        (step for step in run.steps[place + 1 : place + 1 + _LOOKED_AHEAD] if step.kind in _MOVES), None
    )


def _empty_results_used(run: Run, effects: Effects) -> list[Anomaly]:
    """A tool that was asked answered nothing, and the agent spoke or changed something as if it had."""
    found = []
    for place, step in enumerate(run.steps):
        # A call that answers null may be one that has nothing to answer: too weak a sign to bother people with.
        if run.result(place) is None or not answered_nothing(run, place, effects):
            continue
        following = _next_move(run, place)
        if following is None:
            continue
        changes = (
            following.kind is StepKind.TOOL and _changes(following, effects) and following.name != step.name
        )
        says = following.kind is StepKind.AGENT and not _NOTHING.search(_words(run, following)[:4_000])
        if changes or says:
            what = f"{following.name} was called" if changes else "the agent went on"
            text = f"{what} as if there had been an answer: {run.text(place)}"
            found.append(finding(AnomalyKind.EMPTY_RESULT, [step.index, following.index], text))
    return found


def _changes(step: Step, effects: Effects) -> bool:
    known = effects.get(step.name)
    return known is not None and known.writes


def _words(run: Run, step: Step) -> str:
    content = as_mapping(run.events[step.events[0]].get("payload")).get("content")
    return content if isinstance(content, str) else ""


def _repetitions(run: Run, effects: Effects) -> list[Anomaly]:
    """The same question with the same answer, again and again; apart where that answer was nothing."""
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, (step, signature) in enumerate(zip(run.steps, run.signatures, strict=True)):
        if step.kind is StepKind.TOOL and not step.open:
            places[signature.key, repr(run.result(place))[:2_000]].append(place)
    found = []
    for same in places.values():
        if len(same) < REPEATS:
            continue
        kind = AnomalyKind.EMPTY_RESULT if answered_nothing(run, same[0], effects) else AnomalyKind.REPETITION
        text = f"{len(same)} times: {run.text(same[0])}"
        found.append(finding(kind, [run.steps[place].index for place in same], text))
    return found


def _oscillations(run: Run) -> list[Anomaly]:
    """Two calls or actions in turn."""
    moves = [
        (step, signature.key)
        for step, signature in zip(run.steps, run.signatures, strict=True)
        if step.kind in (StepKind.TOOL, StepKind.ACTION)
    ]
    found = []
    start = 0
    while start + 1 < len(moves):
        end = start + 2
        while end < len(moves) and moves[end][1] == moves[end - 2][1]:
            end += 1
        if moves[start][1] != moves[start + 1][1] and end - start >= 2 * OSCILLATIONS:
            steps = [step.index for step, _ in moves[start:end]]
            names = " and ".join(moves[place][0].name or "?" for place in (start, start + 1))
            text = f"{names} in turn, {(end - start) // 2} times"
            found.append(finding(AnomalyKind.OSCILLATION, steps, text))
        start = max(start + 1, end - 1)
    return found


def _clicks_in_vain(run: Run) -> list[Anomaly]:
    """The page read after an action is the page read before it."""
    found = []
    before = None
    for step in run.steps:
        pages = [
            _page(run.events[number])
            for number in step.events
            if run.events[number].get("type") == "dom_snapshot"
        ]
        if step.kind is StepKind.ACTION and pages and before is not None and pages[-1] == before:
            text = f"the page is the same after {step.name or 'an action'} as before"
            found.append(finding(AnomalyKind.NO_CHANGE, [step.index], text))
        before = pages[-1] if pages else before
    return found


def _page(event: Mapping[str, Any]) -> str:
    payload = as_mapping(event.get("payload"))
    return repr(
        [
            payload.get(key)
            for key in ("url", "visible_text", "selected_values", "warnings", "text", "html", "title", "dom")
        ]
    )
