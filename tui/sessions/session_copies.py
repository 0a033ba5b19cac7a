"""What there is to copy from the list of sessions."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

from promptetheus.display import short_id
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.clipboard import Copy


def session_copies(
    row: SessionRow | None, marked: Sequence[str], root: Path, filtered: str
) -> Iterator[Copy]:
    """About the highlighted session first, then about the list.

    Args:
        marked: Ids of the marked sessions.
        filtered: The filter's text.
    """
    spool = str(root)
    if row is not None:
        yield Copy("The session's id", short_id(row.session_id), row.session_id)
        command = shlex.join(["promptetheus", "tui", row.session_id, "--spool", spool])
        yield Copy("The command that opens it", "promptetheus tui …", command)
        if row.fingerprint:
            yield Copy("Its fingerprint", row.fingerprint, row.fingerprint)
        yield Copy("Its file", row.path.name, str(row.path.absolute()))
    if marked:
        yield Copy("The ids of the marked sessions", f"{len(marked)}", "\n".join(marked))
    words = ["promptetheus", "tui", "--spool", spool, *(["--filter", filtered] if filtered else [])]
    yield Copy("The command that shows this list", "promptetheus tui …", shlex.join(words))
    yield Copy(
        "The SQL behind this list", "select … from sessions", "select * from sessions order by started desc"
    )
