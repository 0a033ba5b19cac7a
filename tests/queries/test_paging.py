from __future__ import annotations

import json
from pathlib import Path

import pytest

from promptetheus.cli import main
from promptetheus.queries.catalog import Catalog
from promptetheus.queries.ordering import NEWEST_FIRST, BadOrder, Order, in_order, parse_order
from promptetheus.queries.paging import BadCursor, page
from promptetheus.queries.spools import Spools
from tests.builders import a_session


@pytest.fixture
def seven(spool: Path) -> Path:
    """Sessions that began one after another, two of them at the same time."""
    for number in range(7):
        session = a_session(f"s{number}")
        session.events[0]["timestamp"] = f"2026-11-18T10:00:0{max(number, 1)}Z"
        session.write(spool)
    return spool


def sessions(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = main(["sessions", *(str(word) for word in words)])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_pages_together_are_the_list_and_nothing_comes_twice(seven: Path) -> None:
    catalog = Catalog(seven)
    catalog.refresh()
    found: list[str] = []
    cursor = None
    for _ in range(4):
        rows, cursor = page(catalog.rows(), 2, cursor)
        found += [row.session_id for row in rows]
    assert cursor is None
    assert found == ["s6", "s5", "s4", "s3", "s2", "s0", "s1"]


def test_new_sessions_do_not_shift_the_pages(seven: Path) -> None:
    catalog = Catalog(seven)
    catalog.refresh()
    first = page(catalog.rows(), 3)
    later = a_session("new")
    later.events[0]["timestamp"] = "2026-11-18T11:00:00Z"
    later.write(seven)
    (seven / "s4.jsonl").unlink()  # the last of the first page
    catalog.refresh()
    second = page(catalog.rows(), 3, first.next_cursor)
    assert [row.session_id for row in second.rows] == ["s3", "s2", "s0"]


@pytest.mark.parametrize("cursor", ["", "x", "bnVsbA", "WzEsMl0", "é"])
def test_a_made_up_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(BadCursor):
        page([], 2, cursor)


def test_the_command_gives_pages(capsys: pytest.CaptureFixture[str], seven: Path) -> None:
    _, out, _ = sessions(capsys, "--spool", seven, "--limit", 5, "--json")
    found = json.loads(out)
    assert [row["session_id"] for row in found["sessions"]] == ["s6", "s5", "s4", "s3", "s2"]
    _, out, err = sessions(capsys, "--spool", seven, "--limit", 5, "--after", found["next_cursor"])
    assert (out, err) == ("  s0: 1 event(s)\n  s1: 1 event(s)\n", "")
    _, out, err = sessions(capsys, "--spool", seven, "--limit", 5)
    assert err == f"2 more; --limit all shows all, --cursor {found['next_cursor']} goes on.\n"
    code, _, err = sessions(capsys, "--spool", seven, "--after", "nonsense")
    assert code == 2
    assert "is no cursor" in err


def test_several_spools_are_one_list(capsys: pytest.CaptureFixture[str], seven: Path, tmp_path: Path) -> None:
    middle = a_session("middle")
    middle.events[0]["timestamp"] = "2026-11-18T10:00:04.5Z"
    middle.write(tmp_path / "other")
    words = ("--spool", seven, "--spool", tmp_path / "other", "--spool", tmp_path / "missing")
    _, out, _ = sessions(capsys, *words, "--json", "--limit", 4)
    assert [row["session_id"] for row in json.loads(out)["sessions"]] == ["s6", "s5", "middle", "s4"]


def sorted_ids(spool: Path, order: str) -> list[str]:
    catalog = Catalog(spool)
    catalog.refresh()
    return [row.session_id for row in in_order(catalog.rows(), parse_order(order))]


def test_lists_are_sorted_by_any_column_and_unknown_values_come_last(spool: Path) -> None:
    a_session("a", agent="Zoe").says("x").says("y").ends().write(spool)
    a_session("b", agent="adam").event("llm_call", {"model": "m", "input_tokens": 5}).ends().write(spool)
    a_session("c", agent="adam").event("llm_call", {"model": "m", "input_tokens": 9}).ends().write(spool)
    assert sorted_ids(spool, "steps:desc") == ["a", "b", "c"]
    assert sorted_ids(spool, "agent") == ["b", "c", "a"]
    assert sorted_ids(spool, "agent:desc") == ["a", "b", "c"]
    assert sorted_ids(spool, "tokens") == ["b", "c", "a"]
    assert sorted_ids(spool, "tokens:desc") == ["c", "b", "a"]
    assert sorted_ids(spool, "id:desc") == ["c", "b", "a"]
    assert sorted_ids(spool, "score.none") == ["a", "b", "c"]


def test_the_default_order_is_newest_first(seven: Path) -> None:
    catalog = Catalog(seven)
    catalog.refresh()
    assert in_order(catalog.rows(), NEWEST_FIRST) == catalog.rows()


@pytest.mark.parametrize("order", ["steps", "steps:desc", "agent:desc", "tokens", "started", "score.x:desc"])
def test_pages_in_any_order_are_the_whole_list(spool: Path, tmp_path: Path, order: str) -> None:
    for number in range(11):
        session = a_session(f"s{number:02}", agent=f"agent {number % 3}")
        for _ in range(number % 4):
            session.says("x")
        if number % 2:
            session.event("llm_call", {"model": "m", "input_tokens": number % 5})
            session.event("score", {"name": "x", "value": number % 3})
        session.write(spool)
        if number < 3:
            session.write(tmp_path / "other")
    spools = Spools([spool, tmp_path / "other"])
    spools.refresh()
    wanted = parse_order(order)
    rows = in_order(spools.rows(), wanted)
    found, cursor = [], None
    while True:
        shown = page(rows, 2, cursor, wanted)
        found += shown.rows
        cursor = shown.next_cursor
        if cursor is None:
            break
    assert found == rows and len(rows) == 14


def test_a_cursor_of_another_order_is_refused(seven: Path) -> None:
    catalog = Catalog(seven)
    catalog.refresh()
    cursor = page(catalog.rows(), 2).next_cursor
    with pytest.raises(BadCursor, match="sorted by started:desc, not steps:asc"):
        page(catalog.rows(), 2, cursor, parse_order("steps"))


def test_a_column_that_is_none_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(
        BadOrder, match=r"'agnt' is no column.* Did you mean agent\? There are started, ended"
    ):
        parse_order("agnt")
    with pytest.raises(BadOrder):
        parse_order("")
    assert parse_order("took:DESC") == Order("dur", True)


def test_the_command_sorts_and_goes_on(capsys: pytest.CaptureFixture[str], seven: Path) -> None:
    words = ("--spool", seven, "--sort", "id", "--limit", 3)
    _, out, err = sessions(capsys, *words)
    assert out.split()[::3] == ["s0:", "s1:", "s2:"]
    cursor = err.split("--cursor ")[1].split()[0]
    _, out, _ = sessions(capsys, *words, "--cursor", cursor)
    assert out.split()[::3] == ["s3:", "s4:", "s5:"]
    code, _, err = sessions(capsys, "--spool", seven, "--sort", "nonsense")
    assert code == 2 and "is no column to sort by" in err
    code, _, err = sessions(capsys, "--spool", seven, "--cursor", cursor)
    assert code == 2 and "belongs to a list sorted by id:asc" in err
