"""A session's file while it is read for the screen."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from promptetheus.queries.session_log import Growth, SessionLog
from promptetheus.tui.session.log_tail import AT_ONCE, LogTail, Update, portions
from tests.tui.recorded import a_running


async def _next(tail: LogTail) -> Update:
    async for update in tail.updates():
        if update.complete:
            return update
    raise AssertionError("it stopped")


async def test_the_numbers_are_those_of_the_rows_although_more_is_written_meanwhile(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = a_running(spool, "01RUNS").tool("search", {}, 1)
    poll = SessionLog.poll

    def poll_while_it_grows(log: SessionLog, max_bytes: int | None = None) -> Growth:
        growth = poll(log, max_bytes)
        run.tool("late", {}, 2)
        return growth

    monkeypatch.setattr(SessionLog, "poll", poll_while_it_grows)
    tail = LogTail(run.path)
    update = await _next(tail)
    assert update.row is not None
    assert (update.row.events, update.event_count) == (4, 4)
    tail.look()
    update = await _next(tail)
    assert update.row is not None
    assert (update.row.events, update.event_count) == (6, 6), "and those of the next read, of the next"
    tail.stop()


async def test_news_are_shown_a_few_steps_at_a_time_and_none_is_left_out(spool: Path) -> None:
    run = a_running(spool, "01RUNS")
    for number in range(3 * AT_ONCE):
        run.tool(f"tool {number}", {}, number)
    tail = LogTail(run.path)
    update = await _next(tail)
    tail.stop()
    parts = [*portions(update, 10), update]
    counts = [10, *(part.step_count for part in parts)]
    assert all(0 < after - before <= AT_ONCE for before, after in pairwise(counts))
    assert counts[-1] == update.step_count > 3 * AT_ONCE
    assert [part.row is None for part in parts] == [True] * (len(parts) - 1) + [False], (
        "the end has the numbers"
    )
    assert not list(portions(replace(update, started_over=True), 10)), "what is void goes at once"
