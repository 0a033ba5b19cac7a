"""The waterfall: steps as bars over time, a window on the session's course, and the ruler above it. Pure drawing."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.style import Style
from rich.text import Text

from promptetheus.cause.steps import Step, StepKind
from promptetheus.display import duration
from promptetheus.tui.fit import cut
from promptetheus.tui.kind_words import KIND_CELLS, kind_word
from promptetheus.tui.offsets import offset_text
from promptetheus.tui.session.step_row import RowState, glyph_of, step_ink
from promptetheus.tui.session.time_axis import TimeAxis
from promptetheus.tui.theme import Looks

_HEAD_CELLS = 1 + KIND_CELLS + 1 + 2
"""A space, and the kind of a step and its glyph, each with a space behind it."""

_TOOK_CELLS = 7
"""As wide as `13m 23s`: the bars end at the same cell in all rows."""

LEAST_CHART_CELLS = 12
LEAST_WORDS_CELLS = 14
MOST_WORDS_CELLS = 48

MOST_ZOOM = 16
"""Each level shows half the time of the one before: 65,536 times in all."""

TICK_CELLS = 9
"""At least so far apart."""

_SECOND, _MINUTE, _HOUR = 1_000.0, 60_000.0, 3_600_000.0
_TICKS_MS = (
    *(1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0),
    *(number * _SECOND for number in (1, 2, 5, 10, 30)),
    *(number * _MINUTE for number in (1, 2, 5, 10, 30)),
    *(number * _HOUR for number in (1, 2, 6, 12, 24)),
)
"""Ticks of the ruler stand at multiples of one of these."""


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the course that is on screen."""

    start: float
    end: float

    def cell(self, position: float, cells: int, parts: int = 1) -> float:
        """Where a position lies among `cells` cells, in `parts` of a cell."""
        return (position - self.start) / max(1e-9, self.end - self.start) * cells * parts


class Zoom:
    """How much of the time is shown, and which part."""

    def __init__(self) -> None:
        self.level = 0
        """Each shows half the time of the one before; 0 shows all."""
        self.window: Window | None = None

    def by(self, levels: int) -> bool:
        """Change the level; False at either end."""
        level = max(0, min(MOST_ZOOM, self.level + levels))
        changed, self.level = level != self.level, level
        return changed

    def look_at(self, ends: tuple[float, float], length: float) -> bool:
        """Have a step in the window, which stays where it is as long as the step is in it; whether it moved."""
        before, self.window = self.window, self._window(ends, length)
        return self.window != before

    def _window(self, ends: tuple[float, float], length: float) -> Window:
        span = length / (1 << self.level)
        if not self.level:
            return Window(0.0, length)
        start, end = ends[0], min(ends[1], ends[0] + span)
        window = self.window
        if window is not None and abs(window.end - window.start - span) < span / 100:
            edge = span / 20
            if window.start <= start and min(end, start + span / 2) <= window.end - edge:
                return window
        left = min(max(0.0, (start + end - span) / 2), max(0.0, length - span))
        return Window(left, left + span)


@dataclass(frozen=True, slots=True)
class Chart:
    """What all rows of a waterfall share."""

    window: Window
    cuts: Sequence[float]
    """Positions at which idle time was cut out."""
    words_cells: int
    cells: int
    """Width of the bars' part."""


def layout(width: int, window: Window, axis: TimeAxis) -> Chart:
    """Divide a row of `width` cells between words and bars."""
    room = width - _HEAD_CELLS - 1 - _TOOK_CELLS - 1
    words = max(0, min(MOST_WORDS_CELLS, room * 2 // 5))
    if words < LEAST_WORDS_CELLS:
        words = max(0, min(LEAST_WORDS_CELLS, room - LEAST_CHART_CELLS))
    cuts = [middle for middle, _ in axis.cuts(window.start, window.end)]
    return Chart(window, cuts, words, max(1, room - words))


def waterfall_row(
    step: Step, description: str, ends: tuple[float, float], chart: Chart, looks: Looks, state: RowState
) -> Text:
    """One step: its kind and words, its bar, how long it took."""
    row = Text(no_wrap=True, end="")
    kind = looks.warned if state.blamed and step.ok is not False else looks.kind(step.kind, step.ok)
    row.append(f" {cut(kind_word(step), KIND_CELLS):<{KIND_CELLS}} ", kind)
    glyph, glyph_style = glyph_of(step, looks, state)
    row.append(f"{glyph} ", glyph_style)
    ink = looks.failed if step.ok is False else step_ink(step, looks)
    words = cut("  " * min(step.depth, 6) + description, chart.words_cells)
    row.append(words, ink)
    row.append(" " * (_HEAD_CELLS + chart.words_cells + 1 - row.cell_len))
    row.append_text(_bar(step, ends, chart, looks, state))
    row.append(" ")
    ms = state.elapsed_ms if state.elapsed_ms is not None else step.duration_ms
    took = "no end" if state.never_ended else "" if ms is None else duration(ms)
    style = (
        looks.crashed if state.never_ended else looks.running if state.elapsed_ms is not None else looks.muted
    )
    row.append(took.rjust(_TOOK_CELLS), looks.warned if state.stalled else style)
    return row


def _bar(step: Step, ends: tuple[float, float], chart: Chart, looks: Looks, state: RowState) -> Text:
    """The bar in half cells; what took no time is a stroke; what is off to a side is an arrow."""
    window, cells = chart.window, chart.cells
    start, end = ends
    if state.elapsed_ms is not None:
        end = max(end, window.end)
    line = [" "] * cells
    for position in chart.cuts:
        place = int(window.cell(position, cells))
        if 0 <= place < cells:
            line[place] = "╎"
    text = Text("".join(line), looks.faint)
    style = _bar_style(step, looks, state)
    if end < window.start:
        return _put(text, 0, "‹", looks.muted)
    if start > window.end:
        return _put(text, cells - 1, "›", looks.muted)
    left = max(0, min(2 * cells - 1, int(window.cell(start, cells, 2))))
    right = max(0, min(2 * cells, round(window.cell(end, cells, 2))))
    if right <= left:
        return _put(text, left // 2, "▏" if left % 2 == 0 else "▕", style)
    first, last = left // 2, (right - 1) // 2
    full = "━" if step.kind is StepKind.SPAN else "█"
    bar = [full] * (last - first + 1)
    if step.kind is not StepKind.SPAN:
        if left % 2:
            bar[0] = "▐"
        if right % 2:
            # Half a cell only: where both edges fall into one cell it is the left or the right half of it.
            bar[-1] = "▌"
    return _put(text, first, "".join(bar), style)


def _put(text: Text, place: int, piece: str, style: Style) -> Text:
    return Text.assemble(text[:place], (piece, style), text[place + len(piece) :])


def _bar_style(step: Step, looks: Looks, state: RowState) -> Style:
    if step.ok is False:
        return looks.failed
    if state.blamed or state.stalled:
        return looks.warned
    if state.never_ended:
        return looks.crashed
    if state.elapsed_ms is not None:
        return looks.running
    match step.kind:
        case StepKind.SPAN:
            return looks.faint
        case StepKind.LLM:
            return looks.muted
        case StepKind.CHECK:
            return looks.passed if step.ok else looks.text
        case _:
            return looks.text


def ruler(chart: Chart, axis: TimeAxis, looks: Looks) -> Text:
    """The line of times over the bars, with the idle time that was cut out."""
    line = Text(" " * (_HEAD_CELLS + chart.words_cells + 1), end="", no_wrap=True)
    cells, window = chart.cells, chart.window
    shown = [" "] * cells
    styles: list[Style] = [looks.muted] * cells
    for middle, length_ms in axis.cuts(window.start, window.end):
        _write(shown, styles, int(window.cell(middle, cells)), f"╎{duration(length_ms)}", looks.faint)
    for moment, position in _ticks(axis, window, cells):
        _write(shown, styles, int(window.cell(position, cells)), f"╷{offset_text(moment)}", looks.muted)
    for character, style in zip(shown, styles, strict=True):
        line.append(character, style)
    return line


def _write(shown: list[str], styles: list[Style], place: int, text: str, style: Style) -> None:
    """Put a label where nothing stands yet, with a space around it."""
    stop = place + len(text)
    if place < 0 or stop > len(shown) or any(cell != " " for cell in shown[max(0, place - 1) : stop + 1]):
        return
    shown[place:stop] = text
    styles[place:stop] = [style] * len(text)


def _ticks(axis: TimeAxis, window: Window, cells: int) -> Iterator[tuple[float, float]]:
    """Round moments at least some cells apart, with their positions; none inside idle time that was cut out."""
    least = (window.end - window.start) / cells * TICK_CELLS
    step = next((step for step in _TICKS_MS if step >= least), _TICKS_MS[-1])
    while step < least:
        step *= 2
    moment = math.ceil(axis.awake(axis.moment(window.start)) / step) * step
    while (position := axis.position(moment)) <= window.end:
        awake = axis.awake(moment)
        if awake == moment:
            yield moment, position
        moment = max(moment + step, math.ceil(awake / step) * step)
