"""Sessions in threads and executors."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import promptetheus as pt
from promptetheus import spool as spool_module
from promptetheus.spool import SpoolFile
from promptetheus.transport import InMemoryTransport
from tests.sdk.spooled import a_session, events_of, sessions_of


def in_thread(work: object) -> None:
    thread = threading.Thread(target=work)  # type: ignore[arg-type]
    thread.start()
    thread.join()


def test_a_bare_thread_has_no_session(spool: Path) -> None:
    seen = []
    with a_session(spool):
        in_thread(lambda: seen.append(pt.current().session_id))
    assert seen == ["noop"]


def test_wrap_context_carries_session_and_spans_into_a_thread(spool: Path) -> None:
    with a_session(spool) as session, session.span("outer") as span_id:
        in_thread(pt.wrap_context(lambda: pt.current().user_message("from the thread")))
    message = events_of(spool)[2]
    assert message["payload"] == {"content": "from the thread"}
    assert message["span_id"] == span_id


def test_wrap_context_works_for_many_calls_at_once_in_an_executor(spool: Path) -> None:
    @pt.tool
    def work(number: int) -> int:
        return number

    with a_session(spool), ThreadPoolExecutor(8) as executor:
        results = list(executor.map(pt.wrap_context(work), range(100)))
        assert executor.submit(lambda: pt.current().session_id).result() == "noop"
    assert results == list(range(100))
    events = events_of(spool)
    calls = {
        e["payload"]["call_id"]: e["metadata"]["arguments"]["number"]
        for e in events
        if e["type"] == "tool_call"
    }
    found = {
        calls[e["payload"]["call_id"]]: e["payload"]["result"] for e in events if e["type"] == "tool_result"
    }
    assert found == {number: str(number) for number in range(100)}


async def test_wrap_context_carries_the_session_into_a_coroutine_of_another_loop(spool: Path) -> None:
    import asyncio

    async def work() -> str:
        await asyncio.sleep(0)
        return pt.current().session_id

    with a_session(spool) as session:
        wrapped = pt.wrap_context(work)
    found = await asyncio.to_thread(lambda: asyncio.run(wrapped()))
    assert found == session.session_id


def test_no_event_of_many_threads_is_lost_repeated_or_out_of_order(spool: Path) -> None:
    with a_session(spool) as session:

        def work(thread: int) -> None:
            for number in range(250):
                session.tool_call("work", {"thread": thread, "number": number}, f"{thread}-{number}")

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    events = events_of(spool)
    assert [event["seq"] for event in events] == list(range(2002))
    assert len({event["payload"]["call_id"] for event in events[1:-1]}) == 2000
    summary = events[-1]["metadata"]["summary"]
    assert summary["events"] == 2002
    assert summary["tools"] == {"work": 2000}


def test_a_transport_gets_every_event_of_many_threads(spool: Path) -> None:
    transport = InMemoryTransport()
    with a_session(spool, transport=transport) as session:
        threads = [
            threading.Thread(target=lambda: [session.metric("n", n) for n in range(100)]) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(event["seq"] for event in transport.events) == list(range(402))


def test_a_value_that_waits_for_another_recording_thread_does_not_lock_up(spool: Path) -> None:
    """Objects are written out before the lock is taken: their repr may need a lock of the host."""
    hosts_lock = threading.Lock()
    holding, may_go = threading.Event(), threading.Event()
    with a_session(spool) as session:

        class Guarded:
            def __repr__(self) -> str:
                may_go.set()
                with hosts_lock:
                    return "guarded"

        def holder() -> None:
            with hosts_lock:
                holding.set()
                may_go.wait(10)
                session.user_message("while the lock of the host is held")

        thread = threading.Thread(target=holder)
        thread.start()
        assert holding.wait(10)
        session.user_message(Guarded())
        thread.join(10)
        assert not thread.is_alive()
    assert len(events_of(spool)) == 4


def test_sessions_of_many_threads_stay_apart(spool: Path) -> None:
    @pt.observe(user_goal="g", spool_dir=spool)
    def run(number: int) -> None:
        for _ in range(20):
            pt.current().metric("number", number)

    with ThreadPoolExecutor(8) as executor:
        list(executor.map(run, range(16)))
    sessions = sessions_of(spool)
    assert len(sessions) == 16
    for events in sessions.values():
        assert len({event["payload"]["value"] for event in events if event["type"] == "metric"}) == 1


def test_opening_a_session_is_not_disturbed_by_those_that_other_threads_open_meanwhile(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files that are open are looked through when one more is opened. Here, between any two lines of that,
    another thread opens one, too."""
    look_through = spool_module._close_oldest
    opened: list[SpoolFile] = []

    def open_another(frame: FrameType, event: str, arg: Any) -> Callable[..., Any]:
        if event == "line" and len(opened) < 200:
            opened.append(SpoolFile(spool, f"other{len(opened)}"))
            in_thread(opened[-1].open)
        return open_another

    def disturbed(opening: SpoolFile) -> None:
        if threading.current_thread() is not threading.main_thread():
            return look_through(opening)
        sys.settrace(open_another)
        try:
            return look_through(opening)
        finally:
            sys.settrace(None)

    with a_session(spool, session_id="first") as session:
        session.metric("n", 1)
    monkeypatch.setattr(spool_module, "_close_oldest", disturbed)
    with a_session(spool, session_id="disturbed") as session:
        session.metric("n", 1)
    assert opened
    assert len(sessions_of(spool)["disturbed"]) == 3
    assert pt.stats()["dropped"] == {} == pt.stats()["failed"]
