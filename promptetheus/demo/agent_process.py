"""The coding agent in a process of its own: for the run that goes on while the terminal is open, and for the
run that is killed.

The child lives no longer than its parent wants: it ends when its standard input closes, which also happens
when the parent is killed.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from promptetheus.demo import coding_agent
from promptetheus.demo.pace import DemoClosed, Pace
from promptetheus.demo.take import AgentFailed, Take

_GRACE_S = 3.0
"""How long a child that was told to end may take to close its session."""

_ENDING = (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)


class AgentProcess:
    """A context manager: starts the agent, and ends it on leaving if it is still at work."""

    def __init__(
        self,
        spool: Path,
        token: str,
        mood: coding_agent.Mood,
        *,
        speed: float,
        rounds: int = coding_agent.LOOP_ROUNDS,
    ) -> None:
        self._command = [
            sys.executable,
            "-P",  # a module of the same name in the user's directory must not be taken for ours
            *("-m", "promptetheus.demo.agent_process", str(spool.absolute()), token, mood.value),
            *("--speed", str(speed), "--rounds", str(rounds)),
        ]
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> AgentProcess:
        self._process = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
        )
        return self

    def __exit__(self, *exc: object) -> None:
        process = self._process
        assert process is not None and process.stdin is not None and process.stdout is not None
        process.stdin.close()
        try:
            process.wait(_GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def session_id(self) -> str:
        """The id of its session, once it is open; "" when the agent ended before that. Waits for it."""
        assert self._process is not None and self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def wait(self, closed: threading.Event) -> None:
        """Until the agent has ended by itself, or `closed` is set."""
        assert self._process is not None
        while self._process.poll() is None and not closed.wait(0.05):
            pass


def main(arguments: Sequence[str] | None = None) -> int:
    """What the child runs."""
    parser = argparse.ArgumentParser()
    parser.add_argument("spool", type=Path)
    parser.add_argument("token")
    parser.add_argument("mood", type=coding_agent.Mood)
    parser.add_argument("--speed", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=coding_agent.LOOP_ROUNDS)
    options = parser.parse_args(arguments)
    closed = threading.Event()
    # Waited for in a thread, not handled: a handler runs inside whatever the main thread is doing, and there it is
    # waiting for this very event, whose lock it may hold.
    signal.pthread_sigmask(signal.SIG_BLOCK, _ENDING)
    threading.Thread(target=_watch_signals, args=(closed,), daemon=True).start()
    threading.Thread(target=_watch_parent, args=(closed,), daemon=True).start()
    pace = Pace(f"process/{options.mood}", speed=options.speed, closed=closed)
    take = Take(options.spool, options.token, options.mood, pace, announce=_print_line)
    try:
        coding_agent.play(take, options.rounds)
    except (AgentFailed, DemoClosed):
        return 1
    return 0


def _print_line(text: str) -> None:
    print(text, flush=True)


def _watch_signals(closed: threading.Event) -> None:
    signal.sigwait(_ENDING)
    closed.set()


def _watch_parent(closed: threading.Event) -> None:
    # os.read and not sys.stdin: a thread inside a buffered read would be holding its lock at the end.
    while os.read(0, 4096):
        pass
    closed.set()


if __name__ == "__main__":
    sys.exit(main())
