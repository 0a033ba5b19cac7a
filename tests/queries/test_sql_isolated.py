"""SQL in another process: the same answers, and no query takes the machine with it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from promptetheus.queries.isolated import IsolatedDatabase, run_isolated
from promptetheus.queries.sql import SqlError, run_sql
from tests.builders import a_failing_booking, a_session
from tests.queries.written import append, line

ENDLESS = "select count(*) from range(10_000_000) a, range(10_000_000) b"


@pytest.fixture
def database(spool: Path) -> Iterator[IsolatedDatabase]:
    a_failing_booking("a").write(spool)
    found = IsolatedDatabase(spool)
    yield found
    found.close()


def pid_of(database: IsolatedDatabase) -> int:
    assert database._process is not None
    return database._process.pid


def test_results_are_those_of_this_process(database: IsolatedDatabase, spool: Path) -> None:
    query = """
        select *, 1.5::decimal(4, 1) as d, uuid() is not null as u, interval 1 day as i, current_date as day,
            ['x', null] as list, {'a': 1} as struct, '\\x00'::blob as raw, time '10:00:00' as clock
        from sessions
    """
    here, there = run_sql(spool, query), database.run(query)
    assert (there.columns, there.types, there.rows) == (here.columns, here.types, here.rows)
    append(spool / "a.jsonl", b"garbage\n")
    result = database.run("select * from range(10)", max_rows=3)
    assert (result.rows, result.truncated, result.skipped) == ([(0,), (1,), (2,)], True, 1)


def test_one_giant_value_is_refused_at_once(database: IsolatedDatabase) -> None:
    database.run("select 1")
    started = time.monotonic()
    with pytest.raises(SqlError, match=r"(?i)memory"):
        database.run("select length(repeat('x', 2_000_000_000))")
    assert time.monotonic() - started < 10
    assert database.run("select count(*) from sessions").rows == [(1,)]


def test_a_query_that_takes_too_long_is_stopped_and_the_next_one_runs(database: IsolatedDatabase) -> None:
    with pytest.raises(SqlError, match=r"Stopped after \d"):
        database.run(ENDLESS, timeout_s=0.3)
    assert database.run("select 1").rows == [(1,)]


def test_a_process_that_does_not_answer_is_killed(
    database: IsolatedDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    import signal

    from promptetheus.queries import isolated

    monkeypatch.setattr(isolated, "_GRACE_S", 0.2)
    database.run("select 1")
    pid = pid_of(database)
    os.kill(pid, signal.SIGSTOP)
    with pytest.raises(SqlError, match="Stopped after"):
        database.run("select 1", timeout_s=0.1)
    assert not os.path.exists(f"/proc/{pid}")
    assert database.run("select 1").rows == [(1,)]


def test_a_process_that_dies_is_an_error_and_the_next_query_starts_another(
    database: IsolatedDatabase,
) -> None:
    database.run("select 1")
    database._process.kill()  # type: ignore[union-attr]
    with pytest.raises(SqlError, match="The query was ended"):
        database.run("select 1")
    assert database.run("select 1").rows == [(1,)]


def test_a_query_can_be_stopped_from_another_thread(database: IsolatedDatabase) -> None:
    database.run("select 1")
    stopper = threading.Timer(0.3, database.interrupt)
    stopper.start()
    with pytest.raises(SqlError, match="Stopped after"):
        database.run(ENDLESS)
    stopper.join()
    assert database.run("select 1").rows == [(1,)]


def test_what_is_loaded_stays_and_changes_are_seen(database: IsolatedDatabase, spool: Path) -> None:
    query = "select count(*) from events"
    assert database.run(query).rows == [(9,)]
    pid = pid_of(database)
    append(spool / "a.jsonl", line("a", 90))
    a_session("b").write(spool)
    assert database.run(query).rows == [(11,)]
    assert pid_of(database) == pid


def test_errors_are_those_of_this_process(spool: Path) -> None:
    for query in ("selec 1", "select 1; select 2", "select * from read_text('x')", "drop view steps"):
        with pytest.raises(SqlError) as here:
            run_sql(spool, query)
        with pytest.raises(SqlError) as there:
            run_isolated(spool, query)
        assert str(there.value) == str(here.value)


def test_nothing_of_the_working_directory_is_imported(
    spool: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "hostile"
    place.mkdir()
    for name in ("duckdb", "pickle", "select", "promptetheus", "resource"):
        (place / f"{name}.py").write_text("raise SystemExit('taken')")
    monkeypatch.chdir(place)
    assert run_isolated(spool, "select 1").rows == [(1,)]


def test_the_process_ends_with_close_and_when_its_parent_is_gone(spool: Path) -> None:
    import subprocess
    import sys

    code = (
        "import os, sys\nfrom pathlib import Path\nfrom promptetheus.queries.isolated import IsolatedDatabase\n"
        "d = IsolatedDatabase(Path(sys.argv[1]))\nd.run('select 1')\nprint(d._process.pid, flush=True)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    found = subprocess.run([sys.executable, "-c", code, str(spool)], capture_output=True, text=True)
    pid = int(found.stdout)
    deadline = time.monotonic() + 20
    while _runs(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    database = IsolatedDatabase(spool)
    database.run("select 1")
    pid = pid_of(database)
    database.close()
    assert not _runs(pid)


def _runs(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] != b"Z"
    except FileNotFoundError:
        return False
