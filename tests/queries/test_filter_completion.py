"""What completes a filter: fields with what they mean, values with counts, limits that tell sessions apart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from promptetheus.cause.steps import Step, StepKind
from promptetheus.queries.filter import parse_filter
from promptetheus.queries.filter_completion import (
    Candidate,
    Occurring,
    candidates,
    complete,
    completed_field,
    problems_in,
)
from promptetheus.queries.filter_listed import Listed, ListedSessions, ListedSteps, ListedWords
from promptetheus.queries.rows import SessionRow
from tests.queries.test_filter import a_row


@pytest.fixture
def rows(tmp_path: Path) -> list[SessionRow]:
    return [
        a_row(tmp_path),
        a_row(tmp_path, agent="coder", duration_ms=70_000.0),
        a_row(tmp_path, agent="coder", tags=(), errors=0),
    ]


def offered(
    text: str, listed: Listed, *, cursor: int | None = None, everything: bool = False
) -> list[Candidate]:
    place = len(text) if cursor is None else cursor
    field = completed_field(text, place, listed)
    occurring = Occurring(listed, field) if field else None
    while occurring is not None and occurring.count():
        pass
    return candidates(text, place, listed, occurring, everything=everything)


def texts(text: str, rows: Sequence[SessionRow]) -> list[str]:
    return [each.text for each in offered(text, ListedSessions(lambda: rows))]


def test_a_field_completes_with_what_it_means(rows: list[SessionRow]) -> None:
    assert offered("sta", ListedSessions(lambda: rows)) == [
        Candidate("status:", "running, passed, failed, failed goal, crashed, completed, empty, failing")
    ]
    assert texts("to", rows) == ["tool:", "tokens>"]
    assert texts("book -ta", rows) == ["-task:", "-tag:"]
    assert texts("!ta", rows) == ["!task:", "!tag:"]
    assert texts("score.h", rows) == ["score.helpful>"]
    assert texts("meta.T", rows) == ["meta.Trial:", "meta.task_id:"]


def test_values_complete_with_how_often_they_occur(rows: list[SessionRow]) -> None:
    found = offered("agent:", ListedSessions(lambda: rows))
    assert found == [Candidate("agent:coder", count=2), Candidate("agent:browser-agent", count=1)]
    assert texts("book agent:br", rows) == ["agent:browser-agent"]
    assert texts("!agent:br", rows) == ["!agent:browser-agent"]
    assert texts("agent:=cod", rows) == ["agent:=coder"]
    assert texts("-tag:eu", rows) == ['-tag:"eu west"']
    assert texts("task:", rows) == ["task:7"]


def test_every_status_is_offered_and_failing_counts_them_together(rows: list[SessionRow]) -> None:
    found = {each.text: each.count for each in offered("status:", ListedSessions(lambda: rows))}
    assert found["status:failing"] == 3
    assert found['status:"failed goal"'] == 3
    assert found["status:running"] == 0


def test_the_count_of_a_status_is_what_it_lets_through(rows: list[SessionRow]) -> None:
    loose = {each.text: each.count for each in offered("status:f", ListedSessions(lambda: rows))}
    exact = {each.text: each.count for each in offered("status:=f", ListedSessions(lambda: rows))}
    assert loose["status:failed"] == 3
    assert exact["status:=failed"] == 0 and exact['status:="failed goal"'] == 3


def test_a_limit_completes_with_round_numbers_that_tell_sessions_apart(rows: list[SessionRow]) -> None:
    found = offered("dur>", ListedSessions(lambda: rows))
    assert found == [Candidate("dur>5s", count=1)]
    for each in offered("dur<", ListedSessions(lambda: rows)):
        assert sum(parse_filter(each.text).matches(row) for row in rows) == each.count
    assert texts("errors>", rows) == ["errors>0"]
    assert texts("score.helpful>", rows) == []


def test_nothing_is_offered_before_anything_is_typed_unless_asked(rows: list[SessionRow]) -> None:
    listed = ListedSessions(lambda: rows)
    assert offered("", listed) == []
    assert offered("book ", listed) == []
    everything = [each.text for each in offered("book ", listed, everything=True)]
    assert everything[0] == "status:" and "dur>" in everything and everything[-1] == "meta."
    assert all(each.note for each in offered("", listed, everything=True))


def test_what_stands_there_already_is_not_offered(rows: list[SessionRow]) -> None:
    assert texts("agent:coder", rows) == []
    assert texts("status:", []) != []


def test_a_field_that_is_none_completes_to_the_one_that_was_meant(rows: list[SessionRow]) -> None:
    listed = ListedSessions(lambda: rows)
    assert texts("-stauts:failed", rows)[0] == "-status:failed"
    stauts, soon = problems_in("stauts:failed dur>soon", listed)
    assert stauts.startswith("stauts:failed: stauts is not a field, did you mean status?")
    assert soon.startswith("dur>soon: soon is not a number")
    assert problems_in("status:failed TypeError:", listed) == ()


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("state:new", []),  # neither a status nor a number of steps
        ("state:pas", ["status:pas"]),
        ("statuss:bogus", []),
        ("durr>2s", ["dur>2s"]),
        ("durr>soon", []),
        ("agnet>coder", ["agent:coder"]),
        ("-status>pass", ["-status:passed"]),
        ("agent>cod", ["agent:coder"]),
        (
            "status:=fail",
            ["status:=failed", 'status:="failed goal"'],
        ),  # `=` means one status, failing are several
    ],
)
def test_only_what_would_be_understood_is_offered(
    rows: list[SessionRow], typed: str, expected: list[str]
) -> None:
    listed = ListedSessions(lambda: rows)
    assert sorted(texts(typed, rows)) == sorted(expected)
    assert not [problem for text in texts(typed, rows) for problem in problems_in(text, listed)]


def test_a_list_of_steps_offers_what_narrows_steps() -> None:
    steps = [
        Step(1, StepKind.TOOL, "search", [1], 0.0, 100.0, ok=True),
        Step(2, StepKind.TOOL, "search", [2], 1.0, 3000.0, ok=False),
        Step(3, StepKind.LLM, "gpt-5", [3], 2.0),
    ]
    listed = ListedSteps(lambda: steps)
    assert offered("tool:", listed) == [Candidate("tool:search", count=2)]
    assert offered("model:", listed) == [Candidate("model:gpt-5", count=1)]
    assert [(each.text, each.count) for each in offered("type:", listed)] == [
        ("type:tool", 2), ("type:error", 1), ("type:llm", 1),
    ]  # fmt: skip
    assert [each.text for each in offered("status:", listed)] == ["status:failed", "status:passed"]
    assert [each.text for each in offered("", listed, everything=True)][:2] == ["status:", "tool:"]
    assert offered("agent:", listed) == offered("tokens>", listed) == []
    assert "agent is about sessions" in problems_in("agent:coder", listed)[0]


def test_a_list_that_knows_only_words_offers_no_field() -> None:
    assert offered("sta", ListedWords()) == offered("", ListedWords(), everything=True) == []
    assert "words alone" in problems_in("tool:x", ListedWords())[0]


def test_a_candidate_replaces_the_term_under_the_cursor(rows: list[SessionRow]) -> None:
    assert complete("book agent:br -x", 13, "agent:browser-agent") == ("book agent:browser-agent -x", 24)
    assert complete("", 0, "status:") == ("status:", 7)
    listed = ListedSessions(lambda: rows)
    assert [each.text for each in offered("book agent:br -x", listed, cursor=13)] == ["agent:browser-agent"]


@given(value=st.text(min_size=1, max_size=20) | st.text('=\\\\"! a:<>-', min_size=1, max_size=6))
@example(value="=0")
def test_any_value_is_offered_so_that_it_can_be_taken(
    tmp_path_factory: pytest.TempPathFactory, value: str
) -> None:
    row = a_row(tmp_path_factory.getbasetemp(), agent=value)
    (text,) = texts("agent:", [row])
    assert parse_filter(text).matches(row)


@given(text=st.text(max_size=60), cursor=st.integers(0, 60))
def test_no_text_is_an_error(tmp_path_factory: pytest.TempPathFactory, text: str, cursor: int) -> None:
    row = a_row(tmp_path_factory.getbasetemp())
    for listed in (ListedSessions(lambda: [row]), ListedSteps(list), ListedWords()):
        problems_in(text, listed)
        for each in offered(text, listed, cursor=cursor, everything=True):
            complete(text, cursor, each.text)
