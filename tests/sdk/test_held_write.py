"""Next to a busy thread lines are written without giving up the interpreter lock."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from promptetheus import held_write
from promptetheus.spool import SpoolFile
from tests.sdk.programs import Run
from tests.sdk.spooled import events_of


@pytest.fixture(autouse=True)
def not_held() -> Iterator[None]:
    held_write._held_until_s = held_write._barred_until_s = 0.0
    yield
    held_write._held_until_s = held_write._barred_until_s = 0.0


def test_a_write_that_waited_makes_the_next_ones_hold_the_lock(
    spool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("promptetheus.spool._CHECK_INTERVAL_S", 0.0)
    monkeypatch.setattr(held_write, "SLOW_S", -1.0)  # every write counts as slow
    file = SpoolFile(spool, "s")
    file.append(b"1\n")
    assert file._write is held_write.write
    assert held_write.is_held()
    file.append(b"2\n")  # held, and slow again: the disk is to blame
    assert not held_write.is_held()
    file.append(b"3\n")
    file.append(b"4\n")
    assert file._write is os.write
    file.close()
    assert file.path.read_bytes() == b"1\n2\n3\n4\n"


def test_a_held_write_writes_and_reports_errors_like_any_other(tmp_path: Path) -> None:
    assert held_write.noticed_wait(1.0)
    fd = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
    assert held_write.write(fd, b"a\x00b\n") == 4
    os.close(fd)
    assert (tmp_path / "file").read_bytes() == b"a\x00b\n"
    with pytest.raises(OSError, match="Bad file descriptor"):
        held_write.write(fd, b"x")


def test_an_ordinary_write_changes_nothing() -> None:
    assert not held_write.noticed_wait(0.0)
    assert not held_write.is_held()


def test_an_agent_with_a_busy_thread_loses_nothing(spool: Path, program: Run) -> None:
    program(
        """
        import threading
        stop = threading.Event()
        def busy():
            while not stop.is_set():
                pass
        threading.Thread(target=busy, daemon=True).start()
        with pt.start(agent="a", user_goal="g", spool_dir=SPOOL) as session:
            deadline = time.monotonic() + 1.5
            number = 0
            while time.monotonic() < deadline:
                session.metric("n", number)
                number += 1
                time.sleep(0.001)
            session.user_message(str(number))
        stop.set()
        """
    )
    events = events_of(spool)
    values = [event["payload"]["value"] for event in events if event["type"] == "metric"]
    assert values == list(range(int(events[-2]["payload"]["content"])))
