"""Spans become sessions: one per trace, its events numbered by time, so that parts of a trace may come in any order
and any number of times.

`seq` is the time in steps of 10 µs: a later batch finds its place between events that are stored already.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from promptetheus.clock import format_timestamp
from promptetheus.events import Event
from promptetheus.otlp_meaning import (
    Meaning,
    agent_of,
    documents,
    error_of,
    first,
    input_of,
    meaning_of,
    model_call,
    output_of,
    plain_attributes,
    tool_arguments,
    tool_name,
    tool_result,
)
from promptetheus.otlp_spans import ERROR, Span

SEQ_STEP_NS = 10_000
MAX_TIME_NS = 4_000_000_000 * 10**9

_HEX = frozenset("0123456789abcdef")


def is_usable(span: Span) -> bool:
    """Whether a span says which trace it belongs to and when it was."""
    return (
        len(span.trace_id) == 32
        and len(span.span_id) == 16
        and _HEX.issuperset(span.trace_id + span.span_id + span.parent_id)
        and 0 < span.start_ns < MAX_TIME_NS
        and span.end_ns < MAX_TIME_NS
    )


def sessions_of(spans: list[Span]) -> dict[str, list[Event]]:
    """The events of each trace by session id, which is the trace's id."""
    traces: dict[str, dict[str, Span]] = {}
    for span in spans:
        traces.setdefault(span.trace_id, {})[span.span_id] = span
    return {trace_id: _Trace(trace_id, known).events() for trace_id, known in traces.items()}


class _Trace:
    """The spans of one trace that came together."""

    def __init__(self, trace_id: str, spans: dict[str, Span]) -> None:
        self._id, self._spans = trace_id, spans
        self._children: dict[str, list[Span]] = {}
        for span in sorted(spans.values(), key=lambda span: (span.start_ns, -span.end_ns)):
            parent = span.parent_id if span.parent_id in spans and span.parent_id != span.span_id else ""
            self._children.setdefault(parent, []).append(span)

    def events(self) -> list[Event]:
        """The events in the order of their time; what is enclosed stands inside what encloses it."""
        found = [self._started()]
        visited: set[str] = set()
        # Not recursive: a trace may be nested deeper than Python's stack. Spans in a circle are reached at last.
        everything = [*self._children.get("", []), *self._spans.values()]
        pending: list[tuple[Span, bool]] = [(span, False) for span in reversed(everything)]
        while pending:
            span, is_closing = pending.pop()
            if is_closing:
                found += self._closing(span)
            elif span.span_id not in visited:
                visited.add(span.span_id)
                found += self._opening(span)
                pending.append((span, True))
                pending += [(child, False) for child in reversed(self._children.get(span.span_id, []))]
        found.sort(key=lambda event: event["seq"])
        return found

    def _started(self) -> Event:
        spans = sorted(self._spans.values(), key=lambda span: span.start_ns)
        root = next((span for span in spans if span.is_root), spans[0])
        goal = next((text for span in (root, *spans) if (text := input_of(span))), "")
        after = {
            "agent": agent_of(spans),
            "user_goal": goal[:2000],
            "project_id": None,
            "environment": first(root.resource, "deployment.environment.name", "deployment.environment"),
            "tags": [],
        }
        names = ("session.id", "gen_ai.conversation.id", "user.id")
        told = {
            name: value
            for name in names
            for span in spans[:50]
            if (value := span.attributes.get(name)) is not None
        }
        session_metadata = {**{f"resource.{k}": v for k, v in list(root.resource.items())[:50]}, **told}
        event = self._event(
            "started",
            spans[0].start_ns,
            "state_change",
            {"name": "session_started", "before": None, "after": after},
            {"otlp": {"scope": root.scope}, "session_metadata": session_metadata},
        )
        return {**event, "seq": 0}

    def _opening(self, span: Span) -> Iterator[Event]:
        match meaning_of(span):
            case Meaning.TOOL:
                payload = {
                    "tool_name": tool_name(span),
                    "arguments": tool_arguments(span),
                    "call_id": self._call_id(span),
                }
                yield self._inside(
                    span, "call", span.start_ns, "tool_call", payload, {"otlp": plain_attributes(span)}
                )
            case Meaning.PART:
                if span.is_root and (text := input_of(span)):
                    yield self._inside(span, "input", span.start_ns, "user_message", {"content": text})
                yield self._marker(span, "span_start", span.start_ns, {"otlp": plain_attributes(span)})

    def _closing(self, span: Span) -> Iterator[Event]:
        end_ns = max(span.end_ns, span.start_ns)
        error = error_of(span)
        match meaning_of(span):
            case Meaning.LLM:
                payload, metadata = model_call(span)
                metadata["otlp"] = plain_attributes(span)
                yield self._inside(span, "llm", end_ns, "llm_call", payload, metadata)
            case Meaning.TOOL:
                result = {"call_id": self._call_id(span), "result": tool_result(span)}
                if error is not None and span.status == ERROR:
                    result["error"] = error["message"]
                    error = None  # the result says it
                yield self._inside(span, "result", end_ns, "tool_result", result)
            case Meaning.RETRIEVAL:
                payload = {"query": input_of(span), "documents": documents(span)}
                yield self._inside(
                    span, "retrieval", end_ns, "retrieval", payload, {"otlp": plain_attributes(span)}
                )
            case Meaning.PART:
                # A failure goes up through all spans around it: it is told where it began.
                if any(child.status == ERROR for child in self._children.get(span.span_id, [])):
                    error = None
                yield self._marker(span, "span_end", end_ns)
        if error is not None:
            yield self._inside(span, "error", end_ns, "error", error)
        if span.is_root:
            yield from self._end(span, end_ns)

    def _end(self, span: Span, end_ns: int) -> Iterator[Event]:
        if meaning_of(span) is Meaning.PART and (text := output_of(span)):
            yield self._event(f"{span.span_id}:output", end_ns, "agent_message", {"content": text})
        failed = span.status == ERROR
        payload: dict[str, Any] = {"status": "failed" if failed else "completed"}
        if failed:
            payload["error"] = (error_of(span) or {}).get("message", "failed")
        yield self._event(f"{span.span_id}:end", end_ns, "session_end", payload)

    def _call_id(self, span: Span) -> str:
        named = first(span.attributes, "gen_ai.tool.call.id", "tool_call.id", "tool.id")
        return str(named)[:200] if named else span.span_id

    def _marker(self, span: Span, name: str, time_ns: int, metadata: dict[str, Any] | None = None) -> Event:
        payload: dict[str, Any] = {"name": name, "span_name": span.name[:500] or "span"}
        if name == "span_end":
            payload["duration_ms"] = max(0, (span.end_ns - span.start_ns) // 1_000_000)
        event = self._event(f"{span.span_id}:{name}", time_ns, "state_change", payload, metadata)
        return {**event, "span_id": f"span_{span.span_id}", "parent_id": self._enclosing(span)}

    def _inside(
        self,
        span: Span,
        what: str,
        time_ns: int,
        kind: str,
        payload: dict[str, Any],
        metadata: dict[str, Any] | None = None,
    ) -> Event:
        event = self._event(f"{span.span_id}:{what}", time_ns, kind, payload, metadata)
        around = self._enclosing(span) if meaning_of(span) is not Meaning.PART else f"span_{span.span_id}"
        return {**event, "span_id": around, "parent_id": None} if around else event

    def _enclosing(self, span: Span) -> str | None:
        """The nearest span around this one that is shown as one: calls are not."""
        seen = {span.span_id}
        parent_id = span.parent_id
        while parent_id in self._spans and meaning_of(self._spans[parent_id]) is not Meaning.PART:
            if parent_id in seen:
                return None
            seen.add(parent_id)
            parent_id = self._spans[parent_id].parent_id
        return f"span_{parent_id}" if parent_id and not span.is_root else None

    def _event(
        self,
        key: str,
        time_ns: int,
        kind: str,
        payload: dict[str, Any],
        metadata: dict[str, Any] | None = None,
    ) -> Event:
        event: Event = {
            "type": kind,
            "session_id": self._id,
            "timestamp": format_timestamp(time_ns // 1000 / 1e6),
            "seq": time_ns // SEQ_STEP_NS,
            "idempotency_key": f"{self._id}:otlp:{key}",
            "payload": payload,
        }
        if metadata:
            event["metadata"] = metadata
        return event
