"""Help for an agent while it runs: what it tried, what failed, and a hint before it does so again.

Best effort, and apart from recording: nothing here raises into the agent or holds it up for longer than `timeout`.
With a key the gateway is asked, so that several processes share what they know; without one, or when the gateway
does not answer, the process's own memory and the spool's earlier sessions answer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import orjson

from promptetheus import guard
from promptetheus.delivery.destination import Destination, destination
from promptetheus.delivery.pace import Pace
from promptetheus.encoding import encode_value
from promptetheus.runtime_hints import CallMemory, call_fingerprint
from promptetheus.runtime_history import EarlierRuns, earlier_failure
from promptetheus.spool import DEFAULT_SPOOL_DIR, session_file_name

if TYPE_CHECKING:
    from promptetheus.redaction import DefaultRedactor

R = TypeVar("R")

logger = logging.getLogger("promptetheus.runtime")

MAX_MEMORY = 200
_THRESHOLD, _RESET_S = 3, 15.0


class AgentRuntime:
    """The memory of one session's run, and hints from it.

    Args:
        session_id: The session that this is about.
        endpoint: URL of the gateway; None: from the environment or the settings.
        api_key: Key of a project there; None: likewise. Without one nothing is sent.
        timeout: Seconds that a call may take at most, whatever the gateway does.
        enabled: False switches everything off.
        spool_dir: Where earlier sessions are looked for.
    """

    def __init__(
        self,
        session_id: str,
        *,
        endpoint: str | None = None,
        api_key: str | None = None,
        timeout: float = 2.0,
        enabled: bool = True,
        spool_dir: str | os.PathLike[str] = DEFAULT_SPOOL_DIR,
    ) -> None:
        self.session_id = str(session_id)
        self.timeout = timeout
        self.enabled = enabled
        self._target = destination(endpoint, api_key) if enabled else None
        self._pace = Pace(threshold=_THRESHOLD, reset_s=_RESET_S)
        self._lock = threading.Lock()
        self._client: Any = None
        self._redactor: DefaultRedactor | None = None
        self._in_flight: threading.Thread | None = None
        self._calls = CallMemory()
        self._memory: deque[dict[str, Any]] = deque(maxlen=MAX_MEMORY)
        self._told: set[str] = set()
        spool = Path(os.path.abspath(spool_dir))
        self._earlier = EarlierRuns(spool, spool / session_file_name(self.session_id))
        if enabled:
            self._earlier.start()

    @property
    def endpoint(self) -> str | None:
        """The gateway that is asked; None when there is none."""
        return self._target.api_url if self._target is not None else None

    def remember(self, kind: str, value: Any, metadata: Mapping[str, Any] | None = None) -> None:
        """Keep something for later in this run: a hypothesis, a decision, a file that matters."""
        entry = self._clean({"kind": kind, "value": value, "metadata": metadata or {}})
        if entry is not None:
            with self._lock:
                self._memory.append(entry)
            self._ask("POST", "memory", entry)

    def get_memory(self, limit: int = 20) -> list[dict[str, Any]]:
        """What was kept, the oldest first: the last `limit` entries (1 to 200; anything else counts as 20)."""
        if isinstance(limit, bool) or not isinstance(limit, int):
            limit = 20
        limit = min(max(limit, 1), MAX_MEMORY)
        found = self._ask("GET", f"memory?limit={limit}")
        if isinstance(found, Mapping):
            found = found.get("memory", found.get("entries"))
        if isinstance(found, list):
            return [entry for entry in found if isinstance(entry, dict)]
        with self._lock:
            return list(self._memory)[-limit:]

    def record_tool_call(
        self,
        tool_name: str,
        *,
        command: str | None = None,
        args: Any = None,
        status: str | None = None,
        error: Any = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Take note of a call. Returns at least `seen_recently` (it failed before in this run) and `hint`."""
        given = {"command": command, "args": args, "status": status, "error": error, "metadata": metadata}
        call = self._clean({"tool_name": tool_name, **{k: v for k, v in given.items() if v is not None}})
        answer: dict[str, Any] = {"seen_recently": False, "hint": None}
        if call is None:
            return answer
        answer |= self._record_here(call)
        found = self._ask("POST", "tool-call", call)
        if isinstance(found, Mapping):
            hint = answer["hint"] if answer["hint"] and answer["hint"]["kind"] == "known_failure" else None
            answer = {**answer, **found}
            answer["hint"] = found.get("hint") or hint
        return answer

    def before_tool_call(
        self,
        tool_name: str,
        *,
        command: str | None = None,
        args: Any = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Ask before a call is made: `hint` says when it failed before, in this run or in earlier ones."""
        return self.record_tool_call(
            tool_name, command=command, args=args, status="planned", metadata=metadata
        )

    def after_tool_call(
        self,
        tool_name: str,
        *,
        command: str | None = None,
        args: Any = None,
        status: str | None = None,
        error: Any = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Say how a call went; without a status an error means that it failed."""
        status = status or ("failed" if error else "succeeded")
        return self.record_tool_call(
            tool_name, command=command, args=args, status=status, error=error, metadata=metadata
        )

    def heartbeat(
        self,
        *,
        phase: str | None = None,
        current_file: str | None = None,
        current_hypothesis: str | None = None,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Say what the agent is at, for those who watch."""
        given = {
            "phase": phase,
            "current_file": current_file,
            "current_hypothesis": current_hypothesis,
            "metadata": metadata,
        }
        told = self._clean({name: value for name, value in given.items() if value is not None})
        if told is not None:
            self._ask("POST", "heartbeat", told)

    def next_hint(self) -> dict[str, Any] | None:
        """The most pressing hint that was not given yet, or None."""
        found = self._ask("GET", "hint")
        if isinstance(found, dict):
            hint = found.get("hint")
            if isinstance(hint, dict):
                return hint
            if {"message", "action", "severity"} & set(found):
                return found
        if not self.enabled:
            return None
        with self._lock:
            return self._calls.next_hint()

    def close(self) -> None:
        """Close the connection to the gateway."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    def __del__(self) -> None:
        try:
            self.close()
        except Exception:  # interpreter shutdown
            pass

    # ── inside ───────────────────────────────────────────────────────────────────────────────────────────

    def _record_here(self, call: dict[str, Any]) -> dict[str, Any]:
        name, command, args = str(call.get("tool_name")), call.get("command"), call.get("args")
        command = command if isinstance(command, str) else None
        with self._lock:
            found = self._calls.record(name, command, args, call.get("status"), call.get("error"))
            if found["hint"] is None and call.get("status") == "planned":
                fingerprint = call_fingerprint(name, command, args)
                known = self._earlier.failure(fingerprint)
                if known is not None and fingerprint not in self._told:
                    self._told.add(fingerprint)
                    found["hint"] = earlier_failure(known, fingerprint)
            return found

    def _clean(self, payload: dict[str, Any]) -> dict[str, Any] | None:
        """The payload as JSON without secrets; None when it is switched off or that failed."""
        if not self.enabled:
            return None
        try:
            if self._redactor is None:
                from promptetheus.redaction import build_default_redactor  # takes 10 ms

                self._redactor = build_default_redactor()
            found = orjson.loads(self._redactor.encoded(encode_value(payload)))
            return found if isinstance(found, dict) else None
        except Exception as error:
            guard.report("failed.runtime", "the runtime could not use what it was given", error)
            return None

    def _ask(self, method: str, what: str, body: Mapping[str, Any] | None = None) -> Any:
        """The gateway's answer as JSON; None without one. While the gateway is away this takes microseconds."""
        target = self._target
        if target is None:
            return None
        with self._lock:
            if self._pace.wait_s() > 0 or (self._in_flight is not None and self._in_flight.is_alive()):
                return None
            answer: list[Any] = []
            thread = threading.Thread(
                target=self._request, args=(target, method, what, body, answer), daemon=True
            )
            self._in_flight = thread
        try:
            thread.start()
        except RuntimeError:  # the interpreter is ending
            return None
        thread.join(self.timeout)
        with self._lock:
            if answer:
                self._pace.succeeded()
                return answer[0]
            self._pace.failed()
        return None

    def _request(
        self, target: Destination, method: str, what: str, body: Mapping[str, Any] | None, answer: list[Any]
    ) -> None:
        try:
            from promptetheus.delivery.client import Client

            if self._client is None:
                self._client = Client(target._replace(timeout_s=self.timeout))
            base = "" if target.api_url.endswith("/api") else "/api"
            path = f"{base}/traces/{quote(self.session_id, safe='')}/runtime/{what}"
            found = self._client.get(path) if method == "GET" else self._client.post(path, orjson.dumps(body))
            if found.is_ok:
                answer.append(orjson.loads(found.body))
                return
            logger.debug("runtime %s: %s", what, found.error)
            if 400 <= found.status < 500 and found.status != 429:  # it is there, and says no
                answer.append(None)
        except Exception as error:
            logger.debug("runtime %s: %s", what, type(error).__name__)


class AsyncAgentRuntime:
    """`AgentRuntime` for event loops: each call is made in a thread, and awaited."""

    def __init__(self, session_id: str, **options: Any) -> None:
        self.runtime = AgentRuntime(session_id, **options)

    async def remember(self, kind: str, value: Any, metadata: Mapping[str, Any] | None = None) -> None:
        """See `AgentRuntime.remember`."""
        await self._do(self.runtime.remember, kind, value, metadata)

    async def get_memory(self, limit: int = 20) -> list[dict[str, Any]]:
        """See `AgentRuntime.get_memory`."""
        return await self._do(self.runtime.get_memory, limit)

    async def record_tool_call(self, tool_name: str, **given: Any) -> dict[str, Any]:
        """See `AgentRuntime.record_tool_call`."""
        return await self._do(self.runtime.record_tool_call, tool_name, **given)

    async def before_tool_call(self, tool_name: str, **given: Any) -> dict[str, Any]:
        """See `AgentRuntime.before_tool_call`."""
        return await self._do(self.runtime.before_tool_call, tool_name, **given)

    async def after_tool_call(self, tool_name: str, **given: Any) -> dict[str, Any]:
        """See `AgentRuntime.after_tool_call`."""
        return await self._do(self.runtime.after_tool_call, tool_name, **given)

    async def heartbeat(self, **given: Any) -> None:
        """See `AgentRuntime.heartbeat`."""
        await self._do(self.runtime.heartbeat, **given)

    async def next_hint(self) -> dict[str, Any] | None:
        """See `AgentRuntime.next_hint`."""
        return await self._do(self.runtime.next_hint)

    async def aclose(self) -> None:
        """See `AgentRuntime.close`."""
        await self._do(self.runtime.close)

    async def _do(self, call: Callable[..., R], *args: Any, **given: Any) -> R:
        return await asyncio.to_thread(call, *args, **given)
