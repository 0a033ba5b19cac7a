"""Spans group the events inside them."""

from __future__ import annotations

import asyncio
import contextvars
import re
from pathlib import Path

import pytest

import promptetheus as pt
from tests.sdk.spooled import a_session, events_of


def test_a_span_records_its_start_its_end_and_how_long_it_took(spool: Path) -> None:
    with a_session(spool) as session, session.span("choose", {"k": 1}) as span_id:
        assert re.fullmatch("span_[0-9a-f]{32}", span_id)
    _, start, end, _ = events_of(spool)
    assert start["payload"] == {"name": "span_start", "span_name": "choose"}
    took = end["payload"].pop("duration_ms")
    assert isinstance(took, int)
    assert took >= 0
    assert end["payload"] == {"name": "span_end", "span_name": "choose"}
    for marker in (start, end):
        assert (marker["span_id"], marker["parent_id"], marker["metadata"]) == (span_id, None, {"k": 1})


def test_events_inside_carry_the_innermost_span_and_its_parent(spool: Path) -> None:
    with a_session(spool) as session:
        with session.span("outer") as outer:
            with session.span("inner") as inner:
                session.user_message("deep")
            session.user_message("less deep")
        session.user_message("flat")
    found = [
        (event.get("span_id"), event.get("parent_id", "none"))
        for event in events_of(spool)
        if event["type"] == "user_message"
    ]
    assert found == [(inner, outer), (outer, None), (None, "none")]


def test_a_span_ends_on_an_exception_too(spool: Path) -> None:
    with a_session(spool) as session:
        with pytest.raises(ValueError, match="x"), session.span("s"):
            raise ValueError("x")
        session.user_message("after")
    assert [event["payload"].get("name") for event in events_of(spool)][1:3] == ["span_start", "span_end"]
    assert "span_id" not in events_of(spool)[3]


def test_spans_of_two_sessions_do_not_mix(spool: Path, tmp_path: Path) -> None:
    with a_session(tmp_path / "a") as first, first.span("of the first"):
        with a_session(tmp_path / "b") as second:
            second.user_message("x")
        first.user_message("y")
    assert "span_id" not in events_of(tmp_path / "b")[1]
    assert "span_id" in events_of(tmp_path / "a")[2]


async def test_tasks_have_spans_of_their_own_and_share_the_parent(spool: Path) -> None:
    async def work(session: pt.Session, name: str) -> None:
        with session.span(name):
            await asyncio.sleep(0)
            session.user_message(name)
            await asyncio.sleep(0)

    with a_session(spool) as session, session.span("parent") as parent:
        await asyncio.gather(*(work(session, f"t{n}") for n in range(3)))
    events = events_of(spool)
    names = {
        e["span_id"]: e["payload"]["span_name"] for e in events if e["payload"].get("name") == "span_start"
    }
    messages = [event for event in events if event["type"] == "user_message"]
    assert [names[event["span_id"]] for event in messages] == [e["payload"]["content"] for e in messages]
    assert {event["parent_id"] for event in messages} == {parent}


def test_a_span_may_be_left_in_another_context_than_it_was_entered_in(spool: Path) -> None:
    with a_session(spool) as session:
        span = session.span("s")
        contextvars.copy_context().run(span.__enter__)
        span.__exit__(None, None, None)
        session.user_message("x")
    assert "span_id" not in events_of(spool)[-2]
