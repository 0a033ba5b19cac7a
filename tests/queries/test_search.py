"""Searching payloads: every way in which JSON may write a text is found, and nothing else."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptetheus.encoding import encode_line
from promptetheus.queries.catalog import Catalog
from promptetheus.queries.filter import parse_filter
from promptetheus.queries.needle import BadPattern, Needle
from promptetheus.queries.search import Hit, search
from tests.builders import a_failing_booking, a_passing_booking, a_session
from tests.queries.written import append, line, write_sealed


def find(spool: Path, text: str, only: str = "", **how: bool) -> list[Hit]:
    return list(search(Catalog(spool), Needle(text, **how), only=parse_filter(only)))


def test_a_hit_names_session_event_step_and_place(spool: Path) -> None:
    write_sealed(spool, a_failing_booking("a"))
    first, *_ = find(spool, "TUESDAY 2pm", case=False)
    assert (first.session_id, first.path.name) == ("a", "a.jsonl")
    hits = find(spool, "Tuesday 3pm")
    assert [(hit.type, hit.kind, hit.field) for hit in hits] == [("tool_result", "tool", "payload.result[1]")]
    (hit,) = hits
    assert (hit.number, hit.seq, hit.step) == (3, 3, 2)
    assert hit.snippet[hit.start : hit.end] == "Tuesday 3pm"


def test_case_matters_only_when_asked(spool: Path) -> None:
    a_session("a").says("No Seats left").write(spool)
    assert len(find(spool, "no seats")) == 1
    assert find(spool, "no seats", case=True) == []
    assert len(find(spool, "No Seats", case=True)) == 1


@pytest.mark.parametrize(
    "text",
    ['say "yes"', "two\nlines", "back\\slash", "Größe", "日本語", "tab\there", "a/b", "it's <b>", "🔥", "ß"],
)
@pytest.mark.parametrize("escaped", [False, True])
def test_text_is_found_however_json_writes_it(spool: Path, text: str, escaped: bool) -> None:
    spool.mkdir()
    event = {
        "type": "agent_message",
        "session_id": "a",
        "seq": 0,
        "timestamp": "2026-11-18T10:00:00Z",
        "idempotency_key": "a:0:0",
        "payload": {"content": f"before {text} after"},
    }
    written = json.dumps(event).replace("/", "\\/").encode() + b"\n" if escaped else encode_line(event)
    (spool / "a.jsonl").write_bytes(written)
    for case in (False, True):
        (hit,) = find(spool, text, case=case)
        assert hit.snippet[hit.start : hit.end] == text
    assert find(spool, text + "nowhere") == []


@given(st.text(min_size=1, max_size=12), st.text(max_size=8), st.text(max_size=8), st.booleans())
def test_the_quick_look_misses_nothing(text: str, before: str, after: str, case: bool) -> None:
    payload = {"content": before + text + after}
    data = encode_line({"payload": payload})
    read = json.loads(data)["payload"]["content"]
    needle = Needle(text, case=case)
    if text in read:
        assert list(needle.lines(data)) == [(0, len(data) - 1)]
        assert needle.match({"payload": payload}) is not None


def test_names_of_fields_and_numbers_are_searched_too(spool: Path) -> None:
    a_session("a").event("tool_call", {"tool_name": "t", "arguments": {"party_size": 4711}}).write(spool)
    assert [hit.field for hit in find(spool, "party_size")] == ["payload.arguments.party_size"]
    assert [hit.snippet for hit in find(spool, "471")] == ["4711"]


def test_what_surrounds_the_payload_is_not_searched(spool: Path) -> None:
    write_sealed(spool, a_session("needle").says("hay").ends())
    assert find(spool, "needle") == []
    assert find(spool, "agent_message") == []
    assert find(spool, "spool_bytes") == []


def test_a_regular_expression_sees_the_text_itself(spool: Path) -> None:
    session = a_session("a").says('HTTP 503 "busy"\nline two').says("HTTP 200")
    write_sealed(spool, session.ends())
    assert [hit.seq for hit in find(spool, r"http 5\d\d", regex=True)] == [1]
    assert [hit.seq for hit in find(spool, r'"busy"\nline', regex=True)] == [1]
    assert [hit.seq for hit in find(spool, r"HTTP (503|200)", regex=True, case=True)] == [1, 2]
    assert [hit.seq for hit in find(spool, r"^line", regex=True)] == []


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (r"colou?r", "color"), (r"a|b", "b"), (r"(?i:X)y", "xy"), (r"x{0}y", "y"), (r"(abc)?d", "d"),
        (r"[]x]y", "]y"), (r"\x41b", "Ab"), (r"a.c", "abc"), (r"ab*c", "ac"), (r"\bend", "the end"),
        (r"q(?=u)u", "qu"), (r"[^]a]b", "cb"), (r"ab{0,2}c", "ac"), (r"a\.b", "a.b"), (r".", "z"),
        (r"\u00e9t", "ét"), (r"(a(b|c))*d", "d"), (r"x+", "xx"),
    ],
)  # fmt: skip
def test_no_pattern_is_missed_by_the_quick_look(spool: Path, pattern: str, text: str) -> None:
    a_session("a", agent="", goal="").says(text).write(spool)
    assert 1 in [hit.seq for hit in find(spool, pattern, regex=True)]


@pytest.mark.parametrize(("text", "regex"), [("", False), ("(", True), ("[a", True), ("*", True)])
def test_what_cannot_be_searched_for_says_so(text: str, regex: bool) -> None:
    with pytest.raises(BadPattern):
        Needle(text, regex=regex)


def test_only_sessions_that_pass_the_filter_are_searched(spool: Path) -> None:
    write_sealed(spool, a_failing_booking("failed"))
    write_sealed(spool, a_passing_booking("passed"))
    assert {hit.session_id for hit in find(spool, "search_calendar")} == {"failed", "passed"}
    assert {hit.session_id for hit in find(spool, "search_calendar", "status:failed")} == {"failed"}


def test_hits_come_as_they_are_found(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from promptetheus.queries import search as search_module

    for number in range(100):
        a_session(f"s{number}").says("needle").write(spool)
    searched: list[str] = []
    real = search_module._candidates

    def noting(path: str, *rest: Any) -> Iterator[tuple[int, bytes]]:
        searched.append(path)
        return real(path, *rest)

    monkeypatch.setattr(search_module, "_candidates", noting)
    hits = search(Catalog(spool), Needle("needle"))
    next(hits)
    assert len(searched) == 1


def test_a_search_can_be_stopped(spool: Path) -> None:
    for number in range(10):
        a_session(f"s{number}").says("needle").write(spool)
    asked = count()
    assert len(list(search(Catalog(spool), Needle("needle"), stopped=lambda: next(asked) == 3))) == 3


def test_a_stopped_search_leaves_a_long_session(spool: Path) -> None:
    session = a_session("long")
    for _ in range(200):
        session.says("needle " + "hay " * 10_000)
    session.write(spool)
    asked = count()
    found = list(search(Catalog(spool), Needle("needle"), stopped=lambda: next(asked) == 3))
    assert 3 <= len(found) < 150


def test_long_sessions_are_searched_in_pieces(spool: Path) -> None:
    session = a_session("long")
    for number in range(120):
        session.says(f"{'hay ' * 10_000} needle-{number}.")
    path = session.write(spool)
    assert path.stat().st_size > 4_500_000
    assert [hit.seq for hit in find(spool, "needle-")] == list(range(1, 121))
    (hit,) = find(spool, "needle-77.")
    assert (hit.number, hit.step) == (78, 78)
    assert len(hit.snippet) < 200


def test_garbage_and_files_that_vanish_are_no_error(spool: Path) -> None:
    path = a_session("a").says("needle one").write(spool)
    append(path, b'needle {"payload": "needle"\n\xff needle \xff\n' + line("a", 9, content="needle two"))
    append(path, b'{"type":"agent_message","session_id":"a","payload":{"content":"needle torn')
    assert [hit.snippet for hit in find(spool, "needle")] == ["needle one", "needle two"]
    hits = search(Catalog(spool), Needle("needle"))
    a_session("b").says("needle").write(spool)
    next(hits)
    for file in spool.iterdir():
        file.unlink()
    assert len(list(hits)) <= 2


def test_deeply_nested_values_are_searched_without_recursion(spool: Path) -> None:
    deep: Any = "needle"
    for _ in range(60):
        deep = [deep]
    a_session("a").event("tool_call", {"tool_name": "t", "arguments": {"x": deep}}).write(spool)
    (hit,) = find(spool, "needle")
    assert hit.field == "payload.arguments.x" + "[0]" * 60


def test_a_text_that_stands_nowhere_costs_no_parsing(spool: Path) -> None:
    session = a_session("a")
    for _ in range(20_000):
        session.says("hay " * 20)
    write_sealed(spool, session.ends())
    Catalog(spool).refresh()
    started = time.process_time()
    assert find(spool, "needle") == []
    assert time.process_time() - started < 0.5
