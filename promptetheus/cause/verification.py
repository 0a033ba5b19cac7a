"""Whether a failure is gone, told from sessions alone, and never more than they show.

Silence proves little: a failure that struck one session in ten is absent from six good ones by chance half of the
time. *Gone* is said only when so long a silence would be a surprise, else how many sessions are still wanting.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from math import sqrt
from typing import NamedTuple

from promptetheus.cause.separation import SIGNIFICANT, Counts, fisher_p
from promptetheus.display import counted

MAX_NEEDED = 100_000
"""A failure so rare that more sessions would be needed cannot be verified."""

_Z = 1.959963984540054
"""Of the normal distribution, for 95 %."""


class Standing(StrEnum):
    """What can be said of a failure now."""

    GONE = "gone"
    STILL_THERE = "still there"
    NOT_ENOUGH = "not enough sessions"


class Interval(NamedTuple):
    """A share of sessions, with 95 % confidence."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Verification:
    """A failure before and after a moment."""

    standing: Standing
    before_with: int
    before: int
    """Sessions of the same tasks before, and how many failed that way."""
    after_with: int
    after: int
    needed: int | None
    """Sessions without it, in all, after which it would be called gone; None when no number would do."""
    interval: Interval
    """How often it may still strike, as the sessions since show."""

    def describe(self) -> str:
        """One or two sentences."""
        before = f"before: {self.before_with} of {counted(self.before, 'session')}"
        rate = f"its rate is now between {self.interval.low:.0%} and {self.interval.high:.0%}"
        match self.standing:
            case Standing.STILL_THERE:
                return f"Still there: {self.after_with} of {counted(self.after, 'session')} since, {before}; {rate}."
            case Standing.GONE:
                return f"Gone: none of {counted(self.after, 'session')} since, {before}; {rate} (95 %)."
        if self.needed is None:
            return f"Not enough sessions: none of {self.after} since, but {before}: too rare to tell."
        return f"Not enough sessions: {self.after} of {self.needed} without it so far, {before}; {rate}."


def verify(before_with: int, before: int, after_with: int, after: int) -> Verification:
    """Judge by the sessions before and after a change, and how many of each failed in the way in question."""
    needed = silence_needed(before_with, before)
    if after_with:
        standing = Standing.STILL_THERE
    elif needed is not None and after >= needed:
        standing = Standing.GONE
    else:
        standing = Standing.NOT_ENOUGH
    return Verification(standing, before_with, before, after_with, after, needed, wilson(after_with, after))


@lru_cache(maxsize=4_096)
def silence_needed(before_with: int, before: int) -> int | None:
    """The fewest sessions without the failure that make a silence significant (Fisher's exact test, one-sided)."""
    if before_with <= 0 or before < before_with:
        return None

    def surprises(after: int) -> bool:
        return fisher_p(Counts(before_with, before, 0, after)) <= SIGNIFICANT

    high = 1
    while not surprises(high):
        high *= 2
        if high > MAX_NEEDED:
            return None
    low = high // 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if surprises(middle) else (middle, high)
    return high


def wilson(successes: int, trials: int) -> Interval:
    """Wilson's score interval of a share, 95 %; everything is possible without trials."""
    if trials <= 0:
        return Interval(0.0, 1.0)
    share, square = successes / trials, _Z * _Z
    centre = share + square / (2 * trials)
    spread = _Z * sqrt(share * (1 - share) / trials + square / (4 * trials * trials))
    scale = 1 + square / trials
    return Interval(max(0.0, (centre - spread) / scale), min(1.0, (centre + spread) / scale))
