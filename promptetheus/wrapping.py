"""Functions of every kind with something before and after their body: plain ones, coroutines, generators,
methods, partials, callable objects.

A generator is recorded from its first item to its last; its session or span is current while its body runs
and not while its consumer does. Only our own two context variables are touched.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import CoroutineType
from typing import Any, Protocol

from promptetheus import context

_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80, 0x200
"""Flags of a code object: https://docs.python.org/3/library/inspect.html#code-objects-bit-flags"""


class Record(Protocol):
    """What is recorded of one call. None of these raises."""

    def begin(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None: ...
    def item(self, value: Any) -> None: ...
    def done(self, value: Any, error: BaseException | None, is_closed: bool = False) -> None: ...
    async def done_async(self, value: Any, error: BaseException | None, is_closed: bool = False) -> None: ...


NewRecord = Callable[[], Record]


def is_async(function: Any) -> bool:
    """Whether calls of the function end in an event loop."""
    return bool(_flags(function) & (_COROUTINE | _ASYNC_GENERATOR))


def is_generator(function: Any) -> bool:
    """Whether calls of the function yield items, in an event loop or outside."""
    return bool(_flags(function) & (_GENERATOR | _ASYNC_GENERATOR))


def wrap(function: Any, new_record: NewRecord, only_in_session: bool) -> Any:
    """The function with a record of each call, in the way its kind asks for.

    With `only_in_session` a call outside of one costs a look at a context variable and nothing more.
    """
    if isinstance(function, staticmethod | classmethod):
        return type(function)(wrap(function.__func__, new_record, only_in_session))
    flags = _flags(function)
    if flags & _COROUTINE:
        return _coroutine(function, new_record, only_in_session)
    if flags & _ASYNC_GENERATOR:
        return _async_generator(function, new_record)
    if flags & _GENERATOR:
        return _generator(function, new_record, only_in_session)
    return _function(function, new_record, only_in_session)


def _function(function: Any, new_record: NewRecord, only_in_session: bool) -> Any:
    current = context.current_session.get

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if only_in_session and current() is None:
            return function(*args, **kwargs)
        outside = context.snapshot()
        record = new_record()
        record.begin(args, kwargs)
        try:
            value = function(*args, **kwargs)
        except BaseException as error:
            record.done(None, error)
            raise
        if type(value) is CoroutineType:  # a plain function around an async one
            inside = context.Place()
            context.restore(outside)
            return _finish_later(value, record, inside)
        record.done(value, None)
        return value

    return wrapper


async def _finish_later(coroutine: Any, record: Record, place: context.Place) -> Any:
    with place:
        return await _awaited(coroutine, record)


async def _awaited(coroutine: Any, record: Record) -> Any:
    try:
        value = await coroutine
    except GeneratorExit as error:  # closed: nothing can be awaited any more
        record.done(None, error)
        raise
    except BaseException as error:
        await record.done_async(None, error)
        raise
    await record.done_async(value, None)
    return value


def _coroutine(function: Any, new_record: NewRecord, only_in_session: bool) -> Any:
    current = context.current_session.get

    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        if only_in_session and current() is None:
            return await function(*args, **kwargs)
        record = new_record()
        record.begin(args, kwargs)
        try:
            coroutine = function(*args, **kwargs)
        except BaseException as error:  # the wrong arguments
            await record.done_async(None, error)
            raise
        return await _awaited(coroutine, record)

    return wrapper


def _generator(function: Any, new_record: NewRecord, only_in_session: bool) -> Any:
    current = context.current_session.get

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        if only_in_session and current() is None:
            return (yield from function(*args, **kwargs))
        record, place = new_record(), context.Place()
        try:
            with place:
                record.begin(args, kwargs)
                body = function(*args, **kwargs)
            step, given = body.send, None
            while True:
                with place:
                    item = step(given)
                    record.item(item)
                try:
                    given = yield item
                    step = body.send
                except GeneratorExit:  # the consumer has enough: not a failure
                    with place:
                        body.close()
                        record.done(None, None, is_closed=True)
                    return None
                except BaseException as error:
                    step, given = body.throw, error
        except StopIteration as stop:
            with place:
                record.done(stop.value, None)
            return stop.value
        except BaseException as error:
            with place:
                record.done(None, error)
            raise

    return wrapper


def _async_generator(function: Any, new_record: NewRecord) -> Any:
    @functools.wraps(function)
    async def wrapper(*args: Any, **kwargs: Any) -> Any:
        record, place = new_record(), context.Place()
        try:
            with place:
                record.begin(args, kwargs)
                body = function(*args, **kwargs)
            step, given = body.asend, None
            while True:
                with place:
                    item = await step(given)
                    record.item(item)
                try:
                    given = yield item
                    step = body.asend
                except GeneratorExit:
                    with place:
                        await body.aclose()
                        await record.done_async(None, None, is_closed=True)
                    return
                except BaseException as error:
                    step, given = body.athrow, error
        except StopAsyncIteration:
            with place:
                await record.done_async(None, None)
        except BaseException as error:
            with place:
                await record.done_async(None, error)
            raise

    return wrapper


def _flags(function: Any) -> int:
    """The flags of the code that runs when the callable is called; 0 when it is not Python code."""
    while isinstance(function, functools.partial):
        function = function.func
    if isinstance(function, staticmethod | classmethod):
        function = function.__func__
    if not hasattr(function, "__code__") and callable(function):
        function = type(function).__call__
    flags = getattr(getattr(function, "__code__", None), "co_flags", 0)
    return flags if isinstance(flags, int) else 0
