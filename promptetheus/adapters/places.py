"""Where in a session the runs of a framework belong, when the framework names the run that encloses each run.

The place of a run is taken from that name, and from the spans that the user's own code opened inside the enclosing
run; never from what happens to be current where the framework calls back.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from promptetheus import context
from promptetheus.adapters.arguments import run_key
from promptetheus.adapters.bounded import BoundedRunState
from promptetheus.adapters.once import is_known_error, mark_of
from promptetheus.adapters.scope import Scope, scope_of
from promptetheus.adapters.spans import SpanTree

MAX_ERRORS = 64
"""So many exceptions are remembered while an outermost run is open."""

Leave = Callable[[BaseException | None], None]

Spans = tuple[tuple[str, str], ...]


@dataclass(eq=False)
class Root:
    """An outermost run: what its agent was asked to do."""

    run_id: str
    open: dict[str, Leave] = field(default_factory=dict)
    """How to end what is under way in it, by run."""
    errors: list[tuple[object, Scope, bool]] = field(default_factory=list)
    """Exceptions on their way out, by the mark that each bears, where each came up, and whether it is recorded. Not
    the exceptions themselves: those would keep the frames of what failed alive as long as the agent runs."""

    def note(self, error: BaseException, scope: Scope, is_recorded: bool = False) -> None:
        """Remember an exception, once: where it came up first."""
        if not isinstance(error, Exception) or len(self.errors) >= MAX_ERRORS:
            return
        mark = mark_of(error)
        for number, (known, place, was_recorded) in enumerate(self.errors):
            if known is mark:
                self.errors[number] = (known, place, was_recorded or is_recorded)
                return
        self.errors.append((mark, scope, is_recorded))


class Places:
    """The open runs of one adapter, by the framework's own ids, for all threads and tasks.

    Args:
        session: the session to record into; None takes the one that is current where an outermost run begins.
        adapter: which kind of adapter this is.
    """

    def __init__(self, session: Any, adapter: str) -> None:
        self._session = session
        self._adapter = adapter
        self._tree = SpanTree()
        self._roots: BoundedRunState[Root] = BoundedRunState()
        """The outermost run of every run that is open."""

    def around(self, parent_id: Any) -> Scope | None:
        """Where a new run belongs: inside its parent, and inside the spans that the user's code opened there."""
        around = self.inside(parent_id)
        if around is None:
            return scope_of(self._session)
        known, here = own_spans(around, around.spans), own_spans(around, context.span_stack.get())
        is_inside = len(here) > len(known) and here[: len(known)] == known
        return around._replace(spans=context.span_stack.get()) if is_inside else around

    def inside(self, run_id: Any) -> Scope | None:
        """Inside a run; None when it is unknown."""
        return None if run_id is None else self._tree.find(run_key(run_id))

    def open(
        self, run_id: Any, parent_id: Any, scope: Scope, name: str | None = None, facts: Any = None
    ) -> None:
        """A run begins in a scope; one with a name is a span."""
        root = self.root_of(parent_id)
        if root is None:
            root = Root(run_key(run_id))
            self.root_opens(root)
        self._roots[run_key(run_id)] = root
        if name is None:
            self._tree.pass_through(run_key(run_id), None, scope)
        else:
            self._tree.start(run_key(run_id), None, name, scope, facts)

    def close(self, run_id: Any, error: BaseException | None = None, facts: Any = None) -> None:
        """A run ends. With the outermost one ends what is still under way in it, and the exception that leaves it
        becomes an `error` event, unless it is one already.

        Args:
            error: the exception that left the run. One that was noted nowhere is recorded inside this run.
            facts: what else is known of the end; with them an exception is no failure.
        """
        key = run_key(run_id)
        is_failure = isinstance(error, Exception) and facts is None
        root = self._roots.pop(key)
        is_outermost = root is not None and root.run_id == key
        if root is not None and is_outermost:
            self.root_closes(root)
        scope = self._tree.find(key)
        if root is not None and error is not None and scope is not None and is_failure:
            root.note(error, scope)
        if root is not None and is_outermost:
            for leave in list(root.open.values()):
                leave(error)
            if error is not None and is_failure:
                mark = mark_of(error)
                for known, place, is_recorded in root.errors:
                    if known is mark and not is_recorded:
                        self.tell(place, error, "run")
        if is_failure or error is None:
            self._tree.end(key, error, facts)
        else:
            status = "abandoned" if isinstance(error, GeneratorExit) else "cancelled"
            self._tree.end(key, None, facts or {"status": status})

    def under_way(self, run_id: Any, parent_id: Any, leave: Leave) -> None:
        """Something in the run `parent_id` may never be told to have ended, e.g. when a task is cancelled. Then
        `leave` is called, with the exception that ends the outermost run, if any."""
        root = self.root_of(parent_id)
        if root is not None:
            root.open[run_key(run_id)] = leave

    def ended(self, run_id: Any, parent_id: Any) -> None:
        """It was told after all."""
        root = self.root_of(parent_id)
        if root is not None:
            root.open.pop(run_key(run_id), None)

    def note(self, run_id: Any, error: BaseException, scope: Scope, is_recorded: bool = False) -> None:
        """An exception came up in a scope, and is on its way out of the run."""
        root = self.root_of(run_id)
        if root is not None:
            root.note(error, scope, is_recorded)

    def tell(self, scope: Scope, error: BaseException, during: str) -> None:
        """Write an `error` event, unless another adapter has."""
        if not is_known_error(scope.session, self._adapter, error):
            scope.error(error, {"during": during})

    def root_of(self, run_id: Any) -> Root | None:
        """The outermost run around a run, or the run itself."""
        return None if run_id is None else self._roots.get(run_key(run_id))

    def root_opens(self, root: Root) -> None:
        """An outermost run begins; for subclasses."""

    def root_closes(self, root: Root) -> None:
        """An outermost run ends; for subclasses."""


def own_spans(scope: Scope, spans: Spans) -> Spans:
    """Those of the scope's session: spans of several sessions may be current."""
    return tuple(entry for entry in spans if entry[0] == scope.session.session_id)
