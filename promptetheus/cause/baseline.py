"""Which of the runs that passed a failing one is best held against."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from promptetheus.cause.signatures import Run


class Nearest(NamedTuple):
    """The choice and why."""

    place: int
    """Among the runs given."""
    common: int
    """Calls and actions of the failing run that it made too, argument by argument."""
    moves: int
    """Calls and actions of the failing run."""

    def describe(self, among: int) -> str:
        """Why this one, in words; `among` how many."""
        if among == 1:
            return "the only one"
        return f"the one of {among} with the most steps in common ({self.common} of {self.moves})"


def nearest(failing: Run, passing: Sequence[Run]) -> Nearest | None:
    """The run with most calls and actions in common, of equals the first; None when there are none."""
    mine, names = _moves(failing)
    best: tuple[float, float, int] | None = None
    chosen: Nearest | None = None
    for place, run in enumerate(passing):
        theirs, their_names = _moves(run)
        common = (mine & theirs).total()
        score = (_dice(mine, theirs), _dice(names, their_names), -place)
        if best is None or score > best:
            best, chosen = score, Nearest(place, common, mine.total())
    return chosen


def _moves(run: Run) -> tuple[Counter[str], Counter[str]]:
    """The calls and actions of a run, and their names alone."""
    moves = [signature for signature in run.signatures if not signature.is_message]
    return Counter(move.key for move in moves), Counter(move.name for move in moves)


def _dice(one: Counter[str], other: Counter[str]) -> float:
    both = one.total() + other.total()
    return 2 * (one & other).total() / both if both else 1.0
