from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest

from promptetheus.cli import main
from promptetheus.queries.parquet import CannotWrite, write_parquet
from promptetheus.queries.sql import Result, run_sql
from tests.builders import a_failing_booking

VALUES = """
    select 1 as n, 1 as n, 1.5::decimal(9, 2) as d, 0.1::double as f, true as b, null as nothing, 'ä"''' as t,
        timestamp '2026-11-18 10:00:00.123456' as ts, '2026-11-18 12:00:00+02'::timestamptz as tz,
        date '2026-11-18' as day, time '10:00:00.5' as clock, interval 90 minutes as i,
        '\\x00\\xFF'::blob as raw, 170141183460469231731687303715884105727::hugeint as huge,
        ['a', null, 'c'] as list, {'x': 1, 'y': ['z']} as struct, map {'k': 2} as m,
        '{"a":[1,2]}'::json as j, '00000000-0000-0000-0000-000000000001'::uuid as u, '101'::bit as bits
"""


def write(result: Result, path: Path) -> int:
    return write_parquet(result.columns, result.types, result.rows, path)


def read_back(path: Path) -> tuple[dict[str, str], list[tuple[Any, ...]]]:
    with duckdb.connect(":memory:") as connection:
        connection.execute("set TimeZone = 'UTC'")
        where = str(path).replace("'", "''")
        kinds = connection.execute(f"describe from read_parquet('{where}')").fetchall()
        rows = connection.execute(
            f"select * replace (tz::timestamp as tz) from read_parquet('{where}')"
            if any(kind[0] == "tz" for kind in kinds)
            else f"from read_parquet('{where}')"
        ).fetchall()
    return {kind[0]: kind[1] for kind in kinds}, rows


def test_every_type_comes_back_as_it_was(spool: Path, tmp_path: Path) -> None:
    result = run_sql(spool, VALUES)
    path = tmp_path / "it's.parquet"
    write(result, path)
    kinds, (row,) = read_back(path)
    before = dict(zip(["n", "n_2", *result.columns[2:]], result.rows[0], strict=True))
    after = dict(zip(kinds, row, strict=True))
    for name in before.keys() - {"bits", "huge"}:
        assert after[name] == before[name], name
    assert float(after["huge"]) == pytest.approx(float(before["huge"]))
    assert kinds["ts"] == "TIMESTAMP"
    assert kinds["tz"] == "TIMESTAMP WITH TIME ZONE"
    assert kinds["struct"] == "STRUCT(x INTEGER, y VARCHAR[])"


def test_all_rows_are_written_in_order_and_an_old_file_is_replaced(spool: Path, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    path.write_text("old")
    write(run_sql(spool, "select range as n from range(5000)", max_rows=4500), path)
    assert read_back(path)[1] == [(number,) for number in range(4500)]
    write(run_sql(spool, "select * from events"), path)
    assert read_back(path)[1] == []
    assert [found.name for found in tmp_path.iterdir() if found.is_file()] == ["x.parquet"]


def test_a_place_that_cannot_be_written_says_so(spool: Path, tmp_path: Path) -> None:
    with pytest.raises(CannotWrite, match="No such file or directory"):
        write(run_sql(spool, "select 1 as n"), tmp_path / "missing" / "x.parquet")


def test_the_command_writes_a_file_and_says_how_much(
    capsys: pytest.CaptureFixture[str], spool: Path, tmp_path: Path
) -> None:
    a_failing_booking("a").write(spool)
    path = tmp_path / "events.parquet"
    query = "select session_id, seq, type, payload from events order by seq"
    words = ["sql", query, "--spool", str(spool), "--parquet", str(path), "--max-rows", "5"]
    assert main(words) == 0
    said = capsys.readouterr()
    assert said.out == ""
    assert "Only the first 5 rows" in said.err
    assert f"5 rows written to {path}." in said.err
    kinds, rows = read_back(path)
    assert [row[:2] for row in rows] == [("a", number) for number in range(5)]
    assert kinds["payload"] == "JSON"
    assert main([*words[:-3], str(tmp_path)]) == 1
