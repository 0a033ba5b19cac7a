"""What surrounds the models: a browser, and OpenTelemetry both ways."""

from __future__ import annotations

import importlib
import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import promptetheus as pt
from benchmarks.adapters_comparing import Call, Comparison, given, provider_of_nothing, within
from promptetheus.adapters import OpenTelemetryBridge, PlaywrightAdapter
from tests.adapters.site import launch_options

FORM = "data:text/html,<input name=patient><button id=book>Book</button>"


def playwright() -> Iterator[Comparison]:
    """Filling a field and clicking a button, and Playwright's own tracing. Time on the clock: the browser works."""
    sync_api = importlib.import_module("playwright.sync_api")
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(**launch_options())
        page = browser.new_page()
        page.goto(FORM)

        def call(of: Any) -> Call:
            def act() -> None:
                of.fill("[name=patient]", "Mina Okafor")
                of.click("#book")

            return act

        @contextmanager
        def ours() -> Iterator[Call]:
            adapter = PlaywrightAdapter(page)
            yield call(adapter)
            adapter.detach()

        @contextmanager
        def own() -> Iterator[Call]:
            page.context.tracing.start(screenshots=True, snapshots=True)
            yield call(page)
            page.context.tracing.stop()

        yield Comparison(
            "Playwright, 2 actions (on the clock)",
            call(page),
            ours,
            {"its own tracing": own},
            is_waiting=True,
        )
        browser.close()


def opentelemetry() -> Iterator[Comparison]:
    """A model call told by a span of OpenTelemetry, and one of ours that becomes a span."""
    trace = importlib.import_module("opentelemetry.sdk.trace")
    genai = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o",
        "gen_ai.usage.input_tokens": 11,
        "gen_ai.usage.output_tokens": 7,
        "gen_ai.output.messages": json.dumps(
            [{"role": "assistant", "parts": [{"type": "text", "content": "Paris"}]}]
        ),
    }

    def span(provider: Any) -> Call:
        tracer = provider.get_tracer("bench")

        def call() -> None:
            with tracer.start_as_current_span("chat gpt-4o") as made:
                made.set_attributes(genai)

        return call

    export = importlib.import_module("opentelemetry.sdk.trace.export")
    written = trace.TracerProvider()
    file = tempfile.TemporaryFile("w")  # noqa: SIM115 - it is gone with the last span
    written.add_span_processor(export.SimpleSpanProcessor(export.ConsoleSpanExporter(out=file)))
    inbound = trace.TracerProvider()
    inbound.add_span_processor(OpenTelemetryBridge().processor())
    yield Comparison(
        "OpenTelemetry inbound: a GenAI span",
        span(trace.TracerProvider()),
        lambda: given(span(inbound)),
        {"the span written to a file by OpenTelemetry": lambda: given(span(written))},
    )
    tracer = provider_of_nothing().get_tracer("bench")

    def record() -> None:
        pt.current().llm_call("gpt-4o", input_tokens=11, output_tokens=7, latency_ms=250)

    def by_hand() -> None:
        record()
        with tracer.start_as_current_span("chat gpt-4o") as made:
            made.set_attributes(genai)

    yield Comparison(
        "OpenTelemetry outbound: an llm_call",
        record,
        lambda: within(OpenTelemetryBridge(tracer=tracer), record),
        {"the span made by hand": lambda: given(by_hand)},
    )
