"""The runs of LangChain under way: one memory an adapter, for all threads and tasks.

LangChain names the run that encloses each run. What belongs where is taken from that, and from the spans that the
user's own code opened inside that run; never from what happens to be current where a callback is called.
"""

from __future__ import annotations

import asyncio
import functools
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from promptetheus import context
from promptetheus.adapters import langchain_reading as reading
from promptetheus.adapters.arguments import run_key
from promptetheus.adapters.bounded import BoundedRunState
from promptetheus.adapters.content import prompt_of
from promptetheus.adapters.model_call import (
    ModelCall,
    ToolRequest,
    error_facts,
    record_tool_call,
    record_tool_result,
)  # fmt: skip
from promptetheus.adapters.once import is_known_error
from promptetheus.adapters.patching import PatchPoint, patch_point
from promptetheus.adapters.scope import Scope, hook, scope_of
from promptetheus.adapters.spans import SpanTree
from promptetheus.adapters.usage import get

ADAPTER = "langchain"

_CONTEXTS = (
    ("langchain_core.runnables.config", "_set_config_context"),
    ("langgraph._internal._runnable", "_set_config_context"),
)
"""What prepares the context that the body of a run gets."""

_MAX_ERRORS = 64


@dataclass(eq=False)
class _Root:
    """An outermost run: what its agent was asked to do."""

    run_id: str
    points: list[PatchPoint]
    open: dict[str, Callable[[BaseException | None], None]] = field(default_factory=dict)
    """How to end what is under way in it, by run: LangChain tells of no end when a task is cancelled."""
    errors: list[tuple[BaseException, Scope, bool]] = field(default_factory=list)
    """Exceptions on their way out, where each came up, and whether it is recorded. Held, so that no other exception
    gets the identity of one of them."""

    def note(self, error: BaseException, scope: Scope, is_recorded: bool) -> None:
        if len(self.errors) < _MAX_ERRORS and not any(error is known for known, _, _ in self.errors):
            self.errors.append((error, scope, is_recorded))


@dataclass(eq=False)
class _Retrieval:
    scope: Scope
    query: Any
    name: str
    started_s: float = field(default_factory=time.monotonic)


class Runs:
    """Runs by LangChain's own ids.

    Args:
        session: the session to record into; None takes the one that is current where an outermost run begins.
        capture_content: record prompts, redacted.
    """

    def __init__(self, session: Any, capture_content: bool) -> None:
        self._session = session
        self._capture = capture_content
        self._tree = SpanTree()
        self._roots: BoundedRunState[_Root] = BoundedRunState()
        """The outermost run of every run that is open."""
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
        scope = self._scope(parent_id)
        if scope is None:
            return
        self._tools_run_by_hand(scope, prompt)
        metadata = kwargs.get("metadata")
        facts = {"run_id": run_key(run_id), "provider": get(metadata, "ls_provider")}
        key = run_key(run_id)
        self._calls[key] = ModelCall(
            scope,
            reading.model_of(serialized, kwargs),
            adapter=ADAPTER,
            prompt=prompt_of(reading.plain_messages(prompt), capture=self._capture),
            emit_tool_calls=False,
            metadata={**facts, "operation": "chat" if get(metadata, "ls_model_type") == "chat" else None},
        )
        root = self._root_of(parent_id)
        if root is not None:
            root.open[key] = lambda error: self._model_left(key, error)

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
        call = self._take(run_id, parent_id)
        if call is None:
            return
        reading.read_result(call.answer, result)
        for request in call.answer.tool_calls:
            if request.call_id is not None:
                self._asked[_key(call.scope, request.call_id)] = request
        call.done()

    def model_fails(self, run_id: Any, parent_id: Any, error: BaseException, result: Any) -> None:
        """The call ended in an exception, or its stream was closed."""
        call = self._take(run_id, parent_id)
        if call is None:
            return
        if result is not None and call.streamed:
            reading.read_result(call.answer, result)
        if isinstance(error, GeneratorExit):
            call.abandon()
            return
        call.fail(error)
        self._note(parent_id, error, call.scope, is_recorded=True)

    def _take(self, run_id: Any, parent_id: Any) -> ModelCall | None:
        root = self._root_of(parent_id)
        if root is not None:
            root.open.pop(run_key(run_id), None)
        return self._calls.pop(run_key(run_id))

    def _model_left(self, key: str, error: BaseException | None) -> None:
        call = self._calls.pop(key)
        if call is not None and error is None:
            call.abandon()
        elif call is not None:
            call.fail(asyncio.CancelledError())

    # ── tools ────────────────────────────────────────────────────────────────────────────────────────────────

    def tool_starts(
        self, run_id: Any, parent_id: Any, serialized: Any, text: Any, kwargs: dict[str, Any]
    ) -> None:
        """A tool runs."""
        scope = self._scope(parent_id)
        if scope is None:
            return
        call_id = kwargs.get("tool_call_id") or run_key(run_id)
        self._open(run_id, parent_id)
        self._tree.pass_through(run_key(run_id), None, scope)
        self._tools[run_key(run_id)] = (scope, call_id)
        root = self._root_of(run_id)
        if root is not None:
            root.open[run_key(run_id)] = lambda error: self._tool_left(run_key(run_id), error)
        self._asked.pop(_key(scope, call_id))
        if self._interrupted.pop(_key(scope, call_id)):
            return
        inputs = kwargs.get("inputs")
        arguments = inputs if isinstance(inputs, dict) else {"input": text}
        request = ToolRequest(reading.name_of_run(serialized, kwargs, "tool"), arguments, call_id)
        record_tool_call(scope, ADAPTER, request, {"run_id": run_key(run_id)})

    def tool_ends(self, run_id: Any, output: Any) -> None:
        """A tool returned."""
        found = self._tools.pop(run_key(run_id))
        self._close(run_id, None)
        if found is not None:
            result, error = reading.tool_outcome(output)
            record_tool_result(found[0], ADAPTER, found[1], result, error, {"run_id": run_key(run_id)})

    def tool_fails(self, run_id: Any, parent_id: Any, error: BaseException) -> None:
        """A tool raised."""
        found = self._tools.pop(run_key(run_id))
        if found is not None:
            scope, call_id = found
            if reading.is_control_flow(error):
                self._interrupted[_key(scope, call_id)] = True
            else:
                record_tool_result(scope, ADAPTER, call_id, None, error, {"run_id": run_key(run_id)})
                if parent_id is not None:
                    self._note(parent_id, error, scope, is_recorded=False)
        self._close(run_id, None)

    def _tool_left(self, key: str, error: BaseException | None) -> None:
        found = self._tools.pop(key)
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
        scope = self._scope(parent_id)
        if scope is not None:
            self._open(run_id, parent_id)
            self._tree.pass_through(run_key(run_id), None, scope)
            name = reading.name_of_run(serialized, kwargs, "retriever")
            self._retrievals[run_key(run_id)] = _Retrieval(scope, query, name)

    def retriever_ends(self, run_id: Any, documents: Any) -> None:
        """It found something."""
        self._retrieved(run_id, reading.documents_of(documents or ()), {})
        self._close(run_id, None)

    def retriever_fails(self, run_id: Any, parent_id: Any, error: BaseException) -> None:
        """It raised."""
        found = self._retrieved(run_id, [], {"status": "failed", "error": error_facts(error)})
        self._close(run_id, None)
        if found is not None and isinstance(error, Exception):
            self._tell(found.scope, error, "retrieval")
            self._note(parent_id, error, found.scope, is_recorded=True)

    def _retrieved(self, run_id: Any, documents: list[Any], facts: dict[str, Any]) -> _Retrieval | None:
        found = self._retrievals.pop(run_key(run_id))
        if found is not None:
            took_ms = round((time.monotonic() - found.started_s) * 1000)
            facts = {"run_id": run_key(run_id), "retriever": found.name, "latency_ms": took_ms, **facts}
            found.scope.record("retrieval", {"query": found.query, "documents": documents}, facts)
        return found

    # ── chains, graphs and their nodes ───────────────────────────────────────────────────────────────────────

    def chain_starts(self, run_id: Any, parent_id: Any, serialized: Any, kwargs: dict[str, Any]) -> None:
        """A chain, a graph or one of its nodes runs."""
        scope = self._scope(parent_id)
        if scope is None:
            return
        self._open(run_id, parent_id)
        name = reading.name_of_run(serialized, kwargs, "node")
        if reading.is_plumbing(name, kwargs):
            self._tree.pass_through(run_key(run_id), None, scope)
        else:
            facts = reading.run_facts(run_key(run_id), kwargs.get("metadata"))
            self._tree.start(run_key(run_id), None, name, scope, facts)

    def chain_ends(self, run_id: Any) -> None:
        """It returned."""
        self._close(run_id, None)

    def chain_fails(self, run_id: Any, parent_id: Any, error: BaseException) -> None:
        """It raised, was cancelled, or stopped to wait."""
        scope = self._tree.find(run_key(run_id))
        if scope is not None and isinstance(error, Exception) and not reading.is_control_flow(error):
            self._note(run_id, error, scope, is_recorded=False)
        self._close(run_id, error)

    # ── anything ─────────────────────────────────────────────────────────────────────────────────────────────

    def says(self, run_id: Any, parent_id: Any, text: str) -> None:
        """An agent of the old kind tells what it does."""
        scope = self._tree.find(run_key(run_id)) or self._scope(parent_id)
        if scope is not None and text:
            scope.record("agent_message", {"content": text}, {"run_id": run_key(run_id)})

    def custom(self, run_id: Any, name: str, data: Any) -> None:
        """The agent's author reports something of their own."""
        scope = self._tree.find(run_key(run_id)) or scope_of(self._session)
        if scope is not None:
            facts = {"run_id": run_key(run_id), "custom_event": True}
            scope.record("state_change", {"name": name, "before": None, "after": data}, facts)

    @hook
    def enter(self, config: Any) -> None:
        """LangChain prepares the context for the body of a run: the spans around it become current there."""
        run_id = get(get(config, "callbacks"), "parent_run_id")
        scope = None if run_id is None else self._tree.find(run_key(run_id))
        if scope is not None:
            here = context.span_stack.get()
            if here[: len(scope.spans)] != scope.spans:
                context.span_stack.set(scope.spans)

    def _scope(self, parent_id: Any) -> Scope | None:
        """Inside the run that encloses a new one, and inside the spans that the user's code opened in that run."""
        around = None if parent_id is None else self._tree.find(run_key(parent_id))
        if around is None:
            return scope_of(self._session)
        here = context.span_stack.get()
        is_inside = len(here) > len(around.spans) and here[: len(around.spans)] == around.spans
        return around._replace(spans=here) if is_inside else around

    def _open(self, run_id: Any, parent_id: Any) -> None:
        root = self._root_of(parent_id)
        if root is None:
            root = _Root(run_key(run_id), _points())
            for point in root.points:
                point.add(self)
        self._roots[run_key(run_id)] = root

    def _close(self, run_id: Any, error: BaseException | None) -> None:
        key = run_key(run_id)
        root = self._roots.pop(key)
        if root is not None:
            root.open.pop(key, None)
        if root is not None and root.run_id == key:
            for point in root.points:
                point.remove(self)
            for leave in list(root.open.values()):
                leave(error)
            for found, scope, is_recorded in root.errors:
                if found is error and not is_recorded:
                    self._tell(scope, found, "run")
        if error is None:
            self._tree.end(key)
        elif reading.is_control_flow(error):
            facts = {"status": "interrupted", "interrupts": reading.interrupts_of(error) or None}
            self._tree.end(key, None, {name: value for name, value in facts.items() if value is not None})
        elif isinstance(error, Exception):
            self._tree.end(key, error)
        else:
            status = "abandoned" if isinstance(error, GeneratorExit) else "cancelled"
            self._tree.end(key, None, {"status": status})

    def _root_of(self, run_id: Any) -> _Root | None:
        return None if run_id is None else self._roots.get(run_key(run_id))

    def _note(self, run_id: Any, error: BaseException, scope: Scope, is_recorded: bool) -> None:
        root = self._root_of(run_id)
        if root is not None and isinstance(error, Exception):
            root.note(error, scope, is_recorded)

    def _tell(self, scope: Scope, error: BaseException, during: str) -> None:
        if not is_known_error(scope.session, ADAPTER, error):
            scope.error(error, {"during": during})


def _key(scope: Scope, call_id: Any) -> str:
    return f"{scope.session.session_id} {call_id}"


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
        for runs in point.listeners:
            runs.enter(config)
        return found

    return _set_config_context
