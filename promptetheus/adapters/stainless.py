"""Clients made by the Stainless generator (OpenAI's and Anthropic's): every call goes through one method, `request`,
which sees the path, the body, the answer in whatever form it was asked for, and the exception.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from typing import Any, Protocol

from promptetheus.adapters.attaching import Attached
from promptetheus.adapters.model_call import ModelCall
from promptetheus.adapters.patching import PatchPoint, patch_point
from promptetheus.adapters.scope import hook
from promptetheus.adapters.streams import Watch, WatchedAsyncIterator, WatchedIterator
from promptetheus.adapters.usage import get

_retries: ContextVar[list[int] | None] = ContextVar("promptetheus_retries", default=None)
"""How often the call that is under way here was tried again, as a list of one number; None outside of one."""


class Api(Protocol):
    """What an adapter knows of its provider. Its methods may raise: they are called guarded."""

    def begin(self, path: str, body: Any, streamed: bool) -> ModelCall | None:
        """The record of a call that begins; None when it is not to be recorded."""

    def read(self, call: ModelCall, answer: Any) -> None:
        """A whole answer."""

    def pieces(self, call: ModelCall) -> Callable[[Any], None]:
        """What reads the pieces of a streamed answer."""

    def failed(self, call: ModelCall, error: BaseException) -> None:
        """An exception, which may hold an answer."""


class _Under:
    """The records of one call: one for each adapter that listens."""

    def __init__(self, records: list[tuple[Api, ModelCall]]) -> None:
        self._records = records
        self._tries = [0]
        self._token: Any = None

    def __enter__(self) -> None:
        self._token = _retries.set(self._tries)

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        _retries.reset(self._token)
        for api, call in self._records:
            if self._tries[0]:
                call.answer.facts["retries"] = self._tries[0]
            if error is not None:
                _read_failure(api, call, error)
                call.fail(error)

    def watch(self, result: Any) -> Any:
        """Record what came, or will."""
        for api, call in self._records:
            _watch(api, call, result)
        return result


def is_client(client: Any) -> bool:
    """Whether it is a client of this make, not just an object with some of its methods."""
    return callable(getattr(client, "request", None)) and hasattr(client, "_sleep_for_retry")


def recorded_client(client: Any, api: Api) -> Any:
    """A client like the given one, of its class, whose calls are recorded, and so are those of clients made from
    it by `with_options` or `copy`."""
    clone = client.with_options()
    clone.request = watched_request(clone.request, lambda: (api,))
    clone._sleep_for_retry = counted_sleep(clone._sleep_for_retry)
    clone.copy = clone.with_options = lambda **options: recorded_client(
        type(client).copy(clone, **options), api
    )
    return clone


class EveryClient(Attached):
    """All clients of a library, recorded while it is attached. Attached when it is made."""

    def __init__(self, api: Api, clients: Any) -> None:
        super().__init__()
        self._api = api
        self._points: list[PatchPoint] = []
        for owner in (clients.SyncAPIClient, clients.AsyncAPIClient):
            self._points.append(patch_point(owner, "request", _request))
            if hasattr(
                owner, "_sleep_for_retry"
            ):  # releases of 2024 have none: their retries are not counted
                self._points.append(patch_point(owner, "_sleep_for_retry", _sleep))
        self.attach()

    def _attach(self) -> None:
        for point in self._points:
            point.add(self._api)

    def _detach(self) -> None:
        for point in self._points:
            point.remove(self._api)


def _sleep(original: Callable[..., Any], point: PatchPoint) -> Callable[..., Any]:
    return counted_sleep(original)


def _request(original: Callable[..., Any], point: PatchPoint) -> Callable[..., Any]:
    return watched_request(original, lambda: point.listeners)


def watched_request(original: Callable[..., Any], apis: Callable[[], Sequence[Api]]) -> Callable[..., Any]:
    """`request` of a client (bound) or of its class (plain), sync or async, with records of its calls."""
    if inspect.iscoroutinefunction(original):

        @functools.wraps(original)
        async def request_async(*args: Any, **kwargs: Any) -> Any:
            under = _begin(apis(), args, kwargs)
            if under is None:
                return await original(*args, **kwargs)
            with under:
                result = await original(*args, **kwargs)
            return under.watch(result)

        return request_async

    @functools.wraps(original)
    def request(*args: Any, **kwargs: Any) -> Any:
        under = _begin(apis(), args, kwargs)
        if under is None:
            return original(*args, **kwargs)
        with under:
            result = original(*args, **kwargs)
        return under.watch(result)

    return request


def counted_sleep(original: Callable[..., Any]) -> Callable[..., Any]:
    """`_sleep_for_retry` of a client, plain or coroutine function, with a count of the tries."""

    @functools.wraps(original)
    def sleep(*args: Any, **kwargs: Any) -> Any:
        tries = _retries.get()
        if tries is not None:
            tries[0] += 1
        return original(*args, **kwargs)

    return sleep


@hook
def _begin(apis: Sequence[Api], args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Under | None:
    if not apis or _retries.get() is not None:  # a client that is watched itself, of a class that is watched
        return None
    options = kwargs.get("options") or next((arg for arg in args if hasattr(arg, "json_data")), None)
    if options is None or str(get(options, "method", "")).lower() != "post":
        return None
    streamed = bool(kwargs.get("stream"))
    records = []
    for api in apis:
        call = api.begin(str(options.url), options.json_data, streamed)
        if call is not None:
            records.append((api, call))
    return _Under(records) if records else None


@hook
def _read_failure(api: Api, call: ModelCall, error: BaseException) -> None:
    api.failed(call, error)


@hook
def _watch(api: Api, call: ModelCall, result: Any) -> None:
    iterator = getattr(result, "_iterator", None)
    if iterator is not None and hasattr(result, "response"):
        _watch_stream(result, iterator, Watch(call, api.pieces(call)))
    elif hasattr(result, "http_response"):
        _watch_raw(api, call, result)
    else:
        api.read(call, result)
        call.done()


def _watch_stream(stream: Any, iterator: Any, watch: Watch) -> None:
    """In place, so that the agent gets the stream that the client made, of the class that it knows."""
    call = watch.call
    call.streamed = True
    is_async = hasattr(iterator, "__anext__")
    stream._iterator = (WatchedAsyncIterator if is_async else WatchedIterator)(iterator, watch)
    # All ways to close a stream (its own, that of the helpers around it) end in the response.
    _before(stream.response, "aclose" if is_async else "close", watch.closed)


def _watch_raw(api: Api, call: ModelCall, raw: Any) -> None:
    """`with_raw_response` has read the body already; `with_streaming_response` has not."""
    parse = raw.parse
    if inspect.iscoroutinefunction(parse):

        @functools.wraps(parse)
        async def parse_async(*args: Any, **kwargs: Any) -> Any:
            parsed = await parse(*args, **kwargs)
            _watch(api, call, parsed)
            return parsed

        raw.parse = parse_async
        _before(raw.http_response, "aclose", lambda: _closed_unread(call, raw.http_response))
    elif raw.http_response.is_closed:
        _watch(api, call, parse())
    else:

        @functools.wraps(parse)
        def parse_sync(*args: Any, **kwargs: Any) -> Any:
            parsed = parse(*args, **kwargs)
            _watch(api, call, parsed)
            return parsed

        raw.parse = parse_sync
        _before(raw.http_response, "close", lambda: _closed_unread(call, raw.http_response))


def _closed_unread(call: ModelCall, response: Any) -> None:
    """The agent read the bytes itself, or not at all. A response that was read to its end is still to be parsed."""
    if not getattr(response, "is_stream_consumed", False):
        call.abandon()


def _before(thing: Any, name: str, act: Callable[[], None]) -> None:
    original = getattr(thing, name)

    @functools.wraps(original)
    def replacement(*args: Any, **kwargs: Any) -> Any:
        act()
        return original(*args, **kwargs)

    setattr(thing, name, replacement)
