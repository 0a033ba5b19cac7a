"""The columns of the session list: what each says, how it sorts, and which ones a narrow terminal goes without."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from promptetheus.display import count
from promptetheus.queries.filter_fields import task_id
from promptetheus.queries.rows import SessionRow, Status
from promptetheus.tui.fit import Pieces
from promptetheus.tui.sessions.session_cells import (
    ACTIVITY_CELLS,
    Moment,
    activity_cell,
    agent_cell,
    cost_cell,
    cost_text,
    errors_cell,
    fails_as_cell,
    fails_as_content,
    fails_as_cut,
    goal_cell,
    llm_calls_cell,
    newest,
    scores_cell,
    scores_text,
    short_line,
    started_cell,
    status_cell,
    steps_cell,
    tags_cell,
    task_cell,
    task_order,
    tokens_cell,
    took_cell,
)

GAP = 2
"""Cells between two columns."""

LEAST_WIDTH = 3
"""Cells to which a person may narrow a column."""

COMFORT_FROM_RANK = 8
"""Columns of this rank and beyond are added only where the ones before them keep their comfort."""

STATUS_ORDER = (
    Status.FAILED_GOAL,
    Status.FAILED,
    Status.CRASHED,
    Status.RUNNING,
    Status.COMPLETED,
    Status.PASSED,
    Status.EMPTY,
)
"""Sorted by status, what needs a look comes first."""


SortKey = float | str
"""Values of one column are all numbers or all text."""


class Column(NamedTuple):
    """One column of the session list."""

    key: str
    """How it is named in actions and in the palette."""
    title: str
    """Its only name, over the column as in the palette and in the list of columns."""
    least: int
    """Cells without which it is not worth showing."""
    rank: int
    """The higher, the earlier it is dropped when the terminal is narrow."""
    cell: Callable[[SessionRow, Moment], Pieces]
    sort: Callable[[SessionRow], SortKey | None]
    """What rows are ordered by; rows without a value come last in either direction."""
    most: int = 0
    """Cells to which it grows for its content before others have what they need."""
    share: int = 1
    """Cells it gets in turn while there is room to grow."""
    comfort: int = 0
    """Cells it should have for its content before the less important columns are added beside it."""
    from_width: int = 0
    """A list narrower than this goes without, whatever room there seems to be."""
    right: bool = False
    """Numbers stand at the right."""
    is_name: bool = False
    """Cut in its middle: names are told apart by their ends."""
    cut: Callable[[Pieces, int, Moment], Pieces] | None = None
    """How else it is cut where it has only so many cells; None: at its end."""
    descending: bool = True
    """The direction that is meant when one sorts by it first."""
    always: bool = True
    """Shown even when no row has a value."""
    means: str = ""
    """What the title stands for, where it is short."""
    content: Callable[[SessionRow], str] | None = None
    """The text that decides how wide it may grow; None for columns of one width."""

    @property
    def name(self) -> str:
        """The title, with what it stands for where that is not plain."""
        return f"{self.title} ({self.means})" if self.means else self.title


class PlacedColumn(NamedTuple):
    """A column and the cells it gets."""

    column: Column
    width: int


COLUMNS: tuple[Column, ...] = (
    Column(
        key="status",
        title="status",
        least=13,
        rank=0,
        cell=status_cell,
        sort=lambda row: STATUS_ORDER.index(row.status),
        descending=False,
    ),
    Column(key="started", title="started", least=8, rank=2, cell=started_cell, sort=newest),
    Column(
        key="agent",
        title="agent",
        least=12,
        most=22,
        comfort=14,
        rank=3,
        cell=agent_cell,
        is_name=True,
        sort=lambda row: row.agent.casefold() or None,
        descending=False,
        content=lambda row: short_line(row.agent),
    ),
    Column(
        key="task",
        title="task",
        least=6,
        most=20,
        rank=8,
        cell=task_cell,
        is_name=True,
        sort=task_order,
        descending=False,
        always=False,
        content=lambda row: short_line(task_id(row)),
    ),
    Column(
        key="goal",
        title="goal",
        least=16,
        most=64,
        share=3,
        comfort=24,
        rank=1,
        cell=goal_cell,
        sort=lambda row: row.goal.casefold() or None,
        descending=False,
        content=lambda row: short_line(row.goal),
    ),
    Column(
        key="took",
        title="took",
        means="duration",
        least=7,
        rank=4,
        cell=took_cell,
        sort=lambda row: row.duration_ms,
        right=True,
    ),
    Column(
        key="steps",
        title="steps",
        least=5,
        rank=5,
        cell=steps_cell,
        sort=lambda row: row.steps,
        right=True,
    ),
    Column(
        key="errors",
        title="err",
        means="errors",
        least=3,
        most=4,
        rank=6,
        cell=errors_cell,
        sort=lambda row: row.errors,
        right=True,
        content=lambda row: count(row.errors),
    ),
    Column(
        key="calls",
        title="llm",
        means="LLM calls",
        least=4,
        rank=12,
        cell=llm_calls_cell,
        sort=lambda row: row.llm_calls,
        right=True,
        always=False,
    ),
    Column(
        key="tokens",
        title="tok",
        means="tokens",
        least=4,
        rank=10,
        cell=tokens_cell,
        sort=lambda row: row.tokens,
        right=True,
        always=False,
    ),
    Column(
        key="cost",
        title="cost",
        least=7,
        most=8,
        rank=9,
        cell=cost_cell,
        sort=lambda row: row.cost_usd,
        right=True,
        always=False,
        content=cost_text,
    ),
    Column(
        key="score",
        title="score",
        least=10,
        most=24,
        rank=13,
        cell=scores_cell,
        sort=lambda row: next((float(score) for score in row.scores.values()), None),
        always=False,
        content=lambda row: short_line(scores_text(row)),
    ),
    Column(
        key="fails",
        title="fails as",
        means="way of failing",
        least=16,
        most=70,
        share=3,
        comfort=20,
        rank=7,
        cell=fails_as_cell,
        cut=fails_as_cut,
        sort=lambda row: row.fingerprint or None,
        descending=False,
        always=False,
        content=fails_as_content,
    ),
    Column(
        key="activity",
        title="activity",
        means="number of events",
        least=ACTIVITY_CELLS,
        rank=14,
        from_width=150,
        cell=activity_cell,
        sort=lambda row: row.events,
    ),
    Column(
        key="tags",
        title="tags",
        least=10,
        most=24,
        rank=11,
        cell=tags_cell,
        sort=lambda row: ", ".join(row.tags).casefold() or None,
        descending=False,
        always=False,
        content=lambda row: short_line(", ".join(row.tags)),
    ),
)
"""In the order in which they stand on screen."""

COLUMN = {column.key: column for column in COLUMNS}


def has_value(column: Column, row: SessionRow) -> bool:
    """Whether a row gives an optional column something to show."""
    match column.key:
        case "calls":
            return bool(row.llm_calls)
        case "cost":
            # Prices are looked up after the rows are shown; the column is there before, so that nothing moves then.
            return row.cost_usd is not None or bool(row.llm_calls)
        case _:
            return column.sort(row) is not None


def fit_columns(
    width: int,
    present: Collection[str],
    widest: Mapping[str, int],
    chosen: Sequence[str] = (),
    widths: Mapping[str, int] = MappingProxyType({}),
) -> list[PlacedColumn]:
    """The columns that a list of `width` cells shows, and their widths.

    Args:
        present: Keys of the optional columns for which some row has a value.
        widest: Cells of the longest content by column key, for the columns that grow.
        chosen: Keys of the columns that a person wants, in their order: where there is no room for all of them,
            the last ones are left out. None of them: what is worth showing, the usual ones first.
        widths: Cells that a person wants a column to have, by key.
    """

    def least(column: Column) -> int:
        return widths.get(column.key, column.least)

    wanted = [COLUMN[key] for key in chosen] or [
        column
        for column in COLUMNS
        if width >= column.from_width and (column.always or column.key in present)
    ]
    shown: list[Column] = []
    room = width + GAP
    for column in wanted if chosen else sorted(wanted, key=lambda column: column.rank):
        kept = (
            0
            if chosen or column.rank < COMFORT_FROM_RANK
            else sum(_comfortable(other, widest) - least(other) for other in shown if other.key not in widths)
        )
        if shown and least(column) + GAP + kept > room:
            break
        shown.append(column)
        room -= least(column) + GAP
    cells = {column.key: least(column) for column in shown}
    # Comfort first, a cell each in turn; then shares in turn, so that no column starves beside a greedy one; at last,
    # nothing is cut while there is room.
    growing = [column for column in shown if column.content is not None and column.key not in widths]
    for limit, shared in ((_comfortable, False), (_full, True), (_whole, True)):
        while room > 0 and (
            hungry := [column for column in growing if cells[column.key] < limit(column, widest)]
        ):
            for column in hungry:
                missing = limit(column, widest) - cells[column.key]
                given = min(column.share if shared else 1, room, missing)
                cells[column.key] += given
                room -= given
    return [PlacedColumn(column, cells[column.key]) for column in wanted if column.key in cells]


def _whole(column: Column, widest: Mapping[str, int]) -> int:
    """Cells in which nothing of it is cut."""
    return max(column.least, widest.get(column.key, 0))


def _full(column: Column, widest: Mapping[str, int]) -> int:
    """Cells beyond which others need the room more."""
    return max(column.least, min(column.most, widest.get(column.key, 0)))


def _comfortable(column: Column, widest: Mapping[str, int]) -> int:
    """Cells that a column should have before others are added beside it."""
    return min(max(column.least, column.comfort), _full(column, widest))
