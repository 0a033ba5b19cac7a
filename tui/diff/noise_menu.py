"""The list of what a comparison ignores: enter turns a rule on or off, and the comparison behind follows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from promptetheus.cause.noise import Noise
from promptetheus.tui.chooser import Choice, matches
from promptetheus.tui.menu import StayingMenu


class NoiseMenu(StayingMenu):
    """Each rule with what it means, and the ways back.

    Args:
        noise: The rules in force.
        defaults: Those of the project, to go back to.
        changed: Told of the rules in force after each turn.
    """

    BINDING_GROUP_TITLE = "What is ignored"
    PROMPT = "enter turns a rule on or off"
    EXPLAINS = True

    def __init__(self, noise: Noise, defaults: Noise, changed: Callable[[Noise], object]) -> None:
        super().__init__()
        self._noise = noise
        self._defaults = defaults
        self._changed = changed

    def choices(self, words: str) -> Sequence[Choice]:
        """Each rule with whether it is in force; then the way back."""
        found = [
            Choice(
                f"{'✓' if on else '·'} {rule.name}",
                rule.meaning,
                partial(self._turn, self._noise.switched(rule.name, not on)),
            )
            for rule, on in self._noise.switches
        ]
        nothing = self._noise
        for rule, on in self._noise.switches:
            nothing = nothing.switched(rule.name, False) if on else nothing
        found.append(Choice("  Ignore nothing", "every difference counts", partial(self._turn, nothing)))
        found.append(
            Choice(
                "  As the project has it",
                "those that promptetheus rules lists",
                partial(self._turn, self._defaults),
            )
        )
        return [each for each in found if not words or matches(words, f"{each.title} {each.note}")]

    def _turn(self, noise: Noise) -> None:
        self._noise = noise
        self._changed(noise)
