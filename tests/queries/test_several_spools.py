from __future__ import annotations

from pathlib import Path

import pytest

from promptetheus.queries.bounded_search import search_spools
from promptetheus.queries.resolve import AmbiguousSession, SessionNotFound, resolve
from promptetheus.queries.spools import Spools
from promptetheus.queries.sql import run_sql
from tests.builders import a_session


@pytest.fixture
def two(tmp_path: Path) -> list[Path]:
    first, second = tmp_path / "first", tmp_path / "second"
    a_session("shared", agent="first").says("needle one").write(first)
    a_session("abc").write(first)
    a_session("shared", agent="second").says("needle two").write(second)
    a_session("abd").says("needle three").write(second)
    return [first, second]


def test_a_list_shows_every_file(two: list[Path]) -> None:
    spools = Spools([*two, two[0]])
    spools.refresh()
    assert sorted((row.session_id, row.path.parent.name) for row in spools.rows()) == [
        ("abc", "first"),
        ("abd", "second"),
        ("shared", "first"),
        ("shared", "second"),
    ]


def test_sql_takes_a_session_that_is_in_both_from_the_first_and_counts_the_other(two: list[Path]) -> None:
    result = run_sql(two, "select agent from sessions where session_id = 'shared'")
    assert (result.rows, result.shadowed) == ([("first",)], 1)
    result = run_sql(reversed(two), "select content from messages where session_id = 'shared'")
    assert (result.rows, result.shadowed) == ([("needle two",)], 1)
    assert run_sql(two[0], "select 1").shadowed == 0


def test_an_id_is_looked_for_in_all_of_them(two: list[Path], tmp_path: Path) -> None:
    assert resolve(two, "abd") == two[1] / "abd.jsonl"
    assert resolve(two, "shared") == two[0] / "shared.jsonl"
    assert resolve([two[1], two[0]], "SHA") == two[1] / "shared.jsonl"
    with pytest.raises(AmbiguousSession) as raised:
        resolve(two, "ab")
    assert raised.value.candidates == ("abc", "abd")
    assert resolve(two[0], "ab") == two[0] / "abc.jsonl"
    with pytest.raises(SessionNotFound):
        resolve([tmp_path / "missing", *two], "nope")


@pytest.mark.parametrize("regex", [False, True])
def test_all_of_them_are_searched(two: list[Path], regex: bool) -> None:
    hits = search_spools(two, "needle", regex=regex)
    assert sorted(hit.snippet for hit in hits) == ["needle one", "needle three", "needle two"]
