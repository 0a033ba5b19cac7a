"""LiteLLM: completions, responses, embeddings of any provider; sync, async, streamed, through a router.

LiteLLM tells its loggers of a success later, from a thread or a queue: after a short session has ended, or in
the next one. So a call is recorded where its caller is: begun when LiteLLM is about to ask the provider, finished
when the answer is returned or the stream read; the late report serves where that was not seen.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any, ClassVar, Self

from promptetheus.adapters import openai_reading as reading
from promptetheus.adapters.attaching import Attached
from promptetheus.adapters.bounded import BoundedRunState
from promptetheus.adapters.content import prompt_of
from promptetheus.adapters.extras import require_extra
from promptetheus.adapters.model_call import ModelCall, record_tool_result
from promptetheus.adapters.patching import PatchPoint, patch_point
from promptetheus.adapters.scope import Scope, hook, scope_of
from promptetheus.adapters.usage import get

ADAPTER = "litellm"
_numbers = itertools.count()


class LiteLLMAdapter(Attached):
    """Records every call that goes through LiteLLM, from when it is made until `detach`.

        with LiteLLMAdapter():
            litellm.completion(model="gpt-4o", messages=[…])

    Args:
        session: the session to record into; default the one that is current at each call.
        capture_content: record the messages themselves, redacted, and not only a hash of them.

    Raises RuntimeError without the library.
    """

    def __init__(self, session: Any = None, *, capture_content: bool = False) -> None:
        super().__init__()
        self._litellm = require_extra("litellm", "litellm", "LiteLLMAdapter")
        base = require_extra("litellm.integrations.custom_logger", "litellm", "LiteLLMAdapter").CustomLogger
        self._calls = Calls(session, capture_content)
        self._logger = type("PromptetheusLogger", (_Logger, base), {})()
        self._logger.calls = self._calls
        # LiteLLM takes two loggers of one class with the same plain attributes for one.
        self._logger.promptetheus_number = next(_numbers)
        self._points, self._calls.needs_reports = _patch_points()
        self.attach()

    def _attach(self) -> None:
        self._litellm.callbacks.append(self._logger)
        for point in self._points:
            point.add(self._calls)

    def _detach(self) -> None:
        for point in self._points:
            point.remove(self._calls)
        self._litellm.logging_callback_manager.remove_callback_from_all_lists(self._logger)
        if self._logger in self._litellm.input_callback:
            self._litellm.input_callback.remove(self._logger)


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
        self._called: BoundedRunState[str] = BoundedRunState()
        """Tools that a model asked for and whose results have not been sent to it: session by call id."""
        self._streams: BoundedRunState[bool] = BoundedRunState()
        """Calls whose callers read a stream."""
        self._readers: BoundedRunState[Callable[[Any], None]] = BoundedRunState()

    @hook
    def begin(self, details: Any) -> ModelCall | None:
        """LiteLLM is about to ask a provider. `details`: what it knows of the call."""
        call_id = str(get(details, "litellm_call_id"))
        scope = scope_of(self._session)
        if scope is None:
            return None
        operation = _operation(str(get(details, "call_type")))
        messages = get(details, "messages")
        if operation in (reading.CHAT, reading.RESPONSES) and len(self._called):
            for output in reading.tool_outputs(operation, {"messages": messages, "input": messages}):
                self._tool_output(scope, output)
        model, provider = get(details, "model"), get(details, "custom_llm_provider")
        call = ModelCall(
            scope,
            model if isinstance(model, str) else None,
            adapter=ADAPTER,
            prompt=prompt_of(messages or get(details, "input"), capture=self._capture),
            streamed=bool(get(details, "stream")),
            metadata={"operation": operation, "provider": provider, "litellm_call_id": call_id},
        )
        call.on_tools = self._remember
        self._finished.pop(call_id)
        self._open.put(call_id, call)
        return call

    @hook
    def answered(self, details: Any, result: Any, late: bool = False) -> None:
        """A whole answer is here. `late`: by the report after it, which counts only for a call still open."""
        call_id = str(get(details, "litellm_call_id"))
        call = self._open.pop(call_id)
        if call is None and not late:  # an answer without a provider: mocked, or from LiteLLM's cache
            call = self.begin(details)
            self._open.pop(call_id)
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
        call = self._open.pop(call_id)
        if call is None and call_id not in self._finished:
            call = self.begin(details)  # it failed before the provider was asked
            self._open.pop(call_id)
        if call is not None and isinstance(error, BaseException):
            self._finished.put(call_id, True)
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

    def _remember(self, scope: Scope, call_ids: list[str]) -> None:
        for call_id in call_ids:
            self._called.put(call_id, scope.session.session_id)

    def _tool_output(self, scope: Scope, output: reading.ToolOutput) -> None:
        if self._called.get(output.call_id) == scope.session.session_id:
            self._called.pop(output.call_id)
            record_tool_result(scope, ADAPTER, output.call_id, output.content)


class _Logger:
    """The methods by which LiteLLM tells a `CustomLogger`; it passes their arguments by name."""

    calls: Calls

    def log_pre_api_call(self, model: Any, messages: Any, kwargs: Any) -> None:
        self.calls.begin(kwargs)

    def log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        is_whole = not get(kwargs, "stream") or get(kwargs, "complete_streaming_response") is not None
        if self.calls.needs_reports and is_whole:
            self.calls.answered(kwargs, response_obj, late=True)

    async def async_log_success_event(
        self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        self.log_success_event(kwargs, response_obj, start_time, end_time)

    def log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        self.calls.failed(kwargs, get(kwargs, "exception"))

    async def async_log_failure_event(
        self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any
    ) -> None:
        self.log_failure_event(kwargs, response_obj, start_time, end_time)


def _patch_points() -> tuple[list[PatchPoint], bool]:
    """Where answers and pieces reach the caller, and whether one of these places is missing in this release."""
    found = [("litellm.utils", "", "update_response_metadata", _answered)]
    streams = "litellm.litellm_core_utils.streaming_handler", "CustomStreamWrapper"
    responses = "litellm.responses.streaming_iterator"
    for module, owner, is_async in (
        (*streams, False),
        (*streams, True),
        (responses, "SyncResponsesAPIStreamingIterator", False),
        (responses, "ResponsesAPIStreamingIterator", True),
    ):
        found.append((module, owner, "__anext__" if is_async else "__next__", _next))
        found.append((module, owner, "aclose" if is_async else "close", _close))
    points, is_blind = [], False
    for module, owner, name, replace in found:
        try:
            home = require_extra(module, "litellm", "LiteLLMAdapter")
            home = getattr(home, owner) if owner else home
            getattr(home, name)
        except (RuntimeError, AttributeError):
            is_blind = is_blind or replace is not _close  # not every stream can be closed
            continue
        points.append(patch_point(home, name, replace))
    return points, is_blind


def _answered(original: Callable[..., Any], point: PatchPoint) -> Callable[..., Any]:
    @functools.wraps(original)
    def update_response_metadata(result: Any, logging_obj: Any, *args: Any, **kwargs: Any) -> Any:
        found = original(result, logging_obj, *args, **kwargs)
        details = get(logging_obj, "model_call_details")
        for calls in point.listeners:
            if _is_stream(result):
                calls.stream_begins(details)
            else:
                calls.answered(details, result)
        return found

    return update_response_metadata


def _next(original: Callable[..., Any], point: PatchPoint) -> Callable[..., Any]:
    if original.__name__ == "__anext__":

        @functools.wraps(original)
        async def anext_piece(self: Any) -> Any:
            with _Reading(self, point.listeners) as pieces:
                return pieces.got(await original(self))

        return anext_piece

    @functools.wraps(original)
    def next_piece(self: Any) -> Any:
        with _Reading(self, point.listeners) as pieces:
            return pieces.got(original(self))

    return next_piece


class _Reading:
    """A stream that is being read. What is closed meanwhile is closed by LiteLLM itself, on its way to an error."""

    streams: ClassVar[set[int]] = set()

    def __init__(self, stream: Any, listeners: tuple[Any, ...]) -> None:
        self._id, self._listeners = id(stream), listeners
        self._details = get(get(stream, "logging_obj"), "model_call_details")

    def got(self, piece: Any) -> Any:
        for calls in self._listeners:
            calls.piece(self._details, piece)
        return piece

    def __enter__(self) -> Self:
        self.streams.add(self._id)
        return self

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        self.streams.discard(self._id)
        if error is not None:
            exhausted = isinstance(error, StopIteration | StopAsyncIteration)
            for calls in self._listeners:
                calls.stream_over(self._details, None if exhausted else error, exhausted)


def _close(original: Callable[..., Any], point: PatchPoint) -> Callable[..., Any]:
    @functools.wraps(original)
    def close(self: Any, *args: Any, **kwargs: Any) -> Any:
        if id(self) not in _Reading.streams:
            details = get(get(self, "logging_obj"), "model_call_details")
            for calls in point.listeners:
                calls.stream_over(details, None, exhausted=False)
        return original(self, *args, **kwargs)

    return close


def _is_stream(result: Any) -> bool:
    return hasattr(result, "__next__") or hasattr(result, "__anext__")


def _operation(call_type: str) -> str:
    if "embedding" in call_type:
        return reading.EMBEDDINGS
    if "responses" in call_type:
        return reading.RESPONSES
    return reading.COMPLETIONS if "text_completion" in call_type else reading.CHAT
