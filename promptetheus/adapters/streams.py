"""Watching a stream that the agent reads: every piece passes through untouched, and its end is noticed however
it comes: exhausted, failed, closed, or simply not read any further.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Self

from promptetheus.adapters.model_call import ModelCall
from promptetheus.adapters.scope import hook


class Watch:
    """What happens to a stream, told to its call."""

    def __init__(self, call: ModelCall, read: Callable[[Any], None]) -> None:
        self.call = call
        self._read = read
        self.reading = False
        """Whether the agent waits for a piece now: what is closed meanwhile is closed by the stream itself."""

    @hook
    def piece(self, piece: Any) -> None:
        """The agent got a piece. `read` must not keep or change it."""
        self._read(piece)

    def end(self, error: BaseException | None = None) -> None:
        """The stream ended, by itself or with an error."""
        if error is None:
            self.call.done()
        else:
            self.call.fail(error)

    def closed(self) -> None:
        """It was closed; by the agent, unless it is being read."""
        if not self.reading:
            self.call.abandon()


class WatchedIterator:
    """An iterator or generator with a watch on it. Context manager, `close` and other attributes are those of
    the original."""

    def __init__(self, iterator: Iterator[Any], watch: Watch) -> None:
        self._iterator, self._watch = iterator, watch

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Any:
        watch = self._watch
        watch.reading = True
        try:
            piece = next(self._iterator)
        except StopIteration:
            watch.end()
            raise
        except BaseException as error:
            watch.end(error)
            raise
        finally:
            watch.reading = False
        watch.piece(piece)
        return piece

    def close(self) -> None:
        """Close the iterator where it can be closed."""
        self._watch.closed()
        close = getattr(self._iterator, "close", None)
        if close is not None:
            close()

    def __enter__(self) -> Self:
        enter = getattr(self._iterator, "__enter__", None)
        if enter is not None:
            enter()
        return self

    def __exit__(self, *exc: Any) -> Any:
        self._watch.closed()
        leave = getattr(self._iterator, "__exit__", None)
        return self.close() if leave is None else leave(*exc)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._iterator, name)

    def __del__(self) -> None:
        self._watch.closed()


class WatchedAsyncIterator:
    """An asynchronous iterator or generator with a watch on it."""

    def __init__(self, iterator: AsyncIterator[Any], watch: Watch) -> None:
        self._iterator, self._watch = iterator, watch

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        watch = self._watch
        watch.reading = True
        try:
            piece = await anext(self._iterator)
        except StopAsyncIteration:
            watch.end()
            raise
        except BaseException as error:
            watch.end(error)
            raise
        finally:
            watch.reading = False
        watch.piece(piece)
        return piece

    async def aclose(self) -> None:
        """Close the iterator where it can be closed."""
        self._watch.closed()
        close = getattr(self._iterator, "aclose", None)
        if close is not None:
            await close()

    async def __aenter__(self) -> Self:
        enter = getattr(self._iterator, "__aenter__", None)
        if enter is not None:
            await enter()
        return self

    async def __aexit__(self, *exc: Any) -> Any:
        self._watch.closed()
        leave = getattr(self._iterator, "__aexit__", None)
        return await (self.aclose() if leave is None else leave(*exc))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._iterator, name)

    def __del__(self) -> None:
        self._watch.closed()
