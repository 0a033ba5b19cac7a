"""What a running agent should hear before it repeats a mistake: pure functions and a bounded memory of its calls.

Used by `AgentRuntime` in the agent's own process and by the gateway for agents of several processes.
"""

from __future__ import annotations

import hashlib
import itertools
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from promptetheus.display import printable_line
from promptetheus.encoding import encode_value

FAILED = frozenset({"failed", "failure", "error", "errored"})
SUCCEEDED = frozenset({"success", "succeeded", "passed", "complete", "completed"})

MAX_CALLS = 500
"""So many different calls are remembered; those not made for the longest time go first."""

ROUNDS = 3
"""A, B, A, B, A, B: two calls in turn so many times are a loop."""

_ERROR_LENGTH = 300


@dataclass(slots=True)
class Attempts:
    """How often a call was made with the same arguments."""

    tool_name: str
    command: str
    attempts: int = 0
    failures: int = 0
    """Since it last succeeded."""
    last_error: str = ""
    hinted_at: int = 0
    """With how many failures `next_hint` told of it."""


def call_fingerprint(tool_name: str, command: str | None, args: Any) -> str:
    """The same for the same tool, command and arguments: SHA-256 over their canonical JSON.

    A command that stands among the arguments counts as the command, so that a call is the same whichever way it
    was told.
    """
    if not command and isinstance(args, Mapping) and isinstance(args.get("command"), str):
        command = args["command"]
        args = {name: value for name, value in args.items() if name != "command"}
    call = {"tool_name": tool_name, "command": command or "", "args": {} if args is None else args}
    return hashlib.sha256(encode_value(call)).hexdigest()


class CallMemory:
    """The calls of one session. Not thread-safe."""

    def __init__(self) -> None:
        self._calls: OrderedDict[str, Attempts] = OrderedDict()
        self._order: deque[str] = deque(maxlen=2 * ROUNDS)
        self._loop_told: frozenset[str] = frozenset()

    def record(
        self,
        tool_name: str,
        command: str | None = None,
        args: Any = None,
        status: str | None = None,
        error: object = None,
    ) -> dict[str, Any]:
        """Take note of a call that is planned, failed or succeeded.

        Returns `seen_recently`, `attempt_count`, `failure_count`, `fingerprint` and `hint`: the hint is there when
        the same call failed before this one and has not succeeded since.
        """
        fingerprint = call_fingerprint(tool_name, command, args)
        known = self._calls.get(fingerprint) or Attempts(
            printable_line(tool_name, 200), printable_line(command or "", 500)
        )
        before = known.failures
        hint = repeated_failure(known, fingerprint) if before else None
        word = (status or "").lower()
        if word in FAILED:
            known.attempts += 1
            known.failures += 1
            known.last_error = printable_line(str(error or ""), _ERROR_LENGTH)
        elif word in SUCCEEDED:
            known.attempts += 1
            known.failures = known.hinted_at = 0
            known.last_error = ""
        if word in FAILED or word in SUCCEEDED:
            self._order.append(fingerprint)
        self._calls[fingerprint] = known
        self._calls.move_to_end(fingerprint)
        while len(self._calls) > MAX_CALLS:
            self._calls.popitem(last=False)
        return {
            "seen_recently": before > 0,
            "attempt_count": known.attempts,
            "failure_count": known.failures,
            "fingerprint": fingerprint,
            "hint": hint,
        }

    def next_hint(self) -> dict[str, Any] | None:
        """What to hear now, once: a loop of two calls, else the call that failed most often. A hint comes again
        only when there is more to it."""
        loop = self._loop()
        if loop is not None:
            return loop
        waiting = [
            (fingerprint, call)
            for fingerprint, call in self._calls.items()
            if call.failures >= 1 and call.failures > call.hinted_at
        ]
        if not waiting:
            return None
        fingerprint, call = max(waiting, key=lambda item: item[1].failures)
        call.hinted_at = call.failures
        return repeated_failure(call, fingerprint)

    def state(self) -> dict[str, Any]:
        """The memory as JSON, for `restored`."""
        return {
            "calls": {fingerprint: asdict(call) for fingerprint, call in self._calls.items()},
            "order": list(self._order),
            "loop_told": sorted(self._loop_told),
        }

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Self:
        """The memory that `state` was taken of; an empty one of an empty mapping."""
        memory = cls()
        memory._calls.update((name, Attempts(**call)) for name, call in state.get("calls", {}).items())
        memory._order.extend(state.get("order", ()))
        memory._loop_told = frozenset(state.get("loop_told", ()))
        return memory

    def failing(self) -> list[tuple[str, Attempts]]:
        """The calls that failed since they last succeeded, with their fingerprints."""
        return [(fingerprint, call) for fingerprint, call in self._calls.items() if call.failures]

    def _loop(self) -> dict[str, Any] | None:
        order = list(self._order)
        pair = frozenset(order)
        if len(order) < 2 * ROUNDS or len(pair) != 2 or any(a == b for a, b in itertools.pairwise(order)):
            self._loop_told = frozenset() if len(pair) != 2 else self._loop_told
            return None
        if pair == self._loop_told or not all(name in self._calls for name in pair):
            return None
        self._loop_told = pair
        first, second = (self._calls[name] for name in order[-2:])
        names = f"{_shown(first)} and {_shown(second)}"
        return {
            "kind": "oscillation",
            "message": f"{names} have been called in turn {ROUNDS} times with the same arguments.",
            "reason": "The same two calls in turn change nothing; something else has to change first.",
            "tool_name": second.tool_name,
            "command": second.command,
            "failure_count": second.failures,
            "evidence": {"fingerprints": order[-2:], "rounds": ROUNDS},
        }


def repeated_failure(call: Attempts, fingerprint: str) -> dict[str, Any]:
    """The hint about a call that failed and was not yet seen to succeed since."""
    times = "once" if call.failures == 1 else f"{call.failures} times"
    error = f": {call.last_error}" if call.last_error else ""
    return {
        "kind": "repeated_tool_failure",
        "message": f"{_shown(call)} failed {times} with the same arguments{error}",
        "reason": "The same call with the same arguments has not succeeded since.",
        "tool_name": call.tool_name,
        "command": call.command,
        "failure_count": call.failures,
        "evidence": {"fingerprint": fingerprint, "last_error": call.last_error},
    }


def _shown(call: Attempts) -> str:
    return f"{call.tool_name} ({call.command})" if call.command else call.tool_name
