"""The views that SQL sees: one `.sql` file each, whose opening comment describes every column."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

VIEW_NAMES = (
    "events", "sessions", "steps", "spans", "messages", "tool_calls", "llm_calls", "usage", "retrievals",
    "goal_checks", "errors", "screenshots", "scores", "metrics", "fingerprints",
)  # fmt: skip
"""In the order people want to see them; each may use those before it."""

_TYPES: dict[str, tuple[str, ...]] = {
    "sessions": (),
    "fingerprints": (),
    "messages": ("user_message", "agent_message"),
    "tool_calls": ("tool_call", "tool_result"),
    "llm_calls": ("llm_call",),
    "usage": ("llm_call",),
    "retrievals": ("retrieval",),
    "goal_checks": ("goal_check",),
    "errors": ("error", "tool_result"),
    "screenshots": ("screenshot",),
    "scores": ("score",),
    "metrics": ("metric",),
}
"""The event types that a view reads; all where it is not listed. What the catalog knows needs none."""

_TITLE = re.compile(r"-- (\w+): (.+)")
_COLUMN = re.compile(r"--   (\w+) +(.+)")


@dataclass(frozen=True, slots=True)
class View:
    """One view, as documented."""

    name: str
    description: str
    columns: tuple[tuple[str, str], ...]
    """Name and description of each column, in order."""
    query: str
    """The SELECT."""


@cache
def views() -> tuple[View, ...]:
    """All views, in the order of `VIEW_NAMES`."""
    return tuple(_read(name) for name in VIEW_NAMES)


def mentioned(sql: str) -> frozenset[str]:
    """Names of the views that a query may read: every one whose name occurs in it as a word."""
    words = {word.casefold() for word in re.findall(r"\w+", sql)}
    return frozenset(name for name in VIEW_NAMES if name in words)


def event_types_of(names: Collection[str]) -> frozenset[str] | None:
    """The event types that these views read, None for all."""
    if any(name not in _TYPES for name in names):
        return None
    return frozenset(kind for name in names for kind in _TYPES[name])


def _read(name: str) -> View:
    text = files(__package__).joinpath(f"{name}.sql").read_text("utf-8")
    title, *lines = text.splitlines()
    found = _TITLE.fullmatch(title)
    if found is None or found[1] != name:
        raise ValueError(f"{name}.sql does not begin with its name and description")
    columns = []
    for line in lines:
        column = _COLUMN.fullmatch(line)
        if column is None:
            break
        columns.append((column[1], column[2]))
    return View(name, found[2], tuple(columns), "\n".join(lines[len(columns) :]))
