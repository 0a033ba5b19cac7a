"""SQL in another process: the same answers, and no query takes the machine with it."""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from promptetheus.queries import isolated_server
from promptetheus.queries.isolated import IsolatedDatabase, Progress
from promptetheus.queries.isolated_server import Kept
from promptetheus.queries.open_result import OpenResult
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


def test_stopping_a_query_keeps_what_is_loaded(database: IsolatedDatabase) -> None:
    database.run("select count(*) from events")
    pid = pid_of(database)
    stopper = threading.Timer(0.3, database.interrupt)
    stopper.start()
    with pytest.raises(SqlError, match="Stopped after"):
        database.run(ENDLESS)
    stopper.join()
    assert database.run("select count(*) from events").rows == [(9,)]
    assert pid_of(database) == pid
    database.interrupt()  # nothing runs: nothing happens, to the next query neither
    assert database.run("select 1").rows == [(1,)]


def reached(result: OpenResult, row: int) -> None:
    deadline = time.monotonic() + 60
    while not result.complete and result.known <= row:
        result.rows(row, 1)
        assert time.monotonic() < deadline


def test_an_open_result_is_read_in_any_order(database: IsolatedDatabase) -> None:
    result = database.open("select range as n, 'row ' || range as s from range(20_000)")
    assert (result.columns, result.types) == (("n", "s"), ("BIGINT", "VARCHAR"))
    assert 0 < result.known < 20_000 and not result.complete
    assert result.rows(0, 2) == [(0, "row 0"), (1, "row 1")]
    reached(result, 15_000)
    assert result.rows(15_000, 3)[-1] == (15_002, "row 15002")
    assert result.rows(90, 20) == [(number, f"row {number}") for number in range(90, 110)]
    reached(result, 30_000)
    assert (result.known, result.complete, result.truncated) == (20_000, True, False)
    assert result.rows(19_999, 50) == [(19_999, "row 19999")]
    assert result.rows(20_000, 50) == []


def test_the_first_rows_of_an_endless_result_are_there_at_once(database: IsolatedDatabase) -> None:
    result = database.open("select * from range(100_000_000_000)")
    assert result.rows(0, 3) == [(0,), (1,), (2,)]
    assert result.known < 10_000


def test_large_rows_come_a_few_at_a_time(database: IsolatedDatabase) -> None:
    result = database.open("select repeat('x', 3_000_000) from range(40)")
    found = result.rows(0, 40)
    assert 1 <= len(found) < 20
    while len(found) < 40:
        found += result.rows(len(found), 40)
    assert {len(text) for (text,) in found} == {3_000_000}


def test_rows_of_an_earlier_query_are_gone_when_another_has_run(database: IsolatedDatabase) -> None:
    first = database.open("select * from range(10_000)")
    database.run("select 1")
    assert first.rows(0, 1) == [(0,)]  # still held
    with pytest.raises(SqlError, match="another query has run since"):
        first.rows(5_000, 1)


def test_a_failing_row_ends_an_open_result_and_nothing_else(database: IsolatedDatabase) -> None:
    result = database.open(
        "select if(range < 30_000, '1', 'broken')::int as x, repeat('y', 1000) from range(100_000)"
    )
    assert result.rows(0, 1)[0][0] == 1
    with pytest.raises(SqlError, match="broken"):
        reached(result, 90_000)
    assert database.run("select 1").rows == [(1,)]


def test_a_long_query_says_what_it_is_doing(database: IsolatedDatabase) -> None:
    told: list[Progress] = []

    def tell(progress: Progress) -> None:
        told.append(progress)
        if progress.phase == "running the query" and progress.fraction is not None:
            database.interrupt()

    with pytest.raises(SqlError, match="Stopped"):
        database.run(
            "select count(*) from range(100_000_000) a, range(400) b where a.range % 7 = b.range",
            progress=tell,
        )
    assert told[-1].elapsed_s > 0
    assert all(progress.fraction is None or 0 <= progress.fraction <= 1 for progress in told)


def test_an_error_says_where_in_the_text_it_is(database: IsolatedDatabase) -> None:
    for query, place, length in (
        ("selec 1", 0, 5),
        ("-- é\nselect 'ä', nothing from events", 17, 7),
        ("select *\nfrom nowhere", 14, 7),
        ("select 'x'::int from events", 10, 5),
    ):
        with pytest.raises(SqlError) as raised:
            database.run(query)
        assert (raised.value.position, raised.value.length) == (place, length), query
        assert "{" not in str(raised.value)


def test_kept_rows_end_at_the_limit_and_say_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(isolated_server, "MAX_KEPT_ROWS", 250)
    numbers = iter(range(1000))
    kept = Kept(lambda rows, size: ([(next(numbers),) for _ in range(rows)], True))
    assert kept.read(249)[-1] == (249,)
    assert (kept.rows, kept.complete, kept.truncated) == (250, True, True)
    assert kept.read(250) == []
    assert kept.read(120)[0] == (120,)
    kept.close()


def test_what_is_loaded_stays_and_changes_are_seen(database: IsolatedDatabase, spool: Path) -> None:
    query = "select count(*) from events"
    assert database.run(query).rows == [(9,)]
    pid = pid_of(database)
    append(spool / "a.jsonl", line("a", 90))
    a_session("b").write(spool)
    assert database.run(query).rows == [(11,)]
    assert pid_of(database) == pid


def test_errors_are_those_of_this_process(spool: Path, database: IsolatedDatabase) -> None:
    for query in ("selec 1", "select 1; select 2", "select * from read_text('x')", "drop view steps"):
        with pytest.raises(SqlError) as here:
            run_sql(spool, query)
        with pytest.raises(SqlError) as there:
            database.run(query)
        assert str(there.value) == str(here.value)


def test_nothing_of_the_working_directory_is_imported(
    database: IsolatedDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "hostile"
    place.mkdir()
    for name in ("duckdb", "pickle", "select", "promptetheus", "resource"):
        (place / f"{name}.py").write_text("raise SystemExit('taken')")
    monkeypatch.chdir(place)
    assert database.run("select 1").rows == [(1,)]


def test_nothing_temporary_is_left_whichever_way_the_process_ends(
    database: IsolatedDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    database.run("select count(*) from events")
    assert list((tmp_path / "temporary").glob("*/*"))
    database.close()
    assert list((tmp_path / "temporary").iterdir()) == []
    database.run("select count(*) from events")
    process = database._process
    assert process is not None and process.stdin is not None
    process.stdin.close()  # as when whoever asks is killed
    process.wait()
    assert list((tmp_path / "temporary").iterdir()) == []


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


def test_an_open_result_is_narrowed_to_the_rows_that_hold_all_words(database: IsolatedDatabase) -> None:
    whole = database.open("select i as n, 'Row ' || i as words, null as nothing from range(25_000) t(i)")
    found = database.narrow(whole, "row 999")
    while not found.complete:
        found.rows(1_000_000, 1)
    expected = [(n, f"Row {n}", None) for n in range(25_000) if "999" in str(n)]
    assert found.rows(0, 1_000) == expected and found.known == len(expected)
    assert (whole.known, whole.complete) == (25_000, True), "the result learned how many rows it has"
    assert whole.rows(7, 1) == [(7, "Row 7", None)], "and stays good"
    assert not database.narrow(whole, "row nowhere").rows(0, 10)
    with pytest.raises(SqlError, match="another filter"):
        found._fetch(0, 1.0)
    database.run("select 1")
    with pytest.raises(SqlError, match="another query"):
        database.narrow(whole, "row")
