"""Spans of OpenTelemetry as plain values, whoever made them and however they came.

https://opentelemetry.io/docs/specs/otel/trace/api/#span
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

ERROR = 2
"""Status code of a span that failed."""

Attributes = dict[str, Any]


@dataclass(frozen=True, slots=True)
class SpanEvent:
    """Something that happened within a span, such as an exception."""

    name: str
    time_ns: int
    attributes: Attributes


@dataclass(frozen=True, slots=True)
class Span:
    """A span of any exporter."""

    trace_id: str
    """32 hex digits."""
    span_id: str
    """16 hex digits."""
    parent_id: str
    """"" for the root of a trace."""
    name: str
    start_ns: int
    end_ns: int
    attributes: Attributes
    resource: Attributes
    """Of the process that made it: `service.name` and the like."""
    events: tuple[SpanEvent, ...] = ()
    status: int = 0
    status_message: str = ""
    has_remote_parent: bool = False
    scope: str = field(default="")
    """Name of the instrumentation."""

    @property
    def is_root(self) -> bool:
        """Whether it is the outermost span that this process knows."""
        return not self.parent_id or self.has_remote_parent
