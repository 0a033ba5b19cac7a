"""One call to a model, from its start to its one `llm_call` event and what the answer holds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from promptetheus.adapters.arguments import coerce_arguments
from promptetheus.adapters.content import NO_PROMPT, Prompt
from promptetheus.adapters.inner_calls import note_written
from promptetheus.adapters.once import is_known, is_known_error
from promptetheus.adapters.pricing import cost_of, load_prices
from promptetheus.adapters.scope import Scope, hook
from promptetheus.adapters.usage import NOTHING, Usage, get, whole
from promptetheus.session_events import error_text


class ToolRequest(NamedTuple):
    """A tool that the model asked for."""

    name: str
    arguments: Any
    """A mapping, or the JSON text that the model wrote."""
    call_id: str | None


@dataclass(slots=True)
class Answer:
    """What is known of an answer. A stream fills it piece by piece; what is there when it breaks off is kept."""

    model: str | None = None
    usage: Usage = NOTHING
    finish_reason: str | None = None
    texts: list[str] = field(default_factory=list)
    """What the agent said. Joined into one message unless `separate`."""
    separate: bool = False
    """Whether each text is a message of its own."""
    tool_calls: list[ToolRequest] = field(default_factory=list)
    """Recorded before the texts."""
    parts: list[str | ToolRequest] = field(default_factory=list)
    """Texts and tool requests in their order, instead of `texts` and `tool_calls`, where that order is known."""
    cost_usd: float | None = None
    """As the framework states it; None has it looked up."""
    latency_ms: int | None = None
    """As the framework measured it; None has it measured from the start of this object."""
    ttft_ms: int | None = None
    response_id: str | None = None
    failure: str | None = None
    """What the provider says went wrong in an answer that came without an exception."""
    failure_type: str | None = None
    facts: dict[str, Any] = field(default_factory=dict)
    """What else belongs into the metadata of the call."""

    def requests(self) -> list[ToolRequest]:
        """The tools that it asks for."""
        return [part for part in self.parts if not isinstance(part, str)] if self.parts else self.tool_calls

    def failure_facts(self) -> dict[str, str] | None:
        """The failure as metadata name it."""
        if self.failure is None:
            return None
        return {"error_type": self.failure_type or "error", "message": self.failure}

    def messages(self) -> list[str]:
        """What the agent said, as the messages that are recorded."""
        return self.texts if self.separate else ["".join(self.texts)]


class ModelCall:
    """A call under way. It is written once, by whichever comes first: `done`, `fail`, `abandon`, or the end of
    its session, which finds it unfinished. None of these raises; all may be called from any thread.

    Args:
        scope: where the events go.
        adapter: which kind of adapter this is, e.g. `openai`: a call that two kinds see is recorded once.
        model: the model that was asked for; the answer may name another.
        prompt: what was sent, as `prompt_of` gives it.
        streamed: whether the answer comes in pieces.
        emit_agent_message: whether the text of the answer becomes an `agent_message`.
        emit_tool_calls: whether the tools it asks for become `tool_call` events. False where the framework
            reports tools itself: then the metadata name them.
        metadata: what is known from the start, e.g. `{"provider": "openai", "operation": "chat"}`.
    """

    def __init__(
        self,
        scope: Scope,
        model: str | None,
        *,
        adapter: str,
        prompt: Prompt = NO_PROMPT,
        streamed: bool = False,
        emit_agent_message: bool = True,
        emit_tool_calls: bool = True,
        metadata: dict[str, Any] | None = None,
    ) -> None:
        self.scope = scope
        self.answer = Answer(facts=dict(metadata or {}))
        self._model = model
        self._adapter = adapter
        self._prompt = prompt
        self.streamed = streamed
        self.on_tools: Callable[[Scope, list[str]], None] | None = None
        """Told the ids of the `tool_call` events of the answer."""
        self._emit_agent_message = emit_agent_message
        self._emit_tool_calls = emit_tool_calls
        self._started_s = self._latest_s = time.monotonic()
        self._ttft_ms: int | None = None
        scope.session._unfinished[self] = True
        load_prices()

    def with_prompt(self, prompt: Prompt) -> None:
        """What was sent, where that is known only now."""
        self._prompt = prompt

    def piece(self, is_output: bool = True) -> None:
        """A piece of a stream has come; the first one with output gives the time to first token."""
        self._latest_s = time.monotonic()
        if is_output and self._ttft_ms is None:
            self._ttft_ms = _ms(self._latest_s - self._started_s)

    @hook
    def done(self) -> None:
        """The answer is complete."""
        self._latest_s = time.monotonic()
        self._write(None, None)

    @hook
    def fail(self, error: BaseException) -> None:
        """The call ended in an exception, which is the agent's to handle. A cancelled call is no failure."""
        self._latest_s = time.monotonic()
        is_error = isinstance(error, Exception)
        self._write("failed" if is_error else "cancelled", error)

    @hook
    def abandon(self) -> None:
        """The agent stopped reading a stream before its end."""
        self._write("abandoned", None)

    def drop(self) -> None:
        """Another adapter has recorded the call."""
        self.scope.session._unfinished.pop(self, False)

    @hook
    def cut_off(self) -> None:
        """The session ends while the call is under way."""
        self._write("unfinished" if self._latest_s == self._started_s else "abandoned", None)

    def _write(self, status: str | None, error: BaseException | None) -> None:
        session, answer = self.scope.session, self.answer
        if not session._unfinished.pop(self, False):  # written before, by whichever came first
            return
        if is_known(session, self._adapter, "model_call", answer.response_id):
            return
        if isinstance(error, Exception) and is_known_error(session, self._adapter, error, self._started_s):
            return
        note_written(session.session_id, self._adapter)
        if status is None and answer.failure is not None:
            status = "failed"
        model = answer.model or self._model or "unknown"
        requests, texts = answer.requests(), answer.messages()
        asks = self._emit_tool_calls and status is None  # tools of an answer that broke off are never called
        listed = [] if asks else requests
        self.scope.record("llm_call", self._payload(model), self._metadata(model, status, error, listed))
        for part in answer.parts or [*requests, *texts]:
            if isinstance(part, str):
                if part and self._emit_agent_message:
                    self.scope.record("agent_message", {"content": part})
            elif asks:
                record_tool_call(self.scope, self._adapter, part)
        if asks and requests and self.on_tools is not None:
            self.on_tools(self.scope, [request.call_id for request in requests if request.call_id])
        what = {"during": "llm_call", "model": model}
        if isinstance(error, Exception):
            self.scope.error(error, what)
        elif answer.failure is not None:
            self.scope.error(answer.failure, what, answer.failure_type)

    def _payload(self, model: str) -> dict[str, Any]:
        answer, usage, prompt = self.answer, self.answer.usage, self._prompt
        latency_ms = answer.latency_ms
        found = {
            "model": model,
            "input_tokens": usage.input_tokens,
            "output_tokens": usage.output_tokens,
            "cached_tokens": usage.cached_tokens,
            "reasoning_tokens": usage.reasoning_tokens,
            "latency_ms": _ms(self._latest_s - self._started_s) if latency_ms is None else latency_ms,
            "messages_ref": prompt.messages_ref,
            "prompt_ref": prompt.prompt_ref,
        }
        return {name: value for name, value in found.items() if value is not None}

    def _metadata(
        self, model: str, status: str | None, error: BaseException | None, listed: list[ToolRequest]
    ) -> dict[str, Any]:
        answer = self.answer
        cost = answer.cost_usd if answer.cost_usd is not None else cost_of(model, answer.usage)
        found = {
            **answer.facts,
            "streamed": True if self.streamed else None,
            "ttft_ms": answer.ttft_ms if answer.ttft_ms is not None else self._ttft_ms,
            "finish_reason": answer.finish_reason,
            "response_id": answer.response_id,
            "cache_write_tokens": answer.usage.cache_write_tokens or None,
            "cost_usd": cost,
            "status": status,
            "error": error_facts(error) if error is not None else answer.failure_facts(),
            "requested_model": self._model if self._model != model else None,
            "messages": self._prompt.content,
        }
        if listed:
            found["tool_calls"] = [{"name": name, "call_id": call_id} for name, _, call_id in listed]
        return {name: value for name, value in found.items() if value is not None}


def record_tool_call(
    scope: Scope, adapter: str, request: ToolRequest, metadata: dict[str, Any] | None = None
) -> None:
    """A `tool_call` event with its arguments as JSON, unless an adapter of another kind has recorded the call."""
    if is_known(scope.session, adapter, "tool_call", request.call_id):
        return
    payload = {
        "tool_name": request.name,
        "arguments": coerce_arguments(request.arguments),
        "call_id": request.call_id or "unknown",
    }
    scope.record("tool_call", payload, metadata)


def record_tool_result(
    scope: Scope,
    adapter: str,
    call_id: str | None,
    result: Any = None,
    error: BaseException | str | None = None,
    metadata: dict[str, Any] | None = None,
) -> None:
    """A `tool_result` event, unless an adapter of another kind has recorded the result."""
    if is_known(scope.session, adapter, "tool_result", call_id):
        return
    if isinstance(error, BaseException):
        error = f"{type(error).__name__}: {error_text(error)}"
    scope.record("tool_result", {"call_id": call_id or "unknown", "result": result, "error": error}, metadata)


def error_facts(error: BaseException) -> dict[str, Any]:
    """Class and text of an exception, as metadata name them, and its HTTP status where it has one."""
    found: dict[str, Any] = {"error_type": type(error).__name__, "message": error_text(error)}
    status = whole(get(error, "status_code"))
    return found if status is None else {**found, "status_code": status}


def _ms(seconds: float) -> int:
    return max(0, round(seconds * 1000))
