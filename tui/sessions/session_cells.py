"""What the columns of the session list say about a session: one cell each, cut by nobody yet."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from promptetheus.display import age, count, money, printable_line, value
from promptetheus.fingerprint import marked_label
from promptetheus.queries.activity import Activity
from promptetheus.queries.filter_fields import task_id
from promptetheus.queries.rows import SessionRow, Status, took_text
from promptetheus.tui.failures.failure_news import unnamed_exception
from promptetheus.tui.fit import Pieces, cells_of
from promptetheus.tui.theme import Looks

if TYPE_CHECKING:
    from promptetheus.tui.failures.alike_labels import AlikeLabels

SHOWN_LENGTH = 200
"""No cell shows more characters than this, so a row never costs more than this either."""

ACTIVITY_CELLS = 8
_LEAST_APART = 18
"""Cells from which on both ends of a label can be read; in fewer its beginning says more."""

_DIGITS = re.compile(r"\d+")
_HEIGHTS = " ▁▂▃▄▅▆▇"


class Moment(NamedTuple):
    """What a cell needs to know besides its row."""

    now: float
    """Seconds since the epoch."""
    looks: Looks
    repeats: Mapping[str, int]
    """Sessions of the whole list by fingerprint."""
    activity: Mapping[str, Activity | None] = MappingProxyType({})
    """How busy sessions were, by id, as far as it has been read."""
    alike: AlikeLabels | None = None
    """Which labels begin alike; None where nothing is known to have failed."""
    priced: bool = True
    """Whether the list of prices has been read: until then a cost that is not there is one that nobody knows yet."""


def newest(row: SessionRow) -> float:
    """When a session began; its file's last change where no event has a time."""
    return row.mtime if row.started is None else row.started


def scores_text(row: SessionRow) -> str:
    """`reward 0.5`, `correct ✓ helpful 0.9`; empty without scores."""
    return " ".join(f"{name} {_score(score)}" for name, score in row.scores.items())


def cost_text(row: SessionRow) -> str:
    """`$0.012`; with `+` when some calls have no known price; `–` when none has."""
    if row.cost_usd is None:
        return "–"
    return money(row.cost_usd) + ("+" if row.unpriced_calls else "")


def task_order(row: SessionRow) -> str | None:
    """What tasks are sorted by: 9 stands before 10, and `airline-9` before `airline-10`."""
    return _DIGITS.sub(lambda number: number[0].zfill(12), task_id(row).casefold()) or None


def _score(score: float | bool) -> str:
    if isinstance(score, bool):
        return "✓" if score else "✗"
    return f"{score:.3g}" if isinstance(score, float) else value(score, 12)


def short_line(text: str) -> str:
    return printable_line(text, SHOWN_LENGTH)


def status_cell(row: SessionRow, at: Moment) -> Pieces:
    return [(f"{row.status.glyph} {row.status.word}", at.looks.status(row.status))]


def started_cell(row: SessionRow, at: Moment) -> Pieces:
    return [(age(None if row.started is None else at.now - row.started), at.looks.muted)]


def agent_cell(row: SessionRow, at: Moment) -> Pieces:
    return [(short_line(row.agent), at.looks.text)] if row.agent else [("–", at.looks.faint)]


def goal_cell(row: SessionRow, at: Moment) -> Pieces:
    return [(short_line(row.goal), at.looks.text)] if row.goal else [("–", at.looks.faint)]


def took_cell(row: SessionRow, at: Moment) -> Pieces:
    style = at.looks.running if row.status is Status.RUNNING else at.looks.text
    return [(took_text(row, at.now), style)]


def steps_cell(row: SessionRow, at: Moment) -> Pieces:
    return [(count(row.steps), at.looks.text)]


def errors_cell(row: SessionRow, at: Moment) -> Pieces:
    return [(count(row.errors), at.looks.failed if row.errors else at.looks.faint)]


def llm_calls_cell(row: SessionRow, at: Moment) -> Pieces:
    return [(count(row.llm_calls), at.looks.text if row.llm_calls else at.looks.faint)]


def tokens_cell(row: SessionRow, at: Moment) -> Pieces:
    return [(count(row.tokens), at.looks.faint if row.tokens is None else at.looks.text)]


def cost_cell(row: SessionRow, at: Moment) -> Pieces:
    if row.cost_usd is None and row.unpriced_calls and not at.priced:
        return []
    return [(cost_text(row), at.looks.faint if row.cost_usd is None else at.looks.text)]


def scores_cell(row: SessionRow, at: Moment) -> Pieces:
    return [(short_line(scores_text(row)), at.looks.text)]


def task_cell(row: SessionRow, at: Moment) -> Pieces:
    return [(short_line(task_id(row)), at.looks.text)]


def tags_cell(row: SessionRow, at: Moment) -> Pieces:
    return [(short_line(", ".join(row.tags)), at.looks.muted)]


def activity_cell(row: SessionRow, at: Moment) -> Pieces:
    found = at.activity.get(row.session_id)
    if found is None:
        return []
    looks = at.looks
    calm = looks.running if row.status is Status.RUNNING else looks.muted
    return [
        (_HEIGHTS[round(level * (len(_HEIGHTS) - 1))], looks.failed if trouble else calm)
        for level, trouble in zip(found.levels, found.trouble, strict=True)
    ]


def fails_as_cell(row: SessionRow, at: Moment) -> Pieces:
    if not row.fingerprint:
        return []
    pieces = [(row.fingerprint[:6], at.looks.muted)]
    repeats = at.repeats.get(row.fingerprint, 0)
    if repeats > 1:
        pieces.append((f" ×{repeats:,}", at.looks.accent))
    return [*pieces, (f" {fails_as_label(row)}", at.looks.text)]


def fails_as_cut(pieces: Pieces, width: int, at: Moment) -> Pieces:
    """Cut before what tells the label from others that begin alike."""
    if at.alike is None or not pieces:
        return pieces
    *numbers, (label, style) = pieces
    room = width - cells_of(numbers) - 1
    return pieces if room < _LEAST_APART else [*numbers, (f" {at.alike.cut(label[1:], room)}", style)]


def fails_as_label(row: SessionRow) -> str:
    """How a session failed, whole."""
    return short_line(_way_of_failing(row))


def _way_of_failing(row: SessionRow) -> str:
    """The label without the words that the status beside it says already."""
    raised = unnamed_exception(row)
    label = marked_label(row.label)
    return f"{raised} · {label}" if raised else label.removeprefix("goal mismatch: ")


def fails_as_content(row: SessionRow) -> str:
    return f"{row.fingerprint[:6]} ×99 {fails_as_label(row)}" if row.fingerprint else ""
