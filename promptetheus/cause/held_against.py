"""One run held against another: where it first goes another way, and where that begins to matter.

Two agents seldom look at things in the same order: the *effective divergence* is the first difference that leaves the
world in another state.
"""

from __future__ import annotations

from dataclasses import dataclass

from promptetheus.cause.comparison import SideBySide, side_by_side
from promptetheus.cause.divergence import Divergence, DivergenceKind, first_divergence
from promptetheus.cause.effect_differences import effect_differences
from promptetheus.cause.effects import Effects, infer_effects
from promptetheus.cause.signatures import Run


@dataclass(frozen=True, slots=True)
class Comparison:
    """What came of holding the right run against the left."""

    sides: SideBySide
    first: Divergence | None
    """The first difference that is more than wording; where there is only wording, that; None when equal."""
    effective: Divergence | None
    """The first difference that changes the state of the world otherwise; None when the effects are the same."""
    candidates: tuple[Divergence, ...]
    """All effective differences: calls made otherwise or unasked for in their order, then those never made."""

    @property
    def missing_effects(self) -> tuple[Divergence, ...]:
        """Changes that the left run made and the right never did."""
        return tuple(found for found in self.candidates if found.kind is DivergenceKind.MISSING)


def compare(left: Run, right: Run, effects: Effects | None = None) -> Comparison:
    """Hold `right` against `left`, which did it right. Without `effects` they are inferred from these two."""
    if effects is None:
        effects = infer_effects((left, right))
    sides = side_by_side(left, right, effects)
    candidates = effect_differences(left, right, effects)
    return Comparison(sides, first_divergence(sides), candidates[0] if candidates else None, candidates)
