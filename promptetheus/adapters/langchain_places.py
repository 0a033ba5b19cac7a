"""The places of LangChain's runs, made current for the bodies of those runs."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from promptetheus import context
from promptetheus.adapters import langchain_reading as reading
from promptetheus.adapters.patching import PatchPoint, patch_point
from promptetheus.adapters.places import Places, Root, own_spans
from promptetheus.adapters.scope import hook
from promptetheus.adapters.usage import get

ADAPTER = "langchain"

_CONTEXTS = (
    ("langchain_core.runnables.config", "_set_config_context"),
    ("langgraph._internal._runnable", "_set_config_context"),
)
"""What prepares the context that the body of a run gets. Replaced while an outermost run of ours is open."""


class LangChainPlaces(Places):
    """Places by LangChain's ids of runs."""

    def __init__(self, session: Any) -> None:
        super().__init__(session, ADAPTER)
        self._points: dict[str, list[PatchPoint]] = {}

    def root_opens(self, root: Root) -> None:
        """From now on, contexts get our spans."""
        points = self._points[root.run_id] = _points()
        for point in points:
            point.add(self)

    def root_closes(self, root: Root) -> None:
        """LangChain as it was."""
        for point in self._points.pop(root.run_id, ()):
            point.remove(self)

    def close(self, run_id: Any, error: BaseException | None = None, facts: Any = None) -> None:
        """As in every framework; what LangGraph raises to stop and wait is no failure."""
        if error is not None and reading.is_control_flow(error):
            found = {"status": "interrupted", "interrupts": reading.interrupts_of(error) or None}
            facts = {name: value for name, value in found.items() if value is not None}
        super().close(run_id, error, facts)

    @hook
    def enter(self, config: Any) -> None:
        """LangChain prepares the context for the body of a run: the spans around it become current there."""
        scope = self.inside(get(get(config, "callbacks"), "parent_run_id"))
        if scope is None:
            return
        known, here = own_spans(scope, scope.spans), context.span_stack.get()
        if own_spans(scope, here)[: len(known)] != known:
            others = tuple(entry for entry in here if entry[0] != scope.session.session_id)
            context.span_stack.set((*others, *known))


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
