"""Taking suspects along: what `y` copies, what `x` writes to a file."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from promptetheus.cause.suspects import Suspect
from promptetheus.display import printable_line
from promptetheus.exporters.suspect_export import suspects_text
from promptetheus.tui.clipboard import Copy
from promptetheus.tui.failures.suspect_page import sentences
from promptetheus.tui.failures.suspect_reading import FoundSuspects
from promptetheus.tui.file_writing import file_here
from promptetheus.tui.taking import Export

_FORMS: tuple[tuple[Literal["md", "json"], str], ...] = (
    ("md", "Markdown: the verdict and each suspect, to read and to paste"),
    ("json", "JSON: what promptetheus suspects --json prints"),
)


def suspect_exports(found: FoundSuspects, about: Path | str) -> list[Export]:
    """The whole comparison in each form."""
    failing, passing = found.ids
    return [
        Export(
            title,
            file_here("suspects", (_name(about),), form),
            partial(suspects_text, form, found.report, found.groups.by, failing, passing),
        )
        for form, title in _FORMS
    ]


def suspect_copies(
    found: FoundSuspects | None,
    chosen: Suspect | None,
    listed: Sequence[Suspect],
    about: Path | str,
    root: Path,
) -> list[Copy]:
    """The suspect under the cursor, those that are listed, and the ways to see them again."""
    copies: list[Copy] = []
    if chosen is not None:
        copies.append(Copy("This suspect", printable_line(chosen.text, 40), _as_text(chosen)))
    if found is not None:
        lines = [found.report.verdict, *map(_as_text, listed)]
        copies.append(Copy("All of them", "as text", "\n".join(lines)))
        copies.append(Copy("The SQL behind both groups", "select … from steps", _sql(found)))
    which = ["--fingerprint", about] if isinstance(about, str) else [_name(about)]
    words = ["promptetheus", "suspects", *which, "--spool", str(root)]
    return [*copies, Copy("The command that lists these", "promptetheus suspects …", shlex.join(words))]


def _name(about: Path | str) -> str:
    return about if isinstance(about, str) else about.stem


def _as_text(suspect: Suspect) -> str:
    return f"{suspect.kind.value} {suspect.text}: {' '.join(sentences(suspect))}"


def _sql(found: FoundSuspects) -> str:
    failing, passing = (", ".join(map(_literal, ids)) for ids in found.ids)
    groups = " union all ".join(
        f"select unnest([{ids}]) as session_id, '{word}' as side"
        for word, ids in (("failing", failing), ("passing", passing))
        if ids
    )
    return (
        f"select side, steps.* from steps join ({groups}) using (session_id) order by side, session_id, step"
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
