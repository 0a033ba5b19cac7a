"""Taking failures along: what `y` copies, what `x` writes to a file."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from promptetheus.display import printable_line
from promptetheus.exporters.failure_export import failures_text
from promptetheus.queries.failure_list import ListedFailure
from promptetheus.tui.clipboard import Copy
from promptetheus.tui.file_writing import file_here
from promptetheus.tui.taking import Export

_FORMS: tuple[tuple[Literal["md", "json"], str], ...] = (
    ("md", "Markdown: each failure with its notes, to read and to paste"),
    ("json", "JSON: what promptetheus failures --json prints"),
)


def failure_exports(failures: Sequence[ListedFailure], root: Path, *, filtered: bool) -> list[Export]:
    """These failures in each form; none of no failures.

    Args:
        filtered: whether they are not all: the file is named so.
    """
    listed = [(each.failure, each.notes) for each in failures]
    named = ("filtered",) if filtered else ()
    return [
        Export(title, file_here("failures", named, form), partial(failures_text, form, [root], listed))
        for form, title in _FORMS
        if listed
    ]


def failure_copies(chosen: ListedFailure | None, ids: Sequence[str], root: Path) -> list[Copy]:
    """The failure under the cursor, then the list.

    Args:
        ids: of the sessions that failed so, the newest first.
    """
    spool = str(root)
    found: list[Copy] = []
    if chosen is not None:
        failure = chosen.failure
        quoted = failure.fingerprint.replace("'", "''")
        words = ["promptetheus", "tui", "--fingerprint", failure.fingerprint, "--spool", spool]
        sql = f"select * from sessions where fingerprint = '{quoted}' order by started desc"
        found += [
            Copy("Its fingerprint", printable_line(failure.fingerprint, 40), failure.fingerprint),
            Copy("What it is called", printable_line(failure.label, 40), failure.label),
            Copy("The ids of its sessions", f"{len(ids):,}", "\n".join(ids)),
            Copy("The command that opens this", "promptetheus tui …", shlex.join(words)),
            Copy("The SQL behind its sessions", "select … from sessions", sql),
        ]
    words = ["promptetheus", "failures", "--spool", spool]
    return [*found, Copy("The command that lists these", "promptetheus failures", shlex.join(words))]
