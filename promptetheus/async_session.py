"""The session for async agents: the same events, entered and left with `async with`."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from types import TracebackType
from typing import Any, Literal, Self

from promptetheus import context, guard
from promptetheus.events import Event
from promptetheus.session import Session, describe_error
from promptetheus.sinks import TransportSink


class AsyncSession(Session):
    """Like `Session`. Recording an event costs one write and never waits, so the helpers are plain calls."""

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> Literal[False]:
        if self._end is None:
            if error is None:
                await self.end_async("completed")
            else:
                await self.end_async("failed", error=describe_error(error))
        await self.flush()
        context.current_session.set(self._outer)
        return False

    @asynccontextmanager
    async def aspan(self, name: str, metadata: Mapping[str, Any] | None = None) -> AsyncIterator[str]:
        """`span` for `async with`; nests with `span`."""
        with self.span(name, metadata) as span_id:
            yield span_id

    async def end_async(self, status: str = "completed", error: str | None = None) -> Event:
        """`end`, then an awaited flush."""
        event = self._finish(status, error)
        await self.flush()
        return event

    async def flush(self, timeout: float | None = None) -> None:  # type: ignore[override]
        """Flush a transport of your own: awaited when it is a coroutine, else in a thread of the executor."""
        if not isinstance(self._sink, TransportSink):
            return
        flush = getattr(self._sink.transport, "flush", None)
        if flush is None:
            return
        try:
            if inspect.iscoroutinefunction(flush):
                await flush(timeout=timeout)
            else:
                await self.aflush_blocking(timeout)
        except Exception as error:
            guard.report("failed.flush", f"flushing failed: {type(error).__name__}", error)

    async def aflush_blocking(self, timeout: float | None = None) -> None:
        """A flush that blocks, in a thread of the executor."""
        if self._sink is not None:
            await asyncio.get_running_loop().run_in_executor(None, self._sink.flush, timeout)
