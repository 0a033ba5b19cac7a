"""CrewAI: crews, tasks, agents and flows, with what their models and tools did.

CrewAI tells its listeners from a pool of threads, in any order and sometimes after the run. So an event is recorded
where it is emitted: in the thread and task of whoever emits it, before the framework goes on.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from typing import Any

from promptetheus.adapters.attaching import Attached
from promptetheus.adapters.crewai_events import CrewEvents
from promptetheus.adapters.extras import require_extra
from promptetheus.adapters.patching import PatchPoint, patch_point
from promptetheus.adapters.scope import hook
from promptetheus.adapters.usage import get

EXTRA = "crewai"
_HOMES = ("crewai.events", "crewai.utilities.events")


class CrewAIAdapter(Attached):
    """Records every crew, agent and flow of CrewAI in this process. Attached when it is made.

        with CrewAIAdapter():
            crew.kickoff()

    Args:
        session: the session to record into; default the one that is current when a kickoff or call begins.
        capture_content: record the prompts themselves, redacted, and not only a hash of them.

    Raises RuntimeError without the library, or without an event bus in it.
    """

    def __init__(self, session: Any = None, *, capture_content: bool = False) -> None:
        super().__init__()
        self.session = session
        self._events = CrewEvents(session, capture_content)
        self._point = patch_point(type(_bus()), "emit", _emit)
        self.attach()

    def _attach(self) -> None:
        self._point.add(self._events)

    def _detach(self) -> None:
        self._point.remove(self._events)


def _bus() -> Any:
    require_extra("crewai", EXTRA, "CrewAIAdapter")
    for home in _HOMES:
        try:
            bus = get(require_extra(home, EXTRA, "CrewAIAdapter"), "crewai_event_bus")
        except RuntimeError:
            continue
        if hasattr(bus, "emit"):
            return bus
    raise RuntimeError(f"this CrewAI has no event bus that is known: pip install -U 'promptetheus[{EXTRA}]'")


def _emit(original: Callable[..., Any], point: PatchPoint) -> Callable[..., Any]:
    """`CrewAIEventsBus.emit`, which gives the event its number and its parent."""

    @functools.wraps(original)
    def emit(self: Any, source: Any, event: Any) -> Any:
        try:
            return original(self, source, event)
        finally:
            _tell(point.listeners, source, event, sys.exc_info()[1])

    return emit


@hook
def _tell(listeners: tuple[CrewEvents, ...], source: Any, event: Any, error: BaseException | None) -> None:
    """`error`: the exception being handled: an event that tells of a failure is emitted where it is caught."""
    sessions: list[Any] = []
    for events in listeners:
        scope = events.scope_of(event)
        if scope is None or any(scope.session is other for other in sessions):
            continue
        sessions.append(scope.session)
        events.tell(scope, source, event, error)
