"""AutoGen (AgentChat): agents and teams run in any of their ways, with what their models and tools did."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable
from contextlib import ExitStack, aclosing
from typing import Any, Self

from promptetheus.adapters.attaching import Attached
from promptetheus.adapters.autogen_models import create, create_stream
from promptetheus.adapters.autogen_parts import parts_of
from promptetheus.adapters.autogen_turns import messages, stream, team_stream
from promptetheus.adapters.extras import require_extra
from promptetheus.adapters.patching import PatchPoint, patch_point
from promptetheus.adapters.scope import hook

EXTRA = "autogen"

_ON_AGENT = {"on_messages": messages, "on_messages_stream": stream}
_ON_TEAM = {"run_stream": team_stream}
_ON_CLIENT = {"create": create, "create_stream": create_stream}


class AutoGenAdapter:
    """Records agents and teams of AutoGen, whichever way they are run, until they are detached.

        with AutoGenAdapter() as adapter:
            adapter.attach(team)
            await team.run(task="…")

    Args:
        session: the session to record into; default the one that is current when a turn or call begins.
        capture_content: record the prompts themselves, redacted, and what a person typed in for a `UserProxyAgent`.

    Raises RuntimeError without the library.
    """

    def __init__(self, session: Any = None, *, capture_content: bool = False) -> None:
        self._chat = require_extra("autogen_agentchat.base", EXTRA, "AutoGenAdapter")
        self._core = require_extra("autogen_core.models", EXTRA, "AutoGenAdapter")
        self.session = session
        self.capture_content = capture_content
        self._points: list[PatchPoint] = []

    def attach(self, runner: Any) -> Self:
        """Record an agent or a team, and what is in it: members, sub-agents in tools, model clients. What is added to
        it later has to be attached itself; what is attached already is not attached twice."""
        self._points += self._attach(runner, {id(point) for point in self._points})
        return self

    def detach_all(self) -> None:
        """Leave everything that was attached as it was."""
        points, self._points = self._points, []
        for point in points:
            point.remove(self)

    def detach(self) -> None:
        """The same as `detach_all`."""
        self.detach_all()

    def stop(self) -> None:
        """The same as `detach_all`."""
        self.detach_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.detach_all()

    def _attach(self, runner: Any, known: set[int]) -> list[PatchPoint]:
        added = []
        agents, teams, clients = parts_of(
            runner, self._chat.ChatAgent, self._chat.Team, self._core.ChatCompletionClient
        )
        for things, table in ((agents, _ON_AGENT), (teams, _ON_TEAM), (clients, _ON_CLIENT)):
            for thing in things:
                for name, replace in table.items():
                    point = patch_point(thing, name, functools.partial(replace, thing))
                    if id(point) not in known:
                        point.add(self)
                        added.append(point)
        return added


class AutoGenPatch(Attached):
    """Records every agent and team of the process, each while it runs. Attached when it is made.

    Takes the options of `AutoGenAdapter`. Agents of other classes than AutoGen's own are recorded when they are run,
    not when their `on_messages` is called. Raises RuntimeError without the library.
    """

    def __init__(self, session: Any = None, *, capture_content: bool = False) -> None:
        super().__init__()
        agents = require_extra("autogen_agentchat.agents", EXTRA, "AutoGenPatch")
        teams = require_extra("autogen_agentchat.teams", EXTRA, "AutoGenPatch")
        self._adapter = AutoGenAdapter(session, capture_content=capture_content)
        places = [
            (agents.BaseChatAgent, "run"), (agents.BaseChatAgent, "run_stream"),
            (agents.AssistantAgent, "on_messages"), (agents.AssistantAgent, "on_messages_stream"),
            (teams.BaseGroupChat, "run_stream"),
        ]  # fmt: skip
        self._points = [patch_point(owner, name, functools.partial(_entry, name)) for owner, name in places]
        self.attach()

    def enter(self, runner: Any, stack: ExitStack) -> None:
        """Attach to a runner until the stack unwinds."""
        for point in self._adapter._attach(runner, set()):
            stack.callback(point.remove, self._adapter)

    def _attach(self) -> None:
        for point in self._points:
            point.add(self)

    def _detach(self) -> None:
        for point in self._points:
            point.remove(self)


def _entry(name: str, original: Callable[..., Any], point: PatchPoint) -> Callable[..., Any]:
    """A way into a runner, at its class: the runner is attached for as long as this call lasts.

    One that has a method of this name of its own is attached, and that method is what called here.
    """
    if name.endswith("stream"):

        @functools.wraps(original)
        async def stream_entry(self: Any, *args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
            with ExitStack() as stack:
                call = _enter(self, name, point, stack) or functools.partial(original, self)
                async with aclosing(call(*args, **kwargs)) as pieces:
                    async for piece in pieces:
                        yield piece

        return stream_entry

    @functools.wraps(original)
    async def entry(self: Any, *args: Any, **kwargs: Any) -> Any:
        with ExitStack() as stack:
            call = _enter(self, name, point, stack) or functools.partial(original, self)
            return await call(*args, **kwargs)

    return entry


@hook
def _enter(runner: Any, name: str, point: PatchPoint, stack: ExitStack) -> Any:
    """Attach the patches to a runner; its own method of that name, which it has by now if it is a watched one."""
    if name in vars(runner):
        return None
    for patch in point.listeners:
        patch.enter(runner, stack)
    return vars(runner).get(name)
