"""Which calls change the world: guessed per tool, from what it says of itself and how it is used.

No list of the tools of anybody: a declared `effect` decides; else the verbs in its name, the shape of its
arguments and answers, and whether the same question got another answer after it ran. Every guess names its reason,
and a person's correction beats it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from itertools import islice
from typing import Any

from promptetheus.cause.plain_form import plain
from promptetheus.cause.signatures import Run
from promptetheus.cause.steps import StepKind


class Effect(StrEnum):
    """What a call does to the world."""

    READ = "read"
    """Looks, thinks or computes."""
    WRITE = "write"
    """Changes something that outlives the run."""
    HANDOFF = "handoff"
    """Gives the task to somebody else."""


@dataclass(frozen=True, slots=True)
class ToolEffect:
    """The guess for one tool."""

    tool: str
    effect: Effect
    confidence: float
    """From 0.5 (a coin) to 1 (declared or corrected)."""
    reason: str

    @property
    def writes(self) -> bool:
        return self.effect is Effect.WRITE


Effects = Mapping[str, ToolEffect]
"""By tool name."""


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_READ_VERBS = _words(
    "get list search find read fetch look lookup query show view describe check count calculate compute think "
    "plan validate verify preview estimate grep glob ls cat head tail browse summarize summarise analyze analyse "
    "compare inspect retrieve load select scan monitor ask reason reflect translate convert parse extract "
    "recommend suggest explain evaluate test is has can ping status info stat peek detect "
    "diagnose observe screenshot scroll hover wait sleep"
)
_WRITE_VERBS = _words(
    "create update delete remove cancel book send add set modify write edit post put patch insert pay refund "
    "exchange return toggle enable disable grant revoke reset reboot restart assign submit apply merge commit "
    "push upload move rename replace save store publish schedule reschedule order purchase buy sell charge "
    "transfer withdraw deposit issue register unregister subscribe unsubscribe approve reject close open archive "
    "drop truncate append increment decrement change make install uninstall deploy release rollback revert start "
    "stop kill turn connect disconnect suspend resume unlock lock activate deactivate invite share click type "
    "fill press tap drag swipe reply email notify message redeem confirm complete finish resolve mark tag "
    "attach detach link unlink import sync mkdir touch rm mv cp reserve checkout rebook downgrade upgrade"
)
_LOOKS = _words(
    "goto navigate open scroll hover wait screenshot back forward reload refresh observe extract read look snapshot "
    "find search focus blur"
)
"""Browser actions that look; all others act on the page, and may change what is behind it."""

_ACTS = 0.6
_HANDOFF_VERBS = _words("transfer escalate handoff hand delegate forward route")
_HANDOFF_TARGETS = _words("human humans agent agents operator support supervisor specialist team off")
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

_DECLARED = {
    "read": Effect.READ,
    "none": Effect.READ,
    "pure": Effect.READ,
    "write": Effect.WRITE,
    "handoff": Effect.HANDOFF,
}
_NAMED = 2.0
_CHANGED_ANSWERS = 1.5
_RECORD_GIVEN = 0.5
_BULK_ANSWER = 0.5
_REPEATED = 0.7
"""Weights, in the unit of a logit: a verb alone gives 0.88."""

_ARGUMENTS_LOOKED_AT = 50

_FEW = 8
"""Calls between two equal questions that are looked at: among more of them none stands alone."""


@dataclass
class Evidence:
    """What sessions show of one tool; that of several sessions adds up."""

    declared: Effect | None = None
    calls: int = 0
    actions: int = 0
    """Browser actions of that name."""
    failures: int = 0
    records: int = 0
    """Calls that were given a list or object: a record to store, more likely than a question."""
    lists: int = 0
    """Answers that are a list: found things."""
    repeats_same: int = 0
    """The same call once more in a session, with the same answer."""
    changed_after: int = 0
    unchanged_after: int = 0
    """How often a question asked before and after it (and no other such call between) got another answer, or
    the same."""

    def add(self, other: Evidence) -> None:
        """Take what other sessions show into account."""
        self.declared = self.declared or other.declared
        for name in COUNTED:
            setattr(self, name, getattr(self, name) + getattr(other, name))


COUNTED = tuple(field.name for field in fields(Evidence) if field.name != "declared")
"""The fields of `Evidence` that are numbers."""


def infer_effects(runs: Iterable[Run], corrections: Mapping[str, str] | None = None) -> dict[str, ToolEffect]:
    """The effect of every tool that these runs call.

    Args:
        runs: the more of them, the better the guess.
        corrections: tool name to `read`, `write` or `handoff`, as a person decided; other words are ignored.
    """
    return judge(map(evidence_in, runs), corrections)


def evidence_in(run: Run) -> dict[str, Evidence]:
    """What one session shows of its tools."""
    evidence: dict[str, Evidence] = defaultdict(Evidence)
    _observe(run, evidence)
    return dict(evidence)


def judge(
    evidence: Iterable[Mapping[str, Evidence]], corrections: Mapping[str, str] | None = None
) -> dict[str, ToolEffect]:
    """The effect of every tool that there is evidence of, given session by session."""
    known: dict[str, Evidence] = defaultdict(Evidence)
    for session in evidence:
        for tool, found in session.items():
            known[tool].add(found)
    corrected = {
        tool: effect for tool, word in (corrections or {}).items() if (effect := _DECLARED.get(str(word)))
    }
    judged = {tool: _judge(tool, found) for tool, found in known.items()}
    for tool, effect in corrected.items():
        guess = judged.get(tool)
        agrees = "" if guess is None or guess.effect is effect else f" (the guess was {guess.effect.value})"
        judged[tool] = ToolEffect(tool, effect, 1.0, f"corrected by hand{agrees}")
    return judged


def name_effect(tool: str) -> tuple[Effect | None, str]:
    """What the name says: the first word that is a known verb decides; with that verb ("" when none)."""
    words = [word.lower() for word in _WORD.findall(tool[:200])]
    for place, word in enumerate(words):
        if word in _HANDOFF_VERBS and _HANDOFF_TARGETS.intersection(words[place + 1 :]):
            return Effect.HANDOFF, word
        if word in _READ_VERBS:
            return Effect.READ, word
        if word in _WRITE_VERBS:
            return Effect.WRITE, word
    if words and words[0] == "handoff":
        return Effect.HANDOFF, "handoff"
    return None, ""


def _observe(run: Run, evidence: dict[str, Evidence]) -> None:
    asked: dict[tuple[str, str], tuple[Any, int]] = {}
    calls: list[str] = []
    for place, (step, signature) in enumerate(zip(run.steps, run.signatures, strict=True)):
        if step.kind is StepKind.ACTION and step.name:
            evidence[step.name].actions += 1
        if step.kind is not StepKind.TOOL or not step.name:
            continue
        found = evidence[step.name]
        found.calls += 1
        if found.declared is None:
            found.declared = _declared(run.events[step.events[0]])
        if step.ok is False:
            found.failures += 1
            continue
        result = run.result(place)
        found.records += _holds_a_record(run.arguments[place])
        found.lists += isinstance(result, list)
        question = (step.name, signature.content)
        if question in asked:
            before, since = asked[question]
            between = set(calls[since : since + _FEW]) - {step.name}
            # Only where one tool alone ran in between is it known which call made the difference.
            if len(between) <= 1 and len(calls) - since <= _FEW:
                same = _same(before, result, run)
                found.repeats_same += same and not between
                for tool in between:
                    evidence[tool].unchanged_after += same
                    evidence[tool].changed_after += not same
        calls.append(step.name)
        asked[question] = (result, len(calls))


def _holds_a_record(arguments: Any) -> bool:
    if not isinstance(arguments, Mapping):
        return False
    for item in islice(arguments.values(), _ARGUMENTS_LOOKED_AT):
        if type(item) is not str and isinstance(item, list | Mapping):
            return True
    return False


def _same(before: Any, after: Any, run: Run) -> bool:
    return before == after or plain(before, run.noise) == plain(after, run.noise)


def _declared(event: Mapping[str, Any]) -> Effect | None:
    for holder in (event.get("metadata"), event.get("payload")):
        word = holder.get("effect") if holder and isinstance(holder, Mapping) else None
        if isinstance(word, str) and word.lower() in _DECLARED:
            return _DECLARED[word.lower()]
    return None


def _judge(tool: str, found: Evidence) -> ToolEffect:
    if found.declared is not None:
        return ToolEffect(tool, found.declared, 1.0, "declared by the tool")
    if found.actions > found.calls:
        if _LOOKS.intersection(word.lower() for word in _WORD.findall(tool[:200])):
            return ToolEffect(tool, Effect.READ, 0.9, "a browser action that looks")
        return ToolEffect(
            tool, Effect.WRITE, _ACTS, "a browser action: it may change what is behind the page"
        )
    named, verb = name_effect(tool)
    if named is Effect.HANDOFF:
        return ToolEffect(tool, named, 0.9, f"its name hands over: {verb}")
    score, reasons = 0.0, []
    if named is not None:
        score += _NAMED if named is Effect.WRITE else -_NAMED
        reasons.append(f"its name says {verb}")
    if found.changed_after:
        score += _CHANGED_ANSWERS * min(3, found.changed_after)
        reasons.append(f"answers changed after it {found.changed_after}×")
    elif found.unchanged_after >= 2:
        score -= 0.5
        reasons.append(f"answers stayed the same after it {found.unchanged_after}×")
    if found.repeats_same >= 2:
        score -= _REPEATED
        reasons.append(f"asked again {found.repeats_same}× with the same answer")
    answered = max(1, found.calls - found.failures)
    if found.records * 2 > answered:
        score += _RECORD_GIVEN
        reasons.append("it is given records")
    if found.lists * 2 > answered:
        score -= _BULK_ANSWER
        reasons.append("it answers with lists")
    confidence = 1 / (1 + 2.718281828 ** -abs(score))
    effect = Effect.WRITE if score > 0 else Effect.READ
    return ToolEffect(tool, effect, round(confidence, 2), "; ".join(reasons) or "nothing speaks for a change")


def writes_of(run: Run, effects: Effects) -> Sequence[int]:
    """Places of the calls and actions that changed something: of a writing tool, answered without an error."""
    return [
        place
        for place, step in enumerate(run.steps)
        if (step.kind is StepKind.TOOL or step.kind is StepKind.ACTION)
        and step.ok is not False
        and (known := effects.get(step.name)) is not None
        and known.writes
    ]
