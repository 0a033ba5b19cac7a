"""What the program remembers of a project: theme, order, grouping, shape, panes, saved filters. One file beside the
spool that may be deleted at any time; what it holds that is not understood counts as not there."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from promptetheus.project_files import beside
from promptetheus.spool import make_private_directory

FILE_NAME = "tui.json"
MOST_FILTERS = 100
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
    filters: dict[str, str] = field(default_factory=dict)
    """Saved filters by name."""


def read_layout(spool: Path) -> Layout:
    """What is remembered; a fresh layout where that is nothing, or not understood."""
    layout = Layout()
    try:
        with open(
            os.open(beside(spool, FILE_NAME), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb"
        ) as file:
            found: Any = json.loads(file.read(_MAX_BYTES))
    except (OSError, ValueError, RecursionError):
        return layout
    if not isinstance(found, dict):
        return layout
    for each in fields(Layout):
        value = found.get(each.name)
        if each.name == "filters":
            pairs = value.items() if isinstance(value, dict) else ()
            kept = [(name, text) for name, text in pairs if isinstance(text, str)]
            layout.filters = dict(kept[:MOST_FILTERS])
        elif type(value) is type(getattr(layout, each.name)):
            setattr(layout, each.name, value)
    return layout


def write_layout(spool: Path, layout: Layout) -> None:
    """Remember it. Raises OSError when that is not possible."""
    path = beside(spool, FILE_NAME)
    make_private_directory(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with open(fd, "wb") as file:
        file.write(json.dumps(asdict(layout), indent=1, sort_keys=True).encode())
    os.replace(draft, path)
