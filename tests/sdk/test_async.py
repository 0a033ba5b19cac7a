"""`AsyncSession`: nothing of ours holds up an event loop."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import promptetheus as pt
from promptetheus.transport import InMemoryTransport
from tests.sdk.spooled import events_of, payloads


async def test_an_async_session_records_like_any_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a transport it goes to the spool: release 2.0.1 recorded nothing here."""
    monkeypatch.chdir(tmp_path)
    async with pt.AsyncSession(agent="a", user_goal="g") as session:
        assert pt.current() is session
        async with session.aspan("outer") as outer:
            with session.span("inner"):
                session.user_message("x")
    events = events_of(tmp_path / ".promptetheus" / "spool")
    assert [event["payload"].get("name") for event in events] == [
        "session_started", "span_start", "span_start", None, "span_end", "span_end", None,
    ]  # fmt: skip
    assert events[3]["parent_id"] == outer
    assert pt.current() is not session


async def test_an_exception_ends_it_as_failed(spool: Path) -> None:
    with pytest.raises(ValueError, match="x"):
        async with pt.AsyncSession(agent="a", user_goal="g", spool_dir=spool):
            raise ValueError("x")
    assert payloads(spool, "session_end") == [{"status": "failed", "error": "ValueError: x"}]


async def test_end_and_end_async_record_one_end_together(spool: Path) -> None:
    async with pt.AsyncSession(agent="a", user_goal="g", spool_dir=spool) as session:
        first = await session.end_async("done")
        assert await session.end_async() is first
        assert session.end() is first
    assert len(payloads(spool, "session_end")) == 1


async def test_a_coroutine_flush_is_awaited() -> None:
    class Transport(InMemoryTransport):
        async def flush(self, timeout: float | None = None) -> None:  # type: ignore[override]
            await asyncio.sleep(0)
            self.flush_count += 1

    transport = Transport()
    async with pt.AsyncSession(agent="a", user_goal="g", transport=transport) as session:
        session.user_message("x")
    assert transport.flush_count == 2
    async with pt.AsyncSession(agent="a", user_goal="g", transport=transport) as session:
        session.end()  # cannot await: the coroutine is closed, without a warning
    assert transport.flush_count == 3


async def test_a_slow_flush_does_not_hold_up_the_loop() -> None:
    inside = threading.Event()
    go_on = threading.Event()

    class Slow(InMemoryTransport):
        def flush(self, timeout: float | None = None) -> None:
            inside.set()
            assert go_on.wait(10)

    @pt.observe(user_goal="g", transport=Slow())
    async def run() -> None:
        return None

    task = asyncio.create_task(run())
    while not inside.is_set():
        await asyncio.sleep(0.001)
    assert not task.done()  # and we are here: the loop is free
    go_on.set()
    await task


async def test_a_slow_disk_does_not_hold_up_the_loop_at_the_end(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    monkeypatch.setattr(os, "fsync", lambda fd: threads.append(threading.get_ident()))
    async with pt.AsyncSession(agent="a", user_goal="g", spool_dir=spool) as session:
        session.error("x")
    deadline = time.monotonic() + 10
    while len(threads) < 2 and time.monotonic() < deadline:
        await asyncio.sleep(0.001)
    assert len(threads) == 2
    assert threading.get_ident() not in threads


async def test_a_flush_that_fails_is_no_business_of_the_agent() -> None:
    class Broken(InMemoryTransport):
        def flush(self, timeout: float | None = None) -> None:
            raise OSError("no network")

    async with pt.AsyncSession(agent="a", user_goal="g", transport=Broken()) as session:
        await session.flush()
        await session.aflush_blocking()
    assert pt.stats()["failed"]["flush"] >= 3


def test_a_loop_that_is_closed_right_after_the_end_is_no_problem(spool: Path) -> None:
    async def main() -> None:
        async with pt.AsyncSession(agent="a", user_goal="g", spool_dir=spool) as session:
            session.user_message("x")

    loop = asyncio.new_event_loop()
    loop.run_until_complete(main())
    loop.close()
    assert len(events_of(spool)) == 3


async def test_many_tasks_record_one_session(spool: Path) -> None:
    async with pt.AsyncSession(agent="a", user_goal="g", spool_dir=spool) as session:

        async def work(number: int) -> None:
            for _ in range(10):
                session.metric("n", number)
                await asyncio.sleep(0)

        await asyncio.gather(*(work(number) for number in range(20)))
    values: list[Any] = [payload["value"] for payload in payloads(spool, "metric")]
    assert sorted(values) == sorted(list(range(20)) * 10)
