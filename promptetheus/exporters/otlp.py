"""A recorded session as OpenTelemetry spans, sent over OTLP/HTTP or given to a tracer provider.

One root span `promptetheus.session <id>`, one span for each of ours, and every other event as an event of the span
that it happened in. Times are those of the recording.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping
from typing import Any

from promptetheus.clock import parse_timestamp
from promptetheus.events import Event
from promptetheus.fingerprint import SUCCESS_STATUSES, in_order

_MARKERS = ("span_start", "span_end")
MISSING = 'Exporting over OTLP needs pip install "promptetheus[otlp]"'


class OTLPExporter:
    """Exports sessions.

    Args:
        tracer_provider: Takes the spans; None: one that sends to `endpoint`, else the global one.
        endpoint: URL of an OTLP/HTTP receiver for traces.
        resource_attributes: Of the provider that is made for `endpoint`.
        headers: Of its requests.
    """

    def __init__(
        self,
        tracer_provider: Any = None,
        endpoint: str | None = None,
        resource_attributes: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self._provider = tracer_provider
        self._endpoint = endpoint
        self._resource = dict(resource_attributes or {})
        self._headers = dict(headers or {})

    def export(self, events: Iterable[Mapping[str, Any]]) -> int:
        """Export the events of one session; how many spans that made. Raises RuntimeError when OpenTelemetry is not
        installed."""
        known = [dict(event) for event in in_order(events)]
        if not known:
            return 0
        trace = _module("opentelemetry.trace")
        if self._provider is None and self._endpoint is not None:
            provider = self._own_provider(self._endpoint)
            try:
                return _export(trace, provider.get_tracer("promptetheus"), known)
            finally:
                provider.shutdown()  # sends what it holds
        provider = self._provider or trace.get_tracer_provider()
        return _export(trace, provider.get_tracer("promptetheus"), known)

    def _own_provider(self, endpoint: str) -> Any:
        resources = _module("opentelemetry.sdk.resources")
        sdk = _module("opentelemetry.sdk.trace")
        batches = _module("opentelemetry.sdk.trace.export")
        http = _module("opentelemetry.exporter.otlp.proto.http.trace_exporter")
        resource = resources.Resource.create({"service.name": "promptetheus", **self._resource})
        provider = sdk.TracerProvider(resource=resource)
        exporter = http.OTLPSpanExporter(endpoint=endpoint, headers=self._headers)
        provider.add_span_processor(batches.BatchSpanProcessor(exporter))
        return provider


def export_session(
    events: Iterable[Mapping[str, Any]],
    endpoint: str | None = None,
    tracer_provider: Any = None,
    resource_attributes: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> int:
    """Export one session, see `OTLPExporter`."""
    return OTLPExporter(tracer_provider, endpoint, resource_attributes, headers).export(events)


def _export(trace: Any, tracer: Any, events: list[Event]) -> int:
    times = [at for event in events if (at := _nanoseconds(event)) is not None]
    began, ended = (min(times), max(times)) if times else (None, None)
    session_id = str(events[0].get("session_id"))
    root = tracer.start_span(
        f"promptetheus.session {session_id}",
        start_time=began,
        attributes={"promptetheus.session_id": session_id},
        context=_module("opentelemetry.context").Context(),  # not a part of what the exporting program does
    )
    spans: dict[str, Any] = {}
    ends: dict[str, int | None] = {}
    for event in events:
        if _marker(event) == "span_start" and (span_id := event.get("span_id")):
            parent = spans.get(str(event.get("parent_id")), root)
            spans[str(span_id)] = _started(trace, tracer, event, str(span_id), parent, session_id)
            ends[str(span_id)] = _end_by_duration(event)
    for event in events:
        span_id = str(event.get("span_id"))
        if _marker(event) == "span_end" and span_id in spans:
            if ends[span_id] is None:
                ends[span_id] = _end_by_duration(event) or _nanoseconds(event)
        elif _marker(event) is None:
            _add_event(trace, spans.get(span_id, root), event, session_id)
    for span_id in reversed(spans):
        spans[span_id].end(end_time=ends[span_id] or ended)
    root.end(end_time=ended)
    return len(spans) + 1


def _started(trace: Any, tracer: Any, event: Event, span_id: str, parent: Any, session_id: str) -> Any:
    payload = _payload(event)
    attributes = {
        "promptetheus.span_id": span_id,
        "promptetheus.session_id": session_id,
        **_attributes("promptetheus.span", payload),
    }
    if event.get("parent_id"):
        attributes["promptetheus.parent_id"] = str(event["parent_id"])
    return tracer.start_span(
        str(payload.get("span_name") or "span"),
        context=trace.set_span_in_context(parent),
        start_time=_nanoseconds(event),
        attributes=attributes,
    )


def _add_event(trace: Any, span: Any, event: Event, session_id: str) -> None:
    payload, metadata = _payload(event), event.get("metadata")
    attributes = {
        "promptetheus.session_id": session_id,
        "promptetheus.seq": event.get("seq", 0),
        "promptetheus.idempotency_key": str(event.get("idempotency_key")),
        "promptetheus.event_type": str(event.get("type")),
        **_attributes("promptetheus", payload),
        **_attributes("promptetheus.metadata", metadata if isinstance(metadata, Mapping) else {}),
    }
    span.add_event(str(event.get("type")), attributes, timestamp=_nanoseconds(event))
    problem = _problem(event, payload)
    if problem is not None:
        span.set_status(trace.Status(trace.StatusCode.ERROR, problem))


def _problem(event: Event, payload: Mapping[str, Any]) -> str | None:
    match event.get("type"):
        case "error":
            return str(payload.get("message") or "error")
        case "tool_result" if payload.get("error"):
            return str(payload["error"])
        case "session_end" if payload.get("status") not in SUCCESS_STATUSES:
            return str(payload.get("error") or payload.get("status"))
        case "goal_check" if payload.get("passed") is False:
            return "goal check failed"
    return None


def _attributes(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}.{name}": _attribute(value) for name, value in values.items() if value is not None}


def _attribute(value: Any) -> Any:
    if isinstance(value, bool | int | float | str):
        return value
    kinds = {type(item) for item in value} if isinstance(value, list) and value else set()
    return value if len(kinds) == 1 and kinds <= {str, int, float} else repr(value)


def _end_by_duration(event: Event) -> int | None:
    """The end of a span by its recorded duration, counted from the span's start."""
    duration, at = _payload(event).get("duration_ms"), _nanoseconds(event)
    if _marker(event) != "span_start" or not isinstance(duration, int | float) or at is None:
        return None
    return at + round(duration * 1_000_000)


def _marker(event: Event) -> str | None:
    name = _payload(event).get("name")
    return name if event.get("type") == "state_change" and name in _MARKERS else None


def _payload(event: Event) -> Mapping[str, Any]:
    payload = event.get("payload")
    return payload if isinstance(payload, Mapping) else {}


def _nanoseconds(event: Event) -> int | None:
    at = parse_timestamp(event.get("timestamp"))
    return None if at is None else round(at * 1_000_000) * 1_000


def _module(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not (error.name or "").startswith("opentelemetry"):
            raise
        raise RuntimeError(MISSING) from None
