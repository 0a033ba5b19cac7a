"""Where an adapter's events go: a session, and the span in it that they belong to.

Resolved once per call of the framework, so that the events of one call stay together wherever they are recorded
(another thread, another task, after the block that was current).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from promptetheus import context, guard

if TYPE_CHECKING:
    from promptetheus.session import Session

hook = guard.guarded(lambda: None)
"""Decorator for every function of ours that a framework calls: what goes wrong in it is a report and None,
never an exception in the framework."""


class Scope(NamedTuple):
    """A session and the open spans, outermost first, that enclose what is recorded."""

    session: Session
    spans: tuple[tuple[str, str], ...]

    def record(self, kind: str, payload: Mapping[str, Any], metadata: Mapping[str, Any] | None = None) -> Any:
        """Write an event. What comes after the session's end is counted as `dropped.after_end`: written, it would
        turn an ended session into a crashed one."""
        if self.session._end is not None:
            guard.count("dropped.after_end")
            return None
        here = context.span_stack.get()
        if here is self.spans:
            return self.session.event(kind, payload, metadata)
        context.span_stack.set(self.spans)
        try:
            return self.session.event(kind, payload, metadata)
        finally:
            context.span_stack.set(here)

    def error(
        self,
        error: BaseException | str,
        metadata: Mapping[str, Any] | None = None,
        error_type: str | None = None,
    ) -> None:
        """Write an `error` event. It is `handled` as far as we know: what the agent makes of it comes after."""
        if self.session._end is not None:
            guard.count("dropped.after_end")
            return
        here = context.span_stack.get()
        context.span_stack.set(self.spans)
        try:
            self.session.error(error, error_type=error_type, metadata=metadata)
        finally:
            context.span_stack.set(here)

    def inside(self, span_id: str) -> Scope:
        """The scope inside a span that was opened in this one."""
        return Scope(self.session, (*self.spans, (self.session.session_id, span_id)))


def scope_of(given: Any = None) -> Scope | None:
    """The scope of what happens now: in the session that the adapter was given, else in the current one.

    None where nothing is to be recorded: no session is current, or it was sampled out, or has ended.
    """
    session = context.current_session.get() if given is None else given
    if session is None or isinstance(session, context.NoopSession):
        return None
    if not session.is_recorded or session._end is not None:
        return None
    return Scope(session, context.span_stack.get())
