"""The calls that LiteLLM has under way, by its own id of each, from whichever of its reports comes first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from promptetheus.adapters import openai_reading as reading
from promptetheus.adapters.asked_tools import AskedTools
from promptetheus.adapters.bounded import BoundedRunState
from promptetheus.adapters.content import prompt_of
from promptetheus.adapters.model_call import ModelCall
from promptetheus.adapters.scope import hook, scope_of
from promptetheus.adapters.usage import get

ADAPTER = "litellm"


class Calls:
    """The calls under way, by LiteLLM's own id of each."""

    def __init__(self, session: Any, capture_content: bool) -> None:
        self.needs_reports = False
        """Whether this release has no place where an answer is seen before it is returned."""
        self._session = session
        self._capture = capture_content
        self._open: BoundedRunState[ModelCall] = BoundedRunState()
        self._finished: BoundedRunState[bool] = BoundedRunState()
        """Whose reports may still come."""
        self._asked = AskedTools(ADAPTER)
        self._streams: BoundedRunState[bool] = BoundedRunState()
        """Calls whose callers read a stream."""
        self._readers: BoundedRunState[Callable[[Any], None]] = BoundedRunState()

    @hook
    def begin(self, details: Any) -> ModelCall | None:
        """LiteLLM is about to ask a provider. `details`: what it knows of the call."""
        call, call_id = self._made(details), str(get(details, "litellm_call_id"))
        if call is not None:
            self._finished.pop(call_id)
            self._open.put(call_id, call)
        return call

    def _made(self, details: Any) -> ModelCall | None:
        call_id = str(get(details, "litellm_call_id"))
        scope = scope_of(self._session)
        if scope is None:
            return None
        operation = _operation(str(get(details, "call_type")))
        messages = get(details, "messages")
        sent = {"messages": messages, "input": messages}
        self._asked.record(scope, lambda: reading.tool_outputs(operation, sent))
        model, provider = get(details, "model"), get(details, "custom_llm_provider")
        call = ModelCall(
            scope,
            model if isinstance(model, str) else None,
            adapter=ADAPTER,
            prompt=prompt_of(messages or get(details, "input"), capture=self._capture),
            streamed=bool(get(details, "stream")),
            metadata={"operation": operation, "provider": provider, "litellm_call_id": call_id},
        )
        call.on_tools = self._asked.remember
        return call

    @hook
    def answered(self, details: Any, result: Any, late: bool = False) -> None:
        """A whole answer is here. `late`: by the report after it, which counts only for a call still open."""
        call_id = str(get(details, "litellm_call_id"))
        call = self._open.pop(call_id)
        if call is None and not late:  # an answer without a provider: mocked, or from LiteLLM's cache
            call = self._made(details)
        if call is None:
            return
        self._finished.put(call_id, True)
        reading.read_answer(call.answer.facts["operation"], call.answer, result)
        hidden = get(result, "_hidden_params") or {}
        cost = get(hidden, "response_cost")
        if not isinstance(cost, int | float):
            cost = get(details, "response_cost")
        call.answer.cost_usd = float(cost) if isinstance(cost, int | float) and cost > 0 else None
        if get(details, "cache_hit") or get(hidden, "cache_hit"):
            call.answer.facts["cache_hit"] = True
        call.done()

    @hook
    def failed(self, details: Any, error: Any) -> None:
        """The call ended in an exception."""
        call_id = str(get(details, "litellm_call_id"))
        if call_id in self._streams and not self.needs_reports:
            return  # reported by a thread: the reader of the stream gets the exception, too
        is_told = self._finished.update(call_id, lambda told: True)  # by another thread, too
        call = self._open.pop(call_id)
        if call is None and not is_told:
            call = self._made(details)  # it failed before the provider was asked
        if call is not None and isinstance(error, BaseException):
            call.fail(error)

    @hook
    def stream_begins(self, details: Any) -> None:
        """The caller is about to get a stream."""
        self._streams.put(str(get(details, "litellm_call_id")), True)

    @hook
    def piece(self, details: Any, piece: Any) -> None:
        """The caller got a piece of a stream."""
        call_id = str(get(details, "litellm_call_id"))
        call = self._open.get(call_id)
        if call is None and call_id not in self._finished:
            call = self.begin(details)
        if call is None:
            return
        call.streamed = True
        read = self._readers.get(call_id)
        if read is None:
            is_response = call.answer.facts["operation"] == reading.RESPONSES
            read = reading.ResponsePieces(call) if is_response else reading.ChatPieces(call)
            self._readers.put(call_id, read)
        read(piece)

    @hook
    def stream_over(self, details: Any, error: BaseException | None, exhausted: bool) -> None:
        """The caller came to the end of a stream, or closed it."""
        call_id = str(get(details, "litellm_call_id"))
        self._readers.pop(call_id)
        call = self._open.pop(call_id)
        if call is None:
            return
        self._finished.put(call_id, True)
        if error is not None:
            call.fail(error)
        elif exhausted:
            call.done()
        else:
            call.abandon()


def _operation(call_type: str) -> str:
    if "embedding" in call_type:
        return reading.EMBEDDINGS
    if "responses" in call_type:
        return reading.RESPONSES
    return reading.COMPLETIONS if "text_completion" in call_type else reading.CHAT
