"""The pane beside the timeline: the highlighted step as a person wants to read it."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

from textual.timer import Timer

from promptetheus.cause.steps import Step, StepKind
from promptetheus.cause.verdicts import NO_VERDICT, Blame
from promptetheus.events import Event
from promptetheus.queries.session_log import SessionLog
from promptetheus.queries.span_contents import span_contents
from promptetheus.tui.inspector.inspect_browser import stored_picture
from promptetheus.tui.inspector.inspectors import page_of
from promptetheus.tui.inspector.json_view import JsonBlock
from promptetheus.tui.inspector.notes_block import NotesBlock, notes_about
from promptetheus.tui.inspector.page import Page
from promptetheus.tui.inspector.page_view import PagePlan, PageView
from promptetheus.tui.inspector.subject import Subject, goal_of, payload_of
from promptetheus.tui.session.verdict_reader import calls_of, check_verdict

HELD_KEY_S = 0.12
"""Cursor moves that follow each other faster than this are a held key: only where it stops is shown."""

SETTLE_S = 0.05

PASSING_S = 0.3
"""How long a step has to look at that passes by at the end of a stream: what changes faster nobody reads."""

PAINTED_S = 0.025
"""The row that the cursor moved to is painted first: laying out its page would share the processor with it."""

LOOKED_BACK = 20_000
"""Events searched for the DOM snapshot or the screenshot before this one."""

Found = TypeVar("Found")


class Glance(NamedTuple):
    """Where a person looks."""

    step: Step
    event: int | None
    """In the raw shape, the number of the event; None elsewhere."""
    steps: Sequence[Step]
    """All steps of the session."""
    running: bool
    """Whether the session still runs."""
    blame: Blame | None
    """What a failed check holds against the step's call."""
    odd: Sequence[str] = ()
    """What looks wrong about the step although nothing failed."""
    elapsed_ms: float | None = None
    """How long a step that runs has run so far."""
    stalled: bool = False


class Inspector(PageView):
    """Shows one step at a time; raw with `r`."""

    def __init__(self, log: SessionLog, *, id: str | None = None) -> None:
        super().__init__(log.path.parent, id=id)
        self.session_log = log
        self.raw = False
        """Whether events are shown as they stand in the file."""
        self.shown: tuple[int, int | None] | None = None
        """Step index and event number of what is shown or about to be."""
        self._moved_at = 0.0
        self._timer: Timer | None = None
        self._next: PagePlan | None = None
        """What the timer shows."""
        self._passing = False
        """Whether the timer waits for the end of a stream, and not for the person."""

    def inspect(self, glance: Glance, *, passing: bool = False) -> None:
        """Show a step, or in the raw shape one event of it. Called at every move of the cursor.

        Args:
            passing: Whether it was not the person who moved it, but what arrived.
        """
        what = (glance.step.index, glance.event)
        same, is_first = what == self.shown, self.shown is None
        self.shown = what
        plan = plan_for(self.session_log, glance, raw=self.raw)
        now = time.monotonic()
        since_s, self._moved_at = now - self._moved_at, now
        if passing and self._passing and self._timer is not None:
            self._next = plan
            return
        waits = self._timer is not None
        self._forget_next()
        if same or is_first:
            self.show(plan, keep_place=same and not waits)
            return
        self._passing = passing and since_s < PASSING_S
        delay_s = PASSING_S if self._passing else SETTLE_S if since_s < HELD_KEY_S else PAINTED_S
        self._next = plan
        self._timer = self.set_timer(delay_s, self._show_at_last)

    def clear(self) -> None:
        """There is no step to show any more."""
        if self.shown is not None or self.lines:
            self._forget_next()
            self.shown = None
            self.show(lambda: Page([]))

    def _forget_next(self) -> None:
        if self._timer is not None:
            self._timer.stop()
        self._timer = self._next = None

    def _show_at_last(self) -> None:
        plan = self._next
        self._forget_next()
        if plan is not None:
            self.show(plan)

    @property
    def is_settled(self) -> bool:
        """Whether the screen shows the step that was last asked for."""
        return self._timer is None and super().is_settled


def plan_for(log: SessionLog, glance: Glance, *, raw: bool) -> PagePlan:
    """How to make the page of a step, or of one event in the raw shape. Reads when it is called."""

    def plan() -> Page:
        if glance.event is not None:
            found = log.event(glance.event)
            return Page([JsonBlock(f"{found.get('seq', '?')} {found.get('type', '?')}"[:80], found)])
        page = page_of(subject_of(log, glance), raw=raw)
        notes = notes_about(log.path.parent, log.event(0).get("session_id"), glance.step.index)
        return Page([NotesBlock(notes), *page.blocks]) if notes else page

    return plan


def subject_of(log: SessionLog, glance: Glance) -> Subject:
    """Gather what a step's page needs. Reads the session's file: call it from a thread."""
    step = glance.step
    numbers = list(step.events)
    events = [log.event(number) for number in numbers]
    types = {event.get("type") for event in events}
    verdict, goal = NO_VERDICT, None
    if step.kind is StepKind.CHECK:
        steps, goal = glance.steps, goal_of(log.event(0))
        verdict = check_verdict(log, step, calls_of(log, steps, len(steps)))
    inside = span_contents(log, step, glance.steps) if step.kind is StepKind.SPAN else []
    return Subject(
        step=step,
        events=events,
        spool=log.path.parent,
        number=step.index,
        running=glance.running,
        elapsed_ms=glance.elapsed_ms,
        stalled=glance.stalled,
        dom_before=_before(log, numbers[0], "dom_snapshot", payload_of) if "dom_snapshot" in types else None,
        shot_before=_before(log, numbers[0], "screenshot", stored_picture) or ""
        if "screenshot" in types
        else "",
        verdict=verdict,
        goal=goal,
        inside=inside,
        blame=glance.blame,
        odd=glance.odd,
    )


def _before(log: SessionLog, number: int, kind: str, take: Callable[[Event], Found]) -> Found | None:
    """What the last event of a type before this one holds."""
    for earlier in range(number - 1, max(-1, number - 1 - LOOKED_BACK), -1):
        if log.type_of(earlier) == kind:
            return take(log.event(earlier))
    return None
