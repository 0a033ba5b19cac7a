"""Session files as a real writer leaves them: with the summary in the last line, or cut off."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from promptetheus.encoding import encode_line
from promptetheus.summary import SummaryCounter
from tests.builders import SessionBuilder


def write_sealed(spool: Path, session: SessionBuilder, *, spool_bytes: int | None = None) -> Path:
    """Write a session whose last line carries the summary (with a `spool_bytes` that may be a lie)."""
    path = session.write(spool)
    counter = SummaryCounter()
    for event in session.events:
        counter.add(event)
    *before, last = session.events
    head = b"".join(encode_line(event) for event in before)
    summary = {**counter.result(), "spool_bytes": len(head) if spool_bytes is None else spool_bytes}
    path.write_bytes(head + encode_line({**last, "metadata": {"summary": summary}}))
    return path


def written_by(session: SessionBuilder, pid: int, started: float | None, host: str) -> SessionBuilder:
    """The session, opened by this process."""
    session.events[0]["metadata"] = {"pid": pid, "host": host, "process_started": started}
    return session


def line(session_id: str, seq: int, kind: str = "agent_message", **payload: Any) -> bytes:
    """One event as our encoder writes it."""
    return encode_line(
        {
            "type": kind,
            "session_id": session_id,
            "timestamp": f"2026-11-18T10:{seq // 60 % 60:02d}:{seq % 60:02d}Z",
            "seq": seq,
            "idempotency_key": f"{session_id}:00000000:{seq}",
            "payload": payload,
        }
    )


def append(path: Path, data: bytes) -> None:
    """Append as a writer does."""
    with path.open("ab") as file:
        file.write(data)


def start_agent(code: str, spool: Path) -> subprocess.Popen[str]:
    """A process of its own that records into the spool; `code` sees `pt`, `sys`, `time` and `spool`."""
    opening = "import sys, time\nimport promptetheus as pt\nspool = sys.argv[1]\n"
    return subprocess.Popen(
        [sys.executable, "-c", opening + code, str(spool)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def kill(agent: subprocess.Popen[str]) -> str:
    """SIGKILL; returns what it had printed that was not read yet."""
    agent.kill()
    return agent.communicate()[0]
