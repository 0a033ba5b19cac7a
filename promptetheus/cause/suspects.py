"""What the sessions that failed do and those that passed do not: steps, arguments, answers, transitions, absences.

Found together is not caused by: a suspect is where to look first. With few sessions the report says so, and how
many more would settle it.

How to draw it: `SuspectReport.verdict` is the head; `suspects` are ranked, best first, each with `text`, `counts` on
both sides, `effect`, `p`, `q` and a `verdict` of its own. `more_sessions` of the report is the one number to show: it
is that of the first suspect. `queries.tasks` picks the groups (by task, agent or fingerprint).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from promptetheus.cause.plain_form import plain
from promptetheus.cause.separation import SIGNIFICANT, Counts, corrected, fisher_p, ochiai, sessions_needed
from promptetheus.cause.signatures import Run
from promptetheus.cause.steps import StepKind
from promptetheus.display import printable_line, value

MAX_FEATURES = 2_000
"""Different things noticed of one session; what comes later in a longer one is not looked at."""

MAX_SHOWN_ALIKE = 5
REPEATS = 3
"""The same call so many times in a session is noticed as a repetition."""

_MAX_ARGUMENT = 80
"""Characters of an argument beyond which it is prose, and hardly ever the same twice."""


class SuspectKind(StrEnum):
    """What a suspect is about, the more telling first: of equally good ones the earlier is shown."""

    ARGUMENT = "argument"
    RESULT = "result"
    REPEAT = "repetition"
    STEP = "step"
    ABSENCE = "absence"
    TRANSITION = "transition"


@dataclass(frozen=True, slots=True)
class Suspect:
    """One thing that separates the two groups, or might."""

    kind: SuspectKind
    text: str
    """`search(date="Tuesday")`, one printable line."""
    counts: Counts
    score: float
    """Ochiai's coefficient, from 0 to 1."""
    p: float
    q: float
    """The p-value corrected for all that was looked at."""
    more_sessions: int | None
    """How many sessions more, failing and passing in the proportion of now, would settle this one if it went on
    turning up as it has; 0: settled; None: no number would, it hardly separates."""
    alike: tuple[str, ...] = ()
    """Others that were seen in exactly the same sessions, at most 5."""

    @property
    def effect(self) -> float:
        """By how much more often failing sessions do it: the difference of the two shares, from -1 to 1."""
        counts = self.counts
        return counts.failing_with / max(1, counts.failing) - counts.passing_with / max(1, counts.passing)

    @property
    def verdict(self) -> str:
        """In words."""
        if self.q <= SIGNIFICANT:
            return "separates"
        return "could be chance" if self.more_sessions is None else "too few sessions to tell"


@dataclass(frozen=True, slots=True)
class SuspectReport:
    """What came of comparing two groups of sessions."""

    failing: int
    passing: int
    suspects: tuple[Suspect, ...]
    """The best ones."""
    settled: int
    """How many separate the groups beyond chance, shown or not."""
    looked_at: int
    """Different things that were compared."""

    @property
    def more_sessions(self) -> int | None:
        """How many sessions more would settle the first suspect; 0 when it is settled, None when no number would."""
        return self.suspects[0].more_sessions if self.suspects else None

    @property
    def verdict(self) -> str:
        """One or two sentences that claim no more than the sessions show."""
        groups = f"{self.failing} failing and {self.passing} passing session{'s' * (self.passing != 1)}"
        if not self.failing or not self.passing:
            return f"Nothing to compare: {groups}."
        if self.settled:
            telling = f"{self.settled} of {self.looked_at} things"
            tell = "tells" if self.settled == 1 else "tell"
            return f"{groups}: {telling} {tell} them apart more clearly than chance would."
        if self.more_sessions:
            return (
                f"{groups} are too few to tell. About {self.more_sessions} more in the same proportion would "
                "settle the first suspect, if it goes on as it began."
            )
        return f"{groups}: nothing that they do tells them apart more clearly than chance would."


def find_suspects(failing: Sequence[Run], passing: Sequence[Run], limit: int | None = 20) -> SuspectReport:
    """Compare two groups of runs of the same task; the best `limit` suspects (None: all), best first."""
    seen: dict[tuple[SuspectKind, str], set[int]] = defaultdict(set)
    tools: dict[str, set[int]] = defaultdict(set)
    runs = [*failing, *passing]
    known: dict[str, list[tuple[SuspectKind, str]]] = {}
    for number, run in enumerate(runs):
        for feature in _features(run, known):
            seen[feature].add(number)
            if feature[0] is SuspectKind.STEP:
                tools[feature[1]].add(number)
    everyone = set(range(len(runs)))
    for name, users in tools.items():
        if users != everyone:
            seen[SuspectKind.ABSENCE, f"no {name}"] = everyone - users
    if not failing or not passing:
        return SuspectReport(len(failing), len(passing), (), 0, len(seen))
    groups: dict[frozenset[int], list[tuple[SuspectKind, str]]] = defaultdict(list)
    for feature, sessions in seen.items():
        groups[frozenset(sessions)].append(feature)
    found = _judged(groups, len(failing), len(passing))
    found.sort(
        key=lambda suspect: (suspect.q, -suspect.score, list(SuspectKind).index(suspect.kind), suspect.text)
    )
    settled = sum(suspect.q <= SIGNIFICANT for suspect in found)
    return SuspectReport(len(failing), len(passing), tuple(found[:limit]), settled, len(seen))


def _judged(
    groups: Mapping[frozenset[int], list[tuple[SuspectKind, str]]], failing: int, passing: int
) -> list[Suspect]:
    """A suspect for each set of sessions; things seen in the same sessions cannot be told apart."""
    counted = []
    for sessions, features in groups.items():
        with_it = sum(number < failing for number in sessions)
        counted.append((Counts(with_it, failing, len(sessions) - with_it, passing), features))
    p_values = [fisher_p(counts) for counts, _ in counted]
    suspects = []
    for (counts, features), p, q in zip(counted, p_values, corrected(p_values), strict=True):
        if counts.failing_with * passing <= counts.passing_with * failing:
            continue  # at least as usual among those that passed
        features.sort(key=lambda feature: (list(SuspectKind).index(feature[0]), feature[1]))
        kind, text = features[0]
        alike = tuple(other for _, other in features[1 : MAX_SHOWN_ALIKE + 1])
        needed = sessions_needed(counts, q / p if p else 1.0)
        suspects.append(Suspect(kind, text, counts, ochiai(counts), p, q, needed, alike))
    return suspects


def _features(run: Run, known: dict[str, list[tuple[SuspectKind, str]]]) -> set[tuple[SuspectKind, str]]:
    """What a run does, each thing once. `known` keeps what a step shows by itself: runs of a task share most."""
    found: set[tuple[SuspectKind, str]] = set()
    times: dict[str, int] = defaultdict(int)
    before = "start"
    for place, (step, signature) in enumerate(zip(run.steps, run.signatures, strict=True)):
        if len(found) >= MAX_FEATURES:
            break
        if signature.is_message:
            continue
        shown = known.get(signature.key)
        if shown is None:
            shown = known[signature.key] = _of_step(run, place)
        found.update(shown)
        name = shown[0][1]
        found.add((SuspectKind.TRANSITION, f"{before} → {name}"))
        before = name
        times[signature.key] += 1
        if times[signature.key] == REPEATS:
            found.add((SuspectKind.REPEAT, f"{name} {REPEATS} times alike"))
        if step.kind is StepKind.TOOL and (answer := _answer(step.ok, run.result(place))):
            found.add((SuspectKind.RESULT, f"{name} → {answer}"))
    if before != "start":
        found.add((SuspectKind.TRANSITION, f"{before} → end"))
    return found


def _of_step(run: Run, place: int) -> list[tuple[SuspectKind, str]]:
    """What steps of one signature have in common: first that it happens at all, then each argument."""
    step = run.steps[place]
    plain_name = step.name if step.kind is StepKind.TOOL else f"{step.kind.value} {step.name}".strip()
    name = printable_line(plain_name, 80)
    shown = [(SuspectKind.STEP, name)]
    arguments = run.arguments[place]
    if isinstance(arguments, Mapping):
        for key, item in list(arguments.items())[:30]:
            if len(text := plain(item, run.noise)) <= _MAX_ARGUMENT:
                shown.append((SuspectKind.ARGUMENT, _argument(name, key, text)))
    return shown


def _argument(name: str, key: object, text: str) -> str:
    return printable_line(f"{name}({key}={text})", 200)


def _answer(ok: bool | None, result: Any) -> str:
    """An answer as far as sessions share it: an error, nothing, or a short value."""
    if ok is False:
        return f"error {value(result, 60)}"
    if result is None or result in ("", [], {}):
        return "nothing"
    return (
        value(result, 60) if isinstance(result, bool | int | float | str) and len(str(result)) <= 60 else ""
    )
