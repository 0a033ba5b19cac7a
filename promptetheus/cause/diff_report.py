"""Two sessions held against each other, as one value that a terminal view, the command line and exports draw.

How to draw it:

- `left` and `right` say whose sides these are; the left one is the baseline.
- `banner` is the head: where they part (`first`), where that begins to matter (`effective`), `not_comparable` with
  why, `coarse`, what is `ignored` and what is `left_out`. `banner.first_row` and `banner.effective_row` are places in
  `rows`. `claimed` is the comparison without what cannot be said of sessions that are not comparable.
- `rows` are the aligned rows: `row.kind` is equal, changed, missing left, missing right or moved, `row.change` says
  more exactly what. `cell(number, Side.LEFT)` is the step on one side of a row (None for a gap): its number in its
  session, kind and one printable line, worked out when asked for.
- `differences` are the places of the rows that differ; `next_difference` walks them (`n`, `N`).
- `details(number)` are words, JSON paths, page and pictures of one row, worked out and kept when asked for.
- `with_pictures(look)` also looks at the screenshots of equal steps: slow, so later or not at all.
- `metrics` is the table of numbers. `noise.switches` are the rules, each on or off; `with_noise` compares anew.

Building one costs the comparison; everything else is lazy. `queries.diffs` builds it from session files, picks a
baseline and reads the pictures.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from typing import Any

from promptetheus.cause.common_ground import left_out, other_task
from promptetheus.cause.comparison import Change, Row
from promptetheus.cause.divergence import Divergence, DivergenceKind, first_divergence
from promptetheus.cause.effects import Effects
from promptetheus.cause.held_against import Comparison, compare
from promptetheus.cause.metric_changes import MetricChange, SessionNumbers, metric_changes
from promptetheus.cause.noise import Noise
from promptetheus.cause.picture_changes import PictureChange
from promptetheus.cause.row_details import PicturePair, RowDetails, row_details
from promptetheus.cause.signatures import Run, make_run
from promptetheus.cause.steps import StepKind
from promptetheus.display import printable_line
from promptetheus.events import Event
from promptetheus.regression import SessionDiff, diff_sessions

MAX_PICTURES = 40
"""Pairs of screenshots of equal steps that are looked at."""


class Side(StrEnum):
    """Left is the baseline."""

    LEFT = "left"
    RIGHT = "right"


@dataclass(frozen=True, slots=True)
class SessionSide:
    """Whose steps stand on a side. Texts as recorded: not yet fit for a screen."""

    session_id: str
    agent: str
    goal: str
    status: str
    """The word a person reads."""
    glyph: str
    is_failing: bool
    label: str
    """How it failed, in a few words; "" when it did not."""
    started_s: float | None
    """Seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A step on one side of a row."""

    number: int
    """Its number in its session, from 0."""
    kind: StepKind
    text: str
    """One printable line."""
    ok: bool | None
    offset_ms: float | None


@dataclass(frozen=True, slots=True)
class Banner:
    """What a person reads first. Every text is one printable line."""

    first: str
    """Where they part and what it was in each; says so when nothing differs."""
    first_row: int | None
    confidence: float
    how_sure: str
    """The confidence as a word; "" when nothing differs."""
    effective: str
    """The first difference that leaves the world in another state; says so when there is none."""
    effective_row: int | None
    not_comparable: str
    """Why the sessions have too little in common; "" when they have enough."""
    coarse: str
    """What was not compared exactly, and why; "" when all was."""
    ignored: tuple[str, ...]
    """Names of the noise rules in force."""
    left_out: str
    """Steps that are in no row, `metrics, scores and checks`; "" when all are."""
    other_task: str
    """What the left session is, when its agent or goal is another one; "" when both are the same."""


COARSE = (
    "the sessions are too long to judge every gap between equal steps: long gaps are aligned by name only"
)

_NOT_SAID = "cannot be said, the two are not comparable"


@dataclass(frozen=True)
class DiffReport:
    """The result of holding `right` against `left`."""

    left: SessionSide
    right: SessionSide
    comparison: Comparison
    effects: Effects
    """What each tool does to the world, as far as it was guessed or corrected."""
    metrics: tuple[MetricChange, ...]
    chosen: str = ""
    """Why the left session was picked; "" when a person named it."""

    @property
    def rows(self) -> tuple[Row, ...]:
        return self.comparison.sides.rows

    @property
    def noise(self) -> Noise:
        """The rules in force, and those that could be."""
        return self.comparison.sides.left.noise

    @cached_property
    def differences(self) -> tuple[int, ...]:
        """Places of the rows that differ, rising."""
        return tuple(number for number, row in enumerate(self.rows) if row.change is not Change.SAME)

    def next_difference(self, row: int, *, forwards: bool = True) -> int | None:
        """The nearest row that differs after (or before) this one; None at the end."""
        if forwards:
            place = bisect_right(self.differences, row)
            return self.differences[place] if place < len(self.differences) else None
        place = bisect_left(self.differences, row)
        return self.differences[place - 1] if place else None

    def run(self, side: Side) -> Run:
        """The steps of a side."""
        return self.comparison.sides.left if side is Side.LEFT else self.comparison.sides.right

    def cell(self, number: int, side: Side) -> Cell | None:
        """What stands on one side of row `number`; None for a gap."""
        row = self.rows[number]
        place = row.left if side is Side.LEFT else row.right
        if place is None:
            return None
        run = self.run(side)
        step = run.steps[place]
        return Cell(step.index, step.kind, run.text(place), step.ok, step.offset_ms)

    def moved_to(self, number: int) -> int | None:
        """For a moved step, its number in the other session."""
        row = self.rows[number]
        if row.moved_to is None:
            return None
        return self.run(Side.RIGHT if row.right is None else Side.LEFT).steps[row.moved_to].index

    def details(self, number: int) -> RowDetails:
        """What exactly differs in row `number`."""
        found = self._details.get(number)
        if found is None:
            found = self._details[number] = row_details(self.comparison.sides, self.rows[number])
        return found

    @cached_property
    def _details(self) -> dict[int, RowDetails]:
        return {}

    @cached_property
    def regression(self) -> SessionDiff:
        """What the right session does otherwise, and whether it fails where the left did not."""
        return diff_sessions(self.run(Side.LEFT).events, self.run(Side.RIGHT).events)

    @cached_property
    def claimed(self) -> Comparison:
        """The comparison as far as it may be told: of sessions that are not comparable no place where they part."""
        found = self.comparison
        if not found.sides.not_comparable:
            return found
        return replace(found, first=None, effective=None, candidates=())

    @cached_property
    def banner(self) -> Banner:
        """The head of every view of this."""
        found = self.claimed
        first, effective = found.first, found.effective
        return Banner(
            first=self._first_text(),
            first_row=self.row_of(first),
            confidence=first.confidence if first else 1.0,
            how_sure=first.how_sure if first else "",
            effective=(
                _NOT_SAID
                if found.sides.not_comparable
                else "none, both changed the same things"
                if effective is None
                else printable_line(
                    f"{self.where(effective)}, {effective.kind.value}, {effective.how_sure}", 300
                )
            ),
            effective_row=self.row_of(effective),
            not_comparable=found.sides.not_comparable,
            coarse=COARSE if found.sides.coarse else "",
            ignored=self.noise.names,
            left_out=left_out(*(self.run(side) for side in Side)),
            other_task=self._other_task(),
        )

    def _other_task(self) -> str:
        different = other_task(self.run(Side.LEFT), self.run(Side.RIGHT))
        if not different:
            return ""
        whose = "another agent's session" if "agent" in different else "a session of another goal"
        names = (printable_line(name, 120) for name in (self.left.agent, self.left.goal) if name)
        return f"{whose}: {', '.join(names)}"

    def _first_text(self) -> str:
        if self.comparison.sides.not_comparable:
            return _NOT_SAID
        first = self.comparison.first
        if first is None:
            return "none, the steps are the same"
        changed = self.changed_value(first)
        tail = f": {changed}" if changed else ""
        return printable_line(
            f"{self.where(first)}, {first.kind.value}, {first.how_sure} ({first.reason}){tail}", 600
        )

    def changed_value(self, found: Divergence, limit: int = 120) -> str:
        """The first value that a divergence changed, before and after, in about `limit` characters; "" where it
        changed none."""
        if not found.changes:
            return ""
        # A place in a list says nothing without the name of the list.
        whole = "result" if found.changes[0].path.startswith("[") and found.kind in _OF_RESULTS else ""
        return found.changes[0].describe(limit, whole)

    def where(self, found: Divergence) -> str:
        """`step 14, create_event`, by the right session where it has the step."""
        place, side = (found.right, Side.RIGHT) if found.right is not None else (found.left, Side.LEFT)
        assert place is not None
        step = self.run(side).steps[place]
        of = " of the baseline" if side is Side.LEFT else ""
        return f"step {step.index}{of}, {printable_line(found.name, 80) or 'message'}"

    def row_of(self, found: Divergence | None) -> int | None:
        """The row a divergence is about."""
        if found is None:
            return None
        for number, row in enumerate(self.rows):
            if found.right is not None and row.right == found.right:
                return number
            if found.right is None and row.left == found.left:
                return number
        return None

    def with_noise(self, noise: Noise) -> DiffReport:
        """The same sessions compared anew under other rules."""
        runs = [make_run(self.run(side).events, noise) for side in Side]
        return replace(self, comparison=compare(runs[0], runs[1], self.effects))

    def with_effects(self, effects: Effects) -> DiffReport:
        """The same sessions held against each other anew, as more is known of what their tools do to the world;
        itself where that is nothing new about tools that they use."""
        found = replace(self, effects=effects)
        if effects_in(found) == effects_in(self):
            return self
        runs = self.comparison.sides.left, self.comparison.sides.right
        return replace(found, comparison=compare(*runs, effects))

    def with_pictures(self, look: Callable[[PicturePair], PictureChange]) -> DiffReport:
        """The same, but rows whose steps are equal and whose screenshots are not count as changed.

        Looks at 40 pairs at most, some 40 ms each: not for the first paint.
        """
        rows = list(self.rows)
        left = MAX_PICTURES
        for number, row in enumerate(rows):
            if row.change is not Change.SAME or left <= 0 or not self._has_pictures(row):
                continue
            pairs = [pair for pair in self.details(number).pictures if not pair.is_same][:left]
            left -= len(pairs)
            if any(look(pair).is_visible for pair in pairs):
                rows[number] = row._replace(change=Change.PICTURE)
        sides = replace(self.comparison.sides, rows=tuple(rows))
        comparison = replace(self.comparison, sides=sides)
        if comparison.first is None:
            comparison = replace(comparison, first=first_divergence(sides))
        return replace(self, comparison=comparison)

    def _has_pictures(self, row: Row) -> bool:
        left, right = self.comparison.sides.left, self.comparison.sides.right
        return (row.left is not None and left.steps[row.left].kind in _WITH_PICTURES) or (
            row.right is not None and right.steps[row.right].kind in _WITH_PICTURES
        )


_OF_RESULTS = frozenset({DivergenceKind.RESULT, DivergenceKind.ERROR})
_WITH_PICTURES = frozenset({StepKind.ACTION, StepKind.SHOT})


def diff_report(
    left: SessionSide,
    left_events: Sequence[Event],
    right: SessionSide,
    right_events: Sequence[Event],
    *,
    noise: Noise,
    effects: Effects,
    numbers: tuple[SessionNumbers, SessionNumbers] | None = None,
    chosen: str = "",
) -> DiffReport:
    """Compare two sessions.

    Args:
        effects: of the tools of both, see `effects.infer_effects`; more sessions than these two make better guesses.
        numbers: of both, for the table of numbers.
        chosen: why the left session was picked, when nobody named it.
    """
    runs = make_run(left_events, noise), make_run(right_events, noise)
    return report_of_runs(left, runs[0], right, runs[1], effects=effects, numbers=numbers, chosen=chosen)


def report_of_runs(
    left: SessionSide,
    left_run: Run,
    right: SessionSide,
    right_run: Run,
    *,
    effects: Effects,
    numbers: tuple[SessionNumbers, SessionNumbers] | None = None,
    chosen: str = "",
) -> DiffReport:
    """`diff_report` of sessions that are comparable already."""
    metrics = () if numbers is None else metric_changes(*numbers)
    return DiffReport(left, right, compare(left_run, right_run, effects), effects, metrics, chosen)


def effects_in(report: DiffReport) -> Mapping[str, Any]:
    """The guesses that played a part here: those of tools that either session used."""
    used = {step.name for side in Side for step in report.run(side).steps if step.name}
    return {tool: effect for tool, effect in report.effects.items() if tool in used}
