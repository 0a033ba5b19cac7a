"""Where a failing session most likely made its first mistake, when there is nothing to compare it with.

A model of survival: each move is a mistake with a chance that its signs give it, and the *first* mistake when none
before it was one. So two moves with the same signs rank in the order they were made, and a strong sign late can
outweigh weak ones early. A hint, not a verdict: every candidate names its signs.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from promptetheus.cause.common_ground import task_of
from promptetheus.cause.effects import Effects, infer_effects
from promptetheus.cause.mistake_signs import Sign, SignedMove, signed_moves
from promptetheus.cause.signatures import Run, make_run

CHANCES: Mapping[Sign, float] = {
    Sign.CHANGE: 0.6,
    Sign.EMPTY_ANSWER: 0.5,
    Sign.FAILED: 0.4,
    Sign.PAST_FAILURE: 0.35,
    Sign.SUBSTITUTE: 0.35,
    Sign.UNFOUNDED: 0.25,
    Sign.GAVE_UP: 0.2,
    Sign.IN_VAIN: 0.2,
    Sign.REPEATED: 0.2,
    Sign.CLAIM: 0.1,
    Sign.MENDED: 0.1,
    Sign.CALL: 0.15,
    Sign.WORDS: 0.08,
    Sign.LOOK: 0.04,
}
"""How likely a move with a sign is a mistake, if none was made before: set by hand, near the shares counted on half
of the labelled runs of Who&When and on tau-bench, rounded. Signs of one move add up as independent chances do."""

BESIDE_CHANGES = 0.4
"""By how much all other signs count for less in a session that changes something: what it left behind is judged by
its changes, and a slip of the tongue or a look too many leaves nothing."""

_BY_KIND = frozenset({Sign.CALL, Sign.WORDS, Sign.LOOK})
_USUAL_MOVES = 10
"""The chances of moves without other signs are those of a session of so many moves; more moves share them."""

MAX_CANDIDATES = 10


@dataclass(frozen=True, slots=True)
class Candidate:
    """A step that may be the first mistake."""

    step: int
    """Its number in the session: of the call where the move has one, else of the message."""
    message: int | None
    """Number of the agent's message that the call belongs to; None where there is none."""
    chance: float
    """That it is the first mistake, by the model; those of all moves add up to at most 1."""
    signs: tuple[Sign, ...]
    """Why, the most telling first."""
    text: str
    """What the step was, in one printable line."""

    @property
    def is_marked(self) -> bool:
        """Whether any sign is against it but what kind of move it is."""
        return not _BY_KIND.issuperset(self.signs)

    @property
    def reason(self) -> str:
        """The signs as words."""
        told = [sign.value for sign in self.signs if sign not in _BY_KIND]
        return "; ".join(told) or "nothing marks it but that it is early"


def first_mistakes(
    events: Iterable[Mapping[str, Any]], effects: Effects | None = None, limit: int = MAX_CANDIDATES
) -> list[Candidate]:
    """The likeliest first mistakes of a failing session, the likeliest first.

    Looks at the first `mistake_signs.MAX_MOVES` moves. Checks, scores and the end are not looked at: a session that
    passed has candidates, too.

    Args:
        effects: which tools change something; None: inferred from this session alone.
        limit: how many candidates.
    """
    return likeliest(make_run(events), effects, limit)


def likeliest(run: Run, effects: Effects | None = None, limit: int = MAX_CANDIDATES) -> list[Candidate]:
    """The same for a session that is a run already."""
    known = infer_effects([run]) if effects is None else effects
    signed = signed_moves(run, task_of(run.events).goal, known)
    chances = _first_of(signed)
    order = sorted(range(len(signed)), key=lambda number: (-chances[number], number))
    return [_candidate(run, signed[number], chances[number]) for number in order[:limit] if chances[number]]


def _first_of(signed: Sequence[SignedMove]) -> list[float]:
    share = _USUAL_MOVES / max(_USUAL_MOVES / 2, len(signed))
    beside = BESIDE_CHANGES if any(Sign.CHANGE in each.signs for each in signed) else 1.0
    weights = {
        sign: chance * (share if sign in _BY_KIND else 1) * (1 if sign is Sign.CHANGE else beside)
        for sign, chance in CHANCES.items()
    }
    none_before, chances = 1.0, []
    for each in signed:
        right = 1.0
        for sign in each.signs:
            right *= 1 - weights[sign]
        chances.append(round(none_before * (1 - right), 6))
        none_before *= right
    return chances


def _candidate(run: Run, found: SignedMove, chance: float) -> Candidate:
    move = found.move
    place = move.words if move.call is None else move.call
    assert place is not None
    message = None if move.words is None else run.steps[move.words].index
    return Candidate(run.steps[place].index, message, chance, found.signs, run.text(place))
