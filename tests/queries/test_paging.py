from __future__ import annotations

import json
from pathlib import Path

import pytest

from promptetheus.cli import main
from promptetheus.queries.catalog import Catalog
from promptetheus.queries.paging import BadCursor, page
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
