"""What there is to copy from the list of sessions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from promptetheus.display import printable_line, short_id
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.clipboard import Copy
from promptetheus.tui.sessions.session_columns import STATUS_ORDER
from promptetheus.tui.sessions.session_groups import Grouping

SORT_COLUMNS: Mapping[str, str] = {
    "started": "started",
    "agent": "agent",
    "goal": "goal",
    "took": "dur",
    "steps": "steps",
    "errors": "errors",
    "calls": "llm",
    "tokens": "tokens",
    "cost": "cost",
    "fails": "fp",
}
"""What `promptetheus sessions --sort` calls the columns of the list that it can sort by."""

SQL_COLUMNS: Mapping[str, str] = {
    **{column: column for column in ("started", "agent", "goal", "steps", "errors", "tokens", "tags")},
    "status": f"list_position([{', '.join(repr(status.value) for status in STATUS_ORDER)}], status)",
    "took": "duration_ms",
    "calls": "llm_calls",
    "cost": "cost_usd",
    "activity": "events",
    "fails": "fingerprint",
    "task": "coalesce(metadata ->> 'task_id', metadata ->> 'task')",
}
"""What SQL calls them."""

_SQL_GROUPS: Mapping[Grouping, str] = {
    Grouping.AGENT: "agent",
    Grouping.GOAL: "goal",
    Grouping.FAILURE: "fingerprint",
}


MOST_IDS = 100
"""More than these in one statement nobody reads."""


class ShownList(NamedTuple):
    """What the list shows, and how."""

    filtered: str = ""
    """The filter's text."""
    ids: Sequence[str] = ()
    """Of the sessions that the filter lets through."""
    order: str = "started"
    """Key of the column that it is sorted by."""
    descending: bool = True
    grouping: Grouping = Grouping.NONE


def session_copies(
    row: SessionRow | None, marked: Sequence[str], root: Path, shown: ShownList
) -> Iterator[Copy]:
    """About the highlighted session first, then about the list.

    Args:
        marked: Ids of the marked sessions.
    """
    spool = str(root)
    if row is not None:
        yield Copy("The session's id", short_id(row.session_id), row.session_id)
        command = _typed(["promptetheus", "tui", row.session_id, "--spool", spool])
        yield Copy("The command that opens it", "promptetheus tui …", command)
        if row.fingerprint:
            yield Copy("Its fingerprint", row.fingerprint, row.fingerprint)
        yield Copy("Its file", row.path.name, str(row.path.absolute()))
    if marked:
        yield Copy("The ids of the marked sessions", f"{len(marked)}", "\n".join(marked))
    words = [
        "promptetheus",
        "tui",
        "--spool",
        spool,
        *(["--filter", shown.filtered] if shown.filtered else []),
    ]
    yield Copy("The command that shows this list", "promptetheus tui …", _typed(words))
    printed = _printing(shown, spool)
    if printed:
        yield Copy("The command that prints it, sorted so", "promptetheus sessions …", _typed(printed))
    yield Copy("The SQL behind this list", "select … from sessions", _sql(shown))


def _printing(shown: ShownList, spool: str) -> list[str]:
    column = SORT_COLUMNS.get(shown.order)
    if column is None:
        return []
    order = f"{column}:{'desc' if shown.descending else 'asc'}"
    words = ["promptetheus", "sessions", "--long", "--spool", spool, "--sort", order]
    return [*words, *(["--filter", shown.filtered] if shown.filtered else [])]


def _sql(shown: ShownList) -> str:
    """The sessions in the order of the list; which ones the filter lets through, SQL is told by their ids."""
    lines = ["select * from sessions"]
    if shown.filtered and len(shown.ids) <= MOST_IDS:
        ids = ", ".join("'" + each.replace("'", "''") + "'" for each in shown.ids)
        lines.append(f"where session_id in ({ids})" if ids else "where false")
    elif shown.filtered:
        lines.insert(0, f"-- of these, the filter lets through: {printable_line(shown.filtered, 500)}")
    column = SQL_COLUMNS.get(shown.order, "started")
    order = f"{column} {'desc' if shown.descending else 'asc'} nulls last"
    group = _SQL_GROUPS.get(shown.grouping)
    lines.append(f"order by {group} nulls last, {order}" if group else f"order by {order}")
    return "\n".join(lines)


def _typed(words: list[str]) -> str:
    """A command as a shell takes it."""
    import shlex  # The first frame comes without.

    return shlex.join(words)
