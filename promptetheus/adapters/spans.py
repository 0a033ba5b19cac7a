"""Spans of a framework, with the framework's own ids for what encloses what.

A framework reports the beginning and the end of a run by callbacks, from any thread or task: the parent is the
one that it names, not whatever is current where the callback happens to run.
"""

from __future__ import annotations

import time
from typing import Any, Self

from promptetheus import context
from promptetheus.adapters.bounded import BoundedRunState
from promptetheus.adapters.model_call import error_facts
from promptetheus.adapters.scope import Scope, hook
from promptetheus.ids import new_span_id

MAX_OPEN_RUNS = 1024


class Span:
    """An open span. `inside` is the scope of what happens in it.

    As a context manager it is also current for the code in the block (the user's own `pt.traced`, another
    adapter), and ends with it. `end` may be called from any thread, once; later calls do nothing.
    `started_s`: when it began, on the monotonic clock; default now.
    """

    def __init__(
        self,
        scope: Scope,
        name: str,
        metadata: dict[str, Any] | None = None,
        started_s: float | None = None,
    ) -> None:
        self.span_id = new_span_id()
        self.inside = scope.inside(self.span_id)
        self._name = name
        self._metadata = dict(metadata or {})
        self._started_s = time.monotonic() if started_s is None else started_s
        scope.session._unfinished[self] = True
        self.inside.record("state_change", {"name": "span_start", "span_name": name}, self._metadata or None)

    @hook
    def end(self, error: BaseException | str | None = None, metadata: dict[str, Any] | None = None) -> None:
        """Record the end. `error`: what ended it, in the metadata; an `error` event is the caller's to write, once
        where the error happened and not for every span that it passes through."""
        if not self.inside.session._unfinished.pop(self, False):
            return
        found = {**self._metadata, **(metadata or {})}
        if error is not None:
            found["status"] = "failed"
            found["error"] = error_facts(error) if isinstance(error, BaseException) else {"message": error}
        took_ms = max(0, round((time.monotonic() - self._started_s) * 1000))
        payload = {"name": "span_end", "span_name": self._name, "duration_ms": took_ms}
        self.inside.record("state_change", payload, found or None)

    def cut_off(self) -> None:
        """The session ends while the span is open."""
        self.end(metadata={"status": "unfinished"})

    @hook
    def enter(self) -> None:
        """Make the span current here: in this thread or task, until `leave`."""
        context.push_span(self.inside.session.session_id, self.span_id)

    @hook
    def leave(self) -> None:
        """Take the span out of what is current here."""
        context.pop_span(self.inside.session.session_id, self.span_id)

    def __enter__(self) -> Self:
        self.enter()
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        self.leave()
        self.end(error)


class SpanTree:
    """The open runs of a framework by its own ids. At most `max_open`: the oldest is ended for a new one."""

    def __init__(self, max_open: int = MAX_OPEN_RUNS) -> None:
        self._runs: BoundedRunState[Span | Scope] = BoundedRunState(max_open)

    def start(
        self,
        run_id: str,
        parent_id: str | None,
        name: str,
        scope: Scope,
        metadata: dict[str, Any] | None = None,
        started_s: float | None = None,
    ) -> Span:
        """Open a span under the run `parent_id`; under `scope` when that run is unknown."""
        span = Span(self.scope(parent_id, scope), name, metadata, started_s)
        self._keep(run_id, span)
        return span

    def pass_through(self, run_id: str, parent_id: str | None, scope: Scope) -> None:
        """A run that is no span of its own: what happens in it belongs to its parent."""
        self._keep(run_id, self.scope(parent_id, scope))

    def scope(self, run_id: str | None, otherwise: Scope) -> Scope:
        """The scope inside a run; `otherwise` when it is unknown or belongs to another session."""
        found = None if run_id is None else self._runs.get(run_id)
        inside = found.inside if isinstance(found, Span) else found
        if inside is None or inside.session is not otherwise.session:
            return otherwise
        return inside

    def find(self, run_id: str | None) -> Scope | None:
        """The scope inside a run that is open, whatever its session; None when it is unknown."""
        found = None if run_id is None else self._runs.get(run_id)
        return found.inside if isinstance(found, Span) else found

    def is_span(self, run_id: str | None) -> bool:
        """Whether a run is open and a span of its own."""
        return run_id is not None and isinstance(self._runs.get(run_id), Span)

    def end(
        self, run_id: str, error: BaseException | str | None = None, metadata: dict[str, Any] | None = None
    ) -> None:
        """End a run; nothing when it is unknown."""
        found = self._runs.pop(run_id)
        if isinstance(found, Span):
            found.end(error, metadata)

    def _keep(self, run_id: str, run: Span | Scope) -> None:
        evicted = self._runs.put(run_id, run)
        if isinstance(evicted, Span):
            evicted.end(metadata={"status": "evicted"})
