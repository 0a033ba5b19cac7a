"""The rows of the raw shape: every event, or those of the steps that a filter lets through."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable

from promptetheus.cause.steps import Step
from promptetheus.tui.session.step_list import EventOwners, StepList


class EventRows:
    """Rows and events by each other's numbers."""

    def __init__(self, steps: StepList) -> None:
        self.events = 0
        """Events there are to show."""
        self._steps = steps
        self._matches: list[int] | None = None
        self._matching: list[int] | None = None
        """Numbers of the events of the steps that match; made when they are first needed."""
        self._owners: EventOwners | None = None
        """The step each event belongs to; made when it is first needed."""

    def __len__(self) -> int:
        return self.events if self._matches is None else len(self._filtered())

    def take(self, changed: Iterable[int], events: int) -> None:
        """Show the first `events` events, given the steps that are new or changed."""
        self.events = events
        self._matching = None
        if self._owners is not None:
            self._owners.take(changed, events)

    def show_matches(self, matches: list[int] | None) -> None:
        """Show only the events of these steps; all of them with None."""
        self._matches, self._matching = matches, None

    def event_at(self, row: int) -> int:
        """The number of the event in a row."""
        return row if self._matches is None else self._filtered()[row]

    def row_near(self, step: Step) -> int:
        """The row of a step's first event, or of the next one shown where that is hidden; may be past the end."""
        # What failed about a call is its result.
        number = step.events[-1] if step.ok is False else step.events[0]
        return number if self._matches is None else bisect_left(self._filtered(), number)

    def step_of(self, number: int) -> int:
        """Index of the step that an event belongs to; -1 when none was built from it."""
        if self._owners is None:
            self._owners = EventOwners(self._steps)
            self._owners.take(range(self._steps.count), self.events)
        return self._owners[number]

    def _filtered(self) -> list[int]:
        if self._matching is None:
            numbers = (number for index in self._matches or () for number in self._steps[index].events)
            self._matching = sorted(number for number in numbers if number < self.events)
        return self._matching
