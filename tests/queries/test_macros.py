from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from promptetheus.queries.sql import run_sql
from promptetheus.queries.views import macros, mentioned
from tests.builders import a_failing_booking, a_passing_booking, a_session
from tests.queries.written import write_sealed


def ask(spool: Path, query: str) -> list[tuple[Any, ...]]:
    return run_sql(spool, query).rows


@pytest.mark.parametrize(
    ("value", "path", "found"),
    [
        ('{"day":"Tuesday"}', "day", "Tuesday"),
        ('{"user":{"name":"Ada"}}', "user.name", "Ada"),
        ('{"user":{"name":"Ada"}}', "$.user.name", "Ada"),
        ('[{"id":7}]', "[0].id", "7"),
        ('{"list":[1,2]}', "list[1]", "2"),
        ('{"with-dash":true}', "with-dash", "true"),
        ('{"day":null}', "day", None),
        ('{"day":1}', "other", None),
    ],
)
def test_arg_reads_a_path(spool: Path, value: str, path: str, found: str | None) -> None:
    assert ask(spool, f"select arg('{value}'::json, '{path}')") == [(found,)]


def test_arguments_of_a_decorated_function_have_their_names(spool: Path) -> None:
    session = a_session("a").event(
        "tool_call",
        {"tool_name": "t", "call_id": "c", "arguments": {"args": "('Tuesday',)", "kwargs": "{}"}},
        metadata={"arguments": {"day": "Tuesday"}},
    )
    session.event("tool_result", {"call_id": "c", "result": "['2pm']"}, metadata={"result": ["2pm"]})
    session.calls("t", {"args": 1, "kwargs": 2, "more": 3})
    session.calls("t", {"args": "plain", "kwargs": "plain"}, result=5)
    session.write(spool)
    assert ask(spool, "select arguments, result from tool_calls order by seq") == [
        ('{"day":"Tuesday"}', '["2pm"]'),
        ('{"args":1,"kwargs":2,"more":3}', "null"),
        ('{"args":"plain","kwargs":"plain"}', "5"),
    ]


def test_has_ignores_case(spool: Path) -> None:
    a_failing_booking("a").write(spool)
    assert ask(spool, "select count(*) from events where has(payload, 'TUESDAY')")[0][0] >= 3
    assert ask(spool, "select has('Refund', 'fund'), has(null::varchar, 'x')") == [(True, None)]


def test_share_counts_neither_side_for_null(spool: Path) -> None:
    assert ask(spool, "select share(x) from (values (true), (false), (null), (true)) t(x)") == [
        (pytest.approx(2 / 3),)
    ]


def test_latency_summarises_and_unnests_into_columns(spool: Path) -> None:
    result = run_sql(spool, "select unnest(latency(range)) from range(101)")
    assert result.columns == ("calls", "p50", "p95", "p99", "max")
    assert result.rows == [(101, 50.0, 95.0, 99.0, 100)]


def test_last_sessions_and_failing(spool: Path) -> None:
    write_sealed(spool, a_failing_booking("a"))
    write_sealed(spool, a_passing_booking("b"))
    late = a_session("c")
    late.events[0]["timestamp"] = "2027-01-01T00:00:00Z"
    late.write(spool)
    assert ask(spool, "select session_id from last_sessions(1)") == [("c",)]
    assert ask(spool, "select session_id, failing(status) from sessions order by 1") == [
        ("a", True),
        ("b", False),
        ("c", False),
    ]


def test_timeline_takes_the_beginning_of_an_id_in_either_case(spool: Path) -> None:
    a_failing_booking("Ab1").write(spool)
    a_failing_booking("Ac1").write(spool)
    found = ask(spool, "select distinct session_id from timeline('AB')")
    assert found == [("Ab1",)]
    assert [kind for (kind,) in ask(spool, "select kind from timeline('ab1')")] == [
        "start", "user", "tool", "span", "agent", "check", "end",
    ]  # fmt: skip


def test_retries_are_calls_with_the_same_arguments(spool: Path) -> None:
    session = a_session("a")
    for day in ("Monday", "Tuesday", "Monday", "Monday"):
        session.calls("search", {"day": day}, error="503" if day == "Monday" else None)
    session.write(spool)
    assert ask(spool, "select tool, arguments, calls, failed, first_seq, last_seq from retries()") == [
        ("search", '{"day":"Monday"}', 3, 3, 1, 7)
    ]


def test_a_macro_over_views_counts_as_a_mention_of_them() -> None:
    assert mentioned("from Retries()") == {"tool_calls"}
    assert mentioned("from timeline('x'), last_sessions(3)") == {"steps", "sessions"}
    assert mentioned("select share(true)") == frozenset()


def test_every_macro_is_described() -> None:
    assert all(macro.call.startswith(macro.name) and macro.description.endswith(".") for macro in macros())
