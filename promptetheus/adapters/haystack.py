"""Haystack: pipelines, components, agents, models, retrievers and tools, from its tracing."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from contextlib import AbstractContextManager
from contextvars import ContextVar, Token
from typing import Any

from promptetheus.adapters.attaching import Attached
from promptetheus.adapters.extras import require_extra
from promptetheus.adapters.haystack_runs import ADAPTER, Run
from promptetheus.adapters.places import Places
from promptetheus.adapters.scope import hook

EXTRA = "haystack"
_WHO = "HaystackAdapter"


def HaystackAdapter(session: Any = None, *, capture_content: bool = False) -> Any:
    """A tracer of Haystack that records.

        with HaystackAdapter():
            pipeline.run({"retriever": {"query": "…"}})

    `haystack.tracing.enable_tracing(HaystackAdapter())` does the same without an end. Attached by `with` or
    `attach()`, it passes everything on to the tracer that was enabled before, and gives it back when it is detached.

    Args:
        session: the session to record into; default the one that is current where an outermost trace begins.
        capture_content: record the prompts themselves, redacted, and not only a hash of them.

    Raises RuntimeError without the library.
    """
    require_extra("haystack.tracing", EXTRA, _WHO)
    return _tracer_class()(session, capture_content)


@functools.cache
def _tracer_class() -> Any:
    base = require_extra("haystack.tracing", EXTRA, _WHO).Tracer
    return type("PromptetheusTracer", (_Tracer, base), {})


@functools.cache
def _span_class() -> Any:
    base = require_extra("haystack.tracing", EXTRA, _WHO).Span
    return type("PromptetheusSpan", (_Span, base), {})


class _Tracer(Attached):
    """What Haystack asks for traces."""

    def __init__(self, session: Any, capture_content: bool) -> None:
        super().__init__()
        self._places = Places(session, ADAPTER)
        self._capture = capture_content
        self._haystack = require_extra("haystack.tracing", EXTRA, _WHO)
        self._active: ContextVar[Any] = ContextVar("promptetheus_haystack", default=None)
        self.next: Any = None
        """The tracer that was enabled before, and goes on."""

    def _attach(self) -> None:
        proxy = self._haystack.tracer
        before = proxy.actual_tracer
        self.next = before if self._haystack.is_tracing_enabled() else None
        self._before = before
        proxy.actual_tracer = self

    def _detach(self) -> None:
        proxy = self._haystack.tracer
        if proxy.actual_tracer is self:
            proxy.actual_tracer = self._before
            return
        around = proxy.actual_tracer  # another adapter was attached since, and passes on to this one
        while around is not None and getattr(around, "next", None) is not self:
            around = getattr(around, "next", None)
        if around is not None:
            around.next, around._before = self.next, self._before

    def trace(
        self, operation_name: str, tags: Mapping[str, Any] | None = None, parent_span: Any = None
    ) -> AbstractContextManager[Any]:
        """A context manager that gives a span."""
        return _Trace(self, operation_name, tags, parent_span)

    def current_span(self) -> Any:
        """The innermost open span here, else that of the other tracer."""
        found = self._active.get()
        return found if found is not None or self.next is None else self.next.current_span()

    @hook
    def begin(self, operation: str, tags: Mapping[str, Any] | None, parent_span: Any) -> Run | None:
        """Ours of a trace; None when nothing is to be recorded."""
        parent = getattr(parent_span if parent_span is not None else self._active.get(), "run", None)
        parent = parent if isinstance(parent, Run) and self._places.inside(parent.run_id) else None
        scope = self._places.around(None if parent is None else parent.run_id)
        if scope is None:
            return None
        return Run(self._places, parent, scope, operation, tags or {}, self._capture)


class _Trace(AbstractContextManager[Any]):
    """One trace: ours, around that of the other tracer."""

    def __init__(
        self, tracer: _Tracer, operation: str, tags: Mapping[str, Any] | None, parent_span: Any
    ) -> None:
        self._tracer, self._operation, self._tags, self._parent = tracer, operation, tags, parent_span
        self._inner: Any = None
        self._run: Run | None = None
        self._token: Token[Any] | None = None

    def __enter__(self) -> Any:
        other = None
        if self._tracer.next is not None:
            parent = getattr(self._parent, "other", self._parent)
            self._inner = self._tracer.next.trace(self._operation, tags=self._tags, parent_span=parent)
            other = self._inner.__enter__()
        self._run = self._tracer.begin(self._operation, self._tags, self._parent)
        span = _span_class()(self._run, other)
        self._token = self._tracer._active.set(span)
        return span

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> Any:
        self._leave()
        if self._run is not None:
            self._run.end(error)
        return None if self._inner is None else self._inner.__exit__(kind, error, traceback)

    @hook
    def _leave(self) -> None:
        try:
            if self._token is not None:
                self._tracer._active.reset(self._token)
        except ValueError:  # left in another context than it was entered in
            self._tracer._active.set(None)


class _Span:
    """What Haystack tells of a trace, passed on to the span of the other tracer."""

    def __init__(self, run: Run | None, other: Any) -> None:
        self.run = run
        self.other = other

    def set_tag(self, key: str, value: Any) -> None:
        if self.run is not None:
            self.run.tag(key, value)
        if self.other is not None:
            self.other.set_tag(key, value)

    def set_content_tag(self, key: str, value: Any) -> None:
        """Haystack gives content whether or not it is to be traced: what is kept of it is ours to decide."""
        if self.run is not None:
            self.run.content(key, value)
        if self.other is not None:
            self.other.set_content_tag(key, value)

    def raw_span(self) -> Any:
        return self if self.other is None else self.other.raw_span()

    def get_correlation_data_for_logs(self) -> Any:
        return {} if self.other is None else self.other.get_correlation_data_for_logs()
