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

from promptetheus.adapters.attaching import Attached
from promptetheus.adapters.extras import require_extra
from promptetheus.adapters.litellm_calls import Calls
from promptetheus.adapters.patching import PatchPoint, patch_point
from promptetheus.adapters.usage import get

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
