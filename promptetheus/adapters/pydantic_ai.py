"""PydanticAI: agents run in any of its ways, with what their models and tools did, as it happens."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

from promptetheus.adapters.attaching import Attached
from promptetheus.adapters.extras import require_extra
from promptetheus.adapters.patching import PatchPoint, patch_point
from promptetheus.adapters.pydantic_ai_history import record_history
from promptetheus.adapters.pydantic_ai_run import capability_for, is_ours
from promptetheus.adapters.scope import hook

EXTRA = "pydantic-ai"


class PydanticAIAdapter:
    """An agent of PydanticAI whose runs are recorded; the agent that is given stays as it is.

        agent = PydanticAIAdapter(Agent("openai:gpt-5"))
        agent.run_sync("…")

    Use it as you would use the agent: `run`, `run_sync`, `run_stream`, `run_stream_sync`, `run_stream_events` and
    `iter` are recorded, everything else is the agent's own.

    Args:
        agent: an agent of PydanticAI 2, which is watched from inside its runs; one of release 1, or an object with
            `run` and `run_sync`, is recorded from the messages of its result, after the run.
        session: the session to record into; default the one that is current when a run begins.
        capture_content: record the prompts themselves, redacted, and not only a hash of them.

    Raises RuntimeError without the library.
    """

    def __init__(self, agent: Any, session: Any = None, *, capture_content: bool = False) -> None:
        require_extra("pydantic_ai", EXTRA, "PydanticAIAdapter")
        self.agent = agent
        self.session = session
        self._capture = capture_content
        self._takes_capabilities = _takes_capabilities(getattr(agent, "run", None))

    def run_sync(self, *args: Any, **kwargs: Any) -> Any:
        """`Agent.run_sync`."""
        if self._takes_capabilities:
            return self.agent.run_sync(*args, **self._watched(kwargs))
        with record_history(self.session) as after:
            return after(self.agent.run_sync(*args, **kwargs))

    async def run(self, *args: Any, **kwargs: Any) -> Any:
        """`Agent.run`."""
        if self._takes_capabilities:
            return await self.agent.run(*args, **self._watched(kwargs))
        with record_history(self.session) as after:
            return after(await self.agent.run(*args, **kwargs))

    def run_stream(self, *args: Any, **kwargs: Any) -> Any:
        """`Agent.run_stream`."""
        return self.agent.run_stream(*args, **self._watched(kwargs))

    def run_stream_sync(self, *args: Any, **kwargs: Any) -> Any:
        """`Agent.run_stream_sync`."""
        return self.agent.run_stream_sync(*args, **self._watched(kwargs))

    def run_stream_events(self, *args: Any, **kwargs: Any) -> Any:
        """`Agent.run_stream_events`."""
        return self.agent.run_stream_events(*args, **self._watched(kwargs))

    def iter(self, *args: Any, **kwargs: Any) -> Any:
        """`Agent.iter`."""
        return self.agent.iter(*args, **self._watched(kwargs))

    def __getattr__(self, name: str) -> Any:
        if name == "agent":  # not made yet: a copy or a pickle asks for it
            raise AttributeError(name)
        return getattr(self.agent, name)

    def _watched(self, kwargs: dict[str, Any]) -> dict[str, Any]:
        return _with_capability(kwargs, self.session, self._capture) if self._takes_capabilities else kwargs


class PydanticAIPatch(Attached):
    """Records the runs of every agent of the process. Attached when it is made.

    Args:
        session: the session to record into; default the one that is current when a run begins.
        capture_content: record the prompts themselves, redacted.

    Raises RuntimeError without the library, or with a release before 2.
    """

    def __init__(self, session: Any = None, *, capture_content: bool = False) -> None:
        super().__init__()
        self.session = session
        self.capture_content = capture_content
        agents = require_extra("pydantic_ai", EXTRA, "PydanticAIPatch").Agent
        if not _takes_capabilities(agents.iter):
            raise RuntimeError(f"PydanticAIPatch needs PydanticAI 2: pip install 'promptetheus[{EXTRA}]'")
        self._point = patch_point(agents, "iter", _iter)
        self.attach()

    def _attach(self) -> None:
        self._point.add(self)

    def _detach(self) -> None:
        self._point.remove(self)


def _iter(original: Callable[..., Any], point: PatchPoint) -> Callable[..., Any]:
    """`Agent.iter`, through which every run goes."""

    @functools.wraps(original)
    def iter_(*args: Any, **kwargs: Any) -> Any:
        for patch in point.listeners:
            kwargs = _with_capability(kwargs, patch.session, patch.capture_content)
        return original(*args, **kwargs)

    return iter_


def _with_capability(kwargs: dict[str, Any], session: Any, capture_content: bool) -> dict[str, Any]:
    """The arguments of a run with ours among its capabilities; once, however many adapters see the run."""
    ours = _capability(kwargs.get("capabilities") or (), session, capture_content)
    return kwargs if ours is None else {**kwargs, "capabilities": [*(kwargs.get("capabilities") or ()), ours]}


@hook
def _capability(given: Any, session: Any, capture_content: bool) -> Any:
    if any(is_ours(capability, session) for capability in given):
        return None
    return capability_for(session, capture_content)


def _takes_capabilities(function: Any) -> bool:
    try:
        return "capabilities" in inspect.signature(function).parameters
    except (TypeError, ValueError):
        return False
