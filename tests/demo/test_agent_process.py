"""The run in a process of its own: seen while it grows, and gone when nobody wants it any more."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from promptetheus.demo.agent_process import AgentProcess
from promptetheus.demo.coding_agent import Mood
from promptetheus.queries.catalog import Catalog, SessionRow, Status

TOKEN = "0123456789abcdef"
DEADLINE_S = 20.0


def until(true: Callable[[], bool], what: str) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < deadline, f"{what}: not within {DEADLINE_S} s"
        time.sleep(0.02)


def row_of(spool: Path, session_id: str) -> SessionRow:
    catalog = Catalog(spool)
    catalog.refresh()
    row = catalog.row(session_id)
    assert row is not None
    return row


def lines(spool: Path, session_id: str) -> int:
    return (spool / f"{session_id}.jsonl").read_bytes().count(b"\n")


def test_the_session_is_running_and_grows(tmp_path: Path) -> None:
    with AgentProcess(tmp_path, TOKEN, Mood.LOOPS, speed=0.2) as agent:
        session_id = agent.session_id()
        assert row_of(tmp_path, session_id).status is Status.RUNNING
        before = lines(tmp_path, session_id)
        until(lambda: lines(tmp_path, session_id) > before + 3, "new events")


def test_leaving_early_ends_the_session_and_the_process(tmp_path: Path) -> None:
    with AgentProcess(tmp_path, TOKEN, Mood.LOOPS, speed=5.0) as agent:
        session_id, pid = agent.session_id(), agent.pid
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    row = row_of(tmp_path, session_id)
    assert (row.status, row.error) == (Status.FAILED, "DemoClosed: ")


def test_a_run_that_ends_by_itself_fails_like_the_recorded_one(tmp_path: Path) -> None:
    with AgentProcess(tmp_path, TOKEN, Mood.LOOPS, speed=0.0, rounds=8) as agent:
        session_id = agent.session_id()
        until(lambda: row_of(tmp_path, session_id).status is not Status.RUNNING, "the end")
    row = row_of(tmp_path, session_id)
    assert row.status is Status.FAILED and row.error and "after 8 attempts" in row.error


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_to_end_closes_the_session(number: signal.Signals, tmp_path: Path) -> None:
    with AgentProcess(tmp_path, TOKEN, Mood.LOOPS, speed=50.0) as agent:
        session_id = agent.session_id()
        os.kill(agent.pid, number)
        until(lambda: row_of(tmp_path, session_id).status is Status.FAILED, "the end of the session")


def test_it_does_not_outlive_a_parent_that_is_killed(tmp_path: Path) -> None:
    parent_code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from promptetheus.demo.agent_process import AgentProcess\n"
        "from promptetheus.demo.coding_agent import Mood\n"
        f"with AgentProcess(Path(sys.argv[1]), {TOKEN!r}, Mood.LOOPS, speed=50.0) as agent:\n"
        "    print(agent.pid, agent.session_id(), flush=True)\n"
        "    time.sleep(600)\n"
    )
    command = [sys.executable, "-c", parent_code, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        try:
            told = parent.stdout.readline()
        finally:
            parent.send_signal(signal.SIGKILL)
    _, session_id = told.split()
    until(lambda: row_of(tmp_path, session_id).status is Status.FAILED, "the end of the child")


def test_modules_in_the_users_directory_are_not_taken_for_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("random", "argparse", "queries", "promptetheus"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('the wrong module')\n")
    monkeypatch.chdir(tmp_path)
    with AgentProcess(Path("spool"), TOKEN, Mood.FIXES, speed=0.0) as agent:
        assert agent.session_id()
