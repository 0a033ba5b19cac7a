"""Transports: objects that take a session's events instead of the spool."""

from promptetheus.transport.local import LocalSpoolTransport
from promptetheus.transport.memory import BaseTransport, Event, InMemoryTransport, Transport

__all__ = ["BaseTransport", "Event", "InMemoryTransport", "LocalSpoolTransport", "Transport"]
