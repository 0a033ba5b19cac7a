"""One trace of Haystack, from its start to what it becomes: a span, a call to a model, a tool, a retrieval."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from promptetheus import context
from promptetheus.adapters import haystack_reading as reading
from promptetheus.adapters.content import prompt_of
from promptetheus.adapters.haystack_reading import Kind
from promptetheus.adapters.inner_calls import InnerCalls
from promptetheus.adapters.model_call import (
    ModelCall,
    ToolRequest,
    error_facts,
    record_tool_call,
    record_tool_result,
)
from promptetheus.adapters.places import Places
from promptetheus.adapters.scope import Scope, hook
from promptetheus.adapters.usage import get
from promptetheus.ids import new_span_id

ADAPTER = "haystack"


class Run:
    """A trace under way. Haystack tells its content after it has begun: what goes in, then what comes out.

    Args:
        parent: the run that Haystack names as the enclosing one.
    """

    def __init__(
        self,
        places: Places,
        parent: Run | None,
        scope: Scope,
        operation: str,
        tags: Mapping[str, Any],
        capture_content: bool,
    ) -> None:
        self.run_id = new_span_id()
        self._places = places
        self._parent_id = None if parent is None else parent.run_id
        self._is_in_call = parent is not None and parent._call is not None
        self._agent: Run | None = self if operation == reading.AGENT else parent and parent._agent
        self._asked: dict[str, ToolRequest] = {}
        """Of an agent: tools that its model asked for and that have not been seen to run."""
        self._tags = dict(tags)
        self._capture = capture_content
        self._given: Any = None
        self._output: Any = None
        self._started_s, self._started_at = time.monotonic(), datetime.now(UTC)
        self._kind = reading.kind_of(operation, tags)
        name = reading.span_name(operation, tags)
        places.open(self.run_id, self._parent_id, scope, name, reading.facts_of(operation, tags))
        inside = places.inside(self.run_id)
        self._scope: Scope = inside if inside is not None else scope
        self._current = self._scope.spans[-1] if name is not None else None
        if self._current is not None:
            context.push_span(*self._current)
        self._call: ModelCall | None = (
            self._model_call() if self._kind in (Kind.MODEL, Kind.EMBEDDING) else None
        )
        self._inner = InnerCalls(ADAPTER).open() if self._call is not None else None
        self._tool_id = ""

    @hook
    def tag(self, key: str, value: Any) -> None:
        """A tag that Haystack sets while the trace is open."""
        self._tags[key] = value

    @hook
    def content(self, key: str, value: Any) -> None:
        """What goes in, or comes out."""
        if key.endswith(".input"):
            self._given = value
            self._begins(value)
        elif key.endswith(".output"):
            self._output = value

    @hook
    def end(self, error: BaseException | None) -> None:
        """The trace is over."""
        if self._current is not None:
            context.pop_span(*self._current)
        if self._call is not None:
            self._end_call(self._call, error)
        elif self._kind is Kind.RETRIEVAL:
            self._end_retrieval(error)
        elif self._kind is Kind.TOOL:
            self._end_tool(error)
        elif self._agent is self:
            self._tools_without_trace(get(self._output, "messages"))
        self._places.close(self.run_id, error)

    def _model_call(self) -> ModelCall:
        is_chat = self._kind is Kind.MODEL
        return ModelCall(
            self._scope,
            None,
            adapter=ADAPTER,
            emit_tool_calls=False,
            metadata={
                "operation": "chat" if is_chat else "embeddings",
                "component": self._tags.get("haystack.component.name"),
                "type": self._tags.get("haystack.component.type"),
            },
        )

    def _begins(self, given: Any) -> None:
        if self._call is not None:
            self._tools_without_trace(get(given, "messages"))
            self._call.streamed = get(given, "streaming_callback") is not None
            if self._kind is Kind.MODEL:
                prompt = reading.prompt_of_input(given)
                self._call.with_prompt(prompt_of(prompt, capture=self._capture))
        elif self._kind is Kind.TOOL and "haystack.tool.name" in self._tags:
            request = self._request(str(self._tags["haystack.tool.name"]), given)
            self._tool_id = request.call_id or self.run_id
            record_tool_call(self._scope, ADAPTER, request._replace(call_id=self._tool_id))

    def _end_call(self, call: ModelCall, error: BaseException | None) -> None:
        if error is not None:
            is_ours = self._inner is None or self._inner.finish(call)
            cause = error.__cause__ if isinstance(error.__cause__, Exception) else error
            call.fail(cause if isinstance(error, Exception) else error)
            self._places.note(self.run_id, error, self._scope, is_recorded=is_ours)
            return
        if (
            self._is_in_call and self._output is None
        ):  # one of several models, whose answer the call around it has
            call.drop()
            return
        if self._kind is Kind.EMBEDDING:
            reading.read_embedding(call.answer, self._output)
        else:
            reading.read_replies(call.answer, self._output)
            first = reading.first_token_at(self._output) if call.streamed else None
            if first is not None:
                call.answer.ttft_ms = max(0, round((first - self._started_at).total_seconds() * 1000))
        if self._inner is not None:
            self._inner.finish(call)
        for request in call.answer.tool_calls:
            if self._agent is not None and request.call_id:
                self._agent._asked[request.call_id] = request
        call.done()

    def _end_retrieval(self, error: BaseException | None) -> None:
        took_ms = round((time.monotonic() - self._started_s) * 1000)
        facts: dict[str, Any] = {
            "component": self._tags.get("haystack.component.name"),
            "latency_ms": took_ms,
        }
        if error is not None:
            facts |= {"status": "failed", "error": error_facts(error)}
        found = {"query": reading.query_of(self._given), "documents": reading.documents_of(self._output)}
        self._scope.record("retrieval", found, facts)

    def _end_tool(self, error: BaseException | None) -> None:
        if self._tool_id:
            failure = get(self._output, "error") if self._tags.get("haystack.tool.error") else None
            result = None if failure is not None else self._output
            record_tool_result(self._scope, ADAPTER, self._tool_id, result, failure or error)
            return
        results = list(reading.tool_results(get(self._output, "tool_messages")))
        for request, result, failure in results:
            record_tool_call(self._scope, ADAPTER, request)
            record_tool_result(self._scope, ADAPTER, request.call_id, result, failure)
        if not results:  # a component of the user's that is a tool by its name
            name = str(self._tags.get("haystack.component.name"))
            call_id = f"haystack:{name}"
            record_tool_call(self._scope, ADAPTER, ToolRequest(name, self._given, call_id))
            record_tool_result(self._scope, ADAPTER, call_id, self._output, error)

    def _request(self, name: str, arguments: Any) -> ToolRequest:
        """The model's request for a tool that runs: Haystack does not say which it is, but what it asks."""
        asked = self._agent._asked if self._agent is not None else {}
        for call_id, request in asked.copy().items():
            if request.name == name and request.arguments == arguments and asked.pop(call_id, None):
                return request
        return ToolRequest(name, arguments, None)

    def _tools_without_trace(self, messages: Any) -> None:
        """Results of tools that never ran, because they do not exist or a hook refused them."""
        asked = self._agent._asked if self._agent is not None else {}
        for request, result, failure in reading.tool_results(messages) if asked else ():
            if request.call_id and asked.pop(request.call_id, None):
                record_tool_call(self._scope, ADAPTER, request)
                record_tool_result(self._scope, ADAPTER, request.call_id, result, failure)
