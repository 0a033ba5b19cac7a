"""The time of a session as one line on which idle stretches are cut short: an hour of waiting must not hide a minute
of work. Pure, and grows with the session without being built anew."""

from __future__ import annotations

from array import array
from bisect import bisect_right

from promptetheus.cause.step_times import Stretch
from promptetheus.cause.steps import Step, StepKind

IDLE_MS = 30_000.0
"""A stretch in which nothing is at work for longer than this is drawn as long as this."""


class TimeAxis:
    """Maps milliseconds since the session began to positions, which are milliseconds too, and back."""

    def __init__(self) -> None:
        self.end_ms = 0.0
        """When the last step known ended."""
        self._from = array("d")
        self._to = array("d")
        self._cut = array("d")
        """For each idle stretch: milliseconds taken out up to its end."""
        self._busy_to = 0.0
        self._at_work: set[int] = set()
        """Calls that have not ended: whatever they wait for, the session is not idle."""
        self._seen = 0

    def take(self, step: Step, stretch: Stretch | None) -> None:
        """Take in a step that is new or changed; the new ones in their order."""
        if stretch is None:
            return
        start, end = stretch
        if step.kind is StepKind.SPAN:
            # Its beginning is a moment; it is no work of its own, and how long it took is only what was claimed.
            end = start
        if end > self.end_ms:
            self.end_ms = end
        if step.index >= self._seen:
            self._seen = step.index + 1
            if start - self._busy_to > IDLE_MS and not self._at_work:
                before = self._cut[-1] if self._cut else 0.0
                self._from.append(self._busy_to)
                self._to.append(start)
                self._cut.append(before + start - self._busy_to - IDLE_MS)
        if step.open and step.kind is not StepKind.SPAN:
            self._at_work.add(step.index)
        elif self._at_work:
            self._at_work.discard(step.index)
        if end > self._busy_to:
            self._busy_to = end

    @property
    def length(self) -> float:
        """The position of the end."""
        return self.position(self.end_ms)

    def position(self, ms: float) -> float:
        """Where a moment lies."""
        if not self._to or ms <= self._from[0]:
            return ms
        place = bisect_right(self._to, ms)
        before = self._cut[place - 1] if place else 0.0
        if place < len(self._from) and ms > self._from[place]:
            into = (ms - self._from[place]) / (self._to[place] - self._from[place])
            return self._from[place] - before + into * IDLE_MS
        return ms - before

    def awake(self, ms: float) -> float:
        """The moment itself, or the end of the idle stretch that it lies in."""
        place = bisect_right(self._to, ms)
        return self._to[place] if place < len(self._from) and ms > self._from[place] else ms

    def moment(self, position: float) -> float:
        """Which moment lies there."""
        place = self._gap_at(position)
        before = self._cut[place - 1] if place else 0.0
        if place < len(self._from) and position > self._from[place] - before:
            into = (position - self._from[place] + before) / IDLE_MS
            return self._from[place] + into * (self._to[place] - self._from[place])
        return position + before

    def cuts(self, start: float, end: float) -> list[tuple[float, float]]:
        """Idle stretches between two positions: the position of each one's middle, and its true length in ms."""
        found = []
        for place in range(self._gap_at(start), len(self._from)):
            before = self._cut[place - 1] if place else 0.0
            middle = self._from[place] - before + IDLE_MS / 2
            if middle > end:
                break
            found.append((middle, self._to[place] - self._from[place]))
        return found

    def _gap_at(self, position: float) -> int:
        """The first idle stretch that does not lie wholly before a position."""
        low, high = 0, len(self._to)
        while low < high:
            middle = (low + high) // 2
            if self._to[middle] - self._cut[middle] < position:
                low = middle + 1
            else:
                high = middle
        return low
