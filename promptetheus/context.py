"""Which session and which spans are current, per thread and asyncio task.

Entries are taken out by value, not by token: a session or span may be left in another context than it was
entered in (generators, callbacks) without an error.
"""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from promptetheus.session import Session

current_session: ContextVar[Session | None] = ContextVar("promptetheus_session", default=None)

span_stack: ContextVar[tuple[tuple[str, str], ...]] = ContextVar("promptetheus_spans", default=())
"""Open spans, outermost first, as (session_id, span_id)."""


class NoopSession:
    """What `current()` gives outside a session: takes every call, does nothing."""

    session_id = "noop"

    def event(self, *args: Any, **kwargs: Any) -> None:
        """Does nothing."""

    def flush(self, *args: Any, **kwargs: Any) -> None:
        """Does nothing."""

    def end(self, *args: Any, **kwargs: Any) -> None:
        """Does nothing."""

    def span(self, *args: Any, **kwargs: Any) -> _NoopSpan:
        """A context manager, sync and async, that yields None."""
        return _NoopSpan()

    aspan = span

    async def end_async(self, *args: Any, **kwargs: Any) -> None:
        """Does nothing."""

    async def aflush_blocking(self, *args: Any, **kwargs: Any) -> None:
        """Does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exc: object) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _nothing


class _NoopSpan:
    def __enter__(self) -> None:
        return None

    def __exit__(self, *exc: object) -> None:
        return None

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, *exc: object) -> None:
        return None


def _nothing(*args: Any, **kwargs: Any) -> None:
    return None


def current() -> Session | NoopSession:
    """The active session of this thread or task, or one that ignores everything."""
    return current_session.get() or NoopSession()


Snapshot = tuple["Session | None", tuple[tuple[str, str], ...]]
"""The current session and the open spans."""


def snapshot() -> Snapshot:
    """What is current here."""
    return current_session.get(), span_stack.get()


def restore(found: Snapshot) -> None:
    """Make current what was when the snapshot was taken."""
    current_session.set(found[0])
    span_stack.set(found[1])


class Place:
    """A body of code that runs in pieces: inside the `with` block its session and spans are current, outside
    those of whoever is there."""

    def __init__(self, inside: Snapshot | None = None) -> None:
        self._inside = snapshot() if inside is None else inside
        self._outside = self._inside

    def __enter__(self) -> None:
        self._outside = snapshot()
        restore(self._inside)

    def __exit__(self, *exc: object) -> None:
        self._inside = snapshot()
        restore(self._outside)


def enclosing_spans(session_id: str) -> tuple[str | None, str | None]:
    """The innermost open span of a session here and the one around it."""
    inner: str | None = None
    for owner, span_id in reversed(span_stack.get()):
        if owner == session_id:
            if inner is not None:
                return inner, span_id
            inner = span_id
    return inner, None


def push_span(session_id: str, span_id: str) -> None:
    """Make a span the innermost one here."""
    span_stack.set((*span_stack.get(), (session_id, span_id)))


def pop_span(session_id: str, span_id: str) -> None:
    """Take a span out, wherever it stands."""
    entry = (session_id, span_id)
    span_stack.set(tuple(other for other in span_stack.get() if other != entry))
