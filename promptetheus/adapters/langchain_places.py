"""Where in a session the runs of LangChain belong.

LangChain names the run that encloses each run. Its place is taken from that, and from the spans that the user's own
code opened inside that run; never from what happens to be current where a callback is called.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from promptetheus import context
from promptetheus.adapters import langchain_reading as reading
from promptetheus.adapters.arguments import run_key
from promptetheus.adapters.bounded import BoundedRunState
from promptetheus.adapters.once import is_known_error
from promptetheus.adapters.patching import PatchPoint, patch_point
from promptetheus.adapters.scope import Scope, hook, scope_of
from promptetheus.adapters.spans import SpanTree
from promptetheus.adapters.usage import get

ADAPTER = "langchain"

_CONTEXTS = (
    ("langchain_core.runnables.config", "_set_config_context"),
    ("langgraph._internal._runnable", "_set_config_context"),
)
"""What prepares the context that the body of a run gets. Replaced while an outermost run of ours is open."""

_MAX_ERRORS = 64

Leave = Callable[[BaseException | None], None]


@dataclass(eq=False)
class _Root:
    """An outermost run: what its agent was asked to do."""

    run_id: str
    points: list[PatchPoint]
    open: dict[str, Leave] = field(default_factory=dict)
    """How to end what is under way in it, by run."""
    errors: list[tuple[BaseException, Scope, bool]] = field(default_factory=list)
    """Exceptions on their way out, where each came up, and whether it is recorded. Held, so that no other exception
    gets the identity of one of them."""


class Places:
    """The open runs of one adapter, by LangChain's own ids.

    Args:
        session: the session to record into; None takes the one that is current where an outermost run begins.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._tree = SpanTree()
        self._roots: BoundedRunState[_Root] = BoundedRunState()
        """The outermost run of every run that is open."""

    def around(self, parent_id: Any) -> Scope | None:
        """Where a new run belongs: inside its parent, and inside the spans that the user's code opened there."""
        around = self.inside(parent_id)
        if around is None:
            return scope_of(self._session)
        known, here = _own(around, around.spans), _own(around, context.span_stack.get())
        is_inside = len(here) > len(known) and here[: len(known)] == known
        return around._replace(spans=context.span_stack.get()) if is_inside else around

    def inside(self, run_id: Any) -> Scope | None:
        """Inside a run; None when it is unknown."""
        return None if run_id is None else self._tree.find(run_key(run_id))

    def open(
        self, run_id: Any, parent_id: Any, scope: Scope, name: str | None = None, facts: Any = None
    ) -> None:
        """A run begins in a scope; one with a name is a span."""
        root = self._root_of(parent_id)
        if root is None:
            root = _Root(run_key(run_id), _points())
            for point in root.points:
                point.add(self)
        self._roots[run_key(run_id)] = root
        if name is None:
            self._tree.pass_through(run_key(run_id), None, scope)
        else:
            self._tree.start(run_key(run_id), None, name, scope, facts)

    def close(self, run_id: Any, error: BaseException | None = None) -> None:
        """A run ends. With the outermost one ends what is still under way in it, and the exception that leaves it
        becomes an `error` event, unless it is one already."""
        key = run_key(run_id)
        root = self._roots.pop(key)
        if root is not None and root.run_id == key:
            for point in root.points:
                point.remove(self)
            for leave in list(root.open.values()):
                leave(error)
            for found, scope, is_recorded in root.errors:
                if found is error and not is_recorded:
                    self.tell(scope, found, "run")
        if error is None:
            self._tree.end(key)
        elif reading.is_control_flow(error):
            facts = {"status": "interrupted", "interrupts": reading.interrupts_of(error) or None}
            self._tree.end(key, None, {name: value for name, value in facts.items() if value is not None})
        elif isinstance(error, Exception):
            self._tree.end(key, error)
        else:
            status = "abandoned" if isinstance(error, GeneratorExit) else "cancelled"
            self._tree.end(key, None, {"status": status})

    def under_way(self, run_id: Any, parent_id: Any, leave: Leave) -> None:
        """Something in the run `parent_id` may never be told to have ended: LangChain says nothing of it when a task
        is cancelled. Then `leave` is called, with the exception that ends the outermost run, if any."""
        root = self._root_of(parent_id)
        if root is not None:
            root.open[run_key(run_id)] = leave

    def ended(self, run_id: Any, parent_id: Any) -> None:
        """It was told after all."""
        root = self._root_of(parent_id)
        if root is not None:
            root.open.pop(run_key(run_id), None)

    def note(self, run_id: Any, error: BaseException, scope: Scope, is_recorded: bool = False) -> None:
        """An exception came up in a scope, and is on its way out of the run."""
        root = self._root_of(run_id)
        if root is None or not isinstance(error, Exception) or len(root.errors) >= _MAX_ERRORS:
            return
        if not any(error is known for known, _, _ in root.errors):
            root.errors.append((error, scope, is_recorded))

    def tell(self, scope: Scope, error: BaseException, during: str) -> None:
        """Write an `error` event, unless another adapter has."""
        if not is_known_error(scope.session, ADAPTER, error):
            scope.error(error, {"during": during})

    @hook
    def enter(self, config: Any) -> None:
        """LangChain prepares the context for the body of a run: the spans around it become current there."""
        scope = self.inside(get(get(config, "callbacks"), "parent_run_id"))
        if scope is None:
            return
        known, here = _own(scope, scope.spans), context.span_stack.get()
        if _own(scope, here)[: len(known)] != known:
            others = tuple(entry for entry in here if entry[0] != scope.session.session_id)
            context.span_stack.set((*others, *known))

    def _root_of(self, run_id: Any) -> _Root | None:
        return None if run_id is None else self._roots.get(run_key(run_id))


def _own(scope: Scope, spans: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Those of the scope's session: several may be current."""
    return tuple(entry for entry in spans if entry[0] == scope.session.session_id)


def _points() -> list[PatchPoint]:
    """The places where contexts are prepared, in what is imported already."""
    owners = [(sys.modules.get(module), name) for module, name in _CONTEXTS]
    return [_point(owner, name) for owner, name in owners if hasattr(owner, name)]


@functools.cache
def _point(owner: Any, name: str) -> PatchPoint:
    """One object for good: runs begin and end in many threads at once."""
    return patch_point(owner, name, _entering)


def _entering(original: Callable[..., Any], point: PatchPoint) -> Callable[..., Any]:
    @functools.wraps(original)
    def _set_config_context(config: Any, *args: Any, **kwargs: Any) -> Any:
        found = original(config, *args, **kwargs)
        for places in point.listeners:
            places.enter(config)
        return found

    return _set_config_context
