"""Failures are told once, together, and only when they are news."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from promptetheus.queries.catalog import Catalog, SessionRow
from promptetheus.queries.rows import Status, took_text
from promptetheus.tui.failures.failure_news import QUIET_S, TOGETHER_S, FailureNews
from tests.tui.recorded import a_failing, a_passing, a_running


@pytest.fixture
def rows(spool: Path) -> dict[str, SessionRow]:
    """A failing, a passing and a running session, just written."""
    a_failing(spool, "failing")
    a_passing(spool, "passing")
    a_running(spool, "running")
    catalog = Catalog(spool)
    catalog.refresh()
    return {row.session_id: row for row in catalog.rows()}


class Clocks:
    """Both clocks, standing still until a test moves them."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clocks(rows: dict[str, SessionRow]) -> Clocks:
    """A second after the last write."""
    return Clocks(max(row.mtime for row in rows.values()) + 1)


@pytest.fixture
def news(clocks: Clocks) -> FailureNews:
    """Nothing told yet."""
    return FailureNews(clock=clocks, monotonic=clocks)


def test_a_session_that_starts_to_fail_is_news(news: FailureNews, rows: dict[str, SessionRow]) -> None:
    failed = replace(rows["failing"], session_id="running")
    assert news.take([failed], rows) == TOGETHER_S
    told = news.tell()
    assert told is not None
    assert "failed goal" in told.title and "booking-agent" in told.title
    assert "selected wednesday" in told.text


def test_a_session_that_was_failing_before_is_no_news(news: FailureNews, rows: dict[str, SessionRow]) -> None:
    assert news.take([rows["failing"]], rows) is None
    assert news.tell() is None


def test_a_session_that_passes_is_no_news(news: FailureNews, rows: dict[str, SessionRow]) -> None:
    assert news.take([rows["passing"]], {}) is None


def test_a_failure_that_appears_whole_is_news_while_it_is_fresh(
    news: FailureNews, rows: dict[str, SessionRow], clocks: Clocks
) -> None:
    clocks.now += 3600
    assert news.take([rows["failing"]], {}) is None
    clocks.now -= 3600
    assert news.take([rows["failing"]], {}) is not None


def test_imported_failures_are_no_news(news: FailureNews, rows: dict[str, SessionRow]) -> None:
    assert news.take([replace(rows["failing"], imported={"format": "tau-bench"})], {}) is None


def test_failures_that_come_together_are_one_message(news: FailureNews, rows: dict[str, SessionRow]) -> None:
    storm = [replace(rows["failing"], session_id=f"s{number}", label=f"way {number}") for number in range(40)]
    delays = [news.take([row], {}) for row in storm]
    assert delays[0] is not None
    assert set(delays[1:]) == {None}
    told = news.tell()
    assert told is not None
    assert told.title == "40 sessions failed"
    assert told.text.count("\n") == 3
    assert told.text.endswith("and 37 more")
    assert news.tell() is None


def test_failures_of_the_same_sort_are_one_line_with_their_number(
    news: FailureNews, rows: dict[str, SessionRow]
) -> None:
    news.take(
        [replace(rows["failing"], session_id=f"s{number}", label="wrong day") for number in range(9)], {}
    )
    news.take([replace(rows["failing"], session_id="other", label="no answer")], {})
    told = news.tell()
    assert told is not None
    assert told.title == "10 sessions failed"
    many, one = told.text.splitlines()
    assert many.endswith(" ×9: wrong day")
    assert one.endswith("no answer") and "×" not in one


def test_after_a_message_the_next_one_waits(
    news: FailureNews, rows: dict[str, SessionRow], clocks: Clocks
) -> None:
    news.take([rows["failing"]], {})
    news.tell()
    clocks.now += 2.0
    assert news.take([replace(rows["failing"], session_id="other")], {}) == QUIET_S - 2.0
    clocks.now += QUIET_S
    news.tell()
    clocks.now += QUIET_S
    assert news.take([replace(rows["failing"], session_id="third")], {}) == TOGETHER_S


def test_the_message_shows_nothing_raw(news: FailureNews, rows: dict[str, SessionRow]) -> None:
    hostile = replace(
        rows["failing"], agent="\x1b]0;pwned\x07", label="\u202eevil [/nope]", status=Status.CRASHED
    )
    news.take([hostile], {})
    told = news.tell()
    assert told is not None
    assert told.title.isprintable() and told.text.isprintable()
    assert "[/nope]" in told.text


def test_a_session_that_an_exception_ended_is_told_by_that_exception(
    rows: dict[str, SessionRow], clocks: Clocks
) -> None:
    raised = replace(
        rows["failing"],
        status=Status.FAILED,
        error='Traceback (most recent call last):\n  File "a.py", line 1\nTypeError: no such day',
        label="error fast / session failed",
    )
    news = FailureNews(clock=clocks, monotonic=clocks)
    news.take([raised], {"failing": rows["running"]})
    told = news.tell()
    assert told is not None and told.text == "TypeError: no such day"
    news.take([replace(raised, label="TypeError: no such day in search")], {"failing": rows["running"]})
    told = news.tell()
    assert told is not None and told.text == "TypeError: no such day in search", "it is named already"


def test_a_crashed_session_took_at_least_what_is_known_and_nothing_is_invented(
    rows: dict[str, SessionRow],
) -> None:
    crashed = replace(rows["running"], status=Status.CRASHED, duration_ms=2_600.0)
    assert took_text(crashed, 0.0) == "≥2.6s"
    for began_ms in (None, 0.0, 0.3, 8.0):
        started = replace(crashed, duration_ms=began_ms)
        assert took_text(started, 0.0) == "–", "its first events say nothing of how long it went on"
    assert took_text(replace(crashed, status=Status.PASSED), 0.0) == "2.6s"
