"""The spans of LlamaIndex under way, and the tools that run in them: one memory an adapter."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from promptetheus import context
from promptetheus.adapters import llamaindex_reading as reading
from promptetheus.adapters.arguments import run_key
from promptetheus.adapters.bounded import BoundedRunState
from promptetheus.adapters.llamaindex_calls import ADAPTER, Calls
from promptetheus.adapters.model_call import ToolRequest, record_tool_call, record_tool_result
from promptetheus.adapters.places import Places
from promptetheus.adapters.scope import Scope, hook
from promptetheus.adapters.usage import get


@dataclass(eq=False)
class _Span:
    parent_id: Any
    instance: Any
    is_in_call: bool
    """Whether it is part of a call to a model: `achat` may ask `chat`, and that `complete`, for one answer."""
    current: tuple[str, str] | None = None
    """Our span, which is current in the function's body."""


@dataclass(eq=False)
class _Tool:
    scope: Scope
    name: str
    call_id: str
    is_step: bool


class Runs:
    """What LlamaIndex's dispatcher tells, by its own ids of spans.

    Args:
        session: the session to record into; None takes the one that is current where an outermost span begins.
        capture_content: record prompts, redacted.
        models: the classes of LLMs and embeddings.
    """

    def __init__(self, session: Any, capture_content: bool, models: tuple[type, ...]) -> None:
        self._models = models
        self.places = Places(session, ADAPTER)
        self.calls = Calls(self.places, capture_content)
        self._spans: BoundedRunState[_Span] = BoundedRunState()
        self._tools: BoundedRunState[_Tool] = BoundedRunState()
        self._interrupted: BoundedRunState[bool] = BoundedRunState()
        """Tool calls that wait for a person: they begin again."""

    @hook
    def event(self, event: Any) -> None:
        """An event of LlamaIndex, in the span that it names."""
        span_id = get(event, "span_id")
        if not isinstance(span_id, str):
            return
        span = self._spans.get(span_id)
        if span is not None and not span.is_in_call:
            span.is_in_call = self.calls.begin(event, span_id, span.parent_id, span.instance)
        self.calls.go_on(event, span_id)

    @hook
    def enter(self, span_id: str, arguments: Mapping[str, Any], instance: Any, parent_id: Any) -> None:
        """A function that LlamaIndex watches is called."""
        scope = self.places.around(parent_id)
        if scope is None:
            return
        around = self._spans.get(run_key(parent_id))
        is_model = isinstance(instance, self._models)
        is_in_call = is_model and around is not None and (around.is_in_call or self.calls.is_open(parent_id))
        span = self._spans[span_id] = _Span(parent_id, instance, is_in_call)
        tool, is_step = reading.tool_of_step(arguments) if instance is None else None, True
        if tool is None:
            tool, is_step = reading.tool_of_method(instance, span_id, arguments), False
        name = None
        if tool is None:
            name = reading.span_name(span_id, instance, arguments, is_model)
        facts = {"span_id": span_id, "agent": get(arguments.get("ev"), "current_agent_name")}
        facts = {key: value for key, value in facts.items() if value is not None}
        self.places.open(span_id, parent_id, scope, name, facts)
        inside = self.places.inside(span_id)
        if name is not None and inside is not None:
            span.current = inside.spans[-1]
            context.push_span(*span.current)
        if tool is not None:
            self._tool_starts(span_id, parent_id, scope, tool, is_step)

    @hook
    def exit(self, span_id: str, result: Any) -> None:
        """It returned."""
        tool = self._tools.pop(span_id)
        if tool is not None and tool.is_step and result is None:
            self._interrupted[_key(tool.scope, tool.call_id)] = True
        elif tool is not None:
            found, error = reading.tool_outcome(result)
            record_tool_result(tool.scope, ADAPTER, tool.call_id, found, error, {"span_id": span_id})
        if self.calls.is_open(span_id) and not (inspect.isgenerator(result) or inspect.isasyncgen(result)):
            self.calls.answer(span_id, None)
        self._leave(span_id, None)

    @hook
    def drop(self, span_id: str, error: BaseException | None) -> None:
        """It raised."""
        error = error if error is not None else RuntimeError("LlamaIndex dropped the span")
        self.calls.fail(span_id, error)
        tool, span = self._tools.pop(span_id), self._spans.get(span_id)
        if tool is not None:
            record_tool_result(tool.scope, ADAPTER, tool.call_id, None, error, {"span_id": span_id})
            if span is not None and span.parent_id is not None:
                self.places.note(span.parent_id, error, tool.scope)
        is_told = tool is not None and span is not None and span.parent_id is None
        self._leave(span_id, error, {"status": "failed"} if is_told else None)

    def _leave(self, span_id: str, error: BaseException | None, facts: Any = None) -> None:
        span = self._spans.pop(span_id)
        if span is not None:
            self.places.close(span_id, error, facts)
            if span.current is not None:
                context.pop_span(*span.current)

    def _tool_starts(
        self, span_id: str, parent_id: Any, scope: Scope, tool: reading.ToolUse, is_step: bool
    ) -> None:
        around = self._tools.get(run_key(parent_id))
        if not is_step and around is not None and around.name == tool.name:
            return  # the agent's step has told it, or `acall` that calls `call`
        call_id = tool.call_id or span_id[-36:]
        self._tools[span_id] = _Tool(scope, tool.name, call_id, is_step)
        if not self._interrupted.pop(_key(scope, call_id)):
            request = ToolRequest(tool.name, tool.arguments, call_id)
            record_tool_call(scope, ADAPTER, request, {"span_id": span_id})


def _key(scope: Scope, call_id: str) -> str:
    return f"{scope.session.session_id} {call_id}"
