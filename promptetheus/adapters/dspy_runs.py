"""The calls of DSPy under way, and what they become: one memory an adapter, for all threads and tasks."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from promptetheus import context
from promptetheus.adapters import dspy_reading as reading
from promptetheus.adapters.arguments import coerce_arguments
from promptetheus.adapters.bounded import BoundedRunState
from promptetheus.adapters.content import prompt_of
from promptetheus.adapters.model_call import (
    ModelCall,
    ToolRequest,
    error_facts,
    record_tool_call,
    record_tool_result,
)
from promptetheus.adapters.places import Places
from promptetheus.adapters.scope import Scope
from promptetheus.adapters.usage import get

ADAPTER = "dspy"

_MAX_ASKED = 256

End = Callable[[Any, BaseException | None], None]
"""What to do when a call ends: with its outputs, or with the exception that ended it."""


class Runs:
    """What DSPy tells, by its own ids of calls.

    Args:
        session: the session to record into; None takes the one that is current where an outermost call begins.
        capture_content: record prompts, redacted.
    """

    def __init__(self, session: Any, capture_content: bool) -> None:
        self._capture = capture_content
        self._places = Places(session, ADAPTER)
        self._ends: BoundedRunState[End] = BoundedRunState()
        self._said: BoundedRunState[str] = BoundedRunState()
        """The latest message of every outermost call that is open."""
        self._asked: BoundedRunState[tuple[ToolRequest, ...]] = BoundedRunState()
        """Tools that models asked for by the provider's own means and that have not run, by session."""

    def ends(self, call_id: str, outputs: Any, error: BaseException | None) -> None:
        """A call ended."""
        end = self._ends.pop(call_id)
        if end is not None:
            end(outputs, error)

    def model_starts(
        self, call_id: str, parent_id: str | None, model: Any, inputs: Any, is_streamed: bool
    ) -> None:
        """A model is asked."""
        scope = self._begin(call_id, parent_id)
        if scope is None:
            return
        prompt = reading.prompt_of_call(inputs)
        name = get(model, "model")
        call = ModelCall(
            scope,
            name if isinstance(name, str) else None,
            adapter=ADAPTER,
            prompt=prompt_of(prompt, capture=self._capture),
            streamed=is_streamed,
            emit_agent_message=parent_id is None or self._places.inside(parent_id) is None,
            emit_tool_calls=False,
            metadata={"call_id": call_id, "operation": get(model, "model_type")},
        )

        def end(outputs: Any, error: BaseException | None) -> None:
            if error is None:
                reading.read_outputs(call.answer, outputs, reading.history_entry(model, outputs))
                self._ask(scope, call.answer.tool_calls)
                call.done()
            else:
                call.fail(error)
                self._places.note(parent_id, error, scope, is_recorded=True)

        self._ends[call_id] = end

    def module_starts(self, call_id: str, parent_id: str | None, name: str, says: bool = True) -> None:
        """A module, an evaluation or an optimizer runs: a span, which is current inside. `says`: whether its result
        is an answer."""
        scope = self._begin(call_id, parent_id)
        if scope is None:
            return
        self._places.open(call_id, parent_id, scope, name, {"call_id": call_id})
        root = self._places.root_of(call_id)
        inside = self._places.inside(call_id)
        current = None if inside is None else inside.spans[-1]
        if current is not None:
            context.push_span(*current)

        def end(outputs: Any, error: BaseException | None) -> None:
            if says and error is None and inside is not None and root is not None:
                self._say(root.run_id, inside, reading.answer_of(outputs))
            if root is not None and root.run_id == call_id:
                self._said.pop(call_id)
            if current is not None:
                context.pop_span(*current)
            self._places.close(call_id, error)

        self._ends[call_id] = end

    def evaluation_starts(self, call_id: str, parent_id: str | None, name: str) -> None:
        """An evaluation runs: a module whose score is recorded."""
        self.module_starts(call_id, parent_id, name, says=False)
        end, inside = self._ends.pop(call_id), self._places.inside(call_id)
        if end is None or inside is None:
            return

        def end_with_score(outputs: Any, error: BaseException | None) -> None:
            score = get(outputs, "score", outputs)
            if error is None and isinstance(score, int | float):
                facts = {"call_id": call_id}
                inside.record("score", {"name": name, "value": score, "source": ADAPTER}, facts)
            end(outputs, error)

        self._ends[call_id] = end_with_score

    def tool_starts(self, call_id: str, parent_id: str | None, name: str, arguments: Any) -> None:
        """A tool, or an interpreter, runs."""
        scope = self._begin(call_id, parent_id)
        if scope is None:
            return
        self._places.open(call_id, parent_id, scope)
        asked_id = self._asked_for(scope, name, arguments) or call_id
        record_tool_call(scope, ADAPTER, ToolRequest(name, arguments, asked_id))

        def end(outputs: Any, error: BaseException | None) -> None:
            record_tool_result(scope, ADAPTER, asked_id, outputs, error)
            if error is not None:
                self._places.note(parent_id, error, scope)
            self._places.close(call_id)

        self._ends[call_id] = end

    def retrieval_starts(self, call_id: str, parent_id: str | None, inputs: Any) -> None:
        """A `Retrieve` is asked."""
        scope = self._begin(call_id, parent_id)
        if scope is None:
            return
        query, started_s = reading.query_of(inputs), time.monotonic()

        def end(outputs: Any, error: BaseException | None) -> None:
            took_ms = round((time.monotonic() - started_s) * 1000)
            facts: dict[str, Any] = {"call_id": call_id, "latency_ms": took_ms}
            if error is not None:
                facts |= {"status": "failed", "error": error_facts(error)}
            documents = reading.documents_of(outputs)
            scope.record("retrieval", {"query": query, "documents": documents}, facts)
            if isinstance(error, Exception):
                self._tell(parent_id, scope, error, "retrieval")

        self._ends[call_id] = end

    def parsing_starts(self, call_id: str, parent_id: str | None) -> None:
        """What the model said is read into fields; only a failure is worth an event."""
        scope = self._begin(call_id, parent_id)
        if scope is None:
            return

        def end(outputs: Any, error: BaseException | None) -> None:
            if isinstance(error, Exception):
                self._tell(parent_id, scope, error, "parse")

        self._ends[call_id] = end

    def _ask(self, scope: Scope, requests: list[ToolRequest]) -> None:
        if requests:
            self._asked.update(
                scope.session.session_id, lambda known: (*(known or ()), *requests)[-_MAX_ASKED:]
            )

    def _asked_for(self, scope: Scope, name: str, arguments: Any) -> str | None:
        """The id that a model gave the call of a tool: DSPy runs it without."""
        found: list[ToolRequest] = []

        def take(known: tuple[ToolRequest, ...] | None) -> tuple[ToolRequest, ...] | None:
            asked = (
                request
                for request in known or ()
                if request.name == name and coerce_arguments(request.arguments) == arguments
            )
            found[:] = [request for request in asked if request.call_id is not None][:1]
            return tuple(request for request in known or () if request not in found) or None

        self._asked.update(scope.session.session_id, take)
        return found[0].call_id if found else None

    def _begin(self, call_id: str, parent_id: str | None) -> Scope | None:
        """Where a call belongs; None for one that is known: an adapter may be configured twice."""
        return None if call_id in self._ends else self._places.around(parent_id)

    def _tell(self, parent_id: str | None, scope: Scope, error: BaseException, during: str) -> None:
        self._places.tell(scope, error, during)
        self._places.note(parent_id, error, scope, is_recorded=True)

    def _say(self, root_id: str, scope: Scope, text: str | None) -> None:
        """An answer that passes through several modules is said once, where it comes up."""
        if text and self._said.get(root_id) != text:
            self._said[root_id] = text
            scope.record("agent_message", {"content": text})
