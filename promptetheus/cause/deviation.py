"""How a failing run departs from those that did its task: failures without an error text group by this.

A class is a kind, a tool and the names of the arguments. The runs that passed may have gone different ways; the one
whose effects are closest to the failing run's is what it is held against.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from promptetheus.cause.divergence import Divergence, DivergenceKind
from promptetheus.cause.effect_differences import effect_differences
from promptetheus.cause.effects import Effect, Effects
from promptetheus.cause.signatures import Run
from promptetheus.cause.steps import StepKind
from promptetheus.fingerprint import is_failed_status

LOOP_TIMES = 4
"""The same call so many times more than in any run that passed is a loop."""


class DeviationKind(StrEnum):
    """In what way a run departs."""

    ERROR = "error"
    """It ended in an error before its effects could tell."""
    WRONG_ARGUMENTS = "wrong arguments"
    EXTRA_EFFECT = "extra effect"
    MISSING_EFFECT = "missing effect"
    GAVE_UP = "gave up"
    """An effect is missing, and the task was handed to somebody else."""
    WRONG_ORDER = "wrong order"
    LOOP = "loop"
    NO_EFFECT = "same effects"
    """The world was left as it should be: what was wrong is in the words."""


@dataclass(frozen=True, slots=True)
class Deviation:
    """The class of a failing run."""

    kind: DeviationKind
    tool: str
    """The call it is about; "" where it is about none."""
    arguments: tuple[str, ...]
    """Names of the arguments that were wrong, sorted."""
    baseline: int
    """Which of the passing runs it was held against."""
    evidence: Divergence | None
    """The difference that decided it."""

    @property
    def fingerprint(self) -> str:
        """12 hex digits that name the class: the same for the same kind, tool and arguments, whatever the run."""
        parts = "|".join((self.kind.value, self.tool, *self.arguments))
        return hashlib.sha256(parts.encode("utf-8", "replace")).hexdigest()[:12]

    @property
    def label(self) -> str:
        """For people: `wrong arguments: book(amount, date)`."""
        if not self.tool:
            return self.kind.value
        return f"{self.kind.value}: {self.tool}" + (
            f"({', '.join(self.arguments)})" if self.arguments else ""
        )


@dataclass(frozen=True, slots=True)
class DeviationClass:
    """Failing sessions that depart in the same way."""

    fingerprint: str
    label: str
    """For people; not yet fit for a screen."""
    kind: DeviationKind
    tool: str
    arguments: tuple[str, ...]
    sessions: tuple[str, ...]
    """Their ids, in the order given."""


@dataclass(frozen=True, slots=True)
class Deviations:
    """How the failing sessions of a spool depart from those that passed."""

    classes: tuple[DeviationClass, ...]
    """The one with most sessions first."""
    without_passing: tuple[str, ...]
    """Ids of failing sessions of whose task none passed: there is nothing to hold them against."""


def deviation_classes(found: Iterable[tuple[str, Deviation | None]]) -> Deviations:
    """Group failing sessions, given by id with their deviation (None where no session of their task passed)."""
    groups: dict[str, list[tuple[str, Deviation]]] = {}
    alone = []
    for session_id, each in found:
        if each is None:
            alone.append(session_id)
        else:
            groups.setdefault(each.fingerprint, []).append((session_id, each))
    classes = [
        DeviationClass(
            fingerprint,
            members[0][1].label,
            members[0][1].kind,
            members[0][1].tool,
            members[0][1].arguments,
            tuple(session_id for session_id, _ in members),
        )
        for fingerprint, members in groups.items()
    ]
    classes.sort(key=lambda each: (-len(each.sessions), each.label))
    return Deviations(tuple(classes), tuple(alone))


def deviation(failing: Run, passing: Sequence[Run], effects: Effects) -> Deviation | None:
    """How `failing` departs from the passing runs of its task; None when there are none."""
    if not passing:
        return None
    differences = [effect_differences(run, failing, effects) for run in passing]
    nearest = min(range(len(passing)), key=lambda place: (_weight(differences[place]), place))
    found = differences[nearest]
    broken = _ended_in_error(failing)
    if broken is not None and not any(_ended_in_error(run) is not None for run in passing):
        return Deviation(DeviationKind.ERROR, broken, (), nearest, None)
    if found:
        return _of_effect(failing, passing[nearest], found[0], nearest, effects)
    looped = _loop(failing, passing)
    if looped:
        return Deviation(DeviationKind.LOOP, looped, (), nearest, None)
    return Deviation(DeviationKind.NO_EFFECT, "", (), nearest, None)


def _weight(differences: Sequence[Divergence]) -> float:
    """How far apart the effects are: a call with other arguments is nearer than one too many or too few."""
    return sum(
        0.5 + 0.1 * len(found.arguments) if found.kind is DivergenceKind.ARGUMENTS else 1.0
        for found in differences
    )


def _of_effect(failing: Run, baseline: Run, found: Divergence, nearest: int, effects: Effects) -> Deviation:
    match found.kind:
        case DivergenceKind.ARGUMENTS:
            kind = DeviationKind.WRONG_ARGUMENTS
        case DivergenceKind.EXTRA:
            kind = DeviationKind.EXTRA_EFFECT
        case DivergenceKind.ORDER:
            kind = DeviationKind.WRONG_ORDER
        case _:
            gave_up = _hands_over(failing, effects) and not _hands_over(baseline, effects)
            kind = DeviationKind.GAVE_UP if gave_up else DeviationKind.MISSING_EFFECT
    return Deviation(kind, found.name, found.arguments, nearest, found)


def _hands_over(run: Run, effects: Effects) -> bool:
    return any(
        step.kind is StepKind.TOOL
        and (known := effects.get(step.name)) is not None
        and known.effect is Effect.HANDOFF
        for step in run.steps
    )


def _ended_in_error(run: Run) -> str | None:
    """The last failed call of a run that ended in an error ("" where it is about no call); None where it did not."""
    ended = False
    for event in run.events:
        payload = event.get("payload")
        if isinstance(payload, Mapping) and event.get("type") == "session_end":
            ended = bool(payload.get("error")) or is_failed_status(payload.get("status"))
    if not ended:
        return None
    failed = [step.name for step in run.steps if step.kind is StepKind.TOOL and step.ok is False]
    return failed[-1] if failed else ""


def _loop(failing: Run, passing: Sequence[Run]) -> str:
    """The tool that was called alike again and again, and not so in any run that passed."""
    usual: Counter[object] = Counter()
    for run in passing:
        usual |= Counter(run.signatures)
    for signature, times in Counter(failing.signatures).most_common():
        if signature.kind is StepKind.TOOL and times - usual[signature] >= LOOP_TIMES:
            return signature.name
    return ""
