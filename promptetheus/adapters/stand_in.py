"""Calls of an object that only looks like a client: a wrapper of the user's, a fake in a test."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from promptetheus.adapters.model_call import ModelCall
from promptetheus.adapters.scope import hook
from promptetheus.adapters.stainless import Api
from promptetheus.adapters.streams import Watch, WatchedAsyncIterator, WatchedIterator


def watched_call(
    api: Api, path: str, create: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> Any:
    """Call `create` and record it: sync or async, whole or streamed. A stream is read through an iterator of
    ours, an awaitable awaited in a coroutine of ours; everything else is returned as it came."""
    call = _begin(api, path, kwargs)
    if call is None:
        return create(*args, **kwargs)
    try:
        found = create(*args, **kwargs)
    except BaseException as error:
        call.fail(error)
        raise
    return _awaited(api, call, found) if inspect.isawaitable(found) else _received(api, call, found)


@hook
def _begin(api: Api, path: str, kwargs: dict[str, Any]) -> ModelCall | None:
    return api.begin(path, kwargs, bool(kwargs.get("stream")))


async def _awaited(api: Api, call: ModelCall, awaitable: Any) -> Any:
    try:
        found = await awaitable
    except BaseException as error:
        call.fail(error)
        raise
    return _received(api, call, found)


def _received(api: Api, call: ModelCall, found: Any) -> Any:
    if call.streamed and hasattr(found, "__aiter__"):
        return WatchedAsyncIterator(found.__aiter__(), Watch(call, api.pieces(call)))
    if call.streamed and hasattr(found, "__iter__"):
        return WatchedIterator(iter(found), Watch(call, api.pieces(call)))
    _read(api, call, found)
    call.done()
    return found


@hook
def _read(api: Api, call: ModelCall, found: Any) -> None:
    api.read(call, found)
