"""What was measured of programs in a terminal, and how it is printed."""

from __future__ import annotations

import os
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple


class Took(NamedTuple):
    """How long something took, once or in the middle of some times."""

    wall_ms: float
    cpu_ms: float
    """Of the program alone."""


@dataclass
class Result:
    """A line of the table."""

    what: str
    ours: str
    budget: str = ""
    met: bool | None = None
    """None where there is no budget."""
    others: dict[str, str] = field(default_factory=dict)


OTHERS = ("empty", "DataTable", "Toolong", "lnav")


def middle(times: Sequence[Took]) -> Took:
    """The median of each."""
    return Took(*(statistics.median(column) for column in zip(*times, strict=True)))


def share(times: Sequence[Took], per_cent: float) -> Took:
    """What so many per cent took at most."""

    def at(column: Sequence[float]) -> float:
        ordered = sorted(column)
        return ordered[min(len(ordered) - 1, int(len(ordered) * per_cent / 100))]

    wall, cpu = zip(*times, strict=True)
    return Took(at(wall), at(cpu))


def is_busy() -> bool:
    """Whether others want the processors too."""
    return os.getloadavg()[0] > (os.cpu_count() or 1)


def counted(took: Took) -> float:
    """The time that a budget is held against: on a busy machine what the program itself used."""
    return took.cpu_ms if is_busy() else took.wall_ms


def ms(took: Took) -> str:
    """`287 (201)`: wall and processor time in ms."""
    digits = 0 if took.wall_ms >= 20 else 1
    return f"{took.wall_ms:.{digits}f} ({took.cpu_ms:.{digits}f})"


def spread(times: Sequence[Took]) -> str:
    """`6.1 / 14 (5.0 / 11)`: the middle and what 99 of 100 took at most, wall and processor time in ms."""
    half, most = middle(times), share(times, 99)
    return f"{half.wall_ms:.3g} / {most.wall_ms:.3g} ({half.cpu_ms:.3g} / {most.cpu_ms:.3g})"


def within(times: Sequence[Took], most_ms: float, per_cent: float = 99) -> bool:
    """Whether so many per cent took no longer than that."""
    return counted(share(times, per_cent)) <= most_ms


def print_heading() -> None:
    """Say what the columns are."""
    print("ms as wall (processor) time; p50 / p99 where there are many")
    print(f"{'':44}{'ours':>32}" + "".join(f"{name:>24}" for name in OTHERS) + "  budget")


def print_result(result: Result) -> None:
    """Print a line as soon as it is known."""
    others = "".join(f"{result.others.get(name, '–'):>24}" for name in OTHERS)
    verdict = "" if result.met is None else ": met" if result.met else ": MISSED"
    print(f"{result.what:44}{result.ours:>32}{others}  {result.budget}{verdict}".rstrip(), flush=True)
