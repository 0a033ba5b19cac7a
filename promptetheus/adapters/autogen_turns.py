"""The turns of AutoGen's agents and the runs of its teams: spans, and what passes through their streams."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from contextvars import ContextVar
from typing import Any

from promptetheus import context
from promptetheus.adapters.model_call import ToolRequest, record_tool_call, record_tool_result
from promptetheus.adapters.once import is_known_error
from promptetheus.adapters.patching import PatchPoint
from promptetheus.adapters.scope import Scope, hook, scope_of
from promptetheus.adapters.spans import Span
from promptetheus.adapters.usage import get
from promptetheus.ids import new_span_id

ADAPTER = "autogen"


class Turn:
    """A turn of an agent, or a run of a team, under way in one session."""

    def __init__(self, runner: Any, adapter: Any, scope: Scope, outer: Turn | None, kind: str) -> None:
        self.runner, self.adapter, self.outer = runner, adapter, outer
        self.name = str(get(runner, "name") or type(runner).__name__)
        self.span = Span(scope, self.name, {"autogen": kind, "class": type(runner).__name__})
        self.scope = self.span.inside
        self.said: set[str] = set()
        """What models said in it."""
        self.asked_model = False
        self.is_read = False
        """Whether its messages have been seen as a stream."""
        self._has_failed = False

    def has_failed(self) -> None:
        """An error is recorded: it leads out of the turns around this one as well, as itself or as its text."""
        turn: Turn | None = self
        while turn is not None:
            turn._has_failed = True
            turn = turn.outer

    def end(self, error: BaseException | None) -> None:
        """The turn is over."""
        if isinstance(error, Exception) and not self._has_failed:
            if not is_known_error(self.scope.session, ADAPTER, error):
                self.scope.error(error, {"during": self.name})
            self.has_failed()
        self.span.end(error)


_turns: ContextVar[tuple[Turn, ...]] = ContextVar("promptetheus_autogen_turns", default=())
"""The turns under way here, innermost last."""


def turn_of(scope: Scope) -> Turn | None:
    """The innermost turn under way in a session."""
    return next((turn for turn in reversed(_turns.get()) if turn.scope.session is scope.session), None)


class _Inside:
    """Makes turns current for a piece of the framework's work: a stream is left between its pieces."""

    def __init__(self, turns: list[Turn]) -> None:
        self._turns = turns

    def __enter__(self) -> None:
        self._before = _turns.get()
        self._place = context.snapshot()
        _turns.set((*self._before, *self._turns))
        for turn in self._turns:
            turn.span.enter()

    def __exit__(self, *exc: Any) -> None:
        _turns.set(self._before)
        context.restore(self._place)


def stream(agent: Any, original: Callable[..., Any], point: PatchPoint) -> Callable[..., Any]:
    """`ChatAgent.on_messages_stream` of one agent."""
    return _stream(agent, original, point, "turn")


def team_stream(team: Any, original: Callable[..., Any], point: PatchPoint) -> Callable[..., Any]:
    """`Team.run_stream` of one team; `run` reads it."""
    return _stream(team, original, point, "team")


def _stream(runner: Any, original: Callable[..., Any], point: PatchPoint, kind: str) -> Callable[..., Any]:
    @functools.wraps(original)
    async def watched(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        opened, joined = _open(runner, point, kind)
        turns = [*opened, *joined]
        error: BaseException | None = None
        try:
            async with aclosing(original(*args, **kwargs)) as pieces:
                while True:
                    with _Inside(opened):
                        try:
                            piece = await anext(pieces)
                        except StopAsyncIteration:
                            break
                    for turn in turns:
                        _read(turn, piece, kind)
                    yield piece
        except BaseException as problem:
            error = None if isinstance(problem, GeneratorExit) else problem
            raise
        finally:
            _end(opened, error)

    return watched


def messages(agent: Any, original: Callable[..., Any], point: PatchPoint) -> Callable[..., Any]:
    """`ChatAgent.on_messages` of one agent, most of which read their own stream."""

    @functools.wraps(original)
    async def on_messages(*args: Any, **kwargs: Any) -> Any:
        opened, _ = _open(agent, point, "turn")
        error: BaseException | None = None
        try:
            with _Inside(opened):
                response = await original(*args, **kwargs)
            for turn in opened:
                if not turn.is_read:
                    for message in (*(get(response, "inner_messages") or ()), response):
                        _read(turn, message, "turn")
            return response
        except BaseException as problem:
            error = problem
            raise
        finally:
            _end(opened, error)

    return on_messages


def _open(runner: Any, point: PatchPoint, kind: str) -> tuple[list[Turn], list[Turn]]:
    """The turns that begin with this call, and those that have begun with the call around it."""
    return _opened(runner, point, kind) or ([], [])


@hook
def _opened(runner: Any, point: PatchPoint, kind: str) -> tuple[list[Turn], list[Turn]]:
    opened: list[Turn] = []
    joined: list[Turn] = []
    for adapter in point.listeners:
        scope = scope_of(adapter.session)
        if scope is None or any(scope.session is turn.scope.session for turn in (*opened, *joined)):
            continue
        outer = turn_of(scope)
        if outer is not None and outer.runner is runner:
            joined.append(outer)
        else:
            opened.append(Turn(runner, adapter, scope, outer, kind))
    return opened, joined


@hook
def _end(turns: list[Turn], error: BaseException | None) -> None:
    for turn in turns:
        turn.end(error)


@hook
def _read(turn: Turn, message: Any, kind: str) -> None:
    turn.is_read = True
    name = type(message).__name__
    if kind == "team":
        if name in ("SelectSpeakerEvent", "SelectorEvent"):
            turn.scope.record(
                "state_change", {"name": "speaker", "before": None, "after": get(message, "content")}
            )
        elif name == "TaskResult":
            after = {
                "stop_reason": get(message, "stop_reason"),
                "messages": len(get(message, "messages") or ()),
            }
            turn.scope.record("state_change", {"name": "team_result", "before": None, "after": after})
        return
    if name == "Response":
        message = get(message, "chat_message")
        name = type(message).__name__
        read = _CHAT.get(name, _said)
    else:
        read = _EVENTS.get(name, _nothing)
    read(turn, message)


def _nothing(turn: Turn, message: Any) -> None:
    """Pieces of streams, and events of which the model call has more."""


def _tools_asked(turn: Turn, message: Any) -> None:
    for call in get(message, "content") or ():
        request = ToolRequest(get(call, "name"), get(call, "arguments"), get(call, "id"))
        record_tool_call(turn.scope, ADAPTER, request, {"agent": get(message, "source")})


def _tools_done(turn: Turn, message: Any) -> None:
    for result in get(message, "content") or ():
        content, is_error = get(result, "content"), get(result, "is_error")
        error = (content or "failed") if is_error else None
        record_tool_result(turn.scope, ADAPTER, get(result, "call_id"), None if is_error else content, error)


def _memory(turn: Turn, message: Any) -> None:
    documents = [
        {"content": get(found, "content"), "metadata": get(found, "metadata")}
        for found in get(message, "content") or ()
    ]
    turn.scope.record("retrieval", {"query": "", "documents": documents}, {"memory": True})


def _code_run(turn: Turn, message: Any) -> None:
    result = get(message, "result")
    call_id = f"autogen:{new_span_id()}"
    record_tool_call(turn.scope, ADAPTER, ToolRequest("code_execution", {}, call_id))
    exit_code, output = get(result, "exit_code"), get(result, "output")
    error = f"exit code {exit_code}: {output}" if exit_code else None
    record_tool_result(turn.scope, ADAPTER, call_id, None if error else output, error)


def _handoff(turn: Turn, message: Any) -> None:
    change = {"name": "handoff", "before": get(message, "source"), "after": get(message, "target")}
    turn.scope.record("state_change", change, {"content": get(message, "content")})


def _said(turn: Turn, message: Any) -> None:
    """What the agent says, unless it is what its model said, which is recorded."""
    text = _text(message)
    if (
        not text
        or text in turn.said
        or (type(message).__name__.startswith("Structured") and turn.asked_model)
    ):
        return
    if type(turn.runner).__name__ == "UserProxyAgent":
        if turn.adapter.capture_content:
            turn.scope.record("user_message", {"content": text})
    else:
        turn.scope.record("agent_message", {"content": text}, {"agent": get(message, "source")})


def _text(message: Any) -> str:
    to_text = getattr(message, "to_text", None)
    return str(to_text() if callable(to_text) else get(message, "content") or "")


_EVENTS: dict[str, Callable[[Turn, Any], None]] = {
    "ToolCallRequestEvent": _tools_asked,
    "ToolCallExecutionEvent": _tools_done,
    "MemoryQueryEvent": _memory,
    "CodeExecutionEvent": _code_run,
}
_CHAT: dict[str, Callable[[Turn, Any], None]] = {"HandoffMessage": _handoff}
