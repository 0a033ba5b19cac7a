"""Plays a session on screen: moves the cursor along as a `Playback` says, and stops when the person takes over."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from textual.timer import Timer

from promptetheus.cause.steps import Step
from promptetheus.cause.verdicts import Blame
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.session.oddities import Oddities
from promptetheus.tui.session.playback import SPEEDS, Playback
from promptetheus.tui.session.timeline import Timeline

BEAT_S = 0.1
"""How often the playing is looked after: what moves faster than this is not seen anyway."""


class Player:
    """At most one playing at a time.

    Args:
        set_interval: The screen's own.
        changed: Called at every beat and when the playing begins or ends; the text says why it ended, "" otherwise.
        clock: Seconds, from any origin.
    """

    def __init__(
        self,
        timeline: Timeline,
        set_interval: Callable[[float, Callable[[], None]], Timer],
        changed: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.playback: Playback | None = None
        """What is being played; None when nothing is."""
        self._timeline = timeline
        self._set_interval = set_interval
        self._changed = changed
        self._clock = clock
        self._then = 0.0
        self._timer: Timer | None = None
        self._speed = SPEEDS[0]

    def toggle(self) -> None:
        """Play from the cursor on, or from the start where it is at the end; or stop."""
        if self.playback is not None:
            self.stop()
            return
        timeline = self._timeline
        step, steps = timeline.current_step, timeline.steps
        if not steps.count:
            return
        first = 0 if step is None or step.index + 1 >= steps.count else step.index
        stops = stops_of(steps.steps[: steps.count], timeline.blames, timeline.oddities)
        self.playback = Playback(steps, first, stops)
        self.playback.speed = self._speed
        timeline.following = False
        timeline.go_to(first)
        self._then = self._clock()
        self._timer = self._set_interval(BEAT_S, self.beat)
        self._changed("")

    def faster(self, by: int) -> int:
        """The next speed up or down, for now and later; the speed."""
        playback = self.playback or Playback(self._timeline.steps, 0, {})
        playback.speed = self._speed
        playback.faster(by)
        self._speed = playback.speed
        return self._speed

    def stop(self, why: str = "") -> None:
        """Stop where it is."""
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.playback = None
        self._changed(why)

    def person_moved(self) -> None:
        """The cursor moved: if it was the person who moved it, they have taken over."""
        step = self._timeline.current_step
        if self.playback is not None and step is not None and step.index != self.playback.step:
            self.stop(with_keys("You took over: <session.play:p> plays on from here."))

    def beat(self) -> None:
        """Let the playing go on."""
        playback, now = self.playback, self._clock()
        if playback is None:
            return
        elapsed, self._then = now - self._then, now
        if playback.advance(elapsed):
            self._timeline.go_to(playback.step)
        if playback.stopped_at is None:
            self._changed("")
        else:
            self.stop(f"Stopped: {playback.stopped_at}" if playback.stopped_at else "Played to the end.")


def stops_of(steps: Sequence[Step], blames: Mapping[int, Blame], oddities: Oddities) -> dict[int, str]:
    """Steps at which something went wrong or looks wrong, and what."""
    stops = {index: said[0] for index, said in oddities.items()}
    stops |= {step.index: f"step {step.index} failed" for step in steps if step.ok is False}
    return stops | {index: f"a failed check holds step {index} against the agent" for index in blames}
