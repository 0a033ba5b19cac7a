"""Runs that belong together across processes: W3C trace context in headers and in the environment.

    requests.post(url, headers=inject(current_context()))                       # to a service
    subprocess.run(command, env=child_environment())                            # to a child process
    pt.start(..., **session_kwargs_from_context(extract(request.headers)))      # on the other side

A child process needs nothing: `pt.start` and `pt.observe` find the parent in the environment by themselves.
Format: https://www.w3.org/TR/trace-context/#traceparent-header
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from promptetheus import context, guard

TRACEPARENT = "traceparent"

_SHAPE = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")


class TraceContext(NamedTuple):
    """A place in a trace."""

    trace_id: str
    """32 lower-case hex digits, not all 0."""
    parent_id: str
    """16 lower-case hex digits, not all 0: the span that the next one is called from."""
    flags: str = "01"

    def to_traceparent(self) -> str:
        """The header's value, e.g. `00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01`."""
        return f"00-{self.trace_id}-{self.parent_id}-{self.flags}"


def new_trace_context() -> TraceContext:
    """A new trace with random ids."""
    return TraceContext(_nonzero(os.urandom(16).hex()), _nonzero(os.urandom(8).hex()))


def current_context() -> TraceContext:
    """The context of the current session and its innermost span: the same ids at every call.

    A session that was started from another one keeps that one's trace. Outside a session: a new trace.
    """
    session = context.current_session.get()
    if session is None:
        return new_trace_context()
    span_id, _ = context.enclosing_spans(session.session_id)
    inherited = session.metadata.get("trace_id")
    if not isinstance(inherited, str) or not re.fullmatch("[0-9a-f]{32}", inherited):
        inherited = _digest(session.session_id)[:32]
    return TraceContext(inherited, _digest(span_id or session.session_id)[32:48])


def inject(trace: TraceContext, headers: Mapping[str, str] | None = None) -> dict[str, str]:
    """A copy of the headers with `traceparent` added."""
    return {**(headers or {}), TRACEPARENT: trace.to_traceparent()}


def extract(headers: Any) -> TraceContext | None:
    """The context in a request's headers (names in any case); None without a valid one. Never raises."""
    try:
        for name, value in headers.items():
            if isinstance(name, str) and name.lower() == TRACEPARENT:
                return _parsed(value)
    except Exception as error:  # headers of a framework that are no mapping
        guard.report("failed.extract", "the headers of a request could not be read", error)
    return None


def session_kwargs_from_context(trace: TraceContext | None) -> dict[str, Any]:
    """Arguments for `start` that link the session to its caller; none without a context."""
    if trace is None:
        return {}
    return {
        "metadata": {
            "trace_id": trace.trace_id,
            "parent_span_id": trace.parent_id,
            "trace_flags": trace.flags,
        }
    }


def child_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment for a child process of the current session; default that of this process."""
    found = dict(os.environ if environment is None else environment)
    session = context.current_session.get()
    if session is not None:
        found["TRACEPARENT"] = current_context().to_traceparent()
        found["PROMPTETHEUS_PARENT_SESSION"] = session.session_id
    return found


def inherited_metadata() -> dict[str, Any]:
    """Metadata for a session of this process: its parent, where the environment names one."""
    parent = os.environ.get("PROMPTETHEUS_PARENT_SESSION")
    if not parent:  # TRACEPARENT alone is set by other tools for purposes of their own
        return {}
    trace = _parsed(os.environ.get("TRACEPARENT"))
    linked: dict[str, Any] = session_kwargs_from_context(trace).get("metadata", {})
    return {**linked, "parent_session_id": parent}


def _parsed(value: object) -> TraceContext | None:
    match = _SHAPE.fullmatch(value.strip().lower()) if isinstance(value, str) else None
    if match is None or not int(match[1], 16) or not int(match[2], 16):
        return None
    return TraceContext(match[1], match[2], match[3])


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _nonzero(digits: str) -> str:
    return digits if int(digits, 16) else "1".rjust(len(digits), "0")
