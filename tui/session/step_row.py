"""One step as one line of the timeline: when, what kind, what happened, how long it took."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from promptetheus.cause.steps import Step, StepKind
from promptetheus.display import duration
from promptetheus.tui.fit import cut
from promptetheus.tui.kind_words import KIND_CELLS, kind_word
from promptetheus.tui.offsets import offset_text
from promptetheus.tui.theme import Looks

DURATION_CELLS = 6
BAR_FROM_WIDTH = 56
"""Below this many cells the description needs the room more than a bar does."""

WIDE_BAR_FROM_WIDTH = 90

DURATION_FROM_WIDTH = 40
_EIGHTHS = " ▏▎▍▌▋▊▉█"

STEP_MARKS = (
    ("✗", "failed: a call, a check, a step"),
    ("!", "an error was recorded"),
    ("≠", "wrong, says a failed check; on the map, also what looks wrong"),
    ("?", "nothing failed here, but it looks wrong: the step's page says why"),
    ("✓", "a check passed"),
    ("●", "still running; amber when nothing has happened for 30 seconds"),
    ("∅", "never ended: the session ended before it"),
    ("s", "on the map: a screenshot"),
    ("▁▅", "on the map: how much of the time models took"),
    ("╎", "on the map: a long wait, drawn short"),
)
"""What stands before a step's words, and on the map of the session, for the help."""


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns a timeline has: none is shown that would be empty or invented."""

    timed: bool
    when_cells: int
    """Width of the first column: when a step began, or its number where there are no times."""
    has_durations: bool
    longest_ms: float


@dataclass(frozen=True, slots=True)
class RowState:
    """What a row says beside the step itself."""

    elapsed_ms: float | None = None
    """How long a running step has taken so far."""
    stalled: bool = False
    never_ended: bool = False
    """Open, in a session that no longer runs."""
    blamed: bool = False
    """A failed check says that this call was wrong."""
    odd: bool = False
    """Something about it looks wrong although nothing failed."""
    guides: str = ""
    """Lines of the tree before the description."""
    fold: str = ""
    """`▾ ` or `▸ ` before a span with something in it."""
    note: str = ""
    """Said behind the description, such as what a folded span holds."""
    note_failed: bool = False


_AT_REST = RowState()


def step_row(
    step: Step, description: str, width: int, columns: Columns, looks: Looks, state: RowState = _AT_REST
) -> Text:
    """Draw a step in exactly `width` cells. `description` is printable and one line."""
    failed = step.ok is False
    row = Text(no_wrap=True, end="")
    row.append(_when(step, columns), looks.faint if step.kind is StepKind.START else looks.muted)
    kind = looks.warned if state.blamed and not failed else looks.kind(step.kind, step.ok)
    row.append(cut(kind_word(step), KIND_CELLS).ljust(KIND_CELLS) + " ", kind)
    glyph, glyph_style = glyph_of(step, looks, state)
    row.append(f"{glyph} ", glyph_style)
    right = _right(step, width, columns, looks, state)
    room = max(0, width - row.cell_len - right.cell_len - (1 if right else 0))
    row.append_text(
        _middle(description, room, looks, state, looks.failed if failed else step_ink(step, looks))
    )
    row.append(" " * max(0, width - row.cell_len - right.cell_len))
    row.append_text(right)
    return row


def _when(step: Step, columns: Columns) -> str:
    if columns.timed:
        text = "" if step.offset_ms is None else offset_text(step.offset_ms)
        return text.rjust(columns.when_cells) + "  "
    return str(step.index).rjust(columns.when_cells) + "  "


def glyph_of(step: Step, looks: Looks, state: RowState) -> tuple[str, Style]:
    """What tells how a step stands without its colour; a space where there is nothing to tell."""
    if step.ok is False:
        return ("!" if step.kind is StepKind.ERROR else "✗"), looks.failed
    if state.blamed:
        return "≠", looks.warned
    if state.never_ended:
        return "∅", looks.crashed
    if state.elapsed_ms is not None:
        return "●", looks.warned if state.stalled else looks.running
    if state.odd:
        return "?", looks.warned
    if step.ok and step.kind is StepKind.CHECK:
        return "✓", looks.passed
    return " ", looks.text


def step_ink(step: Step, looks: Looks) -> Style:
    """What the words of a step that did not fail are drawn with."""
    match step.kind:
        case StepKind.LLM | StepKind.STATE | StepKind.METRIC | StepKind.START | StepKind.END | StepKind.SHOT:
            return looks.muted
        case StepKind.CHECK if step.ok:
            return looks.passed
        case _:
            return looks.text


def _middle(description: str, room: int, looks: Looks, state: RowState, style: Style) -> Text:
    text = Text.assemble((state.guides, looks.faint), (state.fold, looks.muted))
    note = f"  {state.note}" if state.note else ""
    rest = room - text.cell_len - cell_len(note)
    if rest < 8:
        note, rest = "", room - text.cell_len
    text.append(_both_ends(description, rest), style)
    text.append(note, looks.failed if state.note_failed else looks.muted)
    text.truncate(room)
    return text


def _both_ends(description: str, room: int) -> str:
    """A call and the beginning of its result: what came of a call matters as much as how it was made."""
    call, arrow, result = description.rpartition(" → ")
    if not arrow or cell_len(description) <= room or room < 24:
        return cut(description, room)
    head = cut(call, max(room - cell_len(result) - 3, room * 6 // 10)) + arrow
    return head + cut(result, room - cell_len(head))


def _right(step: Step, width: int, columns: Columns, looks: Looks, state: RowState) -> Text:
    ms, style = step.duration_ms, looks.muted
    if width < DURATION_FROM_WIDTH or (ms is None and state.elapsed_ms is None and not state.never_ended):
        return Text()  # its words may have the room
    if state.elapsed_ms is not None:
        ms, style = state.elapsed_ms, looks.warned if state.stalled else looks.running
    text = Text()
    if width >= BAR_FROM_WIDTH and columns.has_durations:
        cells = 8 if width >= WIDE_BAR_FROM_WIDTH else 3
        # A span around others may be longer than the longest of them: that its bar is full says nothing.
        is_around = step.kind is StepKind.SPAN and (ms or 0.0) > columns.longest_ms
        bar = "" if is_around else _bar(ms, columns.longest_ms, cells)
        text.append(
            bar.ljust(cells) + " ",
            looks.faint if state.elapsed_ms is None else style,
        )
    shown = "" if ms is None else duration(ms)
    if state.never_ended:
        shown, style = "no end", looks.crashed
    text.append(shown.rjust(DURATION_CELLS), style)
    return text


def _bar(ms: float | None, longest_ms: float, cells: int) -> str:
    """A length in eighths of a cell; anything that took time shows at least the thinnest."""
    if not ms or not longest_ms:
        return ""
    eighths = max(1, round(min(1.0, ms / longest_ms) * cells * 8))
    return "█" * (eighths // 8) + (_EIGHTHS[eighths % 8] if eighths % 8 else "")
