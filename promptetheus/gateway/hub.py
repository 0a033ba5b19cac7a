"""Who waits for new events, told within this process. What is told is only where to look: readers read the store, at
their own pace, so that a slow one holds nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from promptetheus.gateway.identity import Tenant

MAX_SESSIONS = 5000
"""Sessions with news that a listener may have before it; one that is further behind is told that it missed some."""


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
            self.has_missed = True
        else:
            self._news[session] = (known[0], max(known[1], end)) if known else (start, end)
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

    def publish(self, tenant: Tenant, session_id: str, start: int, end: int) -> None:
        """Tell the project's listeners."""
        for listener in self._listeners.get(tenant, ()):
            listener.tell(tenant, session_id, start, end)
