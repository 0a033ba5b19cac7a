"""Calls that AutoGen's agents make to their model clients."""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

from promptetheus.adapters.autogen_turns import ADAPTER, turn_of
from promptetheus.adapters.content import prompt_of
from promptetheus.adapters.inner_calls import InnerCalls
from promptetheus.adapters.model_call import ModelCall, ToolRequest
from promptetheus.adapters.patching import PatchPoint
from promptetheus.adapters.scope import hook, scope_of
from promptetheus.adapters.usage import get, usage_of

_Calls = list[tuple[Any, ModelCall]]


def create(client: Any, original: Callable[..., Any], point: PatchPoint) -> Callable[..., Any]:
    """`ChatCompletionClient.create` of one client."""

    @functools.wraps(original)
    async def create_(*args: Any, **kwargs: Any) -> Any:
        calls = _begin(client, point, args, kwargs, False)
        if not calls:
            return await original(*args, **kwargs)
        inner = InnerCalls(ADAPTER)
        try:
            with inner:
                found = await original(*args, **kwargs)
        except BaseException as error:
            _failed(calls, error)
            raise
        _done(calls, found, inner)
        return found

    return create_


def create_stream(client: Any, original: Callable[..., Any], point: PatchPoint) -> Callable[..., Any]:
    """`ChatCompletionClient.create_stream` of one client."""

    @functools.wraps(original)
    async def create_stream_(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        calls = _begin(client, point, args, kwargs, True)
        inner = InnerCalls(ADAPTER)
        result: Any = None
        async with aclosing(original(*args, **kwargs)) as pieces:
            while True:
                try:
                    with inner:
                        piece = await anext(pieces)
                except StopAsyncIteration:
                    break
                except BaseException as error:
                    _failed(calls or [], error)
                    raise
                if isinstance(piece, str):
                    _piece(calls or [], piece)
                else:
                    result = piece
                try:
                    yield piece
                except GeneratorExit:
                    _left(calls or [], result, inner)
                    raise
        _done(calls or [], result, inner)

    return create_stream_


@hook
def _begin(client: Any, point: PatchPoint, args: tuple[Any, ...], kwargs: Any, streamed: bool) -> _Calls:
    calls: _Calls = []
    for adapter in point.listeners:
        scope = scope_of(adapter.session)
        if scope is None or any(scope.session is call.scope.session for _, call in calls):
            continue
        turn = turn_of(scope)
        scope = scope if turn is None else turn.scope
        prompt = prompt_of(args[0] if args else kwargs.get("messages"), capture=adapter.capture_content)
        facts = {"client": type(client).__name__}
        call = ModelCall(
            scope,
            _model_of(client, kwargs),
            adapter=ADAPTER,
            prompt=prompt,
            streamed=streamed,
            emit_tool_calls=False,
            metadata=facts,
        )
        calls.append((turn, call))
    return calls


@hook
def _piece(calls: _Calls, piece: str) -> None:
    for _, call in calls:
        call.piece(bool(piece))
        call.answer.texts.append(piece)


@hook
def _done(calls: _Calls, found: Any, inner: InnerCalls) -> None:
    for turn, call in calls:
        if found is not None:
            _read(call, found)
        if turn is not None:
            turn.said.update(call.answer.messages())
            turn.asked_model = True
        if inner.finish(call):  # else the provider's client is recorded itself, and knows more
            call.done()


@hook
def _left(calls: _Calls, result: Any, inner: InnerCalls) -> None:
    """The agent stopped reading: after the result, which is the last piece, the answer is whole."""
    if result is not None:
        _done(calls, result, inner)
    for _, call in calls:
        call.abandon()


@hook
def _failed(calls: _Calls, error: BaseException) -> None:
    for turn, call in calls:
        call.fail(error)
        if turn is not None and isinstance(error, Exception):
            turn.has_failed()


def _read(call: ModelCall, found: Any) -> None:
    answer, content = call.answer, get(found, "content")
    answer.usage = usage_of(get(found, "usage"))
    if call.streamed and not answer.usage.input_tokens and not answer.usage.output_tokens:
        answer.usage = usage_of(None)  # AutoGen says 0 where the provider was not asked to count
    answer.finish_reason = get(found, "finish_reason")
    if get(found, "cached"):
        answer.facts["cached"] = True
    if get(found, "thought"):
        answer.facts["thought"] = get(found, "thought")
    if isinstance(content, str):
        answer.texts = [content]
    elif isinstance(content, list):
        answer.texts = []
        answer.tool_calls = [ToolRequest(get(c, "name"), get(c, "arguments"), get(c, "id")) for c in content]


def _model_of(client: Any, kwargs: Any) -> str | None:
    extra = kwargs.get("extra_create_args") or {}
    for found in (get(extra, "model"), get(get(client, "_create_args"), "model"), get(client, "model")):
        if isinstance(found, str):
            return found
    return None
