"""What earlier sessions of the spool know about a call: whether it failed there, and what was done instead where it
went well. Read in a thread, newest first, within bounds: nobody waits for it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from promptetheus.display import printable_line, value
from promptetheus.runtime_hints import call_fingerprint

MAX_SESSIONS = 200
MAX_BYTES = 32 << 20
MAX_LINE_BYTES = 1 << 20
MAX_CALLS = 5_000

_CALL, _RESULT = b'"type":"tool_call"', b'"type":"tool_result"'


@dataclass(slots=True)
class EarlierFailure:
    """A call that failed in earlier sessions."""

    tool_name: str
    error: str
    sessions: list[str] = field(default_factory=list)
    """Ids of sessions in which it failed, newest first, at most 5."""
    failed_in: int = 0
    instead: str = ""
    """The arguments with which the same tool succeeded right after, where it did."""
    instead_in: str = ""
    """The session in which that was."""


class EarlierRuns:
    """The failures of the sessions in a spool, but for one session."""

    def __init__(self, spool: Path, own_session: Path) -> None:
        self._spool, self._own = spool, own_session
        self._failures: dict[str, EarlierFailure] = {}
        self._is_read = threading.Event()
        self._started = False

    def start(self) -> None:
        """Begin to read, once."""
        if self._started:
            return
        self._started = True
        try:
            threading.Thread(target=self._run, name="promptetheus-history", daemon=True).start()
        except RuntimeError:  # the interpreter is ending
            self._is_read.set()

    def wait(self, timeout_s: float) -> bool:
        """Whether everything was read within so many seconds: for programs that would rather wait."""
        self.start()
        return self._is_read.wait(timeout_s)

    def failure(self, fingerprint: str) -> EarlierFailure | None:
        """What is known so far of a call."""
        return self._failures.get(fingerprint)

    def _run(self) -> None:
        try:
            left = MAX_BYTES
            for path in self._newest():
                left -= self._read(path, left)
                if left <= 0 or len(self._failures) >= MAX_CALLS:
                    break
                time.sleep(0.001)  # the agent's own threads come first
        except OSError:
            pass
        finally:
            self._is_read.set()

    def _newest(self) -> list[Path]:
        found = [
            (entry.stat(follow_symlinks=False).st_mtime, entry.path)
            for entry in os.scandir(self._spool)
            if entry.name.endswith(".jsonl") and entry.is_file(follow_symlinks=False)
        ]
        found.sort(reverse=True)
        return [Path(path) for _, path in found if Path(path).name != self._own.name][:MAX_SESSIONS]

    def _read(self, path: Path, limit_bytes: int) -> int:
        """Take in one session; returns how many bytes were read."""
        waiting: dict[str, tuple[str, str, Any]] = {}
        failed_last: dict[str, str] = {}
        size = 0
        with open(path, "rb") as file:
            while size < limit_bytes and (line := file.readline(MAX_LINE_BYTES)):
                size += len(line)
                if _CALL not in line and _RESULT not in line:
                    continue
                event = _event(line)
                payload = event.get("payload")
                if not isinstance(payload, Mapping):
                    continue
                call_id = str(payload.get("call_id"))
                if event.get("type") == "tool_call":
                    name = str(payload.get("tool_name"))
                    arguments = payload.get("arguments")
                    waiting[call_id] = (call_fingerprint(name, None, arguments), name, arguments)
                elif call_id in waiting:
                    self._took(path.stem, *waiting.pop(call_id), payload, failed_last)
        return size

    def _took(
        self,
        session: str,
        fingerprint: str,
        name: str,
        arguments: Any,
        result: Mapping[str, Any],
        failed_last: dict[str, str],
    ) -> None:
        error = result.get("error")
        if error:
            known = self._failures.setdefault(
                fingerprint, EarlierFailure(printable_line(name, 200), printable_line(str(error), 300))
            )
            if session not in known.sessions:
                known.failed_in += 1
                if len(known.sessions) < 5:
                    known.sessions.append(session)
            failed_last[name] = fingerprint
            return
        before = failed_last.pop(name, None)
        if before is not None and before != fingerprint and not self._failures[before].instead:
            self._failures[before].instead = value(arguments, 300)
            self._failures[before].instead_in = session


def earlier_failure(known: EarlierFailure, fingerprint: str) -> dict[str, Any]:
    """The hint about a call that failed in earlier sessions."""
    sessions = "an earlier session" if known.failed_in == 1 else f"{known.failed_in} earlier sessions"
    message = f"{known.tool_name} with these arguments failed in {sessions}: {known.error}"
    if known.instead:
        message += f". There it succeeded with {known.instead}"
    return {
        "kind": "known_failure",
        "message": message,
        "reason": "The same call with the same arguments failed before, in other runs.",
        "tool_name": known.tool_name,
        "command": "",
        "failure_count": known.failed_in,
        "evidence": {
            "fingerprint": fingerprint,
            "sessions": list(known.sessions),
            "instead": known.instead or None,
            "instead_in": known.instead_in or None,
        },
    }


def _event(line: bytes) -> Mapping[str, Any]:
    try:
        found = orjson.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, Mapping) else {}
