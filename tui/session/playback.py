"""Playing a session at the pace at which it went, with idle time cut, up to the first thing that looks wrong.

Keeps no clock: whoever owns it says how much time has passed.
"""

from __future__ import annotations

from collections.abc import Mapping

from promptetheus.cause.step_times import Stretch, stretch_of
from promptetheus.tui.session.step_list import StepList

SPEEDS = (1, 2, 8)

IDLE_MS = 1_500.0
"""Nobody waits longer than this while nothing was at work."""

UNTIMED_MS = 500.0
"""Between two steps of a session without times."""

MOST_AT_ONCE = 2_000
"""Steps passed over in one call: a session of a million in a second must not hold up the keys."""


class Playback:
    """Where the playing has got to.

    Args:
        steps: The session's steps; it may grow.
        first: Index of the step to begin at.
        stops: Steps to stop at, and why.
    """

    def __init__(self, steps: StepList, first: int, stops: Mapping[int, str]) -> None:
        self.step = first
        """Index of the step that is shown."""
        self.speed = SPEEDS[0]
        self.stopped_at: str | None = None
        """Why it stopped at this step; "" at the end; None while it plays."""
        self._steps = steps
        self._stops = stops
        self._saved_ms = 0.0

    @property
    def at_ms(self) -> float | None:
        """The moment of the session that is being played; None without times."""
        here = self._steps[self.step].offset_ms
        if here is None or self.step + 1 >= self._steps.count:
            return here
        there = self._steps[self.step + 1].offset_ms
        if there is None:
            return here
        wait = self._wait_ms(self.step)
        return here + (there - here) * (self._saved_ms / wait if wait else 0.0)

    def faster(self, by: int) -> None:
        """The next speed up or down."""
        place = max(0, min(len(SPEEDS) - 1, SPEEDS.index(self.speed) + by))
        self.speed = SPEEDS[place]

    def advance(self, elapsed_s: float) -> bool:
        """Let time pass; whether another step is shown now. Look at `stopped_at` afterwards."""
        before = self.step
        self._saved_ms += elapsed_s * 1000 * self.speed
        for _ in range(MOST_AT_ONCE):
            if self.step + 1 >= self._steps.count:
                self.stopped_at = ""
                break
            wait = self._wait_ms(self.step)
            if self._saved_ms < wait:
                break
            self._saved_ms -= wait
            self.step += 1
            if self.step in self._stops:
                self.stopped_at = self._stops[self.step]
                break
        return self.step != before

    def _wait_ms(self, index: int) -> float:
        """From one step to the next: the time something was at work, and of the rest only so much."""
        here, there = self._steps[index], self._steps[index + 1]
        if here.offset_ms is None or there.offset_ms is None:
            return UNTIMED_MS
        between = Stretch(here.offset_ms, max(here.offset_ms, there.offset_ms))
        whole = between.end - between.start
        at_work = min(whole, _shared(stretch_of(here), between) + _shared(stretch_of(there), between))
        return at_work + min(whole - at_work, IDLE_MS)


def _shared(stretch: Stretch | None, between: Stretch) -> float:
    if stretch is None:
        return 0.0
    return max(0.0, min(stretch.end, between.end) - max(stretch.start, between.start))
