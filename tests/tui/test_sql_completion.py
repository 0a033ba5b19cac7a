"""What completion offers at a place of a query, and how queries are kept in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptetheus.queries.query_file import NamedQuery, examples, format_queries, parse_queries
from promptetheus.queries.views import VIEW_NAMES
from promptetheus.tui.sql.completion import complete_sql
from promptetheus.tui.sql.query_book import HISTORY_FILE, MOST_REMEMBERED, QueryBook
from promptetheus.tui.sql.result_cells import cell_text, grid_columns, place_columns
from promptetheus.tui.sql.words import WordKind, words


def offered(sql: str, **values: list[str]) -> list[str]:
    """`|` is the cursor."""
    offset = sql.index("|")
    return [each.text for each in complete_sql(sql.replace("|", ""), offset, values).candidates]


def test_after_from_views_are_offered_before_anything_is_typed() -> None:
    assert offered("select * from |")[: len(VIEW_NAMES)] == list(VIEW_NAMES)
    assert offered("select * from sessions join |")[0] == "events"


def test_columns_of_the_views_in_the_query_come_first() -> None:
    assert offered("select sta| from sessions")[:2] == ["status", "started"]
    assert offered("select too| from tool_calls")[0] == "tool"


def test_an_alias_stands_for_its_view() -> None:
    found = offered("select * from sessions s join tool_calls as t using (session_id) where t.|")
    assert "arguments" in found and "goal" not in found


def test_values_complete_inside_quotes() -> None:
    assert offered("from sessions where status = 'fa|") == ["failed goal'", "failed'"]
    assert offered("from sessions where status in ('passed', 'cr|") == ["crashed'"]
    assert offered("from sessions where agent = 'o|", agent=["o'neill", "other"]) == ["o''neill'", "other'"]


@pytest.mark.parametrize("sql", ["-- from |", "select 'from |' ", "select 1|", "/* from |"])
def test_nothing_is_offered_in_comments_strings_and_numbers(sql: str) -> None:
    assert offered(sql) == []


def test_words_of_a_query_are_told_apart() -> None:
    kinds = {word.text: word.kind for word in words("select goal, 'x' from sessions -- why\nlimit 5")}
    assert kinds == {
        "select": WordKind.KEYWORD, "goal": WordKind.NAME, "'x'": WordKind.LITERAL, "from": WordKind.KEYWORD,
        "sessions": WordKind.VIEW, "-- why": WordKind.COMMENT, "limit": WordKind.KEYWORD, "5": WordKind.LITERAL,
    }  # fmt: skip


def test_kept_queries_are_a_file_that_people_can_edit() -> None:
    queries = [NamedQuery("one", "select 1\n-- a comment inside\nfrom x"), NamedQuery("two", "select 2")]
    assert parse_queries(format_queries(queries)) == queries
    assert parse_queries("-- a\nselect 1;\n\n-- a\nselect 2") == [NamedQuery("a", "select 2")]
    assert parse_queries("no query here") == []
    assert len(examples()) >= 10


def test_history_keeps_each_query_once_and_outlives_damage(tmp_path: Path) -> None:
    book = QueryBook(tmp_path / "spool")
    for number in range(MOST_REMEMBERED + 5):
        book.remember(f"select {number}")
    book.remember("select 7")
    found = book.history()
    assert found[:2] == ["select 7", f"select {MOST_REMEMBERED + 4}"] and len(found) == MOST_REMEMBERED
    path = tmp_path / HISTORY_FILE
    path.write_bytes(b'\xff{{\n"select 1"\n[1]\n')
    assert book.history() == ["select 1"]


def test_columns_share_the_room_that_there_is() -> None:
    columns = grid_columns(["id", "long"], ["BIGINT", "VARCHAR"], [(1, "x" * 300), (123456, "y")])
    assert [(each.wanted, each.right) for each in columns] == [(6, True), (200, False)]
    placed = place_columns(columns, 0, 80)
    assert [each.width for each in placed] == [6, 72]
    assert [each.column.name for each in place_columns(columns, 1, 10)] == ["long"]
    assert [each.column.name for each in place_columns(columns, 0, 9)] == ["id"]


def test_a_cell_is_one_line_whatever_is_in_it() -> None:
    assert cell_text("a\nb\x1b[0m") == "a⏎b␛[0m"
    assert cell_text(None) == "–" and cell_text(True) == "true" and cell_text(0.1 + 0.2) == "0.3"
    assert len(cell_text("x" * 1_000_000, 50)) == 50
