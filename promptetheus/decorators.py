"""`observe`, `tool` and `traced`: recording by decoration; and `wrap_context` for threads."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar, overload

from promptetheus import calls, context, guard
from promptetheus.ids import new_call_id
from promptetheus.wrapping import is_async, is_generator, wrap
from promptetheus.yielded import Yielded

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

    def item(self, value: Any) -> None:
        """Nothing: a span has no items."""

    @guard.guarded(lambda: None)
    def done(self, value: Any, error: BaseException | None, is_closed: bool = False) -> None:
        if self._session is not None and self._open is not None:
            self._session._close_span(self._open[0], self._name, self._open[1], None)

    async def done_async(self, value: Any, error: BaseException | None, is_closed: bool = False) -> None:
        self.done(value, error)


class _About(NamedTuple):
    """What is known of a decorated function before it is called."""

    name: str
    parameters: calls.Parameters
    effect: Effect | None
    is_generator: bool


class _Call:
    """A call inside `tool`: its `tool_call` at the beginning, its `tool_result` at the end."""

    def __init__(self, about: _About) -> None:
        self._about = about
        self._session: Session | None = None
        self._call_id = ""
        self._yielded = Yielded() if about.is_generator else None

    @guard.guarded(lambda: None)
    def begin(self, args: Args, kwargs: Kwargs) -> None:
        session = context.current_session.get()
        if session is None:
            return
        self._session, self._call_id = session, new_call_id()
        if session.is_recorded:
            about = self._about
            recorder = session._recorder
            arguments, metadata = calls.arguments_of(
                recorder.shown_arguments(about.parameters.names, args), recorder.shown(kwargs)
            )
            plain = calls.plain_arguments(about.parameters, args, kwargs)
            if plain:
                metadata["arguments"] = plain
            if about.effect is not None:
                metadata["effect"] = about.effect
            session.tool_call(about.name, arguments, self._call_id, metadata)

    @guard.guarded(lambda: None)
    def item(self, value: Any) -> None:
        if self._yielded is not None and self._session is not None and self._session.is_recorded:
            self._yielded.add(value)

    @guard.guarded(lambda: None)
    def done(self, value: Any, error: BaseException | None, is_closed: bool = False) -> None:
        session = self._session
        if session is None or not session.is_recorded:
            return
        metadata: dict[str, Any] = {}
        if self._yielded is not None:
            returned, value = value, session._recorder.joined_if_secret(self._yielded.items())
            metadata["yielded"] = self._yielded.facts(is_closed)
            if returned is not None:
                metadata["returned"] = calls.json_or_repr(returned)
        if error is None:
            text, size = calls.safe_repr(session._recorder.shown(value))
            metadata.update(calls.result_metadata(value, size))
            session.tool_result(self._call_id, result=text, metadata=metadata or None)
        elif isinstance(error, Exception):  # an exit or a cancellation is not a result
            if self._yielded is not None:
                metadata["result"] = value
            session.tool_result(self._call_id, error=calls.safe_repr(error)[0], metadata=metadata or None)

    async def done_async(self, value: Any, error: BaseException | None, is_closed: bool = False) -> None:
        self.done(value, error, is_closed)


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

    def item(self, value: Any) -> None:
        self._call.item(value)

    @guard.guarded(lambda: None)
    def done(self, value: Any, error: BaseException | None, is_closed: bool = False) -> None:
        if self._session is not None:
            self._call.done(value, error, is_closed)
            self._session.__exit__(type(error) if error else None, error, None)

    async def done_async(self, value: Any, error: BaseException | None, is_closed: bool = False) -> None:
        from promptetheus.async_session import leave_async

        if self._session is not None:
            self._call.done(value, error, is_closed)
            await leave_async(self._session, error)


def observe(*, agent: str | None = None, user_goal: str, **options: Any) -> Callable[[F], F]:
    """Decorator: each call is a session of its own.

    Args:
        agent: name of the agent; default the function's name.
        user_goal: what the run is to achieve.
        options: everything else that `start` takes. With a `session_id` all calls continue one session.
    """

    def decorate(function: F) -> F:
        about = _about(function, None, None)
        chosen = {**options, "agent": agent or about.name, "user_goal": user_goal}
        in_loop = is_async(function)
        return wrap(  # type: ignore[no-any-return]
            function, lambda: _Run(chosen, _Call(about), in_loop), only_in_session=False
        )

    return decorate


@overload
def tool(function: F, /) -> F: ...
@overload
def tool(named: str, /, *, effect: Effect | None = None) -> Callable[[F], F]: ...
@overload
def tool(*, name: str | None = None, effect: Effect | None = None) -> Callable[[F], F]: ...
def tool(function: F | str | None = None, /, *, name: str | None = None, effect: Effect | None = None) -> Any:
    """Decorator: each call inside a session is recorded as `tool_call` and `tool_result`.

    Arguments and result are kept twice. As text in the shape `{"args": repr, "kwargs": repr}`, each cut to 16,384
    characters, with how long it was under `truncated` in the metadata. And whole as JSON, where they are, in the
    metadata: `arguments` by name, `result`. What is too large for a line becomes an artifact of the session.
    Of a generator the result is the list of what it yielded, up to 1,000 items and 256 KiB; `yielded` in the
    metadata has their number, and whether its consumer closed it before its end.

    Args:
        name: name of the tool, also as the first argument, as `traced` takes it; default the function's.
        effect: whether the tool changes the world (`"write"`) or only looks at it (`"read"`).
    """
    if function is None or isinstance(function, str):
        return functools.partial(tool, name=function or name, effect=effect)
    about = _about(function, name, effect)
    return wrap(function, lambda: _Call(about), only_in_session=True)


def _about(function: Any, name: str | None, effect: Effect | None) -> _About:
    called = name if isinstance(name, str) and name else calls.name_of(function)
    return _About(called, calls.parameters_of(function), effect, is_generator(function))


@overload
def traced(function: F, /) -> F: ...
@overload
def traced(name: str | None = None, /) -> Callable[[F], F]: ...
def traced(name: Any = None, /) -> Any:
    """Decorator: each call inside a session is a span, named `name` or after the function."""
    if callable(name) or isinstance(name, staticmethod | classmethod):
        return traced()(name)

    def decorate(function: F) -> F:
        called = name if isinstance(name, str) and name else calls.name_of(function)
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
