"""`observe`, `tool` and `traced`: recording by decoration; and `wrap_context` for threads."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from promptetheus import calls, context, guard
from promptetheus.ids import new_call_id
from promptetheus.wrapping import is_async, wrap

if TYPE_CHECKING:
    from promptetheus.session import Session

F = TypeVar("F", bound=Callable[..., Any])
Effect = Literal["read", "write"]
Args = tuple[Any, ...]
Kwargs = dict[str, Any]


class _Span:
    """A call inside `traced`."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._session: Session | None = None
        self._open: tuple[str, float] | None = None

    @guard.guarded(lambda: None)
    def begin(self, args: Args, kwargs: Kwargs) -> None:
        self._session = context.current_session.get()
        if self._session is not None:
            self._open = self._session._open_span(self._name, None)

    @guard.guarded(lambda: None)
    def done(self, value: Any, error: BaseException | None) -> None:
        if self._session is not None and self._open is not None:
            self._session._close_span(self._open[0], self._name, self._open[1], None)

    async def done_async(self, value: Any, error: BaseException | None) -> None:
        self.done(value, error)


class _Call:
    """A call inside `tool`: its `tool_call` at the beginning, its `tool_result` at the end."""

    def __init__(self, name: str, names: tuple[str, ...], effect: Effect | None) -> None:
        self._name, self._names, self._effect = name, names, effect
        self._session: Session | None = None
        self._call_id = ""

    @guard.guarded(lambda: None)
    def begin(self, args: Args, kwargs: Kwargs) -> None:
        session = context.current_session.get()
        if session is None:
            return
        self._session, self._call_id = session, new_call_id()
        if session.is_recorded:
            args, kwargs = args, dict(kwargs)
            arguments, metadata = calls.arguments_of(session._recorder.shown(self._names, args), kwargs)
            plain = calls.plain_arguments(self._names, args, kwargs)
            if plain:
                metadata["arguments"] = plain
            if self._effect is not None:
                metadata["effect"] = self._effect
            session.tool_call(self._name, arguments, self._call_id, metadata)

    @guard.guarded(lambda: None)
    def done(self, value: Any, error: BaseException | None) -> None:
        session = self._session
        if session is None or not session.is_recorded:
            return
        if error is None:
            text, size = calls.safe_repr(value)
            session.tool_result(
                self._call_id, result=text, metadata=calls.result_metadata(value, size) or None
            )
        elif isinstance(error, Exception):  # an exit or a cancellation is not a result
            session.tool_result(self._call_id, error=calls.safe_repr(error)[0])

    async def done_async(self, value: Any, error: BaseException | None) -> None:
        self.done(value, error)


class _Run:
    """A call inside `observe`: a session of its own around a call."""

    def __init__(self, options: Mapping[str, Any], call: _Call, in_loop: bool) -> None:
        self._options, self._call, self._in_loop = options, call, in_loop
        self._session: Session | None = None

    @guard.guarded(lambda: None)
    def begin(self, args: Args, kwargs: Kwargs) -> None:
        from promptetheus.trace import new_session

        self._session = new_session(self._options, in_loop=self._in_loop)
        self._session.__enter__()
        self._call.begin(args, kwargs)

    @guard.guarded(lambda: None)
    def done(self, value: Any, error: BaseException | None) -> None:
        if self._session is not None:
            self._call.done(value, error)
            self._session.__exit__(type(error) if error else None, error, None)

    async def done_async(self, value: Any, error: BaseException | None) -> None:
        from promptetheus.async_session import leave_async

        if self._session is not None:
            self._call.done(value, error)
            await leave_async(self._session, error)


def observe(*, agent: str | None = None, user_goal: str, **options: Any) -> Callable[[F], F]:
    """Decorator: each call is a session of its own.

    Args:
        agent: name of the agent; default the function's name.
        user_goal: what the run is to achieve.
        options: everything else that `start` takes. With a `session_id` all calls continue one session.
    """

    def decorate(function: F) -> F:
        name, names = calls.name_of(function), calls.parameter_names(function)
        chosen = {**options, "agent": agent or name, "user_goal": user_goal}
        in_loop = is_async(function)
        record = functools.partial(_Run, chosen)
        return wrap(  # type: ignore[no-any-return]
            function, lambda: record(_Call(name, names, None), in_loop), only_in_session=False
        )

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
    return wrap(function, lambda: _Call(called, names, effect), only_in_session=True)


@overload
def traced(function: F, /) -> F: ...
@overload
def traced(name: str | None = None, /) -> Callable[[F], F]: ...
def traced(name: Any = None, /) -> Any:
    """Decorator: each call inside a session is a span, named `name` or after the function."""
    if callable(name) or isinstance(name, staticmethod | classmethod):
        return traced()(name)

    def decorate(function: F) -> F:
        called = name or calls.name_of(function)
        return wrap(function, lambda: _Span(called), only_in_session=True)  # type: ignore[no-any-return]

    return decorate


def wrap_context(function: F) -> F:
    """The function, to be called in another thread with the session and the spans that are current now.

    `Thread(target=pt.wrap_context(work))`, `executor.submit(pt.wrap_context(work), item)`. May be called
    any number of times, also at once. A coroutine function carries them into another event loop.
    """
    here = context.snapshot()

    if is_async(function):

        @functools.wraps(function)
        async def in_loop(*args: Any, **kwargs: Any) -> Any:
            with context.Place(here):
                return await function(*args, **kwargs)

        return in_loop  # type: ignore[return-value]

    @functools.wraps(function)
    def in_thread(*args: Any, **kwargs: Any) -> Any:
        with context.Place(here):
            return function(*args, **kwargs)

    return in_thread  # type: ignore[return-value]
