"""Measurements as lines of a table, each with its target and whether it is met."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any


class Scorecard:
    """Prints what is measured and remembers what missed its target."""

    def __init__(self) -> None:
        self.missed: list[str] = []

    def section(self, title: str) -> None:
        """Begin a part of the table."""
        print(f"\n{title}")

    def note(self, words: str) -> None:
        """A line without a target."""
        print(f"  {words}")

    def at_least(self, what: str, value: float, target: float, about: str = "") -> None:
        """A share that should be high."""
        self._line(what, f"{value:.3f}", f">= {target:.2f}", value >= target, about)

    def at_most(self, what: str, value: float, target: float, about: str = "", unit: str = "") -> None:
        """A share or a time that should be low."""
        told = f"{value:.0f} {unit}" if unit else f"{value:.3f}"
        limit = f"<= {target:.0f} {unit}" if unit else f"<= {target:.2f}"
        self._line(what, told, limit, value <= target, about)

    def _line(self, what: str, value: str, target: str, met: bool, about: str) -> None:
        print(f"  {what:44} {value:>9}   target {target:11} {'pass' if met else 'MISS'}   {about}".rstrip())
        if not met:
            self.missed.append(f"{what}: {value}, target {target}")


def mean_over_tasks(scores: Mapping[Any, Sequence[float]]) -> float:
    """The mean of the means of the tasks: a task with many pairs counts no more than one with few."""
    return sum(sum(each) / len(each) for each in scores.values()) / max(1, len(scores))


def pairwise_f1(truth: Sequence[Hashable], told: Sequence[Hashable]) -> float:
    """Of the pairs of runs put into one group, how many belong together, and the other way round."""
    both = _pairs(zip(truth, told, strict=True))
    return 2 * both / max(1, _pairs(truth) + _pairs(told))


def adjusted_rand(truth: Sequence[Hashable], told: Sequence[Hashable]) -> float:
    """The adjusted Rand index of two groupings."""
    both, one, other = _pairs(zip(truth, told, strict=True)), _pairs(truth), _pairs(told)
    expected = one * other / max(1, len(truth) * (len(truth) - 1) // 2)
    return (both - expected) / max(1e-9, (one + other) / 2 - expected)


def _pairs(items: Iterable[Hashable]) -> int:
    return sum(n * (n - 1) // 2 for n in Counter(items).values())


def mean(values: Iterable[float]) -> float:
    """The arithmetic mean; 0 of nothing."""
    known = list(values)
    return sum(known) / max(1, len(known))
