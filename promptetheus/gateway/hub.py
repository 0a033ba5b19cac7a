"""Who waits for new events, told within this process. What is told is only where to look: readers read the store, at
their own pace, so that a slow one holds nothing."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from promptetheus.gateway.identity import Tenant

MAX_SESSIONS = 5000
"""Sessions with news that a listener may have before it; one that is further behind is told that it missed some."""


MAX_REMEMBERED = 20_000
"""Batches that are remembered for readers who come back."""


class Span(NamedTuple):
    """News of a session: the positions between which something was stored."""

    tenant: Tenant
    session_id: str
    start: int
    end: int


class Listener:
    """News for one reader."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._news: dict[tuple[Tenant, str], tuple[int, int]] = {}
        self.has_missed = False
        """Whether there was more than could be kept."""

    def tell(self, tenant: Tenant, session_id: str, start: int, end: int) -> None:
        """There is something between these positions of a session."""
        session = (tenant, session_id)
        known = self._news.get(session)
        if known is None and len(self._news) >= MAX_SESSIONS:
            self.miss()
        else:
            self._news[session] = (known[0], max(known[1], end)) if known else (start, end)
        self._event.set()

    def miss(self) -> None:
        """There was something that is not told."""
        self.has_missed = True
        self._event.set()

    async def wait(self, timeout_s: float) -> bool:
        """Until there is news, or for so long; whether there is."""
        try:
            await asyncio.wait_for(self._event.wait(), timeout_s)
        except TimeoutError:
            return False
        return True

    def take(self) -> dict[tuple[Tenant, str], tuple[int, int]]:
        """The news so far: by session, from where to where."""
        news, self._news = self._news, {}
        self._event.clear()
        return news


class Hub:
    """Listeners by project. Used in the event loop only."""

    def __init__(self) -> None:
        self._listeners: dict[Tenant, set[Listener]] = {}
        self._life = secrets.token_hex(6)
        """Tells the places of this process from those of the one before."""
        self._began_ns = self._moment_ns = time.time_ns()
        self._remembered: deque[tuple[int, Tenant, str, int, int]] = deque(maxlen=MAX_REMEMBERED)

    def place(self) -> str:
        """Where the news stands now, for a reader to come back to. A time, which tells nothing of other projects."""
        return f"{self._life}.{self._next_moment_ns()}"

    def _next_moment_ns(self) -> int:
        self._moment_ns = max(self._moment_ns + 1, time.time_ns())
        return self._moment_ns

    @contextmanager
    def listen(self, tenants: list[Tenant]) -> Iterator[Listener]:
        """Hear of these projects while the block runs."""
        listener = Listener()
        for tenant in tenants:
            self._listeners.setdefault(tenant, set()).add(listener)
        try:
            yield listener
        finally:
            for tenant in tenants:
                listeners = self._listeners[tenant]
                listeners.discard(listener)
                if not listeners:
                    del self._listeners[tenant]

    def catch_up(self, listener: Listener, tenants: list[Tenant], place: str) -> bool:
        """Tell a listener what came since a place, or that it missed some, where this is not known any more.
        Whether it is known."""
        life, _, moment = place.partition(".")
        is_ours = life == self._life and moment.isascii() and moment.isdecimal() and len(moment) < 24
        is_full = len(self._remembered) == MAX_REMEMBERED
        oldest_ns = self._remembered[0][0] if is_full else self._began_ns
        if not is_ours or int(moment) < oldest_ns:
            listener.miss()
            return False
        wanted = set(tenants)
        for moment_ns, tenant, session_id, start, end in self._remembered:
            if moment_ns > int(moment) and tenant in wanted:
                listener.tell(tenant, session_id, start, end)
        return True

    def publish(self, tenant: Tenant, session_id: str, start: int, end: int) -> None:
        """Tell the project's listeners."""
        self._remembered.append((self._next_moment_ns(), tenant, session_id, start, end))
        for listener in self._listeners.get(tenant, ()):
            listener.tell(tenant, session_id, start, end)
