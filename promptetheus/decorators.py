"""`observe`, `tool` and `traced`: recording by decoration, of functions of every kind.

A generator is recorded from its first item to its last; its session or span is current while its body runs
and not while its consumer does.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from contextvars import Context, copy_context
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from promptetheus import calls, context, guard

if TYPE_CHECKING:
    from promptetheus.session import Session

F = TypeVar("F", bound=Callable[..., Any])
Effect = Literal["read", "write"]

_COROUTINE, _GENERATOR, _ASYNC_GENERATOR = 0x80, 0x20, 0x200
"""Flags of a code object: https://docs.python.org/3/library/inspect.html#code-objects-bit-flags"""


class _Span:
    """A call inside `traced`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._session: Session | None = None
        self._open: tuple[str, float] | None = None

    @guard.guarded(lambda: None)
    def enter(self) -> None:
        self._session = context.current_session.get()
        if self._session is not None:
            self._open = self._session._open_span(self._name, None)

    @guard.guarded(lambda: None)
    def leave(self, value: Any, error: BaseException | None) -> None:
        if self._session is not None and self._open is not None:
            self._session._close_span(self._open[0], self._name, self._open[1], None)


class _Call:
    """A call inside `tool`: its `tool_call` at the beginning, its `tool_result` at the end."""

    def __init__(
        self,
        name: str,
        names: tuple[str, ...],
        effect: Effect | None,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self._name, self._names, self._effect = name, names, effect
        self._args, self._kwargs = args, kwargs
        self._session: Session | None = None
        self._call_id = ""

    @guard.guarded(lambda: None)
    def enter(self) -> None:
        self._session = context.current_session.get()
        if self._session is None:
            return
        arguments, metadata = calls.arguments_of(self._args, self._kwargs)
        plain = calls.plain_arguments(self._names, self._args, self._kwargs)
        if plain:
            metadata["arguments"] = plain
        if self._effect is not None:
            metadata["effect"] = self._effect
        event = self._session.tool_call(self._name, arguments, metadata=metadata)
        self._call_id = event.get("payload", {}).get("call_id", "")

    @guard.guarded(lambda: None)
    def leave(self, value: Any, error: BaseException | None) -> None:
        if self._session is None or not self._call_id:
            return
        if error is not None:
            if isinstance(error, Exception):  # an exit or a cancellation is not a result
                self._session.tool_result(self._call_id, error=calls.safe_repr(error)[0])
            return
        text, size = calls.safe_repr(value)
        metadata: dict[str, Any] = {}
        if size > calls.REPR_LIMIT:
            metadata["truncated"] = {"result_characters": size}
        if value is not None and calls.is_plain(value):
            metadata["result"] = value
        self._session.tool_result(self._call_id, result=text, metadata=metadata)


class _Run:
    """A call inside `observe`: a session of its own around a call."""

    def __init__(
        self,
        options: Mapping[str, Any],
        name: str,
        names: tuple[str, ...],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
    ) -> None:
        self._options = options
        self._call = _Call(name, names, None, args, kwargs)
        self._session: Session | None = None

    @guard.guarded(lambda: None)
    def enter(self) -> None:
        from promptetheus.trace import start

        self._session = start(**self._options)
        self._session.__enter__()
        self._call.enter()

    @guard.guarded(lambda: None)
    def leave(self, value: Any, error: BaseException | None) -> None:
        if self._session is not None:
            self._call.leave(value, error)
            self._session.__exit__(type(error) if error else None, error, None)


def observe(*, agent: str | None = None, user_goal: str, **options: Any) -> Callable[[F], F]:
    """Decorator: each call is a session of its own.

    Args:
        agent: name of the agent; default the function's name.
        user_goal: what the run is to achieve.
        options: everything else that `start` takes.
    """
    if options.get("session_id") is not None:
        guard.report("settings.invalid", "observe() ignores session_id: every call has a session of its own")

    def decorate(function: F) -> F:
        name, names = calls.name_of(function), calls.parameter_names(function)
        chosen = {**options, "agent": agent or name, "user_goal": user_goal, "session_id": None}
        return _wrap(function, lambda args, kwargs: _Run(chosen, name, names, args, kwargs))

    return decorate


@overload
def tool(function: F, /) -> F: ...
@overload
def tool(*, name: str | None = None, effect: Effect | None = None) -> Callable[[F], F]: ...
def tool(function: F | None = None, /, *, name: str | None = None, effect: Effect | None = None) -> Any:
    """Decorator: each call inside a session is recorded as `tool_call` and `tool_result`.

    Args:
        name: name of the tool; default the function's.
        effect: whether the tool changes the world (`"write"`) or only looks at it (`"read"`).
    """
    if function is None:
        return functools.partial(tool, name=name, effect=effect)
    called, names = name or calls.name_of(function), calls.parameter_names(function)
    return _wrap(
        function, lambda args, kwargs: _Call(called, names, effect, args, kwargs), only_in_session=True
    )


@overload
def traced(function: F, /) -> F: ...
@overload
def traced(name: str | None = None, /) -> Callable[[F], F]: ...
def traced(name: Any = None, /) -> Any:
    """Decorator: each call inside a session is a span, named `name` or after the function."""
    if callable(name):
        return traced()(name)

    def decorate(function: F) -> F:
        called = name or calls.name_of(function)
        return _wrap(function, lambda args, kwargs: _Span(called), only_in_session=True)

    return decorate


def _wrap(
    function: F, recorder: Callable[[tuple[Any, ...], dict[str, Any]], Any], only_in_session: bool = False
) -> F:
    """The function with `enter` before its body and `leave` after it, in the way its kind asks for."""
    flags = getattr(getattr(_innermost(function), "__code__", None), "co_flags", 0)
    wrapper: Any
    if flags & _COROUTINE:

        @functools.wraps(function)
        async def wrapper(*args: Any, **kwargs: Any) -> Any:
            if only_in_session and context.current_session.get() is None:
                return await function(*args, **kwargs)
            record = recorder(args, kwargs)
            record.enter()
            try:
                value = await function(*args, **kwargs)
            except BaseException as error:
                record.leave(None, error)
                raise
            record.leave(value, None)
            return value

    elif flags & _GENERATOR:

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return _generate(recorder(args, kwargs), function, args, kwargs)

    elif flags & _ASYNC_GENERATOR:

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            return _generate_async(recorder(args, kwargs), function, args, kwargs)

    else:

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if only_in_session and context.current_session.get() is None:
                return function(*args, **kwargs)
            record = recorder(args, kwargs)
            record.enter()
            try:
                value = function(*args, **kwargs)
            except BaseException as error:
                record.leave(None, error)
                raise
            record.leave(value, None)
            return value

    return wrapper  # type: ignore[no-any-return]


def _generate(record: Any, function: Any, args: Any, kwargs: Any) -> Any:
    """Run a generator inside a context of its own, so that its consumer does not see its session."""
    own: Context = copy_context()
    own.run(record.enter)
    body = own.run(function, *args, **kwargs)
    step, given = body.send, None
    try:
        while True:
            item = own.run(step, given)
            try:
                given = yield item
                step = body.send
            except GeneratorExit:
                own.run(body.close)
                own.run(record.leave, None, None)
                return None
            except BaseException as error:
                step, given = body.throw, error
    except StopIteration as stop:
        own.run(record.leave, stop.value, None)
        return stop.value
    except BaseException as error:
        own.run(record.leave, None, error)
        raise


async def _generate_async(record: Any, function: Any, args: Any, kwargs: Any) -> Any:
    """Like `_generate`. Contexts cannot be entered around an await, so the current session is set and put
    back around each step."""
    outside = _snapshot()
    record.enter()
    inside = _snapshot()
    _restore(outside)
    body = function(*args, **kwargs)
    step, given = body.asend, None
    try:
        while True:
            outside = _snapshot()
            _restore(inside)
            try:
                item = await step(given)
            finally:
                inside = _snapshot()
                _restore(outside)
            try:
                given = yield item
                step = body.asend
            except GeneratorExit:
                await body.aclose()
                _leave_inside(record, inside, None)
                return
            except BaseException as error:
                step, given = body.athrow, error
    except StopAsyncIteration:
        _leave_inside(record, inside, None)
    except BaseException as error:
        _leave_inside(record, inside, error)
        raise


def _snapshot() -> tuple[Any, Any]:
    return context.current_session.get(), context.span_stack.get()


def _restore(snapshot: tuple[Any, Any]) -> None:
    context.current_session.set(snapshot[0])
    context.span_stack.set(snapshot[1])


def _leave_inside(record: Any, inside: tuple[Any, Any], error: BaseException | None) -> None:
    outside = _snapshot()
    _restore(inside)
    record.leave(None, error)
    _restore(outside)


def _innermost(function: Any) -> Any:
    while hasattr(function, "func") and not hasattr(function, "__code__"):
        function = function.func
    return function if hasattr(function, "__code__") else getattr(function, "__func__", function)
