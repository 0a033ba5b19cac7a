"""The queries of a project: those that were run, and those that were kept with a name. Both lie beside the spool."""

from __future__ import annotations

import json
import os
from pathlib import Path

from promptetheus.project_files import beside
from promptetheus.queries.query_file import NamedQuery, format_queries, parse_queries
from promptetheus.spool import make_private_directory

SAVED_FILE = "queries.sql"
HISTORY_FILE = "cache/sql-history.ndjson"
MOST_REMEMBERED = 200
_MAX_BYTES = 4 << 20


class QueryBook:
    """Reading never raises: a file that is damaged counts for what can be read of it."""

    def __init__(self, spool: Path) -> None:
        self.saved_path = beside(spool, SAVED_FILE)
        self._history_path = beside(spool, HISTORY_FILE)

    def saved(self) -> list[NamedQuery]:
        """The queries that were kept, the newest first."""
        return list(reversed(parse_queries(_read(self.saved_path))))

    def save(self, name: str, sql: str) -> None:
        """Keep a query under a name, in place of one that had it. Raises OSError."""
        kept = [query for query in parse_queries(_read(self.saved_path)) if query.name != name]
        _write(self.saved_path, format_queries([*kept, NamedQuery(name, sql)]))

    def forget(self, name: str) -> None:
        """Take a kept query away. Raises OSError."""
        kept = [query for query in parse_queries(_read(self.saved_path)) if query.name != name]
        _write(self.saved_path, format_queries(kept) if kept else "")

    def history(self) -> list[str]:
        """The queries that were run, the latest first, each once."""
        found: dict[str, None] = {}
        for line in reversed(_read(self._history_path).splitlines()):
            try:
                sql = json.loads(line)
            except ValueError:
                continue
            if isinstance(sql, str) and sql.strip():
                found.setdefault(sql)
        return list(found)[:MOST_REMEMBERED]

    def remember(self, sql: str) -> None:
        """Note that a query was run. Raises OSError."""
        latest = [sql, *(each for each in self.history() if each != sql)][:MOST_REMEMBERED]
        _write(self._history_path, "".join(f"{json.dumps(each)}\n" for each in reversed(latest)))


def _read(path: Path) -> str:
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            return file.read(_MAX_BYTES).decode(errors="replace")
    except OSError:
        return ""


def _write(path: Path, text: str) -> None:
    make_private_directory(path.parent)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with open(fd, "wb") as file:
        file.write(text.encode(errors="replace"))
    os.replace(draft, path)
