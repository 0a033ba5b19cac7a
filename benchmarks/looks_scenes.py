"""Spools for pictures of what the demo does not show: attacks, stalls, news, refusals, failures that come back."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from promptetheus.delivery import dead_letters
from promptetheus.delivery.record import DeliveryRecord, save
from tests.delivery import stub_gateway
from tests.delivery.stub_gateway import KEY, Reply
from tests.tui.compared import a_pair
from tests.tui.recorded import NOW, Recording, a_failing, a_passing, a_running
from tests.tui.session_recording import SessionRecording
from tests.tui.test_diff_hostile import a_second_hostile_run, failing_and_passing
from tests.tui.test_session_hostile import a_hostile_run

DAY_S = 86_400.0


def _nothing() -> None:
    """Nothing happens."""


@dataclass(frozen=True, slots=True)
class Staged:
    """What a picture is taken of."""

    now_s: float = NOW
    """What the clock says at the beginning."""
    happens: Callable[[], object] = _nothing
    """What happens in the spool while the program looks."""


Scene = Callable[[Path], AbstractContextManager[Staged]]
"""Fills a spool, and keeps up what belongs to it for as long as a picture is taken."""


@contextmanager
def empty(spool: Path) -> Iterator[Staged]:
    """Nothing was ever recorded."""
    yield Staged()


@contextmanager
def hostile(spool: Path) -> Iterator[Staged]:
    """Text made to attack a terminal, in every field of every event."""
    first = a_hostile_run(spool).path
    second = a_second_hostile_run(spool, first)
    failing_and_passing(spool)
    save(first, DeliveryRecord(last_error="bad\x1b]52;c;eA==\x07[/b]\u202e", failed_at=NOW - 60))
    dead_letters.bury(second, [({"session_id": "01EVIM", "type": "metric", "payload": {}}, "\x1b[2Jtoo odd")])
    yield Staged()


@contextmanager
def stalled(spool: Path) -> Iterator[Staged]:
    """A call that has not returned for a while; what happens is that the agent goes on."""
    run = SessionRecording(spool, "01M8STALLED", ago=100).user("Book Tuesday at 2pm").llm()
    run.tool("search_calendar", {"day": "Tuesday"}, ["Tuesday 2pm", "Tuesday 3pm"])
    run.add("tool_call", {"tool_name": "choose_slot", "arguments": {"slots": 2}, "call_id": "slow"})
    a_passing(spool, "01M80PASSED", ago=3000)
    yield Staged()


@contextmanager
def growing(spool: Path) -> Iterator[Staged]:
    """An agent at work; what happens is 37 steps more."""
    run = a_running(spool, "01M8RUNS", ago=90)
    for number in range(60):
        run.tool("look_up", {"page": number}, f"page {number}")

    def goes_on() -> None:
        for number in range(37):
            run.tool("fetch_page", {"page": number}, f"page {number}")

    yield Staged(happens=goes_on)


@contextmanager
def news(spool: Path) -> Iterator[Staged]:
    """Sessions that pass; what happens are three that fail in the same way."""
    for number in range(6):
        a_passing(spool, f"01M8{number}PASSED", ago=5000 - 600 * number)

    def fail() -> None:
        for number in range(3):
            a_failing(spool, f"01M9{number}FAILED", ago=20 - number)

    yield Staged(happens=fail)


@contextmanager
def strangers(spool: Path) -> Iterator[Staged]:
    """Two sessions of the same task that have nothing in common."""
    for session_id, tools, passed in (
        ("01M80PASSED", ("search_calendar", "choose_slot", "create_event", "send_mail"), True),
        ("01M81FAILED", ("read_file", "run_tests", "apply_patch", "run_command"), False),
    ):
        run = Recording(spool, session_id, ago=90).user("Book Tuesday at 2pm")
        for tool in tools:
            run.tool(tool, {"what": tool}, f"{tool} is done")
        run.check(passed, *(() if passed else ("nothing was booked",))).end()
    yield Staged()


@contextmanager
def too_long(spool: Path) -> Iterator[Staged]:
    """Two sessions with more different steps in a row than are compared exactly."""
    for session_id, word, passed in (("01M80PASSED", "Tuesday", True), ("01M81FAILED", "Wednesday", False)):
        run = Recording(spool, session_id, ago=900).user("Book Tuesday at 2pm")
        for number in range(90):
            run.tool("search_calendar", {"day": word, "page": number}, f"{word} {number}")
        run.check(passed, *(() if passed else ("selected Wednesday, not Tuesday",))).end()
    yield Staged()


@contextmanager
def alike(spool: Path) -> Iterator[Staged]:
    """A passing and a failing session of the same task, with a tool call that differs."""
    a_pair(spool)
    yield Staged()


@contextmanager
def history(spool: Path) -> Iterator[Staged]:
    """A fortnight with failures that are gone, back, recurring and new, and with what separates them."""
    for number in range(96):
        ago = (14.0 - number / 7) * DAY_S
        session_id = f"01M8{number:03}RUN"
        mismatch = _mismatch(number)
        run = Recording(spool, session_id, ago=ago, agent=("booking-agent", "phone-agent")[number % 7 == 3])
        run.user("Book Tuesday at 2pm").llm()
        run.tool("search_calendar", {"day": "Wednesday" if mismatch else "Tuesday"}, "2pm")
        run.check(not mismatch, *((mismatch,) if mismatch else ())).end()
    yield Staged()


def _mismatch(number: int) -> str:
    """How a session of the history failed; "" where it passed."""
    if number < 14 and number % 2:
        return "selected Wednesday, not Tuesday"
    if (number < 20 and number % 3 == 0) or number in (92, 93):
        return "booked in the wrong time zone"
    if number % 9 == 4:
        return "no confirmation was sent"
    return "two bookings instead of one" if number == 95 else ""


@contextmanager
def delivered(spool: Path) -> Iterator[Staged]:
    """An API that takes nothing at the moment; sessions that wait, failed, were refused, are local."""
    waiting = Recording(spool, "01M8LONG", ago=9000)
    for number in range(400):
        waiting.user(f"message {number}")
    save(waiting.end().path, DeliveryRecord())
    failed = a_failing(spool, "01M8FAILED", ago=60).path
    save(failed, DeliveryRecord(last_error="connection refused", failed_at=NOW - 60))
    sent = a_passing(spool, "01M8SENT", ago=600).path
    lines = len(sent.read_bytes().splitlines())
    save(sent, DeliveryRecord(acknowledged_events=lines, acknowledged_bytes=sent.stat().st_size))
    refused = {"session_id": "01M8FAILED", "type": "metric", "idempotency_key": "k1", "payload": {}}
    dead_letters.bury(failed, [(refused, "payload: value must be a number")])
    a_passing(spool, "01M8LOCAL", ago=10)
    with stub_gateway.running() as gateway, _environment(api_key=KEY, api_url=gateway.url):
        gateway.rules.append(lambda request: Reply(503) if request.path.endswith("/events") else None)
        yield Staged()


@contextmanager
def _environment(**settings: str) -> Iterator[None]:
    """Settings of the SDK for as long as a picture is taken."""
    names = {f"PROMPTETHEUS_{name.upper()}": value for name, value in settings.items()}
    before = {name: os.environ.pop(name, None) for name in names}
    os.environ.update(names)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
