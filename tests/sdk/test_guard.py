"""What goes wrong is counted and logged, at most once a minute."""

from __future__ import annotations

import logging
import threading
from pathlib import Path

import pytest

import promptetheus as pt
from promptetheus import guard, recorder
from promptetheus.guard import count, counts, report
from tests.sdk.spooled import a_session, events_of


def test_a_kind_of_problem_is_logged_once_a_minute_and_counted_always(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1000.0]
    monkeypatch.setattr("promptetheus.guard.time.monotonic", lambda: now[0])
    for _ in range(3):
        report("dropped.x", "first kind")
        report("dropped.y", "second kind")
    now[0] += 61
    report("dropped.x", "first kind")
    assert [record.getMessage() for record in caplog.records] == [
        "promptetheus: first kind", "promptetheus: second kind", "promptetheus: first kind",
    ]  # fmt: skip
    assert all(record.name == "promptetheus" for record in caplog.records)
    assert pt.stats()["dropped"] == {"x": 4, "y": 3}
    assert pt.stats()["why"]["dropped.x"] == "first kind"


def test_the_text_of_an_error_is_not_logged_but_its_class_and_place_are(
    caplog: pytest.LogCaptureFixture,
) -> None:
    try:
        raise ValueError("secret text")
    except ValueError as error:
        report("failed.x", "it failed", error)
    assert caplog.records[0].getMessage().startswith("promptetheus: it failed (ValueError at test_guard.py:")
    assert "secret text" not in caplog.text


def test_a_broken_logging_handler_is_not_our_problem() -> None:
    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("broken handler")

    handler = Broken()
    guard.logger.addHandler(handler)
    try:
        report("dropped.x", "something")
    finally:
        guard.logger.removeHandler(handler)
    assert counts()["dropped.x"] == 1


def test_counts_of_many_threads_are_exact() -> None:
    def work() -> None:
        for _ in range(2_000):
            count("dropped.x")
            guard.recorded.add()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counts() == {"dropped.x": 8_000, "recorded": 8_000}
    assert counts()["recorded"] == 8_000
    guard.forget()
    assert pt.stats()["recorded"] == 0
    guard.recorded.add()
    assert pt.stats()["recorded"] == 1


PARTS = [
    "now_timestamp", "is_bounded", "_problem", "_is_countable", "copied", "orjson",
]  # fmt: skip


@pytest.mark.parametrize("part", PARTS)
def test_each_part_of_the_write_path_may_break_without_the_agent_noticing(
    part: str, spool: Path, monkeypatch: pytest.MonkeyPatch, as_for_users: None
) -> None:
    with a_session(spool) as session:
        session.user_message("before")
        monkeypatch.setattr(recorder, part, None)
        session.llm_call("m", metadata={"a": 1})
        session.tool_call("x")
        session.error("y")
        with session.span("z"):
            pass
        monkeypatch.undo()
        session.user_message("after")
    contents = [event["payload"].get("content") for event in events_of(spool)]
    assert "before" in contents
    assert "after" in contents
    assert sum(pt.stats()["failed"].values()) > 0
