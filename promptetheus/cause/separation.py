"""The statistics of "those that failed do this and those that passed do not": exact, without a library.

Ochiai's coefficient ranks, Fisher's exact test says how easily it would be chance, Benjamini and Hochberg correct for
having looked at many things at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import ceil, exp, lgamma, sqrt
from typing import NamedTuple

SIGNIFICANT = 0.05
_MOST_TIMES = 64
"""Nobody runs an agent so many times more."""


class Counts(NamedTuple):
    """In how many sessions something was seen."""

    failing_with: int
    failing: int
    passing_with: int
    passing: int


def ochiai(counts: Counts) -> float:
    """From 0 to 1: 1 when all failing sessions do it and no passing one."""
    seen = counts.failing_with + counts.passing_with
    return counts.failing_with / sqrt(counts.failing * seen) if seen and counts.failing else 0.0


@lru_cache(maxsize=65_536)
def fisher_p(counts: Counts) -> float:
    """The chance of so many failing sessions or more doing it if it had nothing to do with failing (one-sided)."""
    seen = counts.failing_with + counts.passing_with
    everyone = counts.failing + counts.passing
    whole = _log_choose(everyone, seen)
    most = min(seen, counts.failing)
    terms = (
        exp(_log_choose(counts.failing, k) + _log_choose(counts.passing, seen - k) - whole)
        for k in range(counts.failing_with, most + 1)
        if 0 <= seen - k <= counts.passing
    )
    return min(1.0, sum(terms))


def corrected(p_values: Sequence[float]) -> list[float]:
    """The Benjamini–Hochberg q-value of each: the share of false ones among all that are at least as good."""
    order = sorted(range(len(p_values)), key=lambda place: p_values[place])
    found = [1.0] * len(p_values)
    least = 1.0
    for rank in range(len(order), 0, -1):
        place = order[rank - 1]
        least = min(least, p_values[place] * len(p_values) / rank)
        found[place] = least
    return found


def sessions_needed(counts: Counts, correction: float) -> int | None:
    """How many sessions more, in the proportions seen so far, would settle it; None when no number would.

    Args:
        correction: the q-value over the p-value, as many candidates as there are now.
    """
    if fisher_p(counts) * correction <= SIGNIFICANT:
        return 0
    if counts.failing_with * counts.passing <= counts.passing_with * counts.failing:
        return None
    everyone = counts.failing + counts.passing
    low, high = 1.0, 2.0
    while high <= _MOST_TIMES and fisher_p(_scaled(counts, high)) * correction > SIGNIFICANT:
        low, high = high, high * 2
    if high > _MOST_TIMES:
        return None
    for _ in range(6):
        middle = (low + high) / 2
        if fisher_p(_scaled(counts, middle)) * correction > SIGNIFICANT:
            low = middle
        else:
            high = middle
    return max(1, ceil(everyone * high) - everyone)


def _scaled(counts: Counts, times: float) -> Counts:
    return Counts(*(round(number * times) for number in counts))


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
