"""Columns that a query does not look at are not read; its answer is the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptetheus.queries.pruning import Planner
from promptetheus.queries.sql import SpoolDatabase
from promptetheus.queries.views import VIEW_NAMES, views
from tests.builders import a_failing_booking, a_session
from tests.queries.written import write_sealed


def columns_needed(query: str) -> frozenset[str] | None:
    planner = Planner()
    try:
        return planner.columns_needed(query)
    finally:
        planner.close()


EVERY = frozenset(
    ("session_id", "seq", "ts", "type", "payload", "metadata", "span_id", "parent_id", "idempotency_key")
)


@pytest.mark.parametrize(
    ("query", "columns"),
    [
        ("select type, count(*) from events group by all", {"type"}),
        ("select count(*) from events", set()),
        ("select count(*) from events where ts > '2026-01-01'", {"ts"}),
        ("select count(*) from events where payload is null", {"payload"}),
        ("select seq from events where false", set()),
        ("from events", EVERY),
        ("select e from events e", EVERY),
        ("with x as (select * from events) select max(seq) from x", {"seq"}),
        ("select 1", set()),
        ("select agent from sessions", set()),
        ("select a.seq from events a join events b using (span_id)", {"seq", "span_id"}),
        ("select (select max(ts) from events)", {"ts"}),
    ],
)
def test_the_planner_tells_the_columns(query: str, columns: set[str]) -> None:
    assert columns_needed(query) == frozenset(columns)


@pytest.mark.parametrize(
    "query", ["selec 1", "select 1; select 2", "pivot events on type", "select * from read_text('x')", ""]
)
def test_where_it_cannot_tell_all_are_read(query: str) -> None:
    assert columns_needed(query) is None


@pytest.mark.parametrize("view", VIEW_NAMES)
def test_every_column_of_every_view_is_the_same_with_and_without(
    spool: Path, monkeypatch: pytest.MonkeyPatch, view: str
) -> None:
    session = a_failing_booking("a").event("metric", {"name": "m", "value": 1.5, "unit": "s"})
    session.event("score", {"name": "s", "value": True}).event("llm_call", {"model": "m", "input_tokens": 3})
    session.event("retrieval", {"query": "q", "documents": [{"score": 0.5}]}, span_id="x", parent_id="y")
    write_sealed(spool, session.event("error", {"message": "boom"}).ends())
    a_session("b").says("hi").write(spool)
    columns = next(found.columns for found in views() if found.name == view)

    def answers() -> list[object]:
        found: list[object] = []
        for some in (columns[::2], columns[1::2]):
            database = SpoolDatabase(spool)
            names = ", ".join(name for name, _ in some)
            found.append(database.run(f"select {names} from {view} order by all").rows)
            database.close()
        return found

    pruned = answers()
    monkeypatch.setattr(Planner, "columns_needed", lambda _planner, _sql: None)
    assert pruned == answers()


def test_a_later_query_gets_the_columns_that_it_needs(spool: Path) -> None:
    a_failing_booking("a").write(spool)
    database = SpoolDatabase(spool)
    assert database.run("select count(*) from events").rows == [(9,)]
    assert database.run("select count(payload) from events").rows == [(9,)]
    assert database.run("select count(ts), count(payload) from events").rows == [(9, 9)]
    assert database.run("pivot events on type using count(*) group by session_id").rows
    assert len(database.run("from events").columns) == 9
    database.close()
