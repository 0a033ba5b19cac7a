"""The measurements of `reading.py`: each runs in a process of its own and gives wall and CPU milliseconds by name."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from benchmarks.spools import NEEDLE

Times = dict[str, tuple[float, float]]
"""Wall and CPU milliseconds by name."""


class NotInstalled(Exception):
    """The other program is not there; the message names it."""


_SCREEN = 50
_WRITES = 150


def _timed(name: str, work: Callable[[], object]) -> Times:
    wall, cpu = time.perf_counter(), _cpu_s()
    work()
    return {name: ((time.perf_counter() - wall) * 1000, (_cpu_s() - cpu) * 1000)}


def _cpu_s() -> float:
    """Of this process and of those that it waited for."""
    used = os.times()
    own = time.process_time()  # finer than the ticks of `times`
    return own + used.children_user + used.children_system


def _spool(data: Path) -> Path:
    return data / "many" / "spool"


def scandir_stat(data: Path) -> Times:
    """What no list of files can be faster than."""

    def work() -> None:
        with os.scandir(_spool(data)) as entries:
            for entry in entries:
                entry.stat(follow_symlinks=False)

    return _timed("scandir_stat", work)


def _list(data: Path, *, cached: bool) -> Any:
    from promptetheus.queries.catalog import Catalog

    catalog = Catalog(_spool(data), cached=cached)
    for _ in catalog.scan():
        pass
    return catalog, [(row.goal, row.tokens) for row in catalog.rows()[:_SCREEN]]


def list_uncached(data: Path) -> Times:
    """All sessions sorted, and the fields of a screenful of them."""
    import promptetheus.queries.catalog  # noqa: F401  (its import is not what is measured)

    return _timed("list_uncached", lambda: _list(data, cached=False))


def list_cached(data: Path) -> Times:
    """The same with the cache that this measurement's first run leaves behind."""
    import promptetheus.queries.catalog  # noqa: F401
    from promptetheus.queries.catalog_cache import inspect

    if inspect(_spool(data)).problem:
        _list(data, cached=True)[0].wait_until_kept()
    return _timed("list_cached", lambda: _list(data, cached=True))


def list_command(data: Path) -> Times:
    """A Python that starts, imports and lists; the cache is there."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom promptetheus.queries.catalog import Catalog\n"
        "catalog = Catalog(Path(sys.argv[1]))\nfor _ in catalog.scan(): pass\n"
        "[(row.goal, row.tokens) for row in catalog.rows()[:50]]"
    )
    return _timed(
        "list_command", lambda: subprocess.run([sys.executable, "-c", code, str(_spool(data))], check=True)
    )


def python_starts(_data: Path) -> Times:
    """A Python that does nothing."""
    return _timed("python_starts", lambda: subprocess.run([sys.executable, "-c", "pass"], check=True))


def list_all_fields(data: Path) -> Times:
    """Every field of every session, for filters and sorting by columns that are not in the index."""
    from promptetheus.queries.catalog import Catalog

    catalog = Catalog(_spool(data))
    for _ in catalog.scan():
        pass
    return _timed("list_all_fields", lambda: [row.goal for row in catalog.rows()])


def refresh_one(data: Path) -> Times:
    """A second look at the directory after one session got another line."""
    catalog, _ = _list(data, cached=False)
    path = min(_spool(data).iterdir())
    before = path.read_bytes()
    found = path.stat()
    with path.open("ab") as file:
        file.write(before.splitlines(keepends=True)[1])

    def work() -> None:
        assert len(catalog.refresh().updated) == 1
        catalog.rows()

    try:
        return _timed("refresh_one", work)
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(found.st_atime_ns, found.st_mtime_ns))


def _duckdb(query: str, files: str) -> list[Any]:
    import duckdb

    reader = f"read_ndjson_objects('{files}', ignore_errors = true)"
    with duckdb.connect(":memory:", config={"threads": 2}) as connection:
        return connection.execute(query.replace("$lines", reader)).fetchall()


def list_duckdb(data: Path) -> Times:
    """First and last time, goal and number of events of each session."""
    query = """
        select json ->> 'session_id', min(json ->> 'timestamp'), max(json ->> 'timestamp'), count(*),
            any_value(json ->> '$.payload.after.user_goal')
        from $lines group by 1 order by 2
    """
    import duckdb  # noqa: F401

    return _timed("list_duckdb", lambda: _duckdb(query, f"{_spool(data)}/*.jsonl"))


def list_plain_loop(data: Path) -> Times:
    """Every line of every file parsed in a loop."""
    import orjson

    def work() -> None:
        for path in _spool(data).iterdir():
            with open(path, "rb") as file:
                events = [orjson.loads(line) for line in file]
            (events[0]["timestamp"], len(events))

    return _timed("list_plain_loop", work)


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

    path = min(_spool(data).iterdir())
    return _timed("open_100", lambda: len(_first_screen(path).steps))


def open_long(data: Path) -> Times:
    """The index of 100,000 events and the events of a screen."""
    import promptetheus.queries.session_log  # noqa: F401

    return _timed("open_long", lambda: _first_screen(data / "long" / "long.jsonl"))


def open_longest(data: Path) -> Times:
    """The same for 337,000; then pages at random places."""
    log: Any = None

    def opening() -> None:
        nonlocal log
        log = _first_screen(data / "longest" / "longest.jsonl")

    import promptetheus.queries.session_log  # noqa: F401

    found = _timed("open_longest", opening)
    choose = random.Random(7)
    pages = []
    for _ in range(50):
        start = choose.randrange(len(log) - _SCREEN)
        pages.append(_timed("", lambda: [log.event(number) for number in range(start, start + _SCREEN)])[""])  # noqa: B023
    found["random_page"] = (statistics.median(p[0] for p in pages), statistics.median(p[1] for p in pages))
    return found


def span_tree(data: Path) -> Times:
    """The tree alone: the session is open."""
    log = _first_screen(data / "long" / "long.jsonl")
    return _timed("span_tree", log.forest)


def group_duckdb(data: Path) -> Times:
    """Hand-written: the type of each line, counted."""
    import duckdb  # noqa: F401

    query = "select json ->> 'type', count(*) from $lines group by 1"
    return _timed("group_duckdb", lambda: _duckdb(query, f"{_spool(data)}/*.jsonl"))


def group_views(data: Path) -> Times:
    """The same through our views, and once more: what was loaded stays loaded while the files are as they were."""
    import duckdb  # noqa: F401

    import promptetheus.queries.sandbox  # noqa: F401
    from promptetheus.queries.sql import SpoolDatabase

    database = SpoolDatabase(_spool(data))
    query = "select type, count(*) from events group by 1"
    found = _timed("group_views", lambda: database.run(query, timeout_s=300))
    found |= _timed("group_again", lambda: database.run(query, timeout_s=300))
    database.close()
    return found


def group_command(data: Path) -> Times:
    """As `promptetheus sql` runs it: a process of its own starts, limited and watched."""
    from promptetheus.queries.isolated import IsolatedDatabase

    query = "select type, count(*) from events group by 1"

    def ask() -> None:
        with closing(IsolatedDatabase(_spool(data))) as database:
            database.run(query, timeout_s=300)

    return _timed("group_command", ask)


def group_duckdb_command(data: Path) -> Times:
    """A Python that starts, imports DuckDB and asks."""
    query = "select json ->> 'type', count(*) from read_ndjson_objects(?, ignore_errors = true) group by 1"
    code = f"import duckdb, sys\nprint(duckdb.execute({query!r}, [sys.argv[1]]).fetchall())"
    words = [sys.executable, "-c", code, f"{_spool(data)}/*.jsonl"]
    return _timed(
        "group_duckdb_command", lambda: subprocess.run(words, stdout=subprocess.DEVNULL, check=True)
    )


def group_polars(data: Path) -> Times:
    """Timed inside the Python that has polars, without its import."""
    code = (
        "import os, sys, time, polars\nwall = time.perf_counter()\n"
        "lines = polars.scan_ndjson(sys.argv[1], schema={'type': polars.String})\n"
        "lines.group_by('type').len().collect()\n"
        "print((time.perf_counter() - wall) * 1000, time.process_time() * 1000)"
    )
    python = os.environ.get("POLARS_PYTHON", sys.executable)
    words = [python, "-c", code, f"{_spool(data)}/*.jsonl"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode:
        raise NotInstalled("polars: name a Python that has it with --polars")
    wall, cpu = done.stdout.split()
    return {"group_polars": (float(wall), float(cpu))}


def _command(name: str, words: list[str], **more: Any) -> Times:
    if shutil.which(words[0]) is None:
        raise NotInstalled(words[0])
    return _timed(name, lambda: subprocess.run(words, stdout=subprocess.DEVNULL, check=False, **more))


def group_jq(data: Path) -> Times:
    """A tenth of the files: it takes seven seconds for all."""
    files = [str(path) for path in sorted(_spool(data).iterdir())]
    return _command("group_jq", ["jq", "-r", ".type", *files[: len(files) // 10]])


def search_ripgrep(data: Path) -> Times:
    """Where it is installed."""
    return _command("search_ripgrep", ["rg", "-F", NEEDLE, str(_spool(data))])


def search_grep(data: Path) -> Times:
    """The one that is everywhere."""
    return _command(
        "search_grep", ["grep", "-rF", NEEDLE, str(_spool(data))], env={**os.environ, "LC_ALL": "C"}
    )


def _search(data: Path, *, case: bool) -> None:
    from promptetheus.queries.catalog import Catalog
    from promptetheus.queries.search import Needle, search

    sessions = sum(1 for _ in _spool(data).iterdir())
    hits = list(search(Catalog(_spool(data)), Needle(NEEDLE, case=case)))
    assert len(hits) == (sessions + 499) // 1000


def search_case(data: Path) -> Times:
    """Hits with session, step and snippet."""
    import promptetheus.queries.search  # noqa: F401

    return _timed("search_case", lambda: _search(data, case=True))


def search_any_case(data: Path) -> Times:
    """The default of `promptetheus search`."""
    import promptetheus.queries.search  # noqa: F401

    return _timed("search_any_case", lambda: _search(data, case=False))


def search_plain_loop(data: Path) -> Times:
    """Read each file, look for the bytes; no steps, no snippets."""
    needle = NEEDLE.encode()

    def work() -> None:
        for path in _spool(data).iterdir():
            with open(path, "rb") as file:
                needle in file.read()  # noqa: B015

    return _timed("search_plain_loop", work)


def visible(data: Path) -> Times:
    """From the write of another process to the event in a reader that watches."""
    root = data / "live" / "spool"
    root.mkdir(parents=True, exist_ok=True)
    late = asyncio.run(_latencies(root))
    late.sort()
    return {
        "visible_p50": (late[len(late) // 2], 0.0),
        "visible_p99": (late[min(len(late) - 1, len(late) * 99 // 100)], 0.0),
    }


async def _latencies(root: Path) -> list[float]:
    from promptetheus.queries.live import Watcher
    from promptetheus.queries.session_log import SessionLog

    path = root / "live.jsonl"
    path.unlink(missing_ok=True)
    path.touch()
    stop = asyncio.Event()
    code = (
        "import sys, time\nfrom promptetheus.encoding import encode_line\n"
        "sys.stdin.readline()\n"
        f"for seq in range({_WRITES}):\n"
        "    with open(sys.argv[1], 'ab', 0) as file:\n"
        "        file.write(encode_line({'type': 'metric', 'session_id': 'live', 'seq': seq,\n"
        "            'timestamp': '2026-11-22T10:00:00Z', 'idempotency_key': f'live:0:{seq}',\n"
        "            'payload': {'name': 'at', 'value': time.time()}}))\n"
        "    time.sleep(0.03)\n"
    )
    writer = subprocess.Popen([sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE)
    assert writer.stdin is not None
    log = SessionLog(path)
    late: list[float] = []
    started = False
    async for _ in Watcher(root).changes(stop):
        if not started:
            started = True
            writer.stdin.write(b"go\n")
            writer.stdin.flush()
            continue
        added = log.poll().added
        now = time.time()
        late += [
            (now - log.event(number)["payload"]["value"]) * 1000
            for number in range(len(log) - added, len(log))
        ]
        if len(late) >= _WRITES:
            stop.set()
            break
    writer.stdin.close()
    writer.wait()
    return late


TASKS: dict[str, Callable[[Path], Times]] = {
    task.__name__: task
    for task in (
        python_starts, scandir_stat, list_cached, list_command, list_uncached, refresh_one, list_all_fields,
        list_duckdb, list_plain_loop, open_100, open_long, open_longest, span_tree, group_duckdb,
        group_views, group_duckdb_command, group_command, group_polars, group_jq, search_ripgrep,
        search_grep, search_case, search_any_case, search_plain_loop, visible,
    )
}  # fmt: skip
