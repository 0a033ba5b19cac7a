"""The life of the failures of a spool: which are new, which recur, which are gone, and which came back.

How to draw it: `failures` gives them, the one seen last first. `Failure.state` is the life in words, `day_counts` the
bar per day, `examples` the newest sessions. `queries.failure_list` reads them from a spool, with a person's notes.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from itertools import chain, pairwise

from promptetheus.cause.verification import silence_needed

NEW_S = 24 * 3600.0
"""A failure is new for so long after it was first seen, counted to the newest session."""

MAX_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one session ended, as far as failures are concerned."""

    session_id: str
    started_s: float
    """Seconds since 1970."""
    agent: str
    goal: str
    fingerprint: str
    """"" for a session that did not fail."""
    label: str = ""

    @property
    def task(self) -> tuple[str, str]:
        """What it was to do: sessions of other tasks say nothing about a failure."""
        return self.agent, self.goal


class Life(StrEnum):
    """Where a failure stands in its life."""

    NEW = "new"
    RECURRING = "recurring"
    GONE = "gone"
    """So many sessions of its tasks have passed without it that the silence is no chance."""
    BACK = "back"
    """It had been gone in that sense."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One way of failing."""

    fingerprint: str
    label: str
    life: Life
    sessions: int
    first_s: float
    last_s: float
    agents: tuple[str, ...]
    examples: tuple[str, ...]
    """Session ids, the newest first."""
    per_day: tuple[tuple[str, int], ...]
    """UTC days on which it was seen, and how often."""
    since: int
    """Sessions of its tasks after it was last seen."""

    @property
    def state(self) -> str:
        """Its life in words: `new`, `recurring`, `back`, `gone since 2026-11-20`."""
        return f"gone since {_day(self.last_s)}" if self.life is Life.GONE else self.life.value

    def day_counts(self, until_s: float, days: int = 14) -> tuple[int, ...]:
        """How often it was seen on each of the last `days` UTC days up to `until_s`, the oldest first."""
        counts = dict(self.per_day)
        return tuple(counts.get(_day(until_s - 86_400 * back), 0) for back in range(days - 1, -1, -1))


def failures(outcomes: Iterable[Outcome]) -> list[Failure]:
    """The failures of these sessions, the one seen last first."""
    timelines: dict[tuple[str, str], list[float]] = defaultdict(list)
    seen: dict[str, list[Outcome]] = defaultdict(list)
    now = float("-inf")
    for outcome in outcomes:
        timelines[outcome.task].append(outcome.started_s)
        now = max(now, outcome.started_s)
        if outcome.fingerprint:
            seen[outcome.fingerprint].append(outcome)
    for times in timelines.values():
        times.sort()
    found = [_failure(fingerprint, sessions, timelines, now) for fingerprint, sessions in seen.items()]
    return sorted(found, key=lambda failure: (-failure.last_s, failure.fingerprint))


def _failure(
    fingerprint: str, sessions: list[Outcome], timelines: dict[tuple[str, str], list[float]], now: float
) -> Failure:
    sessions.sort(key=lambda outcome: (outcome.started_s, outcome.session_id))
    first, last = sessions[0], sessions[-1]
    # One timeline of all its tasks: a gap is looked up for every session, whatever the number of tasks.
    times = sorted(chain.from_iterable(timelines[task] for task in {outcome.task for outcome in sessions}))
    since = len(times) - bisect_right(times, last.started_s)
    days = Counter(_day(outcome.started_s) for outcome in sessions)
    return Failure(
        fingerprint,
        last.label,
        _life(sessions, times, since, now),
        len(sessions),
        first.started_s,
        last.started_s,
        tuple(sorted({outcome.agent for outcome in sessions})),
        tuple(outcome.session_id for outcome in sessions[-MAX_EXAMPLES:][::-1]),
        tuple(sorted(days.items())),
        since,
    )


def _life(sessions: Sequence[Outcome], times: Sequence[float], since: int, now: float) -> Life:
    first, last = sessions[0].started_s, sessions[-1].started_s
    needed = silence_needed(len(sessions), _count(times, first, last))
    if needed is not None and since >= needed:
        return Life.GONE
    gaps = [
        (_between(times, one.started_s, other.started_s), number + 1)
        for number, (one, other) in enumerate(pairwise(sessions))
    ]
    longest, seen_before = max(gaps, default=(0, 0), key=lambda gap: gap[0])
    if longest:
        before = _count(times, first, sessions[seen_before - 1].started_s)
        needed = silence_needed(seen_before, before)
        if needed is not None and longest >= needed:
            return Life.BACK
    return Life.NEW if now - first <= NEW_S else Life.RECURRING


def _count(times: Sequence[float], first: float, last: float) -> int:
    """Sessions from one moment to another, both included."""
    return bisect_right(times, last) - bisect_left(times, first)


def _between(times: Sequence[float], first: float, last: float) -> int:
    return max(0, bisect_left(times, last) - bisect_right(times, first))


def _day(moment_s: float) -> str:
    try:
        return datetime.fromtimestamp(moment_s, UTC).date().isoformat()
    except (ValueError, OverflowError, OSError):  # a time outside the calendar
        return "unknown"
