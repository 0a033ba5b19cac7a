"""Opening and closing a session, and the envelopes in between."""

from __future__ import annotations

import asyncio
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

import promptetheus as pt
from promptetheus import process
from promptetheus.context import NoopSession
from promptetheus.events import validate_event
from tests.sdk.spooled import a_session, events_of, lines_of, payloads


def test_a_session_is_opened_and_closed_by_its_with_block(spool: Path) -> None:
    with pt.trace.start(
        agent="booker", user_goal="book", project_id="p", environment="test", tags=["a"],
        metadata={"run": 1}, spool_dir=spool,
    ) as session:  # fmt: skip
        assert pt.current() is session
    first, last = events_of(spool)
    assert first["payload"] == {
        "name": "session_started",
        "before": None,
        "after": {
            "agent": "booker",
            "user_goal": "book",
            "project_id": "p",
            "environment": "test",
            "tags": ["a"],
        },
    }
    assert first["metadata"] == {
        "sdk": {"name": "promptetheus", "version": pt.__version__},
        "pid": os.getpid(),
        "host": process.this_host(),
        "process_started": process.process_started(os.getpid()),
        "session_metadata": {"run": 1},
    }
    assert (last["type"], last["payload"]) == ("session_end", {"status": "completed", "error": None})
    assert isinstance(pt.current(), NoopSession)


def test_every_line_is_on_disk_when_its_call_returns(spool: Path) -> None:
    with a_session(spool) as session:
        for number in range(5):
            event = session.metric("n", number)
            assert json.loads(lines_of(spool)[-1])["idempotency_key"] == event["idempotency_key"]


def test_envelopes_are_valid_and_numbered_from_zero(spool: Path) -> None:
    with a_session(spool) as session, session.span("outer"):
        session.user_message("x", {"channel": "voice"})
    events = events_of(spool)
    for number, event in enumerate(events):
        validate_event(event)
        assert event["seq"] == number
        assert re.fullmatch(rf"{session.session_id}:[0-9a-f]{{8}}:{number}", event["idempotency_key"])
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{6})?Z", event["timestamp"])
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{26}", session.session_id)
    assert [event["timestamp"] for event in events] == sorted(event["timestamp"] for event in events)


def test_lines_are_compact_json_with_sorted_keys(spool: Path) -> None:
    with a_session(spool) as session, session.span("s"):
        session.tool_call("x", {"b": 1, "a": {"d": "é", "c": 2}}, metadata={"z": 1, "y": 2})
    for line in lines_of(spool):
        again = json.dumps(json.loads(line), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert line == again


def test_an_exception_ends_the_session_as_failed_and_passes_on(spool: Path) -> None:
    error = RuntimeError("wrong day")
    with pytest.raises(RuntimeError) as caught, a_session(spool):
        raise error
    assert caught.value is error
    assert payloads(spool, "session_end") == [{"status": "failed", "error": "RuntimeError: wrong day"}]


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (KeyboardInterrupt(), "KeyboardInterrupt: "),
        (asyncio.CancelledError(), "CancelledError: "),
        (SystemExit(3), "SystemExit: 3"),
    ],
)
def test_an_exit_or_a_cancellation_ends_the_session_as_failed(
    error: BaseException, text: str, spool: Path
) -> None:
    with pytest.raises(type(error)), a_session(spool):
        raise error
    assert payloads(spool, "session_end") == [{"status": "failed", "error": text}]


def test_end_is_recorded_once_and_returns_the_same_event(spool: Path) -> None:
    with a_session(spool) as session:
        first = session.end("gave up", error="no slot")
        assert session.end("completed") is first
    assert payloads(spool, "session_end") == [{"status": "gave up", "error": "no slot"}]


def test_a_failed_goal_check_does_not_change_the_status(spool: Path) -> None:
    with a_session(spool) as session:
        session.goal_check(False, ["x"])
    assert payloads(spool, "session_end") == [{"status": "completed", "error": None}]


def test_helpers_work_without_a_with_block(spool: Path) -> None:
    """The first line opens the session there, too: a file says whose it is."""
    session = a_session(spool)
    assert not spool.exists()
    session.user_message("x")
    session.end()
    assert [event["type"] for event in events_of(spool)] == ["state_change", "user_message", "session_end"]
    assert isinstance(pt.current(), NoopSession)


def test_events_after_the_end_are_still_recorded(spool: Path) -> None:
    with a_session(spool) as session:
        session.end()
        late = session.user_message("late")
    assert late["seq"] == 2
    assert events_of(spool)[-1]["payload"] == {"content": "late"}


def test_the_last_line_carries_the_summary_and_the_bytes_before_it(spool: Path) -> None:
    with a_session(spool) as session:
        session.tool_call("search", {"q": 1}, "c1")
        session.tool_result("c1", error="down")
        session.llm_call("gpt-5", input_tokens=10, output_tokens=2)
        session.goal_check(False, ["wrong"])
    *before, last = lines_of(spool)
    summary = json.loads(last)["metadata"]["summary"]
    assert summary["spool_bytes"] == sum(len(line.encode()) + 1 for line in before)
    assert (summary["events"], summary["errors"], summary["failed_checks"]) == (6, 1, 1)
    assert summary["tools"] == {"search": 1}
    assert summary["usage"] == {"gpt-5": {"calls": 1, "input": 10, "output": 2, "cached": 0}}


def test_the_summary_is_what_a_reader_counts(spool: Path) -> None:
    from promptetheus.summary import SummaryCounter

    with a_session(spool, tags=["t"], metadata={"m": 1}) as session, session.span("s"):
        session.tool_call("a", call_id="1")
        session.tool_result("1", "x")
        session.goal_check(0, [{"not": "text"}])  # type: ignore[arg-type, list-item]
        session.score("q", 0.5)
        session.error(ValueError("bad"))
    counter = SummaryCounter()
    events = events_of(spool)
    written = events[-1]["metadata"].pop("summary")
    for event in events:
        counter.add(event)
    written.pop("spool_bytes")
    assert written == counter.result()


def test_nested_sessions_restore_the_outer_one(spool: Path) -> None:
    with a_session(spool) as outer:
        with a_session(spool) as inner:
            assert pt.current() is inner
        assert pt.current() is outer


def test_a_session_may_be_entered_again_inside_itself(spool: Path) -> None:
    with a_session(spool) as session:
        with session:
            pass
        assert pt.current() is session
    assert [event["type"] for event in events_of(spool)].count("session_end") == 1
    assert pt.current() is not session


def test_leaving_in_another_context_does_not_disturb_what_is_current_there(spool: Path) -> None:
    import contextvars

    session = a_session(spool)
    contextvars.copy_context().run(session.__enter__)
    with a_session(spool) as other:
        session.__exit__(None, None, None)
        assert pt.current() is other


def test_current_outside_a_session_takes_every_call() -> None:
    nothing: Any = pt.current()
    assert nothing.session_id == "noop"
    assert nothing.user_message("x") is None
    assert nothing.agent() is None
    assert nothing.end() is nothing.flush() is nothing.event("x") is None
    with nothing.span("x") as span_id, nothing:
        assert span_id is None


async def test_current_outside_a_session_takes_async_calls_too() -> None:
    nothing: Any = pt.current()
    async with nothing.aspan("x") as span_id, nothing:
        assert span_id is None
    await nothing.end_async()


def test_a_session_id_that_is_used_again_goes_on_where_the_file_ends(spool: Path) -> None:
    """Release 2.0.1 began at 0 again, and the two runs were mixed when they were read."""
    for content in ("one", "two"):
        with a_session(spool, session_id="again") as session:
            session.user_message(content)
    events = events_of(spool)
    assert [event["seq"] for event in events] == list(range(6))
    assert len({event["idempotency_key"] for event in events}) == 6
    assert "spool_bytes" not in events[-1]["metadata"]["summary"]  # the summary is not that of the whole file


@pytest.mark.parametrize(
    ("session_id", "name"),
    [
        ("sess_abc.1", "sess_abc.1.jsonl"),
        ("a/b", "a_b~c14cddc033f6.jsonl"),
        ("a_b", "a_b.jsonl"),
        ("..", None),
        ("ü\n", None),
    ],
)
def test_files_have_safe_names_that_no_two_ids_share(session_id: str, name: str | None, spool: Path) -> None:
    with a_session(spool, session_id=session_id):
        pass
    (path,) = spool.iterdir()
    assert re.fullmatch(r"[A-Za-z0-9_.~-]+\.jsonl", path.name)
    assert not path.name.startswith(".")
    if name is not None:
        assert path.name == name
    assert events_of(spool)[0]["session_id"] == session_id


def test_files_and_directories_are_for_their_owner_alone(tmp_path: Path) -> None:
    spool = tmp_path / "agent" / "spool"
    with a_session(spool) as session:
        session.screenshot(b"\x89PNG\r\n\x1a\n")
    for path in [spool.parent, *spool.parent.rglob("*")]:
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_an_invalid_event_is_dropped_with_a_reason_and_its_number(
    spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with a_session(spool) as session:
        session.event("no_such_type", {"x": 1})
        session.llm_call("")
        session.event("llm_call", {"model": "m", "prompt": "text"})
        session.event(7, {})  # type: ignore[arg-type]
        after = session.user_message("x")
    assert after["seq"] == 5
    assert [event["type"] for event in events_of(spool)] == ["state_change", "user_message", "session_end"]
    assert pt.stats()["dropped"] == {"invalid": 4}
    assert [record.getMessage() for record in caplog.records] == [
        "promptetheus: an event was not recorded: unknown event type: no_such_type"
    ]


def test_the_recorded_event_is_what_the_objects_were_at_the_call(spool: Path) -> None:
    documents = [{"id": "a"}]
    with a_session(spool) as session:
        session.retrieval("q", documents)
        documents.append({"id": "b"})
        documents[0]["id"] = "changed"
    assert payloads(spool, "retrieval") == [{"query": "q", "documents": [{"id": "a"}]}]


def test_stats_say_how_much_was_recorded(spool: Path) -> None:
    with a_session(spool) as session:
        session.user_message("x")
    assert pt.stats() == {
        "recorded": 3, "dropped": {}, "truncated": {}, "redacted": {}, "failed": {}, "settings": {},
        "pruned": {}, "why": {},
    }  # fmt: skip


def test_ending_a_session_leaves_no_file_open(spool: Path) -> None:
    before = set(os.listdir("/proc/self/fd"))
    for _ in range(20):
        with a_session(spool) as session:
            session.user_message("x")
    assert set(os.listdir("/proc/self/fd")) <= before | {str(len(before))}


def test_sessions_that_are_never_ended_do_not_use_up_the_descriptors_of_the_host(spool: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    sessions = [a_session(spool) for _ in range(200)]
    for session in sessions * 2:
        session.user_message("x")
    assert len(os.listdir("/proc/self/fd")) <= before + 66
    for path in spool.glob("*.jsonl"):
        assert len(path.read_text().splitlines()) == 3
    del sessions, session
    assert len(os.listdir("/proc/self/fd")) <= before + 1
