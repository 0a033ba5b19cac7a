"""Counting the events of a spool by type: through our views, by DuckDB alone, and by others. See `reading.py`."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.reading_timing import NotInstalled, Times, spool_of, timed, timed_command


def ask_duckdb(query: str, files: str) -> list[Any]:
    """The answer of DuckDB, where `$lines` stands for its own scan of the files."""
    import duckdb

    reader = f"read_ndjson_objects('{files}', ignore_errors = true)"
    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        return connection.execute(query.replace("$lines", reader)).fetchall()


def group_duckdb(data: Path) -> Times:
    """Hand-written: the type of each line, counted."""
    import duckdb  # noqa: F401

    query = "select json ->> 'type', count(*) from $lines group by 1"
    return timed("group_duckdb", lambda: ask_duckdb(query, f"{spool_of(data)}/*.jsonl"))


def group_views(data: Path) -> Times:
    """The same through our views, and once more: what was loaded stays loaded while the files are as they were."""
    import duckdb  # noqa: F401

    import promptetheus.queries.sandbox  # noqa: F401
    from promptetheus.queries.sql import SpoolDatabase

    database = SpoolDatabase(spool_of(data))
    query = "select type, count(*) from events group by 1"
    found = timed("group_views", lambda: database.run(query, timeout_s=300))
    found |= timed("group_again", lambda: database.run(query, timeout_s=300))
    database.close()
    return found


def group_command(data: Path) -> Times:
    """As `promptetheus sql` runs it: a process of its own starts, limited and watched."""
    from promptetheus.queries.isolated import IsolatedDatabase

    query = "select type, count(*) from events group by 1"

    def ask() -> None:
        with closing(IsolatedDatabase(spool_of(data))) as database:
            database.run(query, timeout_s=300)

    return timed("group_command", ask)


def group_duckdb_command(data: Path) -> Times:
    """A Python that starts, imports DuckDB and asks."""
    query = "select json ->> 'type', count(*) from read_ndjson_objects(?, ignore_errors = true) group by 1"
    code = f"import duckdb, sys\nprint(duckdb.execute({query!r}, [sys.argv[1]]).fetchall())"
    words = [sys.executable, "-c", code, f"{spool_of(data)}/*.jsonl"]
    return timed("group_duckdb_command", lambda: subprocess.run(words, stdout=subprocess.DEVNULL, check=True))


def group_polars(data: Path) -> Times:
    """Timed inside the Python that has polars, without its import."""
    code = (
        "import os, sys, time, polars\nwall = time.perf_counter()\n"
        "lines = polars.scan_ndjson(sys.argv[1], schema={'type': polars.String})\n"
        "lines.group_by('type').len().collect()\n"
        "print((time.perf_counter() - wall) * 1000, time.process_time() * 1000)"
    )
    python = os.environ.get("POLARS_PYTHON", sys.executable)
    words = [python, "-c", code, f"{spool_of(data)}/*.jsonl"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotInstalled("polars: name a Python that has it with --polars")
    wall, cpu = done.stdout.split()
    return {"group_polars": (float(wall), float(cpu))}


def group_jq(data: Path) -> Times:
    """A tenth of the files: it takes seven seconds for all."""
    files = [str(path) for path in sorted(spool_of(data).iterdir())]
    return timed_command("group_jq", ["jq", "-r", ".type", *files[: len(files) // 10]])
