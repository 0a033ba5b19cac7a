"""Where the projects of an embedded store lie, for readers on the same machine. Needs no extra."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from urllib.parse import quote

from promptetheus.spool import session_file_stem


def spool_below(directory: Path, project_id: str) -> Path:
    """The spool directory of a project in an embedded store."""
    return directory / "projects" / session_file_stem(project_id) / "spool"


def project_ids(directory: Path) -> dict[str, str]:
    """The names of a store's projects by id, the first made first; nothing where there is no store."""
    try:
        connection = sqlite3.connect(f"file:{quote(str(directory / 'gateway.db'))}?mode=ro", uri=True)
    except sqlite3.Error:
        return {}
    try:
        return dict(connection.execute("select id, name from project order by created_at, id").fetchall())
    except sqlite3.Error:
        return {}
    finally:
        connection.close()


def find_spool(directory: Path, wanted: str) -> Path | None:
    """The spool of the project of this id, or else of this name; None when there is none."""
    known = project_ids(directory)
    by_name = [project_id for project_id, name in known.items() if name == wanted]
    found = wanted if wanted in known else by_name[0] if by_name else None
    return None if found is None else spool_below(directory, found)
