"""Promptetheus: the debugger for AI agents that lives in the terminal.

    import promptetheus as pt

Names are resolved when they are first used: importing this package costs next to nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "2.1.0"

if TYPE_CHECKING:
    from promptetheus import trace
    from promptetheus.adapters.autoinstrument import autoinstrument
    from promptetheus.agent_runtime import AgentRuntime, AsyncAgentRuntime
    from promptetheus.async_session import AsyncSession
    from promptetheus.context import current
    from promptetheus.decorators import observe, tool, traced, wrap_context
    from promptetheus.fingerprint import FailureFingerprint, failure_fingerprint
    from promptetheus.guard import stats
    from promptetheus.sampling import DEFAULT_TAIL_POLICY, TailDecision, TailSamplingPolicy
    from promptetheus.session import Session
    from promptetheus.trace import start

__all__ = [
    "DEFAULT_TAIL_POLICY",
    "AgentRuntime",
    "AsyncAgentRuntime",
    "AsyncSession",
    "FailureFingerprint",
    "Session",
    "TailDecision",
    "TailSamplingPolicy",
    "__version__",
    "autoinstrument",
    "current",
    "failure_fingerprint",
    "observe",
    "start",
    "stats",
    "tool",
    "trace",
    "traced",
    "wrap_context",
]

_HOMES = {
    "AgentRuntime": "agent_runtime",
    "AsyncAgentRuntime": "agent_runtime",
    "AsyncSession": "async_session",
    "DEFAULT_TAIL_POLICY": "sampling",
    "FailureFingerprint": "fingerprint",
    "Session": "session",
    "TailDecision": "sampling",
    "TailSamplingPolicy": "sampling",
    "autoinstrument": "adapters.autoinstrument",
    "current": "context",
    "failure_fingerprint": "fingerprint",
    "observe": "decorators",
    "start": "trace",
    "tool": "decorators",
    "stats": "guard",
    "traced": "decorators",
    "wrap_context": "decorators",
}


def __getattr__(name: str) -> Any:
    import importlib

    if name == "trace":
        return importlib.import_module("promptetheus.trace")
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'promptetheus' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"promptetheus.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
