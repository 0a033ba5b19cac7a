"""The course of a session on one line: where its errors, checks, screenshots and LLM time lie.

Kept in a fixed number of buckets that grow wider with the session, so that it costs the same to draw for ten steps
and for a million, and a new step costs the same however many there are. Pure: no widgets, no files.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Iterable
from enum import IntFlag

from promptetheus.cause.step_times import Stretch, stretch_of
from promptetheus.cause.steps import Step, StepKind
from promptetheus.tui.session.step_list import StepList
from promptetheus.tui.session.time_axis import TimeAxis

BUCKETS = 2048
"""More than four times the cells of the widest screen."""

_FINEST = 1 / 512
"""What a bucket holds at first: on no screen is one of them wider than a cell, however short the session."""

ONE_MOMENT_MS = 10.0
"""Times are shown in hundredths of a second: what lies closer together reads as one time."""

_LOOKED_BACK = 50
"""Steps without a time of their own stand where one of so many before them stands."""


class Mark(IntFlag):
    """What happened in a bucket."""

    STEP = 1
    SHOT = 2
    CHECK_PASSED = 4
    CHECK_FAILED = 8
    ERROR = 16


# Plain numbers: a flag's own `|` takes longer than everything else that is done with a step.
_STEP, _SHOT, _CHECK_PASSED, _CHECK_FAILED, _ERROR = (mark.value for mark in Mark)
_PICTURED = frozenset({StepKind.SHOT, StepKind.ACTION})


class Course:
    """One session's line. Positions run from 0 to `length`: milliseconds with idle time cut, or numbers of steps in a
    session without times, or with one time for all that happened."""

    def __init__(self) -> None:
        self.axis = TimeAxis()
        self.timed = False
        """Whether time tells the steps apart: not in a session without times, or with one time for all of them."""
        self.shots: list[int] = []
        """Indexes of the steps that hold a screenshot."""
        self._steps = 0
        self._scale = _FINEST
        self._marks = bytearray(BUCKETS)
        self._llm_ms = array("d", bytes(8 * BUCKETS))
        self._first_move: Step | None = None
        self._several = False
        """Whether there are moves beside the first."""
        self._apart = False
        """Whether one of them began at another time."""

    @property
    def length(self) -> float:
        """The position of the end; at least 1."""
        return max(1.0, self.axis.length if self.timed else float(self._steps - 1))

    @property
    def at_once(self) -> bool:
        """Whether there are several moves, and one time for all of them."""
        return self._several and not self._apart

    def take(self, steps: StepList, changed: Iterable[int], type_of: Callable[[int], str]) -> None:
        """Take in steps that are new or changed, in their order."""
        position = self.axis.position
        for step, stretch in self._placed(steps, changed):
            index = step.index
            is_new = index >= self._steps
            if is_new:
                self._steps = index + 1
            if stretch is None or not self.timed:
                start, end = self.ends(steps, index)
            else:
                start = position(stretch.start)
                end = start if stretch.end == stretch.start else position(stretch.end)
            self._take(index, step, start, end, is_new, type_of)

    def _placed(self, steps: StepList, changed: Iterable[int]) -> Iterable[tuple[Step, Stretch | None]]:
        """The steps to put on the line, with when they were at work: all of them once time begins to pass, for then
        they stand elsewhere."""
        taken = [(step, stretch_of(step)) for step in map(steps.__getitem__, changed)]
        for step, stretch in taken:
            self.axis.take(step, stretch)
            if not self._apart:
                self._note_beginning(step)
        timed = steps.timed and self.axis.end_ms > 0 and not self.at_once
        if timed is self.timed:
            return taken
        self.timed = timed
        known, self._steps = self._steps, 0
        self.shots.clear()
        self._scale = _FINEST
        self._marks[:] = bytes(BUCKETS)
        self._llm_ms[:] = array("d", bytes(8 * BUCKETS))
        if not known:
            return taken
        every = map(steps.__getitem__, range(max(known, taken[-1][0].index + 1)))
        return ((step, stretch_of(step)) for step in every)

    def _note_beginning(self, step: Step) -> None:
        at, first = step.offset_ms, self._first_move
        if at is None or not step.is_move:
            return
        if first is None or first.offset_ms is None:
            self._first_move = step
        elif step.index != first.index:
            self._several = True
            self._apart = abs(at - first.offset_ms) >= ONE_MOMENT_MS

    def _take(
        self,
        index: int,
        step: Step,
        start: float,
        end: float,
        is_new: bool,
        type_of: Callable[[int], str],
    ) -> None:
        kind, mark = step.kind, _STEP
        if kind is StepKind.LLM:
            if is_new and self.timed:
                self._add_llm(start, end)
        elif kind is StepKind.CHECK:
            mark |= 0 if step.ok is None else _CHECK_PASSED if step.ok else _CHECK_FAILED
        elif kind in _PICTURED and has_picture(step, type_of):
            mark |= _SHOT
            if not self.shots or self.shots[-1] != index:
                self.shots.append(index)
        if step.ok is False and kind is not StepKind.CHECK and kind is not StepKind.END:
            # What failed about a call is its result.
            self._marks[self._bucket(end)] |= _ERROR
        self._marks[self._bucket(start)] |= mark

    def ends(self, steps: StepList, index: int) -> tuple[float, float]:
        """Where a step begins and ends."""
        if not self.timed:
            return float(index), float(index)
        for nearest in range(index, max(-1, index - _LOOKED_BACK), -1):
            stretch = stretch_of(steps[nearest])
            if stretch is not None:
                return self.axis.position(stretch.start), self.axis.position(stretch.end)
        return 0.0, 0.0

    def at(self, steps: StepList, index: int) -> float:
        """Where the event stands that a step is listed at."""
        offset = steps[index].offset_ms
        return self.ends(steps, index)[1] if offset is None or not self.timed else self.axis.position(offset)

    def step_at(self, steps: StepList, position: float) -> int:
        """The last step that stands at or before a position; the first one where there is none."""
        if not self.timed:
            return max(0, min(round(position), steps.count - 1))
        moment = self.axis.moment(position)
        place = bisect_right(
            steps.steps,
            moment,
            hi=steps.count,
            key=lambda step: step.offset_ms if step.offset_ms is not None else -1.0,
        )
        return max(0, place - 1)

    def columns(self, width: int) -> list[tuple[Mark, float]]:
        """The line in `width` cells: what happened in each, and the share of its time that models took."""
        length = self.length
        found = []
        for column in range(width):
            first = int(column * length / width / self._scale)
            stop = max(first + 1, int((column + 1) * length / width / self._scale))
            if column == width - 1:
                stop = int(length / self._scale) + 1  # what stands at the very end
            first, stop = min(first, BUCKETS - 1), min(stop, BUCKETS)
            marks = 0
            for mark in self._marks[first:stop]:
                marks |= mark
            share = sum(self._llm_ms[first:stop]) / ((stop - first) * self._scale)
            found.append((Mark(marks), min(1.0, share)))
        return found

    def _add_llm(self, start: float, end: float) -> None:
        last = self._bucket(end)
        first = self._bucket(start)
        for bucket in range(first, last + 1):
            left, right = bucket * self._scale, (bucket + 1) * self._scale
            self._llm_ms[bucket] += max(0.0, min(end, right) - max(start, left))

    def _bucket(self, position: float) -> int:
        while position >= self._scale * BUCKETS:
            self._widen()
        return max(0, int(position / self._scale))

    def _widen(self) -> None:
        half = BUCKETS // 2
        for place in range(half):
            self._marks[place] = self._marks[2 * place] | self._marks[2 * place + 1]
            self._llm_ms[place] = self._llm_ms[2 * place] + self._llm_ms[2 * place + 1]
        self._marks[half:] = bytes(half)
        self._llm_ms[half:] = array("d", bytes(8 * half))
        self._scale *= 2


def has_picture(step: Step, type_of: Callable[[int], str]) -> bool:
    """Whether a step holds a screenshot; an action holds those that were taken right after it."""
    return step.kind is StepKind.SHOT or (
        step.kind is StepKind.ACTION and any(type_of(number) == "screenshot" for number in step.events[1:])
    )
