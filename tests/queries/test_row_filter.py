"""The filter of a query's rows: words of any column, columns by name, and not."""

from __future__ import annotations

from datetime import datetime

import pytest

from promptetheus.queries.row_filter import RowFilter

COLUMNS = ("session_id", "status", "dur", "tool", "started", "payload")
ROWS = (
    ("01M81", "failed", 2500, "search", datetime.fromisoformat("2026-11-20"), '{"status":"ok"}'),
    ("01M82", "passed", 900.5, "book a room", datetime.fromisoformat("2026-11-21"), 'say "hi"'),
    ("01M83", "crashed", None, None, None, "-40 degrees"),
)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "01M81 01M82 01M83"),
        ("SEARCH", "01M81"),
        ("-search", "01M82 01M83"),
        ("!search -crashed", "01M82"),
        ("status:failed", "01M81"),
        ("-status:failed", "01M82 01M83"),
        ("STATUS:=pass", ""),
        ("status:=passed", "01M82"),
        ("status!=passed", "01M81 01M83"),
        ("dur>1k", "01M81"),
        ("dur<1000", "01M82"),
        ("started>=2026-11-21", "01M82"),
        ('tool:"book a"', "01M82"),
        ('"a room"', "01M82"),
        ("passed room", "01M82"),
        ('"-40"', "01M83"),
        ("status:", "01M81 01M82 01M83"),
        ("-", "01M81 01M82 01M83"),
        ("nowhere:x", ""),
        ("tool:o -status:passed", ""),
    ],
)
def test_rows_are_narrowed_by_words_and_columns(text: str, found: str) -> None:
    wanted = RowFilter(text, COLUMNS)
    assert [row[0] for row in ROWS if wanted.matches(row)] == found.split()


def test_what_names_no_column_is_looked_for_as_it_is_typed() -> None:
    wanted = RowFilter("error:timeout", ("line",))
    assert wanted.matches(("an error:timeout again",)) and not wanted.matches(("timeout",))


def test_of_two_columns_of_a_name_the_first_is_meant() -> None:
    assert RowFilter("a:1", ("a", "A")).matches((1, 2))
