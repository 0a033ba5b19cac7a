"""One way of failing as a line: how it stands, what it is called, how often, where, and when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from rich.style import Style
from rich.text import Text

from promptetheus.cause.failures import Failure, Life
from promptetheus.display import age, count, printable_line
from promptetheus.fingerprint import marked_label
from promptetheus.queries.failure_list import ListedFailure, Task
from promptetheus.tui.fit import Pieces, aligned, cells_of, joined, named_in
from promptetheus.tui.theme import Looks

MANY_DAYS = 28
"""Where there is room to spare."""

DAYS = 14
FEW_DAYS = 7
"""Where there is no room for more of them."""

STATE_CELLS = 23
"""`✓ gone since 2026-09-21`."""

SHORT_STATE_CELLS = 12
AGE_CELLS = 9
SESSIONS_CELLS = 8
AGENTS_CELLS = 16
FINGERPRINT_CELLS = 7
LEAST_LABEL_CELLS = 24
ENOUGH_LABEL_CELLS = 44
"""With so many, a label that is cut is read well; when it was first seen and the older days give way to it."""

ROOMY_LABEL_CELLS = 56
"""A fingerprint and most labels whole."""

MOST_LABEL_CELLS = 68
"""A fingerprint and the longest label: beyond that the task has the room."""

TASKS_FROM_WIDTH = 146
"""A list that is so wide says which task fails so: labels alone often read the same."""

LEAST_TASK_CELLS = 24
"""Where labels are cut, a task has at least so many."""

_GAP = "  "
_GOAL = "goal mismatch: "
_NAMED_TASKS = 12
_NAMED_AGENTS = 4
"""More of them no line has room for."""

_BAR = " ▁▂▃▄▅▆▇"
"""No full block: bars of one line would run into those of the next."""

_GLYPHS = {Life.NEW: "✦", Life.RECURRING: "↻", Life.GONE: "✓", Life.BACK: "↩"}


@dataclass(frozen=True, slots=True)
class FailureColumns:
    """Which columns a list of failures has at its width; the label takes what they leave."""

    width: int
    state: int
    first: bool
    agents: bool
    days: int
    task: int = 0
    """Cells for the task; 0 for none."""

    @property
    def label(self) -> int:
        """Cells for what it is called."""
        taken = self.state + SESSIONS_CELLS + AGE_CELLS + 3 * len(_GAP)
        taken += (AGE_CELLS + len(_GAP)) * self.first + (AGENTS_CELLS + len(_GAP)) * self.agents
        taken += self.days + len(_GAP) if self.days else 0
        taken += self.task + len(_GAP) if self.task else 0
        return max(0, self.width - taken)


@lru_cache(maxsize=16)
def columns_for(width: int, longest: int = 0) -> FailureColumns:
    """As many columns as leave enough of the longest label to read; where none do, the bar of days goes last.

    Args:
        longest: Cells of the longest label.
    """
    state = STATE_CELLS if width >= 150 else SHORT_STATE_CELLS
    if width >= TASKS_FROM_WIDTH:
        return _with_tasks(width, state)
    least = LEAST_LABEL_CELLS + FINGERPRINT_CELLS
    enough = max(least, min(ENOUGH_LABEL_CELLS, longest + FINGERPRINT_CELLS))
    choices = [
        FailureColumns(width, state, first, agents, days)
        for first, agents, days in (
            (True, True, DAYS),
            (False, True, DAYS),
            (False, True, FEW_DAYS),
            (False, False, DAYS),
            (False, False, FEW_DAYS),
        )
    ]
    for wanted in (enough, least):
        if found := next((each for each in choices if each.label >= wanted), None):
            return found
    return FailureColumns(width, state, first=False, agents=False, days=0)


def _with_tasks(width: int, state: int) -> FailureColumns:
    """Label and task, which share what is left; beside them when it was first seen and more days where both fit."""
    for first, days in ((True, MANY_DAYS), (True, DAYS), (False, DAYS)):
        found = FailureColumns(width, state, first, agents=True, days=days, task=LEAST_TASK_CELLS)
        shared = found.label + found.task
        label = min(MOST_LABEL_CELLS, shared * 3 // 5)
        if label >= ROOMY_LABEL_CELLS:
            break
    return replace(found, task=shared - label)


def titles(columns: FailureColumns, looks: Looks) -> Text:
    """The names of the columns."""
    cells = ["state", "fails as", "task", "sessions", "agents", "first", "last", f"{columns.days} days"]
    return joined(_laid_out([[(name, looks.muted)] for name in cells], columns, looks))


def failure_row(
    listed: ListedFailure, columns: FailureColumns, looks: Looks, now_s: float, label_in: Callable[[int], str]
) -> Text:
    """Draw one in exactly the width of the columns.

    Args:
        label_in: What it is called, in so many cells.
    """
    failure = listed.failure
    glyph, style = life_of(failure, looks)
    state = failure.state if columns.state >= STATE_CELLS else failure.life.value
    label: Pieces = [(f"{failure.fingerprint[:6]} ", looks.muted)]
    if listed.notes:
        label.append(("✎ ", looks.accent))
    room = columns.label - cells_of(label)
    label.append((label_in(room), looks.text))
    agents = [printable_line(agent or "unnamed agent", 80) for agent in failure.agents[:_NAMED_AGENTS]]
    more = len(failure.agents) - len(agents)
    return joined(
        _laid_out(
            [
                [(f"{glyph} {state}", style)],
                label,
                [(tasks_line(listed.tasks), looks.text)] if columns.task else [],
                [(sessions_text(failure.sessions), looks.text)],
                [(named_in(agents, AGENTS_CELLS, more), looks.muted)],
                [(age(now_s - failure.first_s), looks.muted)],
                [(age(now_s - failure.last_s), looks.text)],
                day_bar(failure.day_counts(now_s, columns.days), looks),
            ],
            columns,
            looks,
        )
    )


def _laid_out(cells: Sequence[Pieces], columns: FailureColumns, looks: Looks) -> Pieces:
    state, label, task, sessions, agents, first, last, days = cells
    pieces = [
        *aligned(state, columns.state),
        (_GAP, looks.text),
        *aligned(label, columns.label),
        (_GAP, looks.text),
    ]
    if columns.task:
        pieces += [*aligned(task, columns.task), (_GAP, looks.text)]
    pieces += aligned(sessions, SESSIONS_CELLS, right=True)
    if columns.agents:
        pieces += [(_GAP, looks.text), *aligned(agents, AGENTS_CELLS)]
    if columns.first:
        pieces += [(_GAP, looks.text), *aligned(first, AGE_CELLS)]
    pieces += [(_GAP, looks.text), *aligned(last, AGE_CELLS)]
    if columns.days:
        pieces += [(_GAP, looks.text), *aligned(days, columns.days)]
    return pieces


def sessions_text(number: int) -> str:
    """`1,974`, as everywhere; `1.2M` where there is no room for all digits."""
    whole = f"{number:,}"
    return whole if len(whole) <= SESSIONS_CELLS else count(number)


def tasks_line(tasks: Sequence[Task]) -> str:
    """`46 Change the flight of …`, `9 tasks: 46, 7, 12 …`: the id says which, the goal what."""
    named = [" ".join(filter(None, (task.task_id, task.goal))) or "–" for task in tasks[:_NAMED_TASKS]]
    if len(tasks) > 1:
        ids = [task.task_id or named[place] for place, task in enumerate(tasks[:_NAMED_TASKS])]
        return printable_line(f"{len(tasks):,} tasks: {', '.join(ids)}", 300)
    return printable_line(named[0] if named else "–", 300)


def life_of(failure: Failure, looks: Looks) -> tuple[str, Style]:
    """The glyph and the style of how a failure stands."""
    match failure.life:
        case Life.NEW | Life.BACK:
            style = looks.failed
        case Life.GONE:
            style = looks.passed
        case _:
            style = looks.warned
    return _GLYPHS[failure.life], style


def shown_label(failure: Failure) -> str:
    """What it is called, without the words that every second one begins with, and with a mark where it was cut."""
    return printable_line(marked_label(failure.label).removeprefix(_GOAL) or "no label", 300)


def shown_in_full(said: str) -> str:
    """All that its fingerprint is made of, for a line; see `told_in_full`."""
    return printable_line(said.replace(_GOAL, ""), 600)


def day_bar(counts: Sequence[int], looks: Looks) -> Pieces:
    """A bar a day, the oldest first; a dot stands for a day without it."""
    most = max(counts, default=0)
    return [
        ("·", looks.faint) if not each else (_BAR[max(1, round((len(_BAR) - 1) * each / most))], looks.failed)
        for each in counts
    ]
