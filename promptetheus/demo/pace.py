"""How a demo run spends its time: pauses that can be cut short, and numbers that vary alike each time."""

from __future__ import annotations

import random
import threading

import promptetheus as pt


class DemoClosed(Exception):
    """The demo was closed while this run was going on; the run ends here."""


class Pace:
    """The clock and the dice of one run.

    Args:
        seed: Names the run; the same seed gives the same numbers.
        speed: What the script's pauses are multiplied by; 0.0 = no pauses. The recorded latencies are
            those of the script in any case.
        closed: Set from outside, it ends the run at its next pause with `DemoClosed`.
    """

    def __init__(self, seed: str, *, speed: float = 1.0, closed: threading.Event | None = None) -> None:
        self._dice = random.Random(seed)
        self._speed = speed
        self._closed = closed or threading.Event()

    def wait(self, seconds: float) -> None:
        """Pauses for about that long."""
        if self._closed.wait(self._vary(seconds) * self._speed):
            raise DemoClosed

    def about(self, number: int) -> int:
        """A whole number within a fifth of the given one."""
        return round(self._vary(number))

    def think(self, model: str, input_tokens: int, output_tokens: int, seconds: float, prompt: str) -> None:
        """One call to a model that answers after that long, recorded on the current session."""
        latency_s = self._vary(seconds)
        if self._closed.wait(latency_s * self._speed):
            raise DemoClosed
        pt.current().llm_call(
            model,
            input_tokens=self.about(input_tokens),
            output_tokens=self.about(output_tokens),
            latency_ms=round(latency_s * 1000),
            prompt_ref=prompt,
        )

    def _vary(self, number: float) -> float:
        return number * self._dice.uniform(0.8, 1.2)
