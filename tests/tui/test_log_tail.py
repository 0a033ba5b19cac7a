"""A session's file while it is read for the screen."""

from __future__ import annotations

from pathlib import Path

import pytest

from promptetheus.queries.session_log import Growth, SessionLog
from promptetheus.tui.session.log_tail import LogTail, Update
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
