"""Steps: what a person counts as one move of an agent.

Everything that shows steps numbers them by `Step.index`: 0 is the session's start, its moves are 1, 2, 3 …, and its
end comes last. Everything that says how many there are counts the moves (`Step.is_move`): a session of 18 steps has
steps 1 to 18 between its start and its end.

A call together with its result, a message, an LLM call, a browser action with the screenshot and DOM that
follow it, a check. Built event by event, so that a live session grows without being read again.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from promptetheus.clock import parse_timestamp
from promptetheus.fingerprint import is_failed_check, is_failed_status


class StepKind(StrEnum):
    """What kind of move a step is."""

    START = "start"
    USER = "user"
    AGENT = "agent"
    TOOL = "tool"
    LLM = "llm"
    RETRIEVAL = "retrieval"
    ACTION = "action"
    DOM = "dom"
    SHOT = "shot"
    RECORDING = "recording"
    CHECK = "check"
    ERROR = "error"
    SPAN = "span"
    STATE = "state"
    SCORE = "score"
    METRIC = "metric"
    END = "end"
    OTHER = "event"


_KINDS: dict[str, tuple[StepKind, str]] = {
    "user_message": (StepKind.USER, ""),
    "agent_message": (StepKind.AGENT, ""),
    "tool_call": (StepKind.TOOL, "tool_name"),
    "tool_result": (StepKind.TOOL, "tool_name"),
    "llm_call": (StepKind.LLM, "model"),
    "retrieval": (StepKind.RETRIEVAL, ""),
    "browser_action": (StepKind.ACTION, "action"),
    "dom_snapshot": (StepKind.DOM, ""),
    "screenshot": (StepKind.SHOT, ""),
    "replay_artifact": (StepKind.RECORDING, "artifact_type"),
    "goal_check": (StepKind.CHECK, ""),
    "error": (StepKind.ERROR, "error_type"),
    "state_change": (StepKind.STATE, "name"),
    "score": (StepKind.SCORE, "name"),
    "metric": (StepKind.METRIC, "name"),
    "session_end": (StepKind.END, "status"),
}
_ANY_KIND = (StepKind.OTHER, "")


@dataclass(slots=True)
class Step:
    """One move. It changes while its session grows: a result or the end of a span arrives later."""

    index: int
    """Position among the steps of the session, from 0 (the session's start, where it was recorded)."""
    kind: StepKind
    name: str
    """Tool, model, action, span or state name; "" where the kind has none."""
    events: list[int]
    """Numbers of the events it is made of, the opening one first."""
    offset_ms: float | None
    """When it began, since the session's first timed event; None in a session without times."""
    duration_ms: float | None = None
    """How long it took, where that was recorded."""
    ok: bool | None = None
    """False: failed. True: a call that returned without error, a check that passed. None: no verdict."""
    open: bool = False
    """A call without a result so far, a span that has not ended."""
    depth: int = 0
    """How many spans enclose it."""

    @property
    def is_move(self) -> bool:
        """Whether it counts: the start and the end of a session are no moves of the agent."""
        return self.kind not in (StepKind.START, StepKind.END)


class _Begun(NamedTuple):
    step: Step
    moment: float | None
    """When, in seconds since 1970."""

    def took_ms(self, moment: float | None) -> float | None:
        """Until then; None where a time is missing."""
        if self.moment is None or moment is None:
            return None
        return max(0.0, (moment - self.moment) * 1000)


@dataclass
class StepBuilder:
    """Turns events into steps one by one. Call `add` in the order of (seq, arrival)."""

    steps: list[Step] = field(default_factory=list)
    timed: bool = True
    """False once the session says that its times are those of an import, not of the run."""
    _first_s: float | None = None
    _calls: dict[str, _Begun] = field(default_factory=dict)
    """Those that wait for their result, by call id."""
    _spans: dict[str, _Begun] = field(default_factory=dict)
    """By span id."""
    _action: Step | None = None

    def add(self, number: int, event: Mapping[str, Any]) -> list[Step]:
        """Take event `number` into account; returns the steps that are new or changed."""
        kind, payload = event.get("type"), event.get("payload")
        if type(payload) is not dict and not isinstance(payload, Mapping):  # the ABC alone costs 0.3 µs
            payload = {}
        moment = self._moment(event, payload)
        if self._action is not None:
            if kind == "screenshot" or kind == "dom_snapshot":
                self._action.events.append(number)
                return [self._action]
            self._action = None
        if kind == "tool_result":
            call = self._calls.pop(_text(payload.get("call_id")), None)
            if call is not None:
                return [_closed(call, number, payload, moment)]
        elif kind == "state_change" and payload.get("name") in ("span_start", "span_end"):
            return [self._span_marker(number, event, payload, moment)]
        return [self._open(number, event, payload, moment)]

    def _open(
        self, number: int, event: Mapping[str, Any], payload: Mapping[str, Any], moment: float | None
    ) -> Step:
        event_type = _text(event.get("type"))
        kind, name_key = _KINDS.get(event_type, _ANY_KIND)
        name = _text(payload.get(name_key)) if name_key else ""
        if kind is StepKind.STATE and name == "session_started":
            kind, name = StepKind.START, ""
        elif kind is StepKind.OTHER:
            name = event_type
        step = self._append(kind, name, number, moment, self._depth_of(event))
        match kind:
            case StepKind.TOOL:
                call_id = _text(payload.get("call_id"))
                if event_type == "tool_call":
                    step.open = True
                    if call_id:
                        self._calls[call_id] = _Begun(step, moment)
                else:  # a result whose call was never seen
                    step.ok = not _result_failed(payload)
            case StepKind.ACTION:
                self._action = step
            case StepKind.LLM:
                step.duration_ms = _number(payload.get("latency_ms"))
            case StepKind.CHECK:
                step.ok = False if is_failed_check(payload) else True if payload.get("passed") else None
            case StepKind.ERROR:
                step.ok = False
            case StepKind.END:
                failed = payload.get("error") or is_failed_status(payload.get("status"))
                step.ok = False if failed else None
        return step

    def _append(self, kind: StepKind, name: str, number: int, moment: float | None, depth: int) -> Step:
        offset = None
        if moment is not None and self._first_s is not None:
            offset = max(0.0, (moment - self._first_s) * 1000)
        step = Step(len(self.steps), kind, name, [number], offset, depth=depth)
        self.steps.append(step)
        return step

    def _span_marker(
        self, number: int, event: Mapping[str, Any], payload: Mapping[str, Any], moment: float | None
    ) -> Step:
        span_id = _text(event.get("span_id"))
        name = _text(payload.get("span_name"))
        begun = self._spans.get(span_id)
        if payload.get("name") == "span_end" and begun is not None and begun.step.open:
            known = begun.step
            known.events.append(number)
            known.open = False
            known.name = known.name or name
            recorded_ms = _number(payload.get("duration_ms"))
            known.duration_ms = begun.took_ms(moment) if recorded_ms is None else recorded_ms
            return known
        parent = self._spans.get(_text(event.get("parent_id")))
        depth = parent.step.depth + 1 if parent is not None else 0
        step = self._append(StepKind.SPAN, name, number, moment, depth)
        step.open = payload.get("name") == "span_start"
        if not step.open:
            step.duration_ms = _number(payload.get("duration_ms"))
        if span_id:
            self._spans[span_id] = _Begun(step, moment)
        return step

    def _depth_of(self, event: Mapping[str, Any]) -> int:
        if not self._spans:
            return 0
        span = self._spans.get(_text(event.get("span_id")))
        return span.step.depth + 1 if span is not None else 0

    def _moment(self, event: Mapping[str, Any], payload: Mapping[str, Any]) -> float | None:
        """The time of an event in seconds since 1970, None in a session without times."""
        if payload.get("name") == "session_started" and is_untimed(event):
            self.timed = False
        if not self.timed:
            return None
        moment = parse_timestamp(event.get("timestamp"))
        if self._first_s is None:
            self._first_s = moment
        return moment


def build_steps(events: Iterable[Mapping[str, Any]]) -> list[Step]:
    """The steps of a session whose events are given in order."""
    builder = StepBuilder()
    for number, event in enumerate(events):
        builder.add(number, event)
    return builder.steps


def is_untimed(started: Mapping[str, Any]) -> bool:
    """Whether a `session_started` event says that its source had no times (imports only)."""
    metadata = started.get("metadata")
    imported = metadata.get("imported") if isinstance(metadata, Mapping) else None
    return isinstance(imported, Mapping) and imported.get("timed") is False


def _closed(call: _Begun, number: int, payload: Mapping[str, Any], moment: float | None) -> Step:
    step = call.step
    step.events.append(number)
    step.open = False
    step.ok = not _result_failed(payload)
    step.duration_ms = call.took_ms(moment)
    return step


def _result_failed(payload: Mapping[str, Any]) -> bool:
    return bool(payload.get("error")) or payload.get("status") in ("error", "failed")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
        return None
    return float(value)
