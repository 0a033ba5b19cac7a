"""What a gateway asks of the place where events lie, whichever it is. One set of tests runs against all of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from promptetheus.cause.failures import Outcome
from promptetheus.events import Event
from promptetheus.gateway.identity import Tenant
from promptetheus.gateway.intake import Incoming
from promptetheus.queries.rows import SessionRow


class Appended(NamedTuple):
    """What became of a batch. All of it is on disk and can be read."""

    stored: int
    """Events that were new; the others were there already."""
    start: int
    """The position before it, in the order of arrival; 0: these are the session's first events."""
    end: int
    """The position behind it."""


class Stored(NamedTuple):
    """An event in the order of arrival."""

    position: int
    """Where to go on reading after it."""
    event: Event


class EventStore(Protocol):
    """Sessions and their events. Every method may raise StoreUnavailable; a session is known by its project and id:
    the same id in another project is another session."""

    def append(self, tenant: Tenant, session_id: str, events: Sequence[Incoming]) -> Appended:
        """Store what is new of a batch, durably, in one piece: all of it or nothing."""

    def has(self, tenant: Tenant, session_id: str) -> bool:
        """Whether the session has events."""

    def row(self, tenant: Tenant, session_id: str) -> SessionRow | None:
        """The session as lists show it."""

    def rows(self, tenant: Tenant, after: tuple[float, str] | None, limit: int) -> list[SessionRow]:
        """Sessions in the order of `paging.newest_first`, behind a place in it."""

    def events(
        self, tenant: Tenant, session_id: str, after: tuple[int, int] | None, limit: int
    ) -> list[tuple[tuple[int, int], Event]]:
        """Events by (seq, arrival), each with its place in that order, behind such a place."""

    def arrived(self, tenant: Tenant, session_id: str, position: int, limit: int) -> list[Stored]:
        """Events in the order in which they came, from a position on; 0 is the beginning."""

    def positions(self, tenant: Tenant, since_s: float) -> dict[str, int]:
        """The end position of each session of a project that received something since a moment (Unix seconds)."""

    def outcomes(self, tenant: Tenant) -> Iterable[Outcome]:
        """How the ended sessions of a project ended."""

    def delete(self, tenant: Tenant, session_id: str) -> bool:
        """Delete a session's events; whether there were any."""

    def older_than(self, tenant: Tenant, moment_s: float, limit: int) -> list[str]:
        """Sessions whose last event came before a moment, the oldest first."""

    def maintain(self) -> None:
        """What has to be done now and then, such as preparing tomorrow's partition."""

    def check(self) -> None:
        """Raise StoreUnavailable where nothing could be stored now."""

    def close(self) -> None:
        """Give files and connections back."""
