"""The measurements of `reading.py`: each runs in a process of its own and gives wall and CPU milliseconds by name."""

from __future__ import annotations

import os
import random
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.reading_live import visible
from benchmarks.reading_search import (
    search_any_case,
    search_case,
    search_grep,
    search_plain_loop,
    search_ripgrep,
)
from benchmarks.reading_sql import (
    ask_duckdb,
    group_command,
    group_duckdb,
    group_duckdb_command,
    group_jq,
    group_polars,
    group_views,
)
from benchmarks.reading_timing import Times, spool_of, timed

_SCREEN = 50


def scandir_stat(data: Path) -> Times:
    """What no list of files can be faster than."""

    def work() -> None:
        with os.scandir(spool_of(data)) as entries:
            for entry in entries:
                entry.stat(follow_symlinks=False)

    return timed("scandir_stat", work)


def _list(data: Path, *, cached: bool) -> Any:
    from promptetheus.queries.catalog import Catalog

    catalog = Catalog(spool_of(data), cached=cached)
    for _ in catalog.scan():
        pass
    return catalog, [(row.goal, row.tokens) for row in catalog.rows()[:_SCREEN]]


def list_uncached(data: Path) -> Times:
    """All sessions sorted, and the fields of a screenful of them."""
    import promptetheus.queries.catalog  # noqa: F401  (its import is not what is measured)

    return timed("list_uncached", lambda: _list(data, cached=False))


def list_cached(data: Path) -> Times:
    """The same with the cache that this measurement's first run leaves behind."""
    import promptetheus.queries.catalog  # noqa: F401
    from promptetheus.queries.catalog_cache import inspect

    if inspect(spool_of(data)).problem:
        _list(data, cached=True)[0].wait_until_kept()
    return timed("list_cached", lambda: _list(data, cached=True))


def list_command(data: Path) -> Times:
    """A Python that starts, imports and lists; the cache is there."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom promptetheus.queries.catalog import Catalog\n"
        "catalog = Catalog(Path(sys.argv[1]))\nfor _ in catalog.scan(): pass\n"
        "[(row.goal, row.tokens) for row in catalog.rows()[:50]]"
    )
    return timed(
        "list_command", lambda: subprocess.run([sys.executable, "-c", code, str(spool_of(data))], check=True)
    )


def python_starts(_data: Path) -> Times:
    """A Python that does nothing."""
    return timed("python_starts", lambda: subprocess.run([sys.executable, "-c", "pass"], check=True))


def list_all_fields(data: Path) -> Times:
    """Every field of every session, for filters and sorting by columns that are not in the index."""
    from promptetheus.queries.catalog import Catalog

    catalog = Catalog(spool_of(data))
    for _ in catalog.scan():
        pass
    return timed("list_all_fields", lambda: [row.goal for row in catalog.rows()])


def refresh_one(data: Path) -> Times:
    """A second look at the directory after one session got another line."""
    catalog, _ = _list(data, cached=False)
    path = min(spool_of(data).iterdir())
    before = path.read_bytes()
    found = path.stat()
    with path.open("ab") as file:
        file.write(before.splitlines(keepends=True)[1])

    def work() -> None:
        assert len(catalog.refresh().updated) == 1
        catalog.rows()

    try:
        return timed("refresh_one", work)
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def list_duckdb(data: Path) -> Times:
    """First and last time, goal and number of events of each session."""
    query = """
        select json ->> 'session_id', min(json ->> 'timestamp'), max(json ->> 'timestamp'), count(*),
            any_value(json ->> '$.payload.after.user_goal')
        from $lines group by 1 order by 2
    """
    import duckdb  # noqa: F401

    return timed("list_duckdb", lambda: ask_duckdb(query, f"{spool_of(data)}/*.jsonl"))


def list_plain_loop(data: Path) -> Times:
    """Every line of every file parsed in a loop."""
    import orjson

    def work() -> None:
        for path in spool_of(data).iterdir():
            with open(path, "rb") as file:
                events = [orjson.loads(line) for line in file]
            (events[0]["timestamp"], len(events))

    return timed("list_plain_loop", work)


def _first_screen(path: Path) -> Any:
    from promptetheus.queries.session_log import SessionLog

    log = SessionLog(path)
    while log.poll().more:
        pass
    for number in range(min(_SCREEN, len(log))):
        log.event(number)
    return log


def open_100(data: Path) -> Times:
    """A session of 100 events with all its steps."""
    import promptetheus.queries.session_log  # noqa: F401

    path = min(spool_of(data).iterdir())
    return timed("open_100", lambda: len(_first_screen(path).steps))


def open_long(data: Path) -> Times:
    """The index of 100,000 events and the events of a screen."""
    import promptetheus.queries.session_log  # noqa: F401

    return timed("open_long", lambda: _first_screen(data / "long" / "long.jsonl"))


def open_longest(data: Path) -> Times:
    """The same for 337,000; then pages at random places."""
    log: Any = None

    def opening() -> None:
        nonlocal log
        log = _first_screen(data / "longest" / "longest.jsonl")

    import promptetheus.queries.session_log  # noqa: F401

    found = timed("open_longest", opening)
    choose = random.Random(7)
    pages = []
    for _ in range(50):
        start = choose.randrange(len(log) - _SCREEN)
        pages.append(timed("", lambda: [log.event(number) for number in range(start, start + _SCREEN)])[""])  # noqa: B023
    found["random_page"] = (statistics.median(p[0] for p in pages), statistics.median(p[1] for p in pages))
    return found


def span_tree(data: Path) -> Times:
    """The tree alone: the session is open."""
    log = _first_screen(data / "long" / "long.jsonl")
    return timed("span_tree", log.forest)


TASKS: dict[str, Callable[[Path], Times]] = {
    task.__name__: task
    for task in (
        python_starts, scandir_stat, list_cached, list_command, list_uncached, refresh_one, list_all_fields,
        list_duckdb, list_plain_loop, open_100, open_long, open_longest, span_tree, group_duckdb,
        group_views, group_duckdb_command, group_command, group_polars, group_jq, search_ripgrep,
        search_grep, search_case, search_any_case, search_plain_loop, visible,
    )
}  # fmt: skip
