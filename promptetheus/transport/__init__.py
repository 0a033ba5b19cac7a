"""Transports: objects that take a session's events instead of the spool."""

from promptetheus.transport.memory import BaseTransport, Event, InMemoryTransport, Transport

__all__ = ["BaseTransport", "Event", "InMemoryTransport", "Transport"]
