from __future__ import annotations

import os
import tempfile
import threading
import time
from pathlib import Path

import pytest

from promptetheus.queries import sandbox
from promptetheus.queries.sql import SpoolDatabase, SqlError, run_sql
from tests.builders import a_failing_booking, a_session
from tests.queries.written import append, line


@pytest.fixture
def recorded(spool: Path) -> Path:
    a_failing_booking("a").write(spool)
    return spool


FORBIDDEN = [
    "select * from read_text('{secret}')",
    "select * from read_csv('{secret}')",
    "select * from '{secret}'",
    "select * from read_ndjson_objects('{spool}/a.jsonl')",
    "select * from glob('{spool}/*')",
    "copy (select 1) to '{out}'",
    "with x as (copy (select 1 as a) to '{out}') select * from x",
    "explain analyze copy (select 1) to '{out}'",
    "attach '{out}'",
    "attach '{out}' as other (type duckdb)",
    "export database '{out}'",
    "install httpfs",
    "load httpfs",
    "select * from 'https://127.0.0.1:9/x.csv'",
    "set enable_external_access = true",
    "set memory_limit = '100GB'",
    "reset lock_configuration",
    "pragma enable_external_access",
    "call enable_logging()",
    "create table t as select 1",
    "drop view steps",
    "delete from events",
    "insert into events select * from events",
    "begin transaction",
    "commit",
    "select 1; select 2",
    "select 1; copy (select 1) to '{out}'",
    "select * from Path",
    "prepare p as select 1",
    "use other",
    "checkpoint",
    "",
    "   -- nothing\n",
    "selec 1",
    "select nothing from events",
]


@pytest.mark.parametrize("query", FORBIDDEN)
def test_nothing_but_a_query_over_the_views_runs(recorded: Path, tmp_path: Path, query: str) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("very secret")
    out = tmp_path / "out"
    before = sorted(path.name for path in recorded.iterdir())
    with pytest.raises(SqlError) as raised:
        run_sql(recorded, query.format(secret=secret, spool=recorded, out=out))
    assert "very secret" not in str(raised.value)
    assert not out.exists()
    assert sorted(path.name for path in recorded.iterdir()) == before


def test_the_caller_s_variables_are_not_tables(recorded: Path) -> None:
    frame = [1, 2, 3]
    with pytest.raises(SqlError):
        run_sql(recorded, "select * from frame")
    assert frame


def test_what_a_query_changes_in_its_own_memory_is_undone(recorded: Path) -> None:
    database = SpoolDatabase(recorded)
    count = "select count(*) from events"
    before = database.run(count).rows
    hidden = "with x as (delete from events returning 1) select count(*) from x"
    try:
        assert database.run(hidden).rows == before
    except SqlError:
        pass  # refusing is as good
    assert database.run(count).rows == before
    database.close()


@pytest.mark.parametrize(
    "query",
    [
        "select 1 as n",
        "select 1 as n;",
        "select 1 as n -- why",
        "from (values (1)) t(n)",
        "with x as (select 1 as n) select n from x",
        "select n from range(1, 2) t(n)",
    ],
)
def test_queries_of_every_shape_run(recorded: Path, query: str) -> None:
    result = run_sql(recorded, query)
    assert (result.columns, result.rows, result.truncated) == (("n",), [(1,)], False)


@pytest.mark.parametrize(
    "query",
    [
        "describe events",
        "summarize sessions",
        "show tables",
        "explain select * from steps",
        "pivot sessions on status",
    ],
)
def test_asking_about_the_tables_works_too(recorded: Path, query: str) -> None:
    assert run_sql(recorded, query).rows


def test_times_with_a_zone_come_out_as_utc(recorded: Path) -> None:
    query = """
        select '2026-11-18 10:00:00+02'::timestamptz as a, ['2026-11-18 10:00:00+02'::timestamptz] as b,
            {'t': '2026-11-18 10:00:00+02'::timestamptz} as c, 7 as a; -- two columns are called a
    """
    result = run_sql(recorded, query)
    assert result.columns == ("a", "b", "c", "a")
    ((plain, inside_list, inside_struct, number),) = result.rows
    assert plain.isoformat() == "2026-11-18T08:00:00"
    assert inside_list == [plain]
    assert inside_struct == {"t": plain}
    assert number == 7


def test_a_result_is_cut_where_asked_and_says_so(recorded: Path) -> None:
    for total, limit in ((10, 10), (11, 10), (5000, 4999), (0, 1)):
        result = run_sql(recorded, f"select * from range({total})", max_rows=limit)
        assert result.rows == [(number,) for number in range(min(total, limit))]
        assert result.truncated is (total > limit)


def test_endless_rows_cost_only_those_taken(recorded: Path) -> None:
    result = run_sql(recorded, "select * from range(100_000_000_000)", max_rows=3)
    assert result.rows == [(0,), (1,), (2,)]
    assert result.truncated


def test_a_result_of_huge_values_is_cut(recorded: Path) -> None:
    result = run_sql(recorded, "select repeat('x', 10_000_000) from range(100)", max_rows=100)
    assert 1 <= len(result.rows) < 20
    assert result.truncated


def test_a_query_that_takes_too_long_is_stopped(recorded: Path) -> None:
    started = time.monotonic()
    with pytest.raises(SqlError, match=r"Stopped after \d"):
        run_sql(recorded, "select count(*) from range(10_000_000) a, range(10_000_000) b", timeout_s=0.3)
    assert time.monotonic() - started < 10


def test_a_query_can_be_stopped_from_another_thread_and_the_next_one_runs(recorded: Path) -> None:
    database = SpoolDatabase(recorded)
    database.run("select 1")
    stopper = threading.Timer(0.3, database.interrupt)
    stopper.start()
    with pytest.raises(SqlError, match="Stopped"):
        database.run("select count(*) from range(10_000_000) a, range(10_000_000) b")
    stopper.join()
    assert database.run("select count(*) from sessions").rows == [(1,)]
    database.close()


def test_a_load_that_was_stopped_leaves_no_open_door(recorded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    database = SpoolDatabase(recorded)
    real = sandbox.Sandbox.load

    def stopped(self: sandbox.Sandbox, *arguments: object) -> None:
        database.interrupt()
        real(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(sandbox.Sandbox, "load", stopped)
    with pytest.raises(SqlError, match="Stopped"):
        database.run("select * from events")
    monkeypatch.undo()
    with pytest.raises(SqlError, match="Only the spool's views"):
        database.run(f"select * from read_text('{recorded / 'a.jsonl'}')")
    database.close()


def test_what_is_loaded_stays_until_the_spool_changes(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loads: list[object] = []
    real = sandbox.Sandbox.load

    def counted(self: sandbox.Sandbox, *arguments: object) -> None:
        loads.append(arguments)
        real(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(sandbox.Sandbox, "load", counted)
    database = SpoolDatabase(recorded)
    query = "select count(*) from tool_calls"
    assert database.run(query).rows == database.run(query).rows == [(1,)]
    assert len(loads) == 1
    append(recorded / "a.jsonl", line("a", 90, "tool_call", tool_name="x", call_id="y"))
    assert database.run(query).rows == [(2,)]
    assert len(loads) == 2
    a_session("b").write(recorded)
    assert database.run("select count(*) from sessions").rows == [(2,)]
    database.close()
    assert database.run("select count(*) from sessions").rows == [(2,)]
    database.close()


def test_nothing_is_left_behind(recorded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr(tempfile, "tempdir", str(here))
    append(recorded / "a.jsonl", b"garbage\n")
    run_sql(recorded, "select * from (select * from events, range(100000)) order by payload desc limit 1")
    assert os.listdir(here) == []


def test_skipped_lines_are_counted(recorded: Path) -> None:
    append(recorded / "a.jsonl", b"garbage\n{}\ntorn")
    assert run_sql(recorded, "select 1").skipped == 3


def test_importing_the_queries_loads_no_duckdb() -> None:
    import subprocess
    import sys

    code = (
        "import sys, promptetheus.queries as q, promptetheus.queries.sql, promptetheus.queries.catalog\n"
        "import promptetheus.queries.session_log, promptetheus.queries.filter, promptetheus.queries.live\n"
        "assert all(getattr(q, name) for name in q.__all__)\n"
        "print(sorted({'duckdb', 'watchfiles', 'genai_prices', 'rich', 'textual'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"
