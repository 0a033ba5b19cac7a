"""Whether another adapter has recorded what a framework tells without the provider's id."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from promptetheus.adapters.model_call import ModelCall

_MAX_OPEN = 16
"""A framework may never tell that a call has ended."""

_open: ContextVar[tuple[InnerCalls, ...]] = ContextVar("promptetheus_inner_calls", default=())
"""The calls of frameworks that are under way here, outermost first: several adapters may watch one, each for a
session of its own."""


class InnerCalls:
    """Collects, from `open` to `close`, which kinds of adapters write model calls, and into which sessions: in this
    thread or task, and in those that it starts."""

    def __init__(self, adapter: str) -> None:
        self._adapter = adapter
        self._written: set[tuple[str, str]] = set()
        self._is_open = False

    def open(self) -> Self:
        """The framework's call is under way here."""
        self._is_open = True
        around = _still_open()[1 - _MAX_OPEN :]
        _open.set((*around, self))
        return self

    def close(self) -> None:
        """It is not any more; here or, where it was opened in another task, wherever somebody looks."""
        self._is_open = False
        _open.set(_still_open())

    def __enter__(self) -> Self:
        return self.open()

    def __exit__(self, *exc: object) -> None:
        self.close()

    def finish(self, call: ModelCall) -> bool:
        """The framework's call is over, and about to be written. Dropped, when the provider's client has been seen to
        make it, and that was recorded in the same session; a call with an id is told apart by that. Returns whether
        it is still to be written."""
        self.close()
        session_id = call.scope.session.session_id
        others = [kind for session, kind in self._written if session == session_id and kind != self._adapter]
        if call.answer.response_id is None and others:
            call.drop()
            return False
        return True


def note_written(session_id: str, adapter: str) -> None:
    """An adapter has written a model call into a session: all that are open here learn of it."""
    for inner in _open.get():
        inner._written.add((session_id, adapter))


def _still_open() -> tuple[InnerCalls, ...]:
    return tuple(inner for inner in _open.get() if inner._is_open)
