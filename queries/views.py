"""The views and macros that SQL sees. A view is one `.sql` file, whose opening comment describes every column; the
macros are in `macros.sql`, one comment each."""

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
    "errors": ("error", "tool_call", "tool_result"),
    "screenshots": ("screenshot",),
    "scores": ("score",),
    "metrics": ("metric",),
}
"""The event types that a view reads; all where it is not listed. What the catalog knows needs none."""

_TITLE = re.compile(r"-- (\w+): (.+)")
_MACRO = re.compile(r"-- (\w+)(\([\w, ]*\)): (.+)")
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


@dataclass(frozen=True, slots=True)
class Macro:
    """One macro, as documented."""

    name: str
    call: str
    """Name and parameters: `arg(value, path)`."""
    description: str
    statement: str
    """The CREATE MACRO."""
    reads: frozenset[str]
    """The views in it."""


@cache
def views() -> tuple[View, ...]:
    """All views, in the order of `VIEW_NAMES`."""
    return tuple(_read(name) for name in VIEW_NAMES)


@cache
def macros() -> tuple[Macro, ...]:
    """All macros, in the order of their file."""
    text = files(__package__).joinpath("macros.sql").read_text("utf-8")
    found = []
    for block in re.split(r"\n\n(?=-- )", text.strip()):
        title, _, statement = block.partition("\n")
        said = _MACRO.fullmatch(title)
        if said is None or not statement.startswith(f"create macro {said[1]}("):
            raise ValueError(f"macros.sql: {title!r} does not describe the macro below it")
        found.append(Macro(said[1], said[1] + said[2], said[3], statement, mentioned_views(statement)))
    return tuple(found)


def mentioned(sql: str) -> frozenset[str]:
    """Names of the views that a query may read: whose name, or a macro over them, occurs in it as a word."""
    words = _words(sql)
    return mentioned_views(sql).union(*(macro.reads for macro in macros() if macro.name in words))


def mentioned_views(sql: str) -> frozenset[str]:
    """Names of the views that occur in a text as a word."""
    return _words(sql).intersection(VIEW_NAMES)


def _words(sql: str) -> frozenset[str]:
    return frozenset(word.casefold() for word in re.findall(r"\w+", sql))


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
