"""What goes wrong is counted and logged, at most once a minute; what is the host's passes."""

from __future__ import annotations

import asyncio
import ctypes
import logging
import signal
import threading
from pathlib import Path
from typing import Any

import pytest

import promptetheus as pt
from promptetheus import guard, recorder
from promptetheus.guard import count, counts, report
from tests.sdk.programs import Run
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


# ── what stays here and what belongs to the host ─────────────────────────────────────────────────────────────


class Stop(BaseException):
    """Something that is no Exception, as schedulers and test runners define them."""


class Raises:
    """Its text is asked for only by us."""

    def __init__(self, error: type[BaseException]) -> None:
        self.error = error

    def __repr__(self) -> str:
        raise self.error

    __str__ = __repr__


CONTAINED = [SystemExit, GeneratorExit, asyncio.CancelledError, Stop, RuntimeError, MemoryError]


@pytest.mark.parametrize("error", CONTAINED)
def test_what_code_of_the_user_raises_when_we_call_it_stays_here(
    error: type[BaseException], spool: Path
) -> None:
    def redact(event: dict[str, Any]) -> dict[str, Any]:
        if event["type"] == "user_message":
            raise error
        return event

    class Policy:
        def decide(self, *args: Any, **kwargs: Any) -> Any:
            raise error

    class Transport:
        def send_event(self, event: Any) -> None:
            raise error

        def flush(self) -> None:
            raise error

    with a_session(
        spool, redact=redact, tail_sample=True, tail_policy=Policy(), session_id="kept"
    ) as session:
        session.user_message("lost content")
        session.tool_result("c", result=Raises(error))
        pt.tool(lambda value: value)(Raises(error))
        session.error(ValueError(Raises(error)))
    with a_session(spool, transport=Transport()) as session:
        session.user_message("x")
    kinds = [event["type"] for event in events_of(spool)]
    assert kinds == [
        "state_change", "user_message", "tool_result", "tool_call", "tool_result", "error", "session_end",
    ]  # fmt: skip


def test_an_interrupt_passes_wherever_it_comes_up(spool: Path) -> None:
    with a_session(spool) as session, pytest.raises(KeyboardInterrupt):
        session.tool_result("c", result=Raises(KeyboardInterrupt))


@pytest.mark.parametrize("error", [SystemExit, TimeoutError, Stop])
@pytest.mark.parametrize("form", ["function", "method", "arguments in one"])
def test_what_a_signal_handler_raises_while_we_work_passes(
    error: type[BaseException], form: str, spool: Path, as_for_users: None
) -> None:
    class Handler:
        def stop(self, number: int, frame: object) -> None:
            raise error("time is up")

    def stop(number: int, frame: object) -> None:
        raise error("time is up")

    def stop_whatever(*given: object) -> None:
        raise error("time is up")

    class Slow:
        """While its repr is made, the signal comes."""

        def __repr__(self) -> str:
            signal.raise_signal(signal.SIGUSR1)
            return "slow"

    handlers: dict[str, Any] = {"function": stop, "method": Handler().stop, "arguments in one": stop_whatever}
    before = signal.signal(signal.SIGUSR1, handlers[form])
    try:
        with pytest.raises(error, match="time is up"), a_session(spool) as session:
            session.tool_result("c", result=Slow())
    finally:
        signal.signal(signal.SIGUSR1, before)
    assert events_of(spool)[-1]["payload"]["status"] == "failed"


def test_an_exit_on_a_signal_is_not_lost_while_events_are_recorded_without_pause(
    spool: Path, program: Run
) -> None:
    """Nearly always the signal finds the interpreter inside the SDK."""
    done = program(
        """
        import signal, threading
        def leave(number, frame):
            sys.exit(7)
        signal.signal(signal.SIGTERM, leave)
        session = pt.start(agent="a", user_goal="g", spool_dir=SPOOL)
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
        session.user_message("go")
        while True:
            session.tool_call("x", {"a": 1})
        """,
        code_expected=7,
    )
    assert done.stderr == ""
    assert len(events_of(spool)) > 10


def test_an_exception_that_another_thread_sets_passes(spool: Path) -> None:
    """Time limits for threads are made so (`PyThreadState_SetAsyncExc`); they must not be swallowed."""
    stopped = threading.Event()
    running = threading.Event()

    def work() -> None:
        try:
            session = a_session(spool)
            while True:
                session.tool_call("x", {"a": 1})
                running.set()
        except Stop:
            stopped.set()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    assert running.wait(20)
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(Stop))
    assert stopped.wait(20)
    thread.join()
