"""The steps of a growing session, with what has to be known of all of them to draw one."""

from __future__ import annotations

from collections.abc import Iterable

from promptetheus.cause.steps import Step, StepKind
from promptetheus.tui.offsets import offset_text


class StepList:
    """Keeps track of what is new or changed from one look to the next, without going through all of it again."""

    def __init__(self, steps: list[Step] | None = None) -> None:
        self.steps: list[Step] = [] if steps is None else steps
        self.count = 0
        """Steps taken in; the list itself may have grown since, in the thread that reads the file."""
        self.longest_ms = 0.0
        """Longest duration of a step that is no span: what bars are measured against."""
        self.has_durations = False
        self.timed = False
        """Whether the session has times; imports may have none."""
        self.moves = 0
        """Steps without the marks of the session's start and end: how many a person counts."""
        self._open: set[int] = set()

    def __getitem__(self, index: int) -> Step:
        return self.steps[index]

    def take(self, count: int) -> list[int]:
        """Take in the first `count` steps; the indexes of what is new or may have changed, in order."""
        # The last step may have grown too: an action takes in the pictures that follow it.
        changed = sorted({*self._open, *range(max(0, self.count - 1), count)})
        self.moves += sum(
            step.kind not in (StepKind.START, StepKind.END) for step in self.steps[self.count : count]
        )
        self.count = count
        for index in changed:
            step = self.steps[index]
            if step.open:
                self._open.add(index)
            else:
                self._open.discard(index)
            self.timed = self.timed or step.offset_ms is not None
            if step.duration_ms is not None:
                self.has_durations = True
                if step.kind is not StepKind.SPAN:
                    self.longest_ms = max(self.longest_ms, step.duration_ms)
        return changed

    def when_cells(self, timed: bool) -> int:
        """Width of the column that says when a step began, or its number; grows with the session."""
        last = self.steps[self.count - 1] if self.count else None
        if last is None or not timed:
            return max(3, len(str(self.count)))
        return max(5, len(offset_text(last.offset_ms or 0.0)))

    @property
    def open_steps(self) -> frozenset[int]:
        """Steps that have begun and not ended."""
        return frozenset(self._open)


class EventOwners:
    """Which step each event belongs to, as both grow."""

    def __init__(self, steps: StepList) -> None:
        self._steps = steps
        self._owners: list[int] = []

    def __getitem__(self, number: int) -> int:
        """Index of the step of event `number`; -1 when none was built from it."""
        return self._owners[number]

    def take(self, changed: Iterable[int], events: int) -> None:
        """Note whose the first `events` events are, given the steps that are new or changed."""
        self._owners.extend([-1] * (events - len(self._owners)))
        for index in changed:
            for number in self._steps[index].events:
                if number < events:
                    self._owners[number] = index
