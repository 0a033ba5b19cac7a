from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptetheus.queries.filter import BadFilter, fields, parse_filter, read_filter
from promptetheus.queries.filter_terms import quoted
from promptetheus.queries.rows import SessionRow, Status
from promptetheus.queries.session_row import empty_row


@pytest.fixture
def row(tmp_path: Path) -> SessionRow:
    return a_row(tmp_path)


def a_row(folder: Path, **changes: Any) -> SessionRow:
    fields = {
        "status": Status.FAILED_GOAL, "agent": "browser-agent", "goal": "Book Tuesday at 2pm", "project": "shop",
        "environment": "staging", "tags": ("nightly", "eu west"), "duration_ms": 4200.0, "events": 30, "steps": 14,
        "errors": 2, "llm_calls": 3, "tool_calls": 2, "tools": {"search_calendar": 2}, "input_tokens": 3000,
        "types": {"error": 1, "tool_call": 2, "goal_check": 1}, "output_tokens": 1100, "cost_usd": 0.06,
        "scores": {"helpful": 0.4, "polite": True}, "fingerprint": "8ae0f41220d0", "size_bytes": 30_000,
        "label": "goal mismatch: selected wednesday", "error": "TimeoutError: 3 s",
        "metadata": {"task_id": 7, "Trial": "one of 4", "cached": True, "deep": {"task": 7}}, **changes,
    }  # fmt: skip
    folder.joinpath("01M8113M.jsonl").touch()
    path = folder / "01M8113M.jsonl"
    return dataclasses.replace(empty_row(path, path.stat()), **fields)


MATCHING = [
    "", "   ", "book", "BOOK tuesday", '"tuesday at"', "wednesday", "search_cal", "01M8", "nightly", "staging",
    "status:failed", "status:fail", "status:failing", 'status:"failed goal"', 'status:="failed goal"', "status:f",
    "-status:passed", "status!=passed", "agent:browser", "agent:=browser-agent",
    "tool:search", "fp:8ae0", "fingerprint:8ae0", "fp:wednesday", "type:error", "type:tool", "tag:nightly",
    'tag:"eu west"', "project:shop", "env:stag", "id:01m8", "error:timeout", "goal:tuesday",
    "dur>2s", "dur>4", "dur>4.1s", "dur<1m", "dur<=4200ms", "dur:4.2s", "took>2s", "dur>=0.07m",
    "tokens>4k", "tokens:4100", "tokens<5_000", "in>2.9k", "out<2k", "cost>0.05", "cost>$0.05", "errors>1",
    "steps:14", "calls=2", "llm>=3", "size>20kb", "score.helpful<0.5", "score.polite:1", "score.helpful:40%",
    "task:7", "task_id:7", "task:=7", "meta.task_id:7", "meta.Trial:one", 'meta.Trial:"of 4"', "meta.cached:true",
    "metadata.Trial:one", "-task:70",
    "-word", '-"book monday"', "-tag:flaky", "-dur>5s",
    "!word", '!"book monday"', "!tag:flaky", "!dur>5s", "dur>2s tokens>4k -cost>1 book",
]  # fmt: skip


@pytest.mark.parametrize("text", MATCHING)
def test_a_filter_that_fits_lets_the_session_through(row: SessionRow, text: str) -> None:
    found = parse_filter(text)
    assert found.matches(row)
    assert found.problems == ()
    assert bool(found) is bool(text.strip())


DIFFERING = [
    "monday", "book monday", '"book at"', "status:passed", "status:=failed", "status:crashed", "-status:failed",
    "-status:failing", 'status!="failed goal"', "agent:coder", "agent:=browser", "tool:pay", "fp:9", "type:metric",
    "task:1", "task:70", "-task:7", "meta.trial:one", "meta.deep:7", "meta.nothing:7", "meta.Trial:=one",
    "tag:flaky", "dur>5s", "dur<4s", "dur>1m", "dur:4s", "tokens>4.2k", "cost>0.07", "errors>2", "score.helpful>0.5",
    "score.unknown>0", "-book", "!book", "!agent:browser", '-"tuesday at"', "dur>2s tokens>9k", "-agent:browser",
]  # fmt: skip


@pytest.mark.parametrize("text", DIFFERING)
def test_a_filter_that_does_not_fit_hides_the_session(row: SessionRow, text: str) -> None:
    found = parse_filter(text)
    assert not found.matches(row)
    assert found.problems == ()


UNFINISHED = [
    "status:",
    "-status:",
    "!status:",
    "dur>",
    "-",
    "!",
    '"',
    'agent:"',
    "tag:",
    "score.helpful>",
    "tokens:",
]


@pytest.mark.parametrize("text", UNFINISHED)
def test_what_is_not_finished_hides_nothing(row: SessionRow, text: str) -> None:
    found = parse_filter(text)
    assert found.matches(row)
    assert found.problems == ()
    assert found.terms == ()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("status:purple", "no status is called purple"),
        ("dur>soon", "soon is not a number"),
        ("tokens>4x", "4x is not a number"),
        ("agnt:x", "did you mean agent?"),
        ("nofield>3", "nofield is not a field"),
        ("agent>3", "agent is no number, write agent:3"),
    ],
)
def test_what_is_not_understood_is_said_and_hides_nothing(row: SessionRow, text: str, said: str) -> None:
    found = parse_filter(f"{text} book")
    assert found.matches(row)
    (problem,) = found.problems
    assert said in problem
    assert [term.text for term in found.terms] == ["book"]


def test_words_that_hold_a_colon_are_words(tmp_path: Path) -> None:
    row = a_row(tmp_path, error="TypeError: see https://example.org/x")
    assert parse_filter("TypeError:").matches(row)
    assert parse_filter("https://example.org").matches(row)
    assert not parse_filter("https://example.com").matches(row)


def test_unknown_numbers_fit_no_comparison(tmp_path: Path) -> None:
    row = a_row(tmp_path, cost_usd=None, duration_ms=None, input_tokens=None, output_tokens=None)
    for text in ("cost<1", "cost>0", "dur<1h", "tokens<1", "cost!=1"):
        assert not parse_filter(text).matches(row)


def test_failed_while_typing_never_shows_less_than_it_will(row: SessionRow) -> None:
    word = "status:failing"
    for length in range(1, len(word) + 1):
        if ":" in word[:length]:
            assert parse_filter(word[:length]).matches(row), word[:length]


STEP = ("tool", "search_calendar", "search_calendar(day=Tuesday)", False, 2500.0)


@pytest.mark.parametrize(
    "text",
    [
        "", "tuesday", "tool:search", "type:tool", "type:tool_call", "type:error", "status:failed", "dur>2s",
        "error:search", "-tool:pay", "agent:whoever", "cost>100", "status:failed tuesday", "error", "Errors tuesday",
    ],
)  # fmt: skip
def test_a_filter_narrows_a_timeline_by_what_steps_have(text: str) -> None:
    assert parse_filter(text).matches_step(*STEP)


@pytest.mark.parametrize(
    "text", ["monday", "tool:pay", "type:llm", "status:passed", "dur>3s", "-tuesday", "model:gpt"]
)
def test_a_filter_hides_other_steps(text: str) -> None:
    assert not parse_filter(text).matches_step(*STEP)


def test_messages_checks_and_screenshots_are_found_by_type() -> None:
    for kind, text in (("user", "type:message"), ("check", "type:goal_check"), ("shot", "type:screenshot")):
        assert parse_filter(text).matches_step(kind, "", "", None, None)
        assert not parse_filter(text).matches_step("llm", "", "", None, None)


def test_error_is_a_word_of_steps_that_failed_and_of_those_that_say_it() -> None:
    wanted = parse_filter("error")
    assert wanted.matches_step("tool", "read", "no such file", False, None)
    assert wanted.matches_step("agent", "", "There was an error.", None, None)
    assert not wanted.matches_step("tool", "read", "42 lines", True, None)


def test_every_field_is_explained() -> None:
    assert all(name and explained for name, explained in fields())


@given(text=st.text(max_size=60))
def test_no_text_is_an_error(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    row = a_row(tmp_path_factory.getbasetemp())
    found = parse_filter(text)
    found.matches(row)
    found.matches_step(*STEP)
    for term in found.terms:
        assert text[term.start : term.start + len(term.text)] == term.text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("dur>abc", "abc is not a number"),
        ("dur>", "dur>: nothing stands behind it"),
        ("-", "-: nothing stands behind it"),
        ("stauts:failed", "stauts is not a field, did you mean status?"),
        ("foo:bar", "foo is not a field. There are status, agent, goal, task"),
        ("foo:bar", 'To look for the words: "foo:bar"'),
        ("status:bogus", "no status is called bogus. There are running, passed, failed goal"),
        ("book agent>3 dur>x", "agent is no number"),
    ],
)
def test_a_command_refuses_what_it_does_not_understand(text: str, said: str) -> None:
    with pytest.raises(BadFilter) as raised:
        read_filter(text)
    assert said in str(raised.value)


def test_a_command_hears_of_every_mistake_at_once() -> None:
    with pytest.raises(BadFilter) as raised:
        read_filter("book dur>abc foo:bar cost>")
    assert [line.partition(":")[0] for line in str(raised.value).splitlines()] == ["dur>abc", "foo", "cost>"]


@pytest.mark.parametrize("text", MATCHING)
def test_a_command_understands_what_fits(row: SessionRow, text: str) -> None:
    assert read_filter(text).matches(row)


def test_both_words_for_an_error_are_understood(tmp_path: Path) -> None:
    goal, error = a_row(tmp_path), a_row(tmp_path, status=Status.FAILED)
    found = {text: [parse_filter(text).matches(row) for row in (goal, error)] for text in (
        "status:failed", "status:error", "status:=failed", "status:=error", 'status:="failed goal"',
    )}  # fmt: skip
    assert found == {
        "status:failed": [True, True],
        "status:error": [False, True],
        "status:=failed": [False, True],
        "status:=error": [False, True],
        'status:="failed goal"': [True, False],
    }


@given(value=st.text(min_size=1, max_size=20))
def test_any_value_can_be_written(tmp_path_factory: pytest.TempPathFactory, value: str) -> None:
    folder = tmp_path_factory.getbasetemp()
    row, other = a_row(folder, agent=value), a_row(folder, agent=value + "x")
    text = f"agent:={quoted(value)}"
    found = read_filter(text)
    assert found.matches(row) and not found.matches(other), text


def test_quotes_and_backslashes_inside_a_value(tmp_path: Path) -> None:
    row = a_row(tmp_path, agent='the "best" one', goal="look into C:\\temp")
    assert parse_filter('agent:"the \\"best\\" one"').matches(row)
    assert parse_filter("goal:C:\\temp").matches(row)
    assert parse_filter('goal:"into C:\\\\temp"').matches(row)
