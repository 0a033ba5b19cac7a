"""Whether two runs have enough in common to be held against each other, and whether they were about the same task."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptetheus.cause.plain_form import plain_text
from promptetheus.cause.signatures import Run
from promptetheus.cause.steps import StepKind
from promptetheus.display import printable_line
from promptetheus.events import as_mapping

MIN_MOVES_TO_JUDGE = 3
"""With fewer calls and actions than this on either side, nothing in common says nothing."""

HARDLY_ANY = 0.1
"""Equal steps as a share of the shorter run's, up to which runs of other agents or tasks have nothing in common."""

_STARTS_WITHIN = 50
"""Events among which a session's start is looked for: a hostile file may not have it first."""

_SAYS_NOTHING = frozenset({StepKind.LLM, StepKind.SHOT})
"""Steps that are equal in sessions of every task: a call of the same model, a screenshot."""

_AGENT, _GOAL = "another agent", "another goal"

_MOVES = frozenset({StepKind.TOOL, StepKind.ACTION, StepKind.RETRIEVAL, StepKind.SPAN})

_LEFT_OUT = {
    "metric": "metrics",
    "score": "scores",
    "goal_check": "checks",
    "replay_artifact": "recordings",
}
"""What tells about a run (`signatures.BOOKKEEPING`) and is counted among its steps, by the type of its events."""


@dataclass(frozen=True, slots=True)
class Task:
    """Who was to do what. Texts as recorded; "" where nothing was."""

    agent: str
    goal: str
    task_id: str


def task_of(events: Sequence[Mapping[str, Any]]) -> Task:
    """The task that a session's start names."""
    for event in events[:_STARTS_WITHIN]:
        after = as_mapping(as_mapping(event.get("payload")).get("after"))
        if isinstance(after.get("user_goal"), str) or isinstance(after.get("agent"), str):
            metadata = as_mapping(as_mapping(event.get("metadata")).get("session_metadata"))
            task_id = metadata.get("task_id")
            return Task(
                _text(after.get("agent")),
                _text(after.get("user_goal")),
                str(task_id) if isinstance(task_id, str | int) else "",
            )
    return Task("", "", "")


def other_task(left: Run, right: Run) -> str:
    """`another agent`, `another goal`, `another agent and another goal`; "" where neither is known to differ."""
    return " and ".join(_different(left, right))


def no_common_ground(left: Run, right: Run, equal: Sequence[int]) -> str:
    """Why there is too little in common to say where two runs part; "" where there is enough.

    Args:
        equal: places in the right run of steps that the left run has, too, and in the same order.
    """
    different = _different(left, right)
    moves = [_moves(run) for run in (left, right)]
    alike = moves[0].keys() & moves[1].keys()
    # One agent with another goal does the same with other arguments: that can be compared.
    if _AGENT in different or (different and not alike and not _same_id(left, right)):
        common = sum(right.signatures[place].kind not in _SAYS_NOTHING for place in equal)
        shorter = min(_telling(left), _telling(right))
        if common <= HARDLY_ANY * shorter:
            shared = f"only {common} of {shorter} steps" if common else "no step"
            calls_models = any(right.signatures[place].kind is StepKind.LLM for place in equal)
            aside = ", calls of models aside" if calls_models else ""
            return f"{' and '.join(different)}, and {shared} in common{aside}"
    if alike or min(found.total() for found in moves) < MIN_MOVES_TO_JUDGE:
        return ""
    shown = [", ".join(printable_line(name, 60) for name, _ in found.most_common(3)) for found in moves]
    return f"they have no call or action in common: one did {shown[0]}, the other {shown[1]}"


def left_out(left: Run, right: Run) -> str:
    """The steps of either run that no row has, in words: `metrics, scores and checks`; "" where all are lined up."""
    types = {str(event.get("type")) for run in (left, right) for event in run.events}
    found = [word for kind, word in _LEFT_OUT.items() if kind in types]
    return " and ".join([", ".join(found[:-1]), found[-1]] if len(found) > 1 else found)


def _different(left: Run, right: Run) -> list[str]:
    one, other = task_of(left.events), task_of(right.events)
    pairs = ((_AGENT, one.agent, other.agent), (_GOAL, one.goal, other.goal))
    return [
        said
        for said, before, after in pairs
        if before and after and plain_text(before, left.noise) != plain_text(after, left.noise)
    ]


def _same_id(left: Run, right: Run) -> bool:
    """Whether it is one task all the same, put in other words."""
    one, other = task_of(left.events), task_of(right.events)
    return bool(one.task_id) and one.task_id == other.task_id


def _telling(run: Run) -> int:
    return sum(signature.kind not in _SAYS_NOTHING for signature in run.signatures)


def _moves(run: Run) -> Counter[str]:
    """Calls and actions by name; what encloses others (a decorated agent) is none."""
    return Counter(
        signature.name or signature.kind.value
        for place, signature in enumerate(run.signatures)
        if signature.kind in _MOVES and not run.encloses_next(place)
    )


def _text(thing: object) -> str:
    return thing if isinstance(thing, str) else ""
