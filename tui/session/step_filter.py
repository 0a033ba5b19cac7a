"""Which steps of a session a filter lets through: all of them once, then only those that changed."""

from __future__ import annotations

import asyncio
from bisect import bisect_left, insort
from collections.abc import AsyncIterator, Iterable

from promptetheus.cause.describe import describe
from promptetheus.cause.steps import Step
from promptetheus.queries.filter import Filter
from promptetheus.queries.session_log import SessionLog
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.kind_words import kind_word
from promptetheus.tui.session.step_list import StepList
from promptetheus.tui.session.timeline import Timeline

PORTION = 2_000
"""Steps looked at before the screen hears of it: describing one reads its events."""


class StepFilter:
    """One filter over one session."""

    def __init__(self, wanted: Filter, log: SessionLog, steps: StepList) -> None:
        self.wanted = wanted
        self.matches: list[int] = []
        """Indexes of the steps that match, in order."""
        self.looked_at = 0
        """Steps from the first on that have been looked at."""
        self._log = log
        self._steps = steps

    async def run(self) -> AsyncIterator[None]:
        """Look at every step, in a thread; yields after each portion."""
        while self.looked_at < self._steps.count:
            start, stop = self.looked_at, min(self.looked_at + PORTION, self._steps.count)
            found = await asyncio.to_thread(self._matching, range(start, stop))
            self.matches = [*self.matches, *found]
            self.looked_at = stop
            yield

    def take(self, changed: Iterable[int]) -> None:
        """Look again at steps that changed; new ones beyond what was looked at are left to `run`."""
        again = [index for index in changed if index < self.looked_at]
        if not again:
            return
        found = set(self._matching(again))
        matches = list(self.matches)
        for index in again:
            place = bisect_left(matches, index)
            there = place < len(matches) and matches[place] == index
            if index in found and not there:
                insort(matches, index)
            elif index not in found and there:
                del matches[place]
        self.matches = matches

    def _matching(self, indexes: Iterable[int]) -> list[int]:
        found = []
        for index in indexes:
            step = self._steps[index]
            text = describe(step, self._log.event)
            # People type the words they see, and those of the event types they know.
            words = f"{kind_word(step)} {self._log.type_of(step.events[0])} {text}"
            if self.wanted.matches_step(step.kind.value, step.name, words, step.ok, step.duration_ms):
                found.append(index)
        return found


class TimelineFilter:
    """Keeps a timeline to the steps that a filter lets through, as both change."""

    def __init__(self, timeline: Timeline) -> None:
        self._timeline = timeline
        self._current: StepFilter | None = None
        self._held: Step | None = None

    def hold(self) -> None:
        """Remember the highlighted step: whatever is typed from now on, the cursor stays as near as it can."""
        self._held = self._timeline.current_step

    def release(self) -> None:
        """The person is done typing; the highlighted step is whichever the cursor is on."""
        self._held = None

    def set(self, wanted: Filter) -> bool:
        """Take another filter; whether there is anything to `run`."""
        if not wanted:
            self._current = None
            self._timeline.show_matches(None, self._held)
            return False
        self._current = StepFilter(wanted, self._timeline.session_log, self._timeline.steps)
        return True

    def take(self, changed: Iterable[int], *, started_over: bool) -> bool:
        """Look again at what changed in the session; whether there is anything to `run`."""
        if self._current is None:
            return False
        if started_over:
            return self.set(self._current.wanted)
        self._current.take(changed)
        return True

    async def run(self, bar: FilterBar) -> None:
        """Look at what was not looked at yet, and show what is found as it is found."""
        current, held = self._current, self._held or self._timeline.current_step
        if current is None:
            return
        async for _ in current.run():
            self._show(current, held, bar)
        self._show(current, held, bar)

    def _show(self, current: StepFilter, held: Step | None, bar: FilterBar) -> None:
        if current is not self._current:
            return
        if self._timeline.matches != current.matches:
            self._timeline.show_matches(current.matches, held)
        hides = f"step {held.index}" if held is not None and held.index not in current.matches else ""
        bar.say(len(current.matches), self._timeline.steps.count, hides, current.wanted.problems)
