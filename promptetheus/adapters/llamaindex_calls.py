"""Calls of LlamaIndex to models and retrievers, from its instrumentation events: one memory an adapter."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from promptetheus.adapters import llamaindex_reading as reading
from promptetheus.adapters.arguments import run_key
from promptetheus.adapters.bounded import BoundedRunState
from promptetheus.adapters.content import prompt_of
from promptetheus.adapters.inner_calls import InnerCalls
from promptetheus.adapters.model_call import ModelCall, error_facts
from promptetheus.adapters.places import Places
from promptetheus.adapters.scope import Scope
from promptetheus.adapters.usage import get

ADAPTER = "llamaindex"


@dataclass(eq=False)
class _Call:
    call: ModelCall
    parent_id: Any
    alike: str
    """Equal for calls of one LLM with the same messages."""
    inner: InnerCalls


@dataclass(eq=False)
class _Retrieval:
    scope: Scope
    query: Any
    parent_id: Any
    started_s: float = field(default_factory=time.monotonic)


class Calls:
    """Calls under way, by the span that they are made in."""

    def __init__(self, places: Places, capture_content: bool) -> None:
        self._places = places
        self._capture = capture_content
        self._models: BoundedRunState[_Call] = BoundedRunState()
        self._unread: BoundedRunState[tuple[str, ...]] = BoundedRunState()
        """Streams of which nothing has come, by LLM and messages: the spans that they were asked for in."""
        self._retrievals: BoundedRunState[_Retrieval] = BoundedRunState()
        self._readers: dict[str, Callable[[str, Any], None]] = {
            "LLMChatInProgressEvent": self._piece,
            "LLMCompletionInProgressEvent": self._piece,
            "LLMChatEndEvent": self._answered,
            "LLMCompletionEndEvent": self._answered,
            "EmbeddingEndEvent": self._embedded,
            "SparseEmbeddingEndEvent": self._embedded,
            "ExceptionEvent": self._broken,
            "RetrievalEndEvent": self._found,
        }

    def is_open(self, span_id: Any) -> bool:
        """Whether a model or a retriever is asked in a span."""
        return run_key(span_id) in self._models or run_key(span_id) in self._retrievals

    def begin(self, event: Any, span_id: str, parent_id: Any, instance: Any) -> bool:
        """An event that may begin a call. Returns whether it is part of one that is open already: a stream asks for
        itself when it is read, e.g. `astream_chat` its `stream_chat`."""
        kind = type(event).__name__
        if kind == "RetrievalStartEvent":
            scope = self._places.around(span_id)
            if scope is not None:
                query = reading.query_of(get(event, "str_or_query_bundle"))
                self._retrievals[span_id] = _Retrieval(scope, query, parent_id)
        elif kind in ("LLMChatStartEvent", "LLMCompletionStartEvent"):
            return self._ask(event, span_id, parent_id, instance)
        elif kind in ("EmbeddingStartEvent", "SparseEmbeddingStartEvent"):
            self.ask(span_id, parent_id, get(event, "model_dict"), None, operation="embeddings")
        return False

    def go_on(self, event: Any, span_id: str) -> None:
        """An event of a call that has begun."""
        read = self._readers.get(type(event).__name__)
        if read is not None:
            read(span_id, event)

    def ask(
        self,
        span_id: str,
        parent_id: Any,
        described: Any,
        prompt: Any,
        *,
        operation: str,
        alike: str = "",
        event_id: str | None = None,
    ) -> None:
        """A model is asked. `described`: what it says of itself."""
        scope = self._places.around(span_id)
        if scope is None:
            return
        call = ModelCall(
            scope,
            reading.model_of(described),
            adapter=ADAPTER,
            prompt=prompt_of(prompt, capture=self._capture),
            emit_tool_calls=False,
            metadata={
                "span_id": span_id if event_id is None else None,
                "event_id": event_id,
                "operation": operation,
                "llm": get(described, "class_name"),
            },
        )
        self._models[span_id] = _Call(call, parent_id, alike, InnerCalls(ADAPTER).open())

    def answer(self, span_id: str, response: Any) -> None:
        """The model has answered."""
        found = self._models.pop(span_id)
        if found is not None:
            self._is_read(span_id, found)
            if response is not None:
                reading.read_response(found.call.answer, response)
            found.inner.finish(found.call)
            found.call.done()

    def fail(self, span_id: str, error: BaseException) -> None:
        """The span of a call raised, or its stream did."""
        found, retrieval = self._models.pop(span_id), self._retrievals.pop(span_id)
        if found is not None:
            self._is_read(span_id, found)
            is_ours = found.inner.finish(found.call)
            if isinstance(error, GeneratorExit):
                found.call.abandon()
            else:
                found.call.fail(error)
                self._note(span_id, found.parent_id, error, found.call.scope, is_ours)
        if retrieval is not None:
            facts = {"status": "failed", "error": error_facts(error)}
            self._retrieved(span_id, retrieval, [], facts)
            if isinstance(error, Exception):
                self._places.tell(retrieval.scope, error, "retrieval")
                self._note(span_id, retrieval.parent_id, error, retrieval.scope, True)

    def _note(
        self, span_id: str, parent_id: Any, error: BaseException, scope: Scope, is_recorded: bool
    ) -> None:
        """The span may be over: a stream breaks after the function that made it has returned."""
        for run_id in (span_id, parent_id):
            self._places.note(run_id, error, scope, is_recorded)

    def _ask(self, event: Any, span_id: str, parent_id: Any, instance: Any) -> bool:
        messages = get(event, "messages")
        alike = f"{id(instance)} {[id(message) for message in messages or ()] or get(event, 'prompt')}"
        method = reading.method_of(span_id)
        if any(reading.method_of(other) != method for other in self._unread.get(alike) or ()):
            return True  # the same method with the same messages is somebody else, at the same time
        prompt = [get(event, "prompt")] if messages is None else reading.plain_messages(messages)
        self.ask(span_id, parent_id, get(event, "model_dict"), prompt, operation="chat", alike=alike)
        if "stream" in method:
            self._unread.update(alike, lambda spans: (*(spans or ()), span_id))
        return False

    def _is_read(self, span_id: str, found: _Call) -> None:
        """Something has come of a call, or it is over."""
        self._unread.update(
            found.alike, lambda spans: tuple(span for span in spans or () if span != span_id) or None
        )

    def _piece(self, span_id: str, event: Any) -> None:
        found = self._models.get(span_id)
        if found is not None:
            self._is_read(span_id, found)
            response = get(event, "response")
            found.call.streamed = True
            found.call.piece(reading.brings_output(response))
            reading.read_response(found.call.answer, response)

    def _answered(self, span_id: str, event: Any) -> None:
        self.answer(span_id, get(event, "response"))

    def _embedded(self, span_id: str, event: Any) -> None:
        found = self._models.get(span_id)
        if found is not None:
            found.call.answer.facts["inputs"] = len(get(event, "chunks") or ())
            self.answer(span_id, None)

    def _broken(self, span_id: str, event: Any) -> None:
        error = get(event, "exception")
        if isinstance(error, BaseException):
            self.fail(span_id, error)

    def _found(self, span_id: str, event: Any) -> None:
        retrieval = self._retrievals.pop(span_id)
        if retrieval is not None:
            self._retrieved(span_id, retrieval, reading.documents_of(get(event, "nodes") or ()), {})

    def _retrieved(
        self, span_id: str, retrieval: _Retrieval, documents: list[Any], facts: dict[str, Any]
    ) -> None:
        took_ms = round((time.monotonic() - retrieval.started_s) * 1000)
        name = reading.method_of(span_id).partition(".")[0]
        facts = {"span_id": span_id, "retriever": name, "latency_ms": took_ms, **facts}
        retrieval.scope.record("retrieval", {"query": retrieval.query, "documents": documents}, facts)
