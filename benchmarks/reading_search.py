"""Finding a text in a spool, beside programs that only find lines. See `reading.py`."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.reading_timing import Times, spool_of, timed, timed_command
from benchmarks.spools import NEEDLE


def search_ripgrep(data: Path) -> Times:
    """Where it is installed."""
    return timed_command("search_ripgrep", ["rg", "-F", NEEDLE, str(spool_of(data))])


def search_grep(data: Path) -> Times:
    """The one that is everywhere."""
    return timed_command(
        "search_grep", ["grep", "-rF", NEEDLE, str(spool_of(data))], env={**os.environ, "LC_ALL": "C"}
    )


def _search(data: Path, *, case: bool) -> None:
    from promptetheus.queries.catalog import Catalog
    from promptetheus.queries.search import Needle, search

    sessions = sum(1 for _ in spool_of(data).iterdir())
    hits = list(search(Catalog(spool_of(data)), Needle(NEEDLE, case=case)))
    assert len(hits) == (sessions + 499) // 1000


def search_case(data: Path) -> Times:
    """Hits with session, step and snippet."""
    import promptetheus.queries.search  # noqa: F401

    return timed("search_case", lambda: _search(data, case=True))


def search_any_case(data: Path) -> Times:
    """The default of `promptetheus search`."""
    import promptetheus.queries.search  # noqa: F401

    return timed("search_any_case", lambda: _search(data, case=False))


def search_plain_loop(data: Path) -> Times:
    """Read each file, look for the bytes; no steps, no snippets."""
    needle = NEEDLE.encode()

    def work() -> None:
        for path in spool_of(data).iterdir():
            with open(path, "rb") as file:
                needle in file.read()  # noqa: B015

    return timed("search_plain_loop", work)
