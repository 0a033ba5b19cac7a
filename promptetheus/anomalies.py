"""What looks wrong in a single session, with the steps that show it: nothing to compare with is needed.

Signs, not proof: each finding says what was seen and leaves the judgement to the reader. Ordered by how telling
they are; the same events give the same findings.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from promptetheus.display import duration, printable_line
from promptetheus.fingerprint import in_order
from promptetheus.signatures import Run, make_run
from promptetheus.steps import Step, StepKind

REPEATS = 3
"""The same call with the same answer so many times is a repetition."""

OSCILLATIONS = 3
"""A, B, A, B, A, B: two calls in turn so many times."""

STALL_MS = 30_000.0
STALL_FACTOR = 10.0
"""A step is a stall when it took at least 30 s and ten times the median step of its session."""

MAX_FINDINGS = 50
_MAX_EVIDENCE = 10

_SUCCESS = re.compile(
    r"\b(?:success(?:fully)?|done|completed?|booked|confirmed|fixed|all set|has been|is now|works)\b",
    re.IGNORECASE,
)
_CUT_OFF = frozenset({"length", "max_tokens", "max_output_tokens", "context_length_exceeded", "MAX_TOKENS"})


class AnomalyKind(StrEnum):
    """What looks wrong, the more telling first."""

    FALSE_SUCCESS = "success claimed against a failed check"
    IGNORED_ERROR = "error ignored"
    EMPTY_RESULT = "empty result"
    REPETITION = "the same call again"
    OSCILLATION = "back and forth"
    CUT_OFF = "answer cut off"
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


def anomalies(events: Iterable[Mapping[str, Any]]) -> list[Anomaly]:
    """What looks wrong in a session, the most telling first; at most 50 findings. Never raises on odd events."""
    known = [event for event in in_order(events) if isinstance(event, Mapping)]
    run = make_run(known)
    found = [
        *_false_success(run),
        *_ignored_errors(run),
        *_repetitions(run),
        *_oscillations(run),
        *_cut_off(run),
        *_clicks_in_vain(run),
        *_stalls(run.steps),
        *_unanswered(run, known),
    ]
    order = list(AnomalyKind)
    found.sort(key=lambda anomaly: (order.index(anomaly.kind), anomaly.steps))
    return found[:MAX_FINDINGS]


def _finding(kind: AnomalyKind, steps: Sequence[int], text: str) -> Anomaly:
    return Anomaly(kind, tuple(steps[:_MAX_EVIDENCE]), printable_line(text, 240))


def _false_success(run: Run) -> list[Anomaly]:
    """The last words say that it worked, and a check says that it did not."""
    failed = any(
        event.get("type") == "goal_check" and _mapping(event.get("payload")).get("passed") is False
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
    return [_finding(AnomalyKind.FALSE_SUCCESS, [run.steps[words[-1]].index], text)]


def _ignored_errors(run: Run) -> list[Anomaly]:
    """A call failed, the tool was not called again, and the agent did not speak of it before its next move."""
    found = []
    later: Counter[str] = Counter(step.name for step in run.steps if step.kind is StepKind.TOOL)
    for place, step in enumerate(run.steps):
        if step.kind is not StepKind.TOOL:
            continue
        later[step.name] -= 1
        following = run.steps[place + 1] if place + 1 < len(run.steps) else None
        if (
            step.ok is False
            and not later[step.name]
            and following is not None
            and following.kind is StepKind.TOOL
        ):
            text = f"{step.name} failed, was not tried again, and the next call followed at once: {run.text(place)}"
            found.append(_finding(AnomalyKind.IGNORED_ERROR, [step.index, following.index], text))
    return found


def _repetitions(run: Run) -> list[Anomaly]:
    """The same question with the same answer, again and again; apart where that answer was nothing."""
    places: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, (step, signature) in enumerate(zip(run.steps, run.signatures, strict=True)):
        if step.kind is StepKind.TOOL and not step.open:
            places[signature.key, repr(run.result(place))[:2_000]].append(place)
    found = []
    for same in places.values():
        if len(same) < REPEATS:
            continue
        empty = run.steps[same[0]].ok is not False and run.result(same[0]) in (None, "", [], {})
        kind = AnomalyKind.EMPTY_RESULT if empty else AnomalyKind.REPETITION
        text = f"{len(same)} times: {run.text(same[0])}"
        found.append(_finding(kind, [run.steps[place].index for place in same], text))
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
            found.append(_finding(AnomalyKind.OSCILLATION, steps, text))
        start = max(start + 1, end - 1)
    return found


def _cut_off(run: Run) -> list[Anomaly]:
    """A model stopped because there was no more room."""
    found = []
    for step in run.steps:
        if step.kind is not StepKind.LLM:
            continue
        event = run.events[step.events[0]]
        for holder in (_mapping(event.get("payload")), _mapping(event.get("metadata"))):
            reason = holder.get("finish_reason") or holder.get("stop_reason")
            if isinstance(reason, str) and reason in _CUT_OFF:
                found.append(
                    _finding(AnomalyKind.CUT_OFF, [step.index], f"{step.name} stopped at its limit: {reason}")
                )
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
            found.append(_finding(AnomalyKind.NO_CHANGE, [step.index], text))
        before = pages[-1] if pages else before
    return found


def _page(event: Mapping[str, Any]) -> str:
    payload = _mapping(event.get("payload"))
    return repr([payload.get(key) for key in ("url", "text", "html", "title", "dom")])


def _stalls(steps: Sequence[Step]) -> list[Anomaly]:
    times = sorted(step.duration_ms for step in steps if step.duration_ms is not None)
    if not times:
        return []
    usual = times[len(times) // 2]
    return [
        _finding(
            AnomalyKind.STALL,
            [step.index],
            f"{step.name or step.kind.value} took {duration(step.duration_ms)}",
        )
        for step in steps
        if step.duration_ms is not None and step.duration_ms >= max(STALL_MS, STALL_FACTOR * usual)
    ]


def _unanswered(run: Run, events: Sequence[Mapping[str, Any]]) -> list[Anomaly]:
    """Calls that were still open when the session ended; in a running one they are just running."""
    if not events or events[-1].get("type") != "session_end":
        return []
    return [
        _finding(AnomalyKind.UNANSWERED, [step.index], f"{run.text(place)} was never answered")
        for place, step in enumerate(run.steps)
        if step.kind is StepKind.TOOL and step.open
    ]


def _mapping(thing: object) -> Mapping[str, Any]:
    return thing if isinstance(thing, Mapping) else {}
