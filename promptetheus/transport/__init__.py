"""Transports: objects that take a session's events instead of the spool, or write and ship it themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from promptetheus.transport.local import LocalSpoolTransport
from promptetheus.transport.memory import BaseTransport, Event, InMemoryTransport, Transport

if TYPE_CHECKING:
    from promptetheus.transport.durable import DurableHTTPTransport
    from promptetheus.transport.http import HTTPTransport

__all__ = [
    "BaseTransport",
    "DurableHTTPTransport",
    "Event",
    "HTTPTransport",
    "InMemoryTransport",
    "LocalSpoolTransport",
    "Transport",
]


def __getattr__(name: str) -> Any:
    """The transports that need an HTTP client, imported when asked for."""
    if name == "HTTPTransport":
        from promptetheus.transport.http import HTTPTransport

        return HTTPTransport
    if name == "DurableHTTPTransport":
        from promptetheus.transport.durable import DurableHTTPTransport

        return DurableHTTPTransport
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
