"""A session as OpenTelemetry spans, with the real SDK."""

from __future__ import annotations

from typing import Any

import pytest

import promptetheus.exporters as exporters
from tests.builders import START_S, SessionBuilder

sdk = pytest.importorskip("opentelemetry.sdk.trace", reason='needs pip install "promptetheus[otlp]"')


@pytest.fixture
def exported() -> tuple[Any, list[Any]]:
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    memory = InMemorySpanExporter()
    provider = sdk.TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(memory))
    session = SessionBuilder("s", "a", "g")
    session.event("state_change", {"name": "span_start", "span_name": "outer"}, span_id="o")
    session.event("state_change", {"name": "span_start", "span_name": "inner"}, span_id="i", parent_id="o")
    session.event("tool_result", {"call_id": "1", "error": "boom", "tags": ["a", "b"]}, span_id="i")
    session.event("state_change", {"name": "span_end"}, span_id="i")
    session.event("state_change", {"name": "span_end"}, span_id="o")
    session.event("goal_check", {"passed": False, "mismatches": []})
    count = exporters.OTLPExporter(provider).export(session.events)
    spans = {span.name: span for span in memory.get_finished_spans()}
    assert count == len(spans) == 3
    return session, [spans["promptetheus.session s"], spans["outer"], spans["inner"]]


def test_spans_stand_inside_of_each_other(exported: tuple[Any, list[Any]]) -> None:
    _, (root, outer, inner) = exported
    assert root.parent is None
    assert outer.parent.span_id == root.context.span_id and inner.parent.span_id == outer.context.span_id
    assert outer.attributes["promptetheus.span_id"] == "o"


def test_times_are_those_of_the_recording(exported: tuple[Any, list[Any]]) -> None:
    session, (root, _, inner) = exported
    assert root.start_time == pytest.approx((START_S + 0.1) * 1e9, abs=1e4)
    assert root.end_time - root.start_time == pytest.approx(0.1e9 * (len(session.events) - 1), abs=1e4)
    assert inner.end_time - inner.start_time == pytest.approx(0.2e9, abs=1e4)


def test_what_failed_is_an_error_where_it_happened(exported: tuple[Any, list[Any]]) -> None:
    _, (root, outer, inner) = exported
    assert not inner.status.is_ok and inner.status.description == "boom"
    assert outer.status.is_unset and not root.status.is_ok
    event = inner.events[0]
    assert event.name == "tool_result" and event.attributes["promptetheus.error"] == "boom"
    assert tuple(event.attributes["promptetheus.tags"]) == ("a", "b")


def test_nothing_is_exported_of_nothing() -> None:
    assert exporters.export_session([], tracer_provider=object()) == 0


def test_other_names_are_no_exporters() -> None:
    assert dir(exporters) == ["OTLPExporter", "export_session"]
    with pytest.raises(AttributeError):
        _ = exporters.nothing
