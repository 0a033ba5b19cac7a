"""What a step is, as far as two runs can share it: kind, name and content without noise.

A `Run` is a session made comparable: its steps with their signatures. Everything that finds causes starts here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from promptetheus.cause.describe import call_arguments, call_result, describe
from promptetheus.cause.noise import DEFAULT_NOISE, Noise
from promptetheus.cause.plain_form import plain, plain_text
from promptetheus.cause.steps import Step, StepBuilder, StepKind
from promptetheus.events import Event, as_mapping
from promptetheus.fingerprint import in_order

BOOKKEEPING = frozenset(
    {StepKind.START, StepKind.END, StepKind.SCORE, StepKind.METRIC, StepKind.CHECK, StepKind.RECORDING}
)
"""Steps that tell about a run rather than being a move of the agent: two runs are not aligned by them."""

MESSAGES = frozenset({StepKind.USER, StepKind.AGENT})
"""Words: two runs of a language model hardly ever use the same."""

_CONTENT: dict[StepKind, tuple[str, ...]] = {
    StepKind.LLM: ("model",),
    StepKind.RETRIEVAL: ("query",),
    StepKind.ACTION: ("action", "target", "value", "url"),
    StepKind.DOM: ("url",),
    StepKind.STATE: ("before", "after"),
    StepKind.ERROR: ("message", "error"),
}
"""Which payload fields make a step what it is; kinds that are not here have a rule of their own or only a name."""

_NEVER = float("inf")

_PAGE = frozenset({"url", "visible_text", "selected_values", "warnings"})


class Signature(NamedTuple):
    """A step as other runs can share it."""

    kind: StepKind
    name: str
    content: str
    """Arguments, words or target, without noise."""
    key: str
    """All of that in one text: equal for equal signatures, cheap to hash."""

    @property
    def is_message(self) -> bool:
        return self.kind is StepKind.USER or self.kind is StepKind.AGENT


def sign(kind: StepKind, name: str, content: str) -> Signature:
    """A signature of these parts."""
    return Signature(kind, name, content, f"{kind._value_}\0{name}\0{content}")


@dataclass(frozen=True, slots=True)
class Run:
    """A session made comparable."""

    events: Sequence[Event]
    steps: Sequence[Step]
    """The moves, in the order they are aligned in. `Step.index` tells where one stood in its session."""
    signatures: Sequence[Signature]
    """Of the steps, one each."""
    arguments: Sequence[Any]
    """Of the steps: what a call was made with; of other steps the words or fields that make them what they are."""
    noise: Noise

    def event(self, number: int) -> Event:
        """Event by number, as the steps count them."""
        return self.events[number]

    def text(self, place: int) -> str:
        """What step `place` of this run was, in one printable line."""
        return describe(self.steps[place], self.event)

    def result(self, place: int) -> Any:
        """What a call answered: its result, or its error text; of a retrieval the documents, without their scores
        (their order says as much, and does not differ in the tenth digit); None for other steps."""
        step = self.steps[place]
        event = self.events[step.events[-1]]
        payload = as_mapping(event.get("payload"))
        if step.kind is StepKind.TOOL:
            is_answer = event.get("type") == "tool_result"
            return payload.get("error") or call_result(event) if is_answer else None
        if step.kind is not StepKind.RETRIEVAL:
            return None
        documents = payload.get("documents")
        return [_unscored(item) for item in documents] if isinstance(documents, list) else documents

    def page(self, place: int) -> Mapping[str, Any] | None:
        """What the page showed after an action, by its last `dom_snapshot`; None where none was taken."""
        found = self.following(place, "dom_snapshot")
        if not found:
            return None
        return {key: item for key, item in found[-1].items() if key in _PAGE}

    def following(self, place: int, kind: str) -> list[Mapping[str, Any]]:
        """The payloads of a step's events of one type, in order."""
        events = (self.events[number] for number in self.steps[place].events)
        return [as_mapping(event.get("payload")) for event in events if event.get("type") == kind]

    def encloses(self, place: int, other: int) -> bool:
        """Whether a step began before another one of this run and ended after it."""
        outer, inner = self.steps[place].events, self.steps[other].events
        return outer[0] < inner[0] and inner[-1] < outer[-1]

    def encloses_next(self, place: int) -> bool:
        """Whether a step is there for those inside it: a decorated agent, a span."""
        return place + 1 < len(self.steps) and self.encloses(place, place + 1)


def make_run(events: Iterable[Mapping[str, Any]], noise: Noise = DEFAULT_NOISE) -> Run:
    """A session's events, in any order, as a run. What is no event is left out; never raises."""
    kept: list[Event] = []
    builder = StepBuilder()
    for event in in_order(events):
        try:
            builder.add(len(kept), event)
        except Exception:  # one hostile event must not hide the others
            continue
        kept.append(event if type(event) is dict else dict(event))
    moves = [step for step in builder.steps if step.kind not in BOOKKEEPING]
    signed = [_signed(step, kept[step.events[0]], noise) for step in moves]
    if noise.parallel:
        signed = _in_canonical_order(signed)
    return Run(
        kept,
        [step for step, _, _ in signed],
        [signature for _, signature, _ in signed],
        [content for _, _, content in signed],
        noise,
    )


_Signed = tuple[Step, Signature, Any]
"""A step with its signature and its content."""


def _signed(step: Step, event: Event, noise: Noise) -> _Signed:
    # The model of a call is what may change about it, not what it is.
    name = plain_text(step.name, noise) if step.name and step.kind is not StepKind.LLM else ""
    content = _content(step, event)
    if isinstance(content, str):
        text = plain_text(content, noise)
    else:
        text = "" if content is None else plain(content, noise)
    return step, sign(step.kind, name, text), content


def _content(step: Step, event: Event) -> Any:
    if step.kind is StepKind.TOOL:
        return call_arguments(event)
    payload = as_mapping(event.get("payload"))
    if step.kind in MESSAGES:
        return payload.get("content")
    if step.kind is StepKind.OTHER:
        return dict(payload)
    fields = _CONTENT.get(step.kind)
    if fields is None:
        return None
    return {key: payload[key] for key in fields if payload.get(key) is not None}


def _in_canonical_order(signed: list[_Signed]) -> list[_Signed]:
    """Calls that were open at the same time, sorted by what they are.

    A group begins with a call; those that began before its first answer came belong to it. It ends with the
    first answer, so that a long call around others (an agent's own span as a call) does not swallow them.
    """
    ordered: list[_Signed] = []
    group: list[_Signed] = []
    answered: float = -1
    for each in signed:
        step = each[0]
        closes = step.events[-1] if len(step.events) > 1 else _NEVER
        if group and step.kind is StepKind.TOOL and step.events[0] < answered:
            group.append(each)
            answered = min(answered, closes)
            continue
        ordered += _sorted_group(group)
        if step.kind is StepKind.TOOL:
            group, answered = [each], closes
        else:
            group = []
            ordered.append(each)
    return ordered + _sorted_group(group)


def _sorted_group(group: list[_Signed]) -> list[_Signed]:
    return sorted(group, key=lambda each: each[1].key) if len(group) > 1 else group


def _unscored(document: Any) -> Any:
    if not isinstance(document, Mapping):
        return document
    return {key: item for key, item in document.items() if key != "score"}
