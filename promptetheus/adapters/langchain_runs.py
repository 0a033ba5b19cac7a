"""The runs of LangChain under way, and the events they become: one memory an adapter, for all threads and tasks."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any

from promptetheus.adapters import langchain_reading as reading
from promptetheus.adapters.arguments import run_key
from promptetheus.adapters.bounded import BoundedRunState
from promptetheus.adapters.content import prompt_of
from promptetheus.adapters.langchain_places import ADAPTER, LangChainPlaces
from promptetheus.adapters.model_call import (
    ModelCall,
    ToolRequest,
    error_facts,
    record_tool_call,
    record_tool_result,
)
from promptetheus.adapters.scope import Scope
from promptetheus.adapters.usage import get


@dataclass(eq=False)
class _Retrieval:
    scope: Scope
    query: Any
    name: str
    started_s: float = field(default_factory=time.monotonic)


class Runs:
    """What LangChain tells of models, tools, retrievers and chains.

    Args:
        session: the session to record into; None takes the one that is current where an outermost run begins.
        capture_content: record prompts, redacted.
    """

    def __init__(self, session: Any, capture_content: bool) -> None:
        self._capture = capture_content
        self._places = LangChainPlaces(session)
        self._calls: BoundedRunState[ModelCall] = BoundedRunState()
        self._tools: BoundedRunState[tuple[Scope, str]] = BoundedRunState()
        self._retrievals: BoundedRunState[_Retrieval] = BoundedRunState()
        self._asked: BoundedRunState[ToolRequest] = BoundedRunState()
        """Tools that a model asked for and that have not been seen to run, by session and call."""
        self._interrupted: BoundedRunState[bool] = BoundedRunState()
        """Tool calls that wait for an answer: resumed, they begin again."""

    # ── models ───────────────────────────────────────────────────────────────────────────────────────────────

    def model_starts(
        self, run_id: Any, parent_id: Any, serialized: Any, prompt: list[Any], kwargs: dict[str, Any]
    ) -> None:
        """A model is asked. `prompt`: messages, or one text."""
        scope = self._places.around(parent_id)
        if scope is None:
            return
        self._tools_run_by_hand(scope, prompt)
        metadata = kwargs.get("metadata")
        facts = {"run_id": run_key(run_id), "provider": get(metadata, "ls_provider")}
        self._calls[run_key(run_id)] = ModelCall(
            scope,
            reading.model_of(serialized, kwargs),
            adapter=ADAPTER,
            prompt=prompt_of(reading.plain_messages(prompt), capture=self._capture),
            emit_tool_calls=False,
            metadata={**facts, "operation": "chat" if get(metadata, "ls_model_type") == "chat" else None},
        )
        self._places.under_way(run_id, parent_id, lambda error: self._model_left(run_id, error))

    def model_piece(self, run_id: Any, token: Any) -> None:
        """A piece of a streamed answer."""
        call = self._calls.get(run_key(run_id))
        if call is not None:
            text = reading.text_of_content(token)
            call.streamed = True
            call.piece(is_output=bool(text))
            call.answer.texts.append(text)

    def model_ends(self, run_id: Any, parent_id: Any, result: Any) -> None:
        """The model answered."""
        self._places.ended(run_id, parent_id)
        call = self._calls.pop(run_key(run_id))
        if call is None:
            return
        reading.read_result(call.answer, result)
        for request in call.answer.tool_calls:
            if request.call_id is not None:
                self._asked[_key(call.scope, request.call_id)] = request
        call.done()

    def model_fails(self, run_id: Any, parent_id: Any, error: BaseException, result: Any) -> None:
        """The call ended in an exception, or its stream was closed."""
        self._places.ended(run_id, parent_id)
        call = self._calls.pop(run_key(run_id))
        if call is None:
            return
        if result is not None and call.streamed:
            reading.read_result(call.answer, result)
        if isinstance(error, GeneratorExit):
            call.abandon()
            return
        call.fail(error)
        self._places.note(parent_id, error, call.scope, is_recorded=True)

    def _model_left(self, run_id: Any, error: BaseException | None) -> None:
        call = self._calls.pop(run_key(run_id))
        if call is not None and error is None:
            call.abandon()
        elif call is not None:
            call.fail(asyncio.CancelledError())

    # ── tools ────────────────────────────────────────────────────────────────────────────────────────────────

    def tool_starts(
        self, run_id: Any, parent_id: Any, serialized: Any, text: Any, kwargs: dict[str, Any]
    ) -> None:
        """A tool runs."""
        scope = self._places.around(parent_id)
        if scope is None:
            return
        call_id = kwargs.get("tool_call_id") or run_key(run_id)
        self._places.open(run_id, parent_id, scope)
        self._places.under_way(run_id, parent_id, lambda error: self._tool_left(run_id, error))
        self._tools[run_key(run_id)] = (scope, call_id)
        self._asked.pop(_key(scope, call_id))
        if self._interrupted.pop(_key(scope, call_id)):
            return
        inputs = kwargs.get("inputs")
        arguments = inputs if isinstance(inputs, dict) else {"input": text}
        request = ToolRequest(reading.name_of_run(serialized, kwargs, "tool"), arguments, call_id)
        record_tool_call(scope, ADAPTER, request, {"run_id": run_key(run_id)})

    def tool_ends(self, run_id: Any, parent_id: Any, output: Any) -> None:
        """A tool returned."""
        found = self._tool_over(run_id, parent_id)
        if found is not None:
            result, error = reading.tool_outcome(output)
            record_tool_result(found[0], ADAPTER, found[1], result, error, {"run_id": run_key(run_id)})

    def tool_fails(self, run_id: Any, parent_id: Any, error: BaseException) -> None:
        """A tool raised."""
        found = self._tool_over(run_id, parent_id)
        if found is None:
            return
        scope, call_id = found
        if reading.is_control_flow(error):
            self._interrupted[_key(scope, call_id)] = True
        else:
            record_tool_result(scope, ADAPTER, call_id, None, error, {"run_id": run_key(run_id)})
            self._places.note(parent_id, error, scope)

    def _tool_over(self, run_id: Any, parent_id: Any) -> tuple[Scope, str] | None:
        self._places.ended(run_id, parent_id)
        self._places.close(run_id)
        return self._tools.pop(run_key(run_id))

    def _tool_left(self, run_id: Any, error: BaseException | None) -> None:
        found = self._tools.pop(run_key(run_id))
        self._places.close(run_id)
        if found is not None and error is not None and not reading.is_control_flow(error):
            record_tool_result(found[0], ADAPTER, found[1], None, "cancelled: its run has ended")

    def _tools_run_by_hand(self, scope: Scope, messages: list[Any]) -> None:
        """Results sent to a model of tools that did not run as LangChain tools: the agent called a function, or
        the model made up a tool."""
        if not len(self._asked):
            return
        for message in reading.tool_messages(messages):
            request = self._asked.pop(_key(scope, get(message, "tool_call_id")))
            if request is not None:
                result, error = reading.tool_outcome(message)
                record_tool_call(scope, ADAPTER, request)
                record_tool_result(scope, ADAPTER, request.call_id, result, error)

    # ── retrievers ───────────────────────────────────────────────────────────────────────────────────────────

    def retriever_starts(
        self, run_id: Any, parent_id: Any, serialized: Any, query: Any, kwargs: dict[str, Any]
    ) -> None:
        """A retriever is asked."""
        scope = self._places.around(parent_id)
        if scope is not None:
            self._places.open(run_id, parent_id, scope)
            name = reading.name_of_run(serialized, kwargs, "retriever")
            self._retrievals[run_key(run_id)] = _Retrieval(scope, query, name)

    def retriever_ends(self, run_id: Any, documents: Any) -> None:
        """It found something."""
        self._retrieved(run_id, reading.documents_of(documents or ()), {})

    def retriever_fails(self, run_id: Any, parent_id: Any, error: BaseException) -> None:
        """It raised."""
        found = self._retrieved(run_id, [], {"status": "failed", "error": error_facts(error)})
        if found is not None and isinstance(error, Exception):
            self._places.tell(found.scope, error, "retrieval")
            self._places.note(parent_id, error, found.scope, is_recorded=True)

    def _retrieved(self, run_id: Any, documents: list[Any], facts: dict[str, Any]) -> _Retrieval | None:
        self._places.close(run_id)
        found = self._retrievals.pop(run_key(run_id))
        if found is not None:
            took_ms = round((time.monotonic() - found.started_s) * 1000)
            facts = {"run_id": run_key(run_id), "retriever": found.name, "latency_ms": took_ms, **facts}
            found.scope.record("retrieval", {"query": found.query, "documents": documents}, facts)
        return found

    # ── chains, graphs and their nodes, and what they say ────────────────────────────────────────────────────

    def chain_starts(self, run_id: Any, parent_id: Any, serialized: Any, kwargs: dict[str, Any]) -> None:
        """A chain, a graph or one of its nodes runs."""
        scope = self._places.around(parent_id)
        if scope is None:
            return
        name = reading.name_of_run(serialized, kwargs, "node")
        if reading.is_plumbing(name, kwargs):
            self._places.open(run_id, parent_id, scope)
        else:
            facts = reading.run_facts(run_key(run_id), kwargs.get("metadata"))
            self._places.open(run_id, parent_id, scope, name, facts)

    def chain_ends(self, run_id: Any) -> None:
        """It returned."""
        self._places.close(run_id)

    def chain_fails(self, run_id: Any, error: BaseException) -> None:
        """It raised, was cancelled, or stopped to wait."""
        self._places.close(run_id, error)

    def says(self, run_id: Any, parent_id: Any, text: str) -> None:
        """An agent of the old kind tells what it does."""
        scope = self._places.inside(run_id) or self._places.around(parent_id)
        if scope is not None and text:
            scope.record("agent_message", {"content": text}, {"run_id": run_key(run_id)})

    def custom(self, run_id: Any, name: str, data: Any) -> None:
        """The agent's author reports something of their own."""
        scope = self._places.inside(run_id) or self._places.around(None)
        if scope is not None:
            facts = {"run_id": run_key(run_id), "custom_event": True}
            scope.record("state_change", {"name": name, "before": None, "after": data}, facts)


def _key(scope: Scope, call_id: Any) -> str:
    return f"{scope.session.session_id} {call_id}"
