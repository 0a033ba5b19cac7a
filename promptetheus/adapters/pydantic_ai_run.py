"""One run of a PydanticAI agent, watched by a capability: PydanticAI's own way to stand around its model requests
and tool calls. It changes nothing, and does not listen to events, which would make every run stream.
"""

from __future__ import annotations

import asyncio
import functools
import time
from contextvars import ContextVar
from typing import Any

from promptetheus.adapters.content import prompt_of, redacted
from promptetheus.adapters.extras import require_extra
from promptetheus.adapters.model_call import Answer, ModelCall, ToolRequest, record_tool_result
from promptetheus.adapters.once import mark_of
from promptetheus.adapters.patching import PatchPoint, patch_point
from promptetheus.adapters.scope import hook, scope_of
from promptetheus.adapters.spans import Span
from promptetheus.adapters.usage import get, usage_of
from promptetheus.encoding import encode_value

ADAPTER = "pydantic-ai"

_asking: ContextVar[_Run | None] = ContextVar("promptetheus_pydantic_ai", default=None)
"""The run whose model request is under way here."""


def capability_for(session: Any, capture_content: bool) -> Any:
    """A capability that records one run; PydanticAI makes a copy of it for each."""
    found = _class()()
    found.promptetheus = (session, capture_content)
    return found


def is_ours(capability: Any, session: Any) -> bool:
    """Whether a capability records into that session already."""
    known = getattr(capability, "promptetheus", None)
    return known is not None and known[0] is session


@functools.cache
def _class() -> Any:
    base = require_extra("pydantic_ai.capabilities", "pydantic-ai", "PydanticAIAdapter").AbstractCapability
    return type("PromptetheusCapability", (_Hooks, base), {})


class _Hooks:
    """What PydanticAI calls. Its own part runs outside of everything that is guarded."""

    promptetheus: tuple[Any, bool]
    _run: _Run | None = None

    async def for_run(self, ctx: Any) -> Any:
        own = capability_for(*self.promptetheus)
        own._run = _begin_run(*self.promptetheus, ctx)
        return own

    async def wrap_run(self, ctx: Any, *, handler: Any) -> Any:
        run = self._run
        if run is None:
            return await handler()
        run.start()
        try:
            result = await handler()
        except BaseException as error:
            run.fail(error)
            raise
        run.end(None)
        return result

    async def wrap_model_request(self, ctx: Any, *, request_context: Any, handler: Any) -> Any:
        run = self._run
        call = None if run is None else run.ask(request_context)
        if run is None or call is None:
            return await handler(request_context)
        token = _asking.set(run)
        try:
            response = await handler(request_context)
        except BaseException as error:
            run.broken(call, error)
            raise
        finally:
            _asking.reset(token)
        run.answered(call, response)
        return response

    async def wrap_tool_validate(self, ctx: Any, *, call: Any, tool_def: Any, args: Any, handler: Any) -> Any:
        try:
            return await handler(args)
        except Exception as error:
            if self._run is not None:
                self._run.tool_ended(call, None, error)
            raise

    async def wrap_tool_execute(self, ctx: Any, *, call: Any, tool_def: Any, args: Any, handler: Any) -> Any:
        try:
            result = await handler(args)
        except BaseException as error:
            if self._run is not None:
                self._run.tool_ended(call, None, error)
            raise
        if self._run is not None:
            self._run.tool_ended(call, result, None)
        return result

    async def wrap_output_process(self, ctx: Any, *, output_context: Any, output: Any, handler: Any) -> Any:
        call = get(output_context, "tool_call")
        watched = self._run is not None and call is not None and not get(ctx, "partial_output")
        try:
            result = await handler(output)
        except Exception as error:
            if watched and self._run is not None:
                self._run.tool_ended(call, None, error)
            raise
        if watched and self._run is not None:
            self._run.tool_ended(call, result, None)
        return result


class _Run:
    """What is recorded of a run."""

    def __init__(self, span: Span, prompt: Any, capture_content: bool) -> None:
        self._span = span
        self._started_s = time.monotonic()
        self._prompt = prompt
        self._capture = capture_content
        self._broken: ModelCall | None = None
        """A streamed request that was cancelled: by the agent's reader, or by the error that ends the run."""
        self._point: PatchPoint | None = None
        self.stream: Any = None
        self.ttft_s: float | None = None
        self._asked: set[str] = set()
        """Tool calls that have not ended."""

    @hook
    def start(self) -> None:
        self._span.enter()
        streamed = require_extra("pydantic_ai.models", "pydantic-ai", "PydanticAIAdapter").StreamedResponse
        if hasattr(streamed, "time_to_first_chunk"):  # from release 2 on
            self._point = patch_point(streamed, "time_to_first_chunk", _noting_first_chunk)
            self._point.add(self)
        if self._capture and self._prompt is not None:
            self._span.inside.record("user_message", {"content": redacted(encode_value(self._prompt))})

    @hook
    def fail(self, error: BaseException) -> None:
        broken, self._broken = self._broken, None
        if broken is not None:
            if isinstance(error, Exception):
                self._is_news(error)
                broken.fail(error)
            else:
                broken.abandon()
        if isinstance(error, Exception) and self._is_news(error):
            self._span.inside.error(error, {"during": "agent run"})
        self.end(error)

    @hook
    def end(self, error: BaseException | None) -> None:
        if self._broken is not None:
            self._broken.abandon()
        if self._point is not None:
            self._point.remove(self)
        self._span.leave()
        self._span.end(error)

    @hook
    def ask(self, request_context: Any) -> ModelCall | None:
        self.stream = self.ttft_s = None
        sent = get(request_context, "messages") or ()
        self._tools_that_never_ran(sent)
        messages = _plain_messages(sent)
        return ModelCall(
            self._span.inside,
            get(get(request_context, "model"), "model_name"),
            adapter=ADAPTER,
            prompt=prompt_of(messages, capture=self._capture),
            metadata={"provider": get(get(request_context, "model"), "system"), "operation": "chat"},
        )

    @hook
    def answered(self, call: ModelCall, response: Any) -> None:
        self._read(call, response)
        self._asked.update(request.call_id for request in call.answer.requests() if request.call_id)
        call.done()

    def _tools_that_never_ran(self, messages: Any) -> None:
        """What the model is told of tools that do not exist."""
        for part in get(messages[-1], "parts") or () if messages and self._asked else ():
            call_id = get(part, "tool_call_id")
            if call_id in self._asked:
                self._asked.discard(call_id)
                record_tool_result(self._span.inside, ADAPTER, call_id, error=str(get(part, "content")))

    @hook
    def broken(self, call: ModelCall, error: BaseException) -> None:
        if self.stream is not None:
            self._read(call, self.stream.get())
        if isinstance(error, asyncio.CancelledError) and self.stream is not None:
            self._broken = call
            return
        if isinstance(error, Exception):
            self._is_news(error)
        call.fail(error)

    def _is_news(self, error: BaseException) -> bool:
        """Whether an exception is to be recorded: one that passes through three agents is recorded where it began."""
        mark, key = mark_of(error), f"{ADAPTER} {self._span.inside.session.session_id}"
        told_s, mark[key] = mark.get(key, -1.0), time.monotonic()
        return bool(told_s < self._started_s)  # told in a run before: raised once more

    @hook
    def tool_ended(self, call: Any, result: Any, error: BaseException | None) -> None:
        """`CallDeferred` and `ApprovalRequired` leave the call open: its result comes in a later run."""
        self._asked.discard(get(call, "tool_call_id"))
        if error is None:
            record_tool_result(self._span.inside, ADAPTER, get(call, "tool_call_id"), result)
        elif type(error).__name__ not in ("CallDeferred", "ApprovalRequired"):
            text = _retry_text(error)
            record_tool_result(self._span.inside, ADAPTER, get(call, "tool_call_id"), error=text or error)

    def _read(self, call: ModelCall, response: Any) -> None:
        answer = call.answer
        if self.stream is not None:
            call.streamed = True
            answer.ttft_ms = None if self.ttft_s is None else max(0, round(self.ttft_s * 1000))
        read_response(answer, response)


def read_response(answer: Answer, response: Any) -> None:
    """A `ModelResponse` of PydanticAI."""
    answer.model = get(response, "model_name") or answer.model
    answer.usage = usage_of(get(response, "usage"))
    answer.finish_reason = get(response, "finish_reason")
    answer.response_id = get(response, "provider_response_id")
    answer.cost_usd = _cost(response)
    if get(response, "provider_name"):
        answer.facts["provider"] = get(response, "provider_name")
    answer.parts = []
    for part in get(response, "parts") or ():
        kind = get(part, "part_kind")
        if kind == "text" and get(part, "content"):
            answer.parts.append(str(get(part, "content")))
        elif kind == "tool-call":
            name = str(get(part, "tool_name") or "unknown")
            answer.parts.append(ToolRequest(name, get(part, "args"), get(part, "tool_call_id")))


@hook
def _begin_run(session: Any, capture_content: bool, ctx: Any) -> _Run | None:
    scope = scope_of(session)
    if scope is None:
        return None
    name = get(get(ctx, "agent"), "name") or "agent"
    found = {"run_id": get(ctx, "run_id"), "conversation_id": get(ctx, "conversation_id")}
    metadata = {key: value for key, value in found.items() if value}
    return _Run(Span(scope, str(name), metadata), get(ctx, "prompt"), capture_content)


def _noting_first_chunk(original: Any, point: PatchPoint) -> Any:
    """PydanticAI asks a stream for it when the stream is over, for its own metrics."""

    @functools.wraps(original)
    def time_to_first_chunk(self: Any, *args: Any, **kwargs: Any) -> Any:
        found = original(self, *args, **kwargs)
        run = _asking.get()
        if run is not None:
            run.stream, run.ttft_s = self, found
        return found

    return time_to_first_chunk


def _cost(response: Any) -> float | None:
    try:
        return float(response.cost().total_price)
    except Exception:  # LookupError for an unknown model, ValueError for one that gave no counts
        return None


def _retry_text(error: BaseException) -> str | None:
    """What the model is told when a tool asks it to try again."""
    part = get(error, "tool_retry") or get(error, "tool_failed")
    content = get(part, "content")
    return content if isinstance(content, str) else None if content is None else str(content)


def _plain_messages(messages: Any) -> list[Any]:
    """Messages without times and ids, so that equal prompts have equal references."""
    names = ("part_kind", "content", "tool_name", "args", "tool_call_id")
    plain = []
    for message in messages:
        parts = [
            {name: get(part, name) for name in names if get(part, name) is not None}
            for part in get(message, "parts") or ()
        ]
        for part in parts:
            part.pop("tool_call_id", None)
        found: dict[str, Any] = {"kind": get(message, "kind"), "parts": parts}
        if get(message, "instructions"):
            found["instructions"] = get(message, "instructions")
        plain.append(found)
    return plain
