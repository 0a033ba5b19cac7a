"""A regular expression that never ends ends, and what was found before is there."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from promptetheus.queries.bounded_search import SearchGivenUp, search_spools
from promptetheus.queries.filter import parse_filter
from promptetheus.queries.needle import BadPattern
from tests.builders import a_session


def children() -> set[int]:
    found = set()
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat", "rb") as file:
                fields = file.read().rpartition(b")")[2].split()
        except (OSError, ValueError):
            continue
        if name.isdigit() and int(fields[1]) == os.getpid() and fields[0] != b"Z":
            found.add(int(name))
    return found


def test_a_pattern_that_takes_for_ever_is_given_up_after_the_hits_before_it(spool: Path) -> None:
    before = children()
    hostile = a_session("hostile").says("a" * 60 + "!").write(spool)
    os.utime(hostile, (1, 1))  # the oldest file is searched last
    a_session("plain").says("aaa").write(spool)
    hits = search_spools(spool, "(a+)+$", regex=True, patience_s=1.0)
    assert next(hits).session_id == "plain"
    with pytest.raises(SearchGivenUp, match="more than 1 s on a text in session hostile"):
        for hit in hits:
            assert hit.session_id == "plain"
    assert children() <= before


def test_hits_of_a_pattern_are_those_of_the_plain_search(spool: Path) -> None:
    a_session("a", agent="x").calls("search", {"day": "Tuesday"}, result=["Tuesday 2pm"]).write(spool)
    a_session("b", agent="y").says("on tuesday").write(spool)
    for case in (False, True):
        plain = list(search_spools(spool, "Tuesday", case=case))
        assert list(search_spools(spool, "Tues(day)", regex=True, case=case)) == plain
        assert len(plain) == (5 if not case else 4)
    only = parse_filter("agent:=y")
    assert [hit.session_id for hit in search_spools(spool, "t.esday", regex=True, only=only)][-1:] == ["b"]


def test_a_search_can_be_left_and_stopped(spool: Path) -> None:
    before = children()
    for number in range(20):
        a_session(f"s{number}").says("needle").write(spool)
    hits = search_spools(spool, "needl.", regex=True)
    next(hits)
    hits.close()  # type: ignore[attr-defined]
    assert children() <= before
    asked: list[float] = []

    def stopped() -> bool:
        asked.append(time.monotonic())
        return len(asked) > 5

    assert len(list(search_spools(spool, "needl.", regex=True, stopped=stopped))) < 20
    assert children() <= before
    assert list(search_spools([spool, spool / "x"], "needle", stopped=lambda: True)) == []


@pytest.mark.parametrize(("text", "regex"), [("", False), ("", True), ("(", True), ("a{2,1}", True)])
def test_what_is_no_pattern_is_refused_before_anything_is_read(
    tmp_path: Path, text: str, regex: bool
) -> None:
    with pytest.raises(BadPattern):
        search_spools(tmp_path, text, regex=regex)
