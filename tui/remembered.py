"""What the program remembers of a project: theme, columns, order, grouping, shape, panes, how pictures are drawn, and
saved filters. One file beside the spool that may be deleted at any time; what it holds that is not understood counts
as not there."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from promptetheus.project_files import beside
from promptetheus.spool import make_private_directory

FILE_NAME = "tui.json"
MOST_ENTRIES = 100
"""Of a list or table in the file."""

_MAX_BYTES = 1 << 20


@dataclass(slots=True)
class Layout:
    """How a person left the program."""

    theme: str = ""
    order: str = ""
    """Key of the column that sessions are sorted by; "" for the usual one."""
    descending: bool = True
    grouping: str = ""
    shape: str = ""
    """The shape of a session: steps, tree, waterfall, raw."""
    inspector: bool = True
    """Whether the inspector is shown beside the steps."""
    columns: list[str] = field(default_factory=list)
    """Keys of the columns of the list of sessions, in their order; none for the usual ones."""
    widths: dict[str, int] = field(default_factory=dict)
    """Cells that columns of the list of sessions were given, by key."""
    pictures: dict[str, str] = field(default_factory=dict)
    """The way of drawing pictures that was chosen, by the kind of terminal: what one can do, another cannot."""
    bell: bool = False
    """Whether the terminal's bell rings when a session fails."""
    filters: dict[str, str] = field(default_factory=dict)
    """Saved filters by name."""
    problem: str = field(default="", compare=False)
    """What happened to a file that was not understood, for people; never written."""
    is_kept: bool = field(default=True, compare=False)
    """Whether it is written down for the next time; else it holds until the program ends. Never written itself."""


def read_layout(spool: Path) -> Layout:
    """What is remembered; a fresh layout where that is nothing.

    A file that is not understood as a whole is put aside under another name, for what comes next would write over it.
    """
    layout, path = Layout(), beside(spool, FILE_NAME)
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            found: Any = json.loads(file.read(_MAX_BYTES))
    except OSError:
        return layout
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        layout.problem = _put_aside(path)
        return layout
    for each in fields(Layout):
        value = found.get(each.name)
        if each.compare and type(value) is type(getattr(layout, each.name)):
            setattr(layout, each.name, _bounded(value, int if each.name == "widths" else str))
    return layout


def _put_aside(path: Path) -> str:
    aside = path.with_name(f"{path.name}.broken")
    try:
        os.replace(path, aside)
    except OSError:
        return f"{path} is not what this program wrote, and is written anew."
    return f"{path} is not what this program wrote: it was put aside as {aside.name}."


def _bounded(value: Any, entry: type) -> Any:
    """The entries of a list or table that are of one type, not more than anyone would have put there; other values as
    they are."""
    if isinstance(value, dict):
        kept = [(name, each) for name, each in value.items() if type(each) is entry]
        return dict(kept[:MOST_ENTRIES])
    if isinstance(value, list):
        return [each for each in value if type(each) is entry][:MOST_ENTRIES]
    return value


def write_layout(spool: Path, layout: Layout) -> None:
    """Remember it. Raises OSError when that is not possible."""
    path = beside(spool, FILE_NAME)
    kept = {each.name: getattr(layout, each.name) for each in fields(layout) if each.compare}
    text = json.dumps(kept, indent=1, sort_keys=True)
    make_private_directory(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with open(fd, "wb") as file:
        file.write(text.encode())
    os.replace(draft, path)
