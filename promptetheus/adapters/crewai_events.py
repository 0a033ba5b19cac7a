"""What CrewAI's events mean: spans, model calls, tools, searches."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from typing import Any, ClassVar

from promptetheus import context
from promptetheus.adapters.bounded import BoundedRunState
from promptetheus.adapters.content import prompt_of
from promptetheus.adapters.model_call import ModelCall, ToolRequest, record_tool_call, record_tool_result
from promptetheus.adapters.once import is_known_error
from promptetheus.adapters.scope import Scope, hook, scope_of
from promptetheus.adapters.spans import SpanTree
from promptetheus.adapters.usage import get, usage_of
from promptetheus.calls import text_of
from promptetheus.session_events import error_text

ADAPTER = "crewai"

_MAX_NAME = 80


class CrewEvents:
    """The events of all crews of a process, as one adapter records them."""

    def __init__(self, session: Any, capture_content: bool) -> None:
        self._session, self._capture = session, capture_content
        self._tree = SpanTree()
        self._calls: BoundedRunState[ModelCall] = BoundedRunState()
        """Model calls under way by CrewAI's id."""
        self._asked: BoundedRunState[list[ToolRequest]] = BoundedRunState()
        """Tools that a model asked for and that have not begun, by the span they were asked for in."""
        self._tools: BoundedRunState[str] = BoundedRunState()
        """Ids of tool calls by the id of the event that began them, and by agent and tool."""
        self._said: BoundedRunState[str] = BoundedRunState()
        """What a model said last, by span."""
        self._failures: BoundedRunState[bool] = BoundedRunState()
        """Texts of errors that are recorded, by session."""
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    def scope_of(self, event: Any) -> Scope | None:
        """Where an event belongs: in the run that CrewAI names as its parent, else where it is emitted."""
        for key in ("started_event_id", "parent_event_id"):
            known = self._tree.find(get(event, key))
            if known is not None and known.session._end is None:
                return known
        return scope_of(self._session)

    def tell(self, scope: Scope, source: Any, event: Any, error: BaseException | None) -> None:
        """Record an event."""
        meaning = self._MEANINGS.get(get(event, "type", ""))
        if meaning is not None:
            _guarded(meaning, self, scope, source, event, error)

    def _run_started(self, scope: Scope, source: Any, event: Any, error: Any) -> None:
        name, facts = _named(event)
        if name is None:
            self._tree.pass_through(event.event_id, event.parent_event_id, scope)
        else:
            self._tree.start(event.event_id, event.parent_event_id, name, scope, facts).enter()

    def _run_ended(self, scope: Scope, source: Any, event: Any, error: Any) -> None:
        self._end(event)

    def _agent_ended(self, scope: Scope, source: Any, event: Any, error: Any) -> None:
        output, said = text_of(get(event, "output")), self._said.pop(_place(scope))
        if output and output != said:
            scope.record("agent_message", {"content": output}, {"agent": get(event, "agent_role")})
        self._run_ended(scope, source, event, error)

    def _run_failed(self, scope: Scope, source: Any, event: Any, error: Any) -> None:
        self._fail(scope, event, error)
        self._end(event, text_of(get(event, "error")))

    def _end(self, event: Any, error: str | None = None) -> None:
        """End the run that the event ends. The span is current where it began, as CrewAI's own scopes are."""
        inside = self._tree.find(event.started_event_id)
        if inside is not None:
            if self._tree.is_span(event.started_event_id):
                context.pop_span(*inside.spans[-1])
            self._tree.end(event.started_event_id, error)

    def _model_asked(self, scope: Scope, source: Any, event: Any, error: Any) -> None:
        facts = {"provider": get(source, "provider"), "agent": event.agent_role, "call_id": event.call_id}
        call = ModelCall(
            scope,
            event.model,
            adapter=ADAPTER,
            prompt=prompt_of(event.messages, capture=self._capture),
            streamed=bool(get(event, "stream")),
            emit_tool_calls=False,
            metadata={name: fact for name, fact in facts.items() if isinstance(fact, str)},
        )
        self._tree.pass_through(event.event_id, event.parent_event_id, scope)
        self._calls.put(event.call_id, call)

    def _model_piece(self, scope: Scope, source: Any, event: Any, error: Any) -> None:
        call = self._calls.get(event.call_id)
        if call is not None:
            call.streamed = True
            call.piece(bool(event.chunk))
            call.answer.texts.append(event.chunk or "")
            call.answer.response_id = get(event, "response_id")

    def _model_answered(self, scope: Scope, source: Any, event: Any, error: Any) -> None:
        self._run_ended(scope, source, event, error)
        call = self._calls.pop(event.call_id)
        if call is None:
            return
        answer, response = call.answer, event.response
        answer.usage = usage_of(event.usage)
        cached = get(event.usage, "cached_prompt_tokens")
        if answer.usage.cached_tokens is None and isinstance(cached, int):
            answer.usage = answer.usage._replace(cached_tokens=cached)
        answer.finish_reason, answer.response_id = get(event, "finish_reason"), get(event, "response_id")
        requests = _requests(response)
        if requests:
            answer.texts, answer.tool_calls = [], requests
            self._asked.put(_place(call.scope), requests)
        else:
            dump = getattr(response, "model_dump_json", None)
            answer.texts = [dump() if callable(dump) else text_of(response)]
            self._said.put(_place(call.scope), answer.texts[0])
        call.done()

    def _model_failed(self, scope: Scope, source: Any, event: Any, error: Any) -> None:
        call = self._calls.pop(event.call_id)
        if call is None:  # told a second time
            return
        self._run_ended(scope, source, event, error)
        self._failures.put(_failure(call.scope, event.error), True)
        if isinstance(error, Exception) and error_text(error) in event.error:
            self._failures.put(_failure(call.scope, error_text(error)), True)
            call.fail(error)
        else:
            call.answer.failure = event.error
            call.done()

    def _tool_started(self, scope: Scope, source: Any, event: Any, error: Any) -> None:
        call_id = f"crewai:{event.agent_role or 'agent'}:{event.tool_name}:{next(self._numbers)}"
        with self._lock:  # tools that a model asked for at once begin in threads of their own
            asked = self._asked.get(_place(scope)) or []
            named = [request for request in asked if _same(request.name, event.tool_name)]
            if named:
                asked.remove(named[0])
                call_id = named[0].call_id or call_id
        for key in (event.event_id, _tool(event)):
            self._tools.put(key, call_id)
        request = ToolRequest(event.tool_name, event.tool_args, call_id)
        record_tool_call(scope, ADAPTER, request, {"agent": event.agent_role})
        self._tree.pass_through(event.event_id, event.parent_event_id, scope)

    def _tool_ended(self, scope: Scope, source: Any, event: Any, error: Any) -> None:
        call_id = self._tools.pop(event.started_event_id or "") or self._tools.get(_tool(event))
        self._run_ended(scope, source, event, error)
        failure = get(event, "error") or get(event, "failure")
        facts = {"from_cache": True} if get(event, "from_cache") else None
        if failure is None:
            record_tool_result(scope, ADAPTER, call_id, get(event, "output"), metadata=facts)
        else:
            text = get(failure, "reason") or get(failure, "message") or failure
            record_tool_result(scope, ADAPTER, call_id, error=text_of(text), metadata=facts)

    def _searched(self, scope: Scope, source: Any, event: Any, error: Any) -> None:
        found = get(event, "results")
        documents = (
            found if isinstance(found, list) else [{"content": get(event, "retrieved_knowledge", found)}]
        )
        scope.record("retrieval", {"query": event.query, "documents": documents}, {"kind": event.type})

    def _search_failed(self, scope: Scope, source: Any, event: Any, error: Any) -> None:
        self._fail(scope, event, error)

    def _fail(self, scope: Scope, event: Any, error: BaseException | None) -> None:
        """An `error` event, once for an exception however many levels tell of it."""
        told = get(event, "error")
        text = error_text(told) if isinstance(told, BaseException) else text_of(told)
        caught = told if isinstance(told, BaseException) else error
        if caught is not None and error_text(caught) not in text:  # another one, which the agent is handling
            caught = None
        texts = {text} if caught is None else {text, error_text(caught)}
        known = [self._failures.update(_failure(scope, found), lambda told: True) for found in texts]
        if any(known) or (isinstance(caught, Exception) and is_known_error(scope.session, ADAPTER, caught)):
            return
        scope.error(caught if isinstance(caught, Exception) else text, {"during": event.type})

    _MEANINGS: ClassVar[dict[str, Callable[..., None]]] = {
        **dict.fromkeys(
            (
                "crew_kickoff_started", "task_started", "agent_execution_started", "lite_agent_execution_started",
                "flow_started", "method_execution_started",
            ),
            _run_started,
        ),
        **dict.fromkeys(
            ("crew_kickoff_completed", "task_completed", "flow_finished", "method_execution_finished"), _run_ended
        ),
        **dict.fromkeys(("agent_execution_completed", "lite_agent_execution_completed"), _agent_ended),
        **dict.fromkeys(
            (
                "crew_kickoff_failed", "task_failed", "agent_execution_error", "lite_agent_execution_error",
                "flow_failed", "method_execution_failed",
            ),
            _run_failed,
        ),
        **dict.fromkeys(("memory_query_completed", "knowledge_search_query_completed"), _searched),
        **dict.fromkeys(("memory_query_failed", "knowledge_search_query_failed"), _search_failed),
        "llm_call_started": _model_asked,
        "llm_stream_chunk": _model_piece,
        "llm_call_completed": _model_answered,
        "llm_call_failed": _model_failed,
        "tool_usage_started": _tool_started,
        "tool_usage_finished": _tool_ended,
        "tool_usage_error": _tool_ended,
    }  # fmt: skip


@hook
def _guarded(meaning: Callable[..., None], *args: Any) -> None:
    meaning(*args)


def _named(event: Any) -> tuple[str | None, dict[str, Any]]:
    """The name of the span that an event begins, None for none, and its metadata."""
    facts = {"run_id": event.event_id, "kind": event.type.removesuffix("_started")}
    match event.type:
        case "crew_kickoff_started":
            name = get(event, "crew_name") or "crew"
        case "task_started":
            name = event.task_name or get(get(event, "task"), "name") or "task"
            facts["task_id"] = event.task_id
        case "flow_started":
            name = None if event.flow_name == "AgentExecutor" else event.flow_name  # an agent works as a flow
        case "method_execution_started":
            name = event.method_name
        case _:
            info = get(event, "agent_info")
            name = get(info, "role") or event.agent_role or get(get(event, "agent"), "role") or "agent"
    return (None if name is None else text_of(name).strip()[:_MAX_NAME]), facts


def _requests(response: Any) -> list[ToolRequest]:
    """The tools that an answer asks for, in the shapes of the providers."""
    if not isinstance(response, list):
        return []
    found = []
    for asked in response:
        function = get(asked, "function")
        name = get(function, "name") or get(asked, "name")
        arguments = (
            get(function, "arguments") if function is not None else get(asked, "input", get(asked, "args"))
        )
        if isinstance(name, str):
            found.append(ToolRequest(name, arguments, get(asked, "id") or get(asked, "toolUseId")))
    return found


def _same(asked: str, used: str) -> bool:
    """Whether a model's name for a tool is that tool: CrewAI makes `add_numbers` of "Add Numbers"."""
    return asked.lower().replace(" ", "_") == used.lower().replace(" ", "_")


def _tool(event: Any) -> str:
    return f"{event.agent_role} {event.tool_name}"


def _place(scope: Scope) -> str:
    return " ".join((scope.session.session_id, *(span for _, span in scope.spans[-1:])))


def _failure(scope: Scope, text: str) -> str:
    return f"{scope.session.session_id} {text}"
