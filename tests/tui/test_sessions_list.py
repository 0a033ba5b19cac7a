"""The list behind the table: filter, order, counts. No widget takes part."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from promptetheus.queries.catalog import Catalog, SessionRow
from promptetheus.queries.filter import parse_filter
from promptetheus.queries.rows import Status, deferred_rows
from promptetheus.tui.sessions import session_list
from promptetheus.tui.sessions.session_columns import COLUMN
from promptetheus.tui.sessions.session_list import SessionList
from tests.tui.recorded import a_broken, a_failing, a_passing, a_running


@pytest.fixture
def rows(spool: Path) -> dict[str, SessionRow]:
    """Four sessions, oldest first: passing, failing, broken, running."""
    a_passing(spool, "passing", ago=400)
    a_failing(spool, "failing", ago=300)
    a_broken(spool, "broken", ago=200, agent="coder")
    a_running(spool, "running", ago=100)
    catalog = Catalog(spool)
    catalog.refresh()
    return {row.session_id: row for row in catalog.rows()}


@pytest.fixture
def sessions(rows: dict[str, SessionRow]) -> SessionList:
    """All four of them."""
    found = SessionList()
    found.update(rows.values())
    return found


def ids(sessions: SessionList) -> list[str]:
    return [row.session_id for row in sessions.visible]


def test_the_newest_session_comes_first(sessions: SessionList) -> None:
    assert ids(sessions) == ["running", "broken", "failing", "passing"]


def test_counts_take_in_what_the_filter_hides(sessions: SessionList) -> None:
    sessions.set_filter(parse_filter("agent:coder"))
    assert ids(sessions) == ["broken"]
    counts = sessions.counts()
    assert (counts.sessions, counts.running, counts.failing) == (4, 1, 2)


def test_nothing_leaves_the_list_before_a_filter_was_asked_about_all_of_it(
    sessions: SessionList, rows: dict[str, SessionRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_list, "FILTERED_AT_ONCE", 1)
    filtering = sessions.filtering(parse_filter("agent:coder"))
    next(filtering)
    sessions.take([], ["passing"])
    sessions.take([replace(rows["broken"], session_id="later")])
    assert ids(sessions) == ["running", "broken", "failing", "passing"]
    for _ in filtering:
        pass
    assert ids(sessions) == ["later", "broken"]


def test_the_filter_is_asked_again_about_rows_that_change(
    sessions: SessionList, rows: dict[str, SessionRow], spool: Path
) -> None:
    sessions.set_filter(parse_filter("status:passed"))
    assert ids(sessions) == ["passing"]
    spool.joinpath("running.jsonl").unlink()
    a_passing(spool, "running", ago=100)
    catalog = Catalog(spool)
    catalog.refresh()
    sessions.update(catalog.rows())
    assert ids(sessions) == ["running", "passing"]


def test_a_row_that_changes_in_place_is_the_new_one_and_one_that_changes_its_order_moves(
    sessions: SessionList, rows: dict[str, SessionRow]
) -> None:
    sessions.sort_by(COLUMN["steps"])
    before = ids(sessions)
    sessions.update([replace(rows["running"], agent="another")])
    assert ids(sessions) == before
    assert sessions.visible[before.index("running")].agent == "another"
    sessions.update([replace(rows["running"], steps=999)])
    assert ids(sessions)[0] == "running"


def test_a_removed_session_is_gone_from_everything(sessions: SessionList) -> None:
    sessions.update([], ["failing", "never there"])
    assert ids(sessions) == ["running", "broken", "passing"]
    assert sessions.counts().sessions == 3
    assert sessions.place_of("failing") is None


def test_rows_without_a_value_come_last_whichever_way_one_sorts(sessions: SessionList) -> None:
    sessions.sort_by(COLUMN["fails"])
    assert set(ids(sessions)[2:]) == {"running", "passing"}
    sessions.sort_by(COLUMN["fails"], descending=True)
    assert set(ids(sessions)[2:]) == {"running", "passing"}


def test_equal_values_stay_newest_first(sessions: SessionList) -> None:
    sessions.sort_by(COLUMN["agent"])
    assert ids(sessions) == ["running", "failing", "passing", "broken"]
    sessions.sort_by(COLUMN["started"], descending=False)
    assert ids(sessions) == ["passing", "failing", "broken", "running"]


def test_sessions_that_fail_alike_are_counted_and_uncounted(
    sessions: SessionList, rows: dict[str, SessionRow], spool: Path
) -> None:
    a_failing(spool, "failing again", ago=50)
    catalog = Catalog(spool)
    catalog.refresh()
    sessions.update(catalog.rows())
    fingerprint = rows["failing"].fingerprint
    assert sessions.repeats[fingerprint] == 2
    sessions.update([], ["failing again"])
    assert sessions.repeats[fingerprint] == 1


def test_columns_appear_with_the_first_value_for_them(spool: Path) -> None:
    a_running(spool, "bare")
    catalog = Catalog(spool)
    catalog.refresh()
    sessions = SessionList()
    sessions.update(catalog.rows())
    assert sessions.present == set()
    a_failing(spool, "full", tags=("smoke",))
    catalog.refresh()
    sessions.update(catalog.rows())
    assert {"tags", "tokens", "calls", "fails"} <= sessions.present


def test_every_place_is_where_its_row_is(sessions: SessionList) -> None:
    assert [sessions.place_of(session_id) for session_id in ids(sessions)] == [0, 1, 2, 3]


class Unread:
    """What works out the fields of rows that nobody should ask for."""

    def glance(self, _directory: str, _name: str, field: str) -> Any:
        raise AssertionError(f"asked for {field}")

    def row(self, _directory: str, name: str) -> SessionRow:
        raise AssertionError(f"worked out {name}")


def test_taking_in_many_asks_nothing_of_them_that_is_not_known_yet() -> None:
    names = [f"s{number}.jsonl" for number in range(3)]
    starts, statuses = [3.0, 1.0, 2.0], [Status.PASSED, Status.FAILED, Status.CRASHED]
    ids_of = [name.removesuffix(".jsonl") for name in names]
    sessions = SessionList()
    assert sessions.take(deferred_rows("spool", names, ids_of, starts, [Unread()] * 3, statuses))
    sessions.arrange()
    assert ids(sessions) == ["s0", "s2", "s1"]
    assert sessions.counts() == (3, 0, 2)
    assert not sessions.is_examined
    with pytest.raises(AssertionError, match="worked out"):
        sessions.examine(1)


def test_a_failure_that_was_counted_stays_so_until_its_row_is_examined_again(
    sessions: SessionList, rows: dict[str, SessionRow]
) -> None:
    fingerprint = rows["failing"].fingerprint
    assert sessions.repeats[fingerprint] == 1
    sessions.take([replace(rows["failing"], fingerprint="other")])
    assert (sessions.repeats[fingerprint], sessions.repeats["other"]) == (1, 0)
    while sessions.examine(1):
        pass
    assert (sessions.repeats[fingerprint], sessions.repeats["other"]) == (0, 1)


def test_a_session_that_went_before_it_was_examined_is_not_looked_for(
    sessions: SessionList, rows: dict[str, SessionRow]
) -> None:
    sessions.take([replace(rows["passing"], goal="another")])
    sessions.take((), ["passing"])
    assert sessions.is_examined
    assert not sessions.examine(10)
