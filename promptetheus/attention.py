"""What a person has selected in the terminal, and what a coding agent has read: each sees where the other looks.

Two small files beside the spool. Nothing depends on them: they may be deleted at any time, and a file that cannot be
read or written is as good as none.
"""

from __future__ import annotations

import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from promptetheus.process import is_alive, own_facts
from promptetheus.project_files import beside

_SELECTION = "cache/selection.json"
_READS = "cache/agent-reads.jsonl"

MAX_READS_BYTES = 128 << 10
"""The file of reads is begun anew when it is larger."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What a person looks at in the terminal."""

    session_id: str
    step: int | None
    view: str
    """Name of the view: sessions, session, diff, failures, sql, delivery."""
    at_s: float
    """Since when, in seconds since 1970."""


@dataclass(frozen=True, slots=True)
class Read:
    """An answer that a coding agent was given."""

    tool: str
    session_id: str
    """Empty when it was not about one session."""
    steps: tuple[int, ...]
    at_s: float


def select(spool: Path, session_id: str, step: int | None, view: str) -> None:
    """Note what is selected in the terminal of this process. Never raises."""
    path = beside(spool, _SELECTION)
    facts = {"session_id": session_id, "step": step, "view": view, "at_s": time.time(), **own_facts()}
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with open(fd, "wb") as file:
            file.write(orjson.dumps(facts))
        os.replace(draft, path)
    except (OSError, TypeError, ValueError):
        draft.unlink(missing_ok=True)


def selection(spool: Path) -> Selection | None:
    """What is selected in a terminal that is open now; None when none is."""
    try:
        found = orjson.loads(beside(spool, _SELECTION).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict) or not is_alive(
        found.get("host"), found.get("pid"), found.get("process_started")
    ):
        return None
    session_id, step, view, at_s = (found.get(name) for name in ("session_id", "step", "view", "at_s"))
    if not isinstance(session_id, str) or not isinstance(view, str) or not isinstance(at_s, int | float):
        return None
    return Selection(session_id, step if isinstance(step, int) else None, view, float(at_s))


def note_read(spool: Path, tool: str, session_id: str = "", steps: tuple[int, ...] = ()) -> None:
    """Note that a coding agent was told something. Never raises."""
    path = beside(spool, _READS)
    line = orjson.dumps(asdict(Read(tool, session_id, steps, time.time()))) + b"\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(path, flags, 0o600)
        with open(fd, "ab", buffering=0) as file:
            if os.fstat(file.fileno()).st_size > MAX_READS_BYTES:
                file.truncate(0)
            file.write(line)
    except OSError:
        pass


def reads(spool: Path, session_id: str | None = None) -> list[Read]:
    """What coding agents were told (of one session), the latest last."""
    try:
        lines = beside(spool, _READS).read_bytes()[-2 * MAX_READS_BYTES :].splitlines()
    except OSError:
        return []
    found = [read for line in lines if (read := _parsed(line)) is not None]
    return [read for read in found if session_id is None or read.session_id == session_id]


def _parsed(line: bytes) -> Read | None:
    try:
        found: Any = orjson.loads(line)
        steps = tuple(int(step) for step in found["steps"])
        return Read(str(found["tool"]), str(found["session_id"]), steps, float(found["at_s"]))
    except (ValueError, TypeError, KeyError):
        return None
