"""Which call a tool's answer belongs to, in formats where ids are missing or used twice."""

from __future__ import annotations

from collections import deque


class CallPairing:
    """Gives every call an id of its own and finds it again for the answer.

    An id that was used before in the session gets a suffix; answers are taken in the order of the calls.
    """

    def __init__(self) -> None:
        self._open: dict[str, deque[str]] = {}
        self._used: set[str] = set()
        self._unnamed = 0

    def opened(self, raw_id: str, tool: str) -> str:
        """The id to record for a call; `raw_id` is "" where the file gives none."""
        call_id = raw_id
        if not raw_id:
            self._unnamed += 1
            call_id = f"call-{self._unnamed}"
        suffix = 1
        while call_id in self._used:
            suffix += 1
            call_id = f"{raw_id or tool}~{suffix}"
        self._used.add(call_id)
        self._open.setdefault(raw_id or f" {tool}", deque()).append(call_id)
        return call_id

    def answered(self, raw_id: str, tool: str) -> str:
        """The id of the call that an answer belongs to; `raw_id` itself when no such call is open."""
        waiting = self._open.get(raw_id or f" {tool}")
        if not waiting:
            return raw_id
        call_id = waiting.popleft()
        if not waiting:
            del self._open[raw_id or f" {tool}"]
        return call_id
