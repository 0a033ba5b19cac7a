"""The session for async agents: the same events, entered and left with `async with`."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Literal, Self

from promptetheus import guard
from promptetheus.events import Event
from promptetheus.session import Session, outcome
from promptetheus.transport_sink import TransportSink, takes_timeout


class AsyncSession(Session):
    """Like `Session`. Recording an event costs one write and never waits, so the helpers are plain calls."""

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Literal[False]:
        await leave_async(self, error)
        return False

    @asynccontextmanager
    async def aspan(self, name: str, metadata: Mapping[str, Any] | None = None) -> AsyncIterator[str]:
        """`span` for `async with`; nests with `span`."""
        with self.span(name, metadata) as span_id:
            yield span_id

    async def end_async(self, status: str = "completed", error: str | None = None) -> Event:
        """`end`, then an awaited flush. A second call returns the first event."""
        if self._end is not None:
            return self._end
        try:
            event = self._finish(status, error)
        except Exception as problem:
            guard.mistake("end", problem)
            return {}
        await self.flush()
        return event

    async def flush(self, timeout: float | None = None) -> None:  # type: ignore[override]
        """Flush a transport of your own: awaited when it is a coroutine, else in a thread of the executor."""
        await flush_async(self, timeout)

    async def aflush_blocking(self, timeout: float | None = None) -> None:
        """A flush that blocks, in a thread of the executor."""
        if self._sink is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._sink.flush, timeout)


async def leave_async(session: Session, error: BaseException | None) -> None:
    """What `__exit__` does, without holding up the event loop while a transport flushes."""
    try:
        if session._end is None:
            session._finish(*outcome(error))
            await flush_async(session, None)
        await flush_async(session, None)
    except Exception as problem:
        guard.mistake("end", problem)
    finally:
        session._leave()


async def flush_async(session: Session, timeout: float | None) -> None:
    """Flush the transport of a session, or wait for its delivery when there is a timeout."""
    sink = session._sink
    if sink is None:
        return
    if not isinstance(sink, TransportSink):
        if timeout is None:
            sink.flush(None)
        else:
            await asyncio.get_running_loop().run_in_executor(None, sink.flush, timeout)
        return
    flush = getattr(sink.transport, "flush", None)
    if flush is None:
        return
    try:
        if inspect.iscoroutinefunction(flush):
            await (flush(timeout=timeout) if takes_timeout(flush) else flush())
        else:
            await asyncio.get_running_loop().run_in_executor(None, sink.flush, timeout)
    except Exception as error:
        guard.report("failed.flush", "flushing failed", error)
