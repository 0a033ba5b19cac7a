from __future__ import annotations

import datetime
import json
import random
from pathlib import Path
from typing import Any

import pytest

from promptetheus.cause.steps import Step
from promptetheus.queries.catalog import Catalog
from promptetheus.queries.session_log import SessionLog
from promptetheus.queries.sql import run_sql
from promptetheus.queries.views import VIEW_NAMES, event_types_of, mentioned, views
from tests.builders import SessionBuilder, a_failing_booking, a_passing_booking, a_session
from tests.queries.written import line, write_sealed


def ask(spool: Path, query: str) -> list[tuple[Any, ...]]:
    return run_sql(spool, query).rows


@pytest.mark.parametrize("name", VIEW_NAMES)
def test_every_view_has_the_columns_it_documents(spool: Path, name: str) -> None:
    (view,) = (view for view in views() if view.name == name)
    result = run_sql(spool, f"select * from {name}")
    assert result.columns == tuple(column for column, _ in view.columns)
    assert result.rows == []
    assert all(description for _, description in view.columns)
    assert view.description.endswith(".")


def test_every_sql_file_is_a_view_the_macros_or_the_examples() -> None:
    from promptetheus import queries

    (folder,) = map(Path, queries.__path__)
    assert {path.stem for path in folder.glob("*.sql")} == {*VIEW_NAMES, "macros", "examples"}


def test_no_view_hands_a_time_with_a_zone_to_python(spool: Path) -> None:
    for name in VIEW_NAMES:
        described = ask(spool, f"describe {name}")
        assert not [row for row in described if "TIME ZONE" in row[1]], name


def test_views_read_the_types_they_say_they_read(spool: Path) -> None:
    session = busy_session("a", random.Random(1))
    session.write(spool)
    for name in VIEW_NAMES:
        query = f"select count(*) from {name}"
        assert ask(spool, query) == ask(spool, f"{query} where (select count(*) from events) > 0"), name


def test_words_of_a_query_name_the_views_it_reads() -> None:
    assert mentioned('select * from "Events" e join main.tool_calls using (session_id)') == {
        "events",
        "tool_calls",
    }
    assert mentioned("select 1") == frozenset()
    assert event_types_of({"usage", "sessions"}) == frozenset({"llm_call"})
    assert event_types_of({"usage", "steps"}) is None


def test_sessions_are_as_the_catalog_lists_them(spool: Path) -> None:
    write_sealed(spool, a_failing_booking("a").event("score", {"name": "s", "value": True}))
    write_sealed(spool, a_session("b").event("llm_call", {"model": "gpt-4o", "input_tokens": 10**6}).ends())
    a_session("c").write(spool)
    catalog = Catalog(spool)
    catalog.refresh()
    catalog.price_rows()
    rows = {row.session_id: row for row in catalog.rows()}
    names = (
        "status",
        "agent",
        "goal",
        "events",
        "steps",
        "errors",
        "tokens",
        "cost_usd",
        "duration_ms",
        "label",
    )
    found = ask(spool, f"select session_id, {', '.join(names)} from sessions")
    assert len(found) == 3
    for session_id, *values in found:
        expected = [getattr(rows[session_id], name) for name in names]
        assert values == [
            value or None if name == "label" else value for name, value in zip(names, expected, strict=True)
        ]
    assert rows["b"].cost_usd
    assert ask(spool, "select scores ->> 's' from sessions where session_id = 'a'") == [("true",)]
    (started,) = ask(spool, "select started from sessions where session_id = 'c'")[0]
    assert started == datetime.datetime.fromtimestamp(rows["c"].started or 0, datetime.UTC).replace(
        tzinfo=None
    )


def test_times_are_utc_without_a_zone(spool: Path) -> None:
    spool.mkdir()
    text = line("a", 0).replace(b"2026-11-18T10:00:00Z", b"2026-11-18T10:00:00.5+02:00")
    (spool / "a.jsonl").write_bytes(text + line("a", 1).replace(b"2026-11-18T10:00:01Z", b"yesterday"))
    assert ask(spool, "select ts from events order by seq") == [
        (datetime.datetime(2026, 11, 18, 8, 0, 0, 500_000),),  # noqa: DTZ001
        (None,),
    ]


def test_calls_are_joined_with_their_results_whatever_lies_between(spool: Path) -> None:
    session = a_session("a")
    first, second = session.opens_call("search", {"q": 1}), session.opens_call("pay")
    session.says("wait")
    session.event("tool_result", {"call_id": second, "result": None, "error": "503 upstream"}, after_s=2)
    session.event("tool_result", {"call_id": first, "result": {"n": [1]}, "error": None})
    session.opens_call("never")
    session.write(spool)
    found = ask(
        spool, "select tool, seq, result_seq, result, error, ok, duration_ms from tool_calls order by seq"
    )
    assert [row[:6] for row in found] == [
        ("search", 1, 5, '{"n":[1]}', None, True),
        ("pay", 2, 4, "null", "503 upstream", False),
        ("never", 6, None, None, None, None),
    ]
    assert [row[6] for row in found] == [pytest.approx(2300), pytest.approx(2100), None]


def test_errors_are_as_many_as_sessions_count(spool: Path) -> None:
    session = a_session("a").calls("x", error="boom").calls("y", error="").calls("z", result=1)
    session.event("tool_result", {"call_id": "other", "status": "failed"})
    session.event("error", {"message": "bad", "error_type": "ValueError", "handled": True})
    session.write(spool)
    assert ask(spool, "select errors from sessions") == [(3,)]
    assert ask(spool, "select source, name, message, handled from errors order by seq") == [
        ("tool", "x", "boom", None),
        ("tool", None, "failed", None),
        ("error", "ValueError", "bad", True),
    ]


def test_a_failed_call_is_named_by_the_call_before_it_that_has_its_id(spool: Path) -> None:
    session = a_session("a")
    for tool in ("first", "second"):
        session.event("tool_call", {"tool_name": tool, "arguments": {}, "call_id": "1"})
        session.event("tool_result", {"call_id": "1", "error": f"{tool} broke"})
    session.event("tool_result", {"call_id": "1", "tool_name": "own", "error": "again"})
    session.write(spool)
    a_session("b").calls("elsewhere", error="boom").write(spool)
    assert ask(spool, "select session_id, name, message from errors order by all") == [
        ("a", "first", "first broke"),
        ("a", "own", "again"),
        ("a", "second", "second broke"),
        ("b", "elsewhere", "boom"),
    ]


def test_spans_checks_scores_metrics_retrievals_and_messages(spool: Path) -> None:
    session = a_session("a").asks("hi").says("ho")
    session.event("state_change", {"name": "span_start", "span_name": "outer"}, span_id="s1", parent_id=None)
    session.event("state_change", {"name": "span_start", "span_name": "inner"}, span_id="s2", parent_id="s1")
    session.event(
        "state_change",
        {"name": "span_end", "span_name": "inner", "duration_ms": 7},
        span_id="s2",
        parent_id="s1",
    )
    session.event("score", {"name": "helpful", "value": True}).event("score", {"name": "rank", "value": 2.5})
    session.event("metric", {"name": "latency", "value": 12, "unit": "ms"})
    session.event(
        "retrieval", {"query": "q", "documents": [{"id": "d", "score": 0.5}, {"id": "e", "score": 0.75}]}
    )
    session.event("retrieval", {"query": "none", "documents": None})
    session.checks(False, "too late").checks(True)
    session.event(
        "screenshot", {"storage_path": "artifacts/ab/x.png", "artifact_id": "sha256:ab", "size_bytes": 5}
    )
    session.write(spool)
    assert ask(
        spool, "select span_id, parent_id, name, duration_ms, is_open, events from spans order by 1"
    ) == [
        ("s1", None, "outer", None, True, 1),
        ("s2", "s1", "inner", 7.0, False, 2),
    ]
    assert ask(spool, "select name, value from scores order by seq") == [("helpful", 1.0), ("rank", 2.5)]
    assert ask(spool, "select name, value, unit from metrics") == [("latency", 12.0, "ms")]
    assert ask(spool, "select query, found, top_score from retrievals order by seq") == [
        ("q", 2, 0.75),
        ("none", 0, None),
    ]
    assert ask(spool, "select passed, mismatches from goal_checks order by seq") == [
        (False, '["too late"]'),
        (True, "[]"),
    ]
    assert ask(spool, "select storage_path, size_bytes from screenshots") == [("artifacts/ab/x.png", 5)]
    assert ask(spool, "select role, content from messages order by seq") == [("user", "hi"), ("agent", "ho")]


def test_usage_adds_up_by_session_and_model(spool: Path) -> None:
    session = a_session("a")
    session.event("llm_call", {"model": "m", "input_tokens": 5, "output_tokens": 1, "cost_usd": 0.5})
    session.event("llm_call", {"model": "m", "input_tokens": 7}).event("llm_call", {"model": "n"})
    session.write(spool)
    assert ask(spool, "select model, calls, input_tokens, output_tokens, cost_usd from usage order by 1") == [
        ("m", 2, 12, 1, 0.5),
        ("n", 1, None, None, None),
    ]


def test_fingerprints_gather_the_sessions_that_failed_alike(spool: Path) -> None:
    for name in ("a", "b"):
        write_sealed(spool, a_failing_booking(name))
    write_sealed(spool, a_passing_booking("c"))
    assert ask(spool, "select fingerprint, label, sessions, agents from fingerprints") == [
        ("8ae0f41220d0", "goal mismatch: selected wednesday, not tuesday", 2, ["calendar-agent"])
    ]


def test_an_import_without_times_has_none_in_sql(spool: Path) -> None:
    session = a_session("a").calls("x", result=1).ends()
    session.events[0]["metadata"] = {"imported": {"timed": False}}
    session.write(spool)
    assert ask(spool, "select distinct ts from events") == [(None,)]
    assert ask(spool, "select duration_ms from tool_calls") == [(None,)]


def busy_session(session_id: str, choice: random.Random) -> SessionBuilder:
    """Everything that can happen, in an order that nobody planned."""
    session = a_session(session_id)
    calls, spans = ["c0", "c1", ""], ["s0", "s1"]
    falsy: list[Any] = [None, "", 0, False, [], {}, "boom", {"code": 5}]
    for _ in range(60):
        match choice.randrange(16):
            case 0 | 1 | 2:
                session.event(
                    "tool_call", {"tool_name": "t", "arguments": {}, "call_id": choice.choice(calls)}
                )
            case 3 | 4:
                session.event(
                    "tool_result",
                    {"call_id": choice.choice(calls), "result": 1, "error": choice.choice(falsy)},
                )
            case 5:
                session.event("browser_action", {"action": "click", "target": "#a", "url": None})
            case 6 | 7:
                session.event(choice.choice(["screenshot", "dom_snapshot"]), {"url": "u"})
            case 8 | 9:
                name = choice.choice(["span_start", "span_end", "other"])
                session.event("state_change", {"name": name, "span_name": "n"}, span_id=choice.choice(spans))
            case 10:
                session.event("llm_call", {"model": "m", "latency_ms": 5})
            case 11:
                session.event("goal_check", {"passed": choice.choice([True, False, None, 0, 1, "yes", ""])})
            case 12:
                session.event("error", {"message": "x", "error_type": choice.choice([None, "E"])})
            case 13:
                session.event("score", {"name": "s", "value": 1}).event("metric", {"name": "m", "value": 1})
            case 14:
                session.event("invented", {}).event("retrieval", {}).event(
                    "replay_artifact", {"artifact_type": "v"}
                )
            case _:
                session.says("x").asks("y")
    return session.ends(choice.choice(["completed", "failed", ""]), choice.choice([None, "E: x"]))


def same_step(step: Step, row: tuple[Any, ...], seqs: list[int]) -> None:
    number, seq, kind, name, ok, is_open, duration_ms, offset_ms = row
    assert (number, seq, kind, name) == (step.index, seqs[step.events[0]], step.kind.value, step.name)
    assert ok == step.ok, step
    assert offset_ms == (None if step.offset_ms is None else pytest.approx(step.offset_ms, abs=0.01)), step
    assert is_open == step.open, step
    assert duration_ms == (None if step.duration_ms is None else pytest.approx(step.duration_ms, abs=0.01)), (
        step
    )


STEPS = (
    "select session_id, step, seq, kind, name, ok, is_open, duration_ms, offset_ms from steps"
    " order by session_id, step"
)


def test_steps_in_sql_are_the_steps_of_the_timeline(spool: Path) -> None:
    for number in range(40):
        busy_session(f"s{number:02}", random.Random(number)).write(spool)
    check_steps(spool)


def check_steps(spool: Path) -> None:
    catalog = Catalog(spool)
    catalog.refresh()
    found: dict[str, list[tuple[Any, ...]]] = {}
    for session_id, *values in run_sql(spool, STEPS, max_rows=1_000_000).rows:
        found.setdefault(session_id, []).append(tuple(values))
    for row in catalog.rows():
        log = SessionLog(row.path)
        log.poll()
        seqs = [log.seq_of(number) for number in range(len(log))]
        assert len(found[row.session_id]) == len(log.steps)
        assert row.steps == sum(step.kind not in ("start", "end") for step in log.steps)
        for step, in_sql in zip(log.steps, found[row.session_id], strict=True):
            same_step(step, in_sql, seqs)


def test_steps_of_real_runs_are_the_same_in_sql(spool: Path, real_data: Path) -> None:
    from promptetheus.cli import main

    files = sorted((real_data / "tau-bench").rglob("*.json"))[:1]
    if not files:
        pytest.skip("no tau-bench results here")
    assert main(["import", str(files[0]), "--spool", str(spool)]) == 0
    check_steps(spool)


def test_json_columns_hold_json(spool: Path) -> None:
    a_session("a").calls("x", {"q": "é"}, result=[1, None]).write(spool)
    ((arguments, result),) = ask(spool, "select arguments, result from tool_calls")
    assert (json.loads(arguments), json.loads(result)) == ({"q": "é"}, [1, None])
