"""Calls of a framework, plain and traced, and what they cost next to each other."""

from __future__ import annotations

import importlib
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

Call = Callable[[], Any]
Way = Callable[[], AbstractContextManager[Call]]
"""A way of tracing: entered while it is measured and left again, it gives the call."""


@dataclass
class Comparison:
    """A call without tracing, with our adapter, and with the tracing that the framework has or others made for it."""

    name: str
    plain: Call
    ours: Way
    others: dict[str, Way] = field(default_factory=dict)
    """By name."""
    is_waiting: bool = False
    """Whether the work is done in other processes, so that time on the clock is what is measured, not the CPU's."""


@dataclass(frozen=True)
class Cost:
    """Microseconds a call took."""

    median_us: float
    p99_us: float


@contextmanager
def given(call: Call) -> Iterator[Call]:
    """A call that needs nothing to be set up."""
    yield call


@contextmanager
def within(manager: AbstractContextManager[Any], call: Call) -> Iterator[Call]:
    """A call in the block of something that attaches and detaches."""
    with manager:
        yield call


@contextmanager
def instrumented(module: str, instrumentor: str, call: Call) -> Iterator[Call]:
    """A call while an instrumentation for OpenTelemetry is in place."""
    made = getattr(importlib.import_module(module), instrumentor)()
    made.instrument(tracer_provider=provider_of_nothing(), skip_dep_check=True)
    try:
        yield call
    finally:
        made.uninstrument()


def openinference(package: str, instrumentor: str, call: Call) -> dict[str, Way]:
    """OpenInference's instrumentation of a framework, as one of `Comparison.others`; none where it is missing."""
    module = f"openinference.instrumentation.{package}"
    try:
        importlib.import_module(module)
    except ImportError:
        return {}
    return {"OpenInference": lambda: instrumented(module, instrumentor, call)}


def provider_of_nothing() -> Any:
    """An OpenTelemetry provider whose spans are made, ended and thrown away."""
    trace = importlib.import_module("opentelemetry.sdk.trace")
    export = importlib.import_module("opentelemetry.sdk.trace.export")

    class Nowhere(export.SpanExporter):  # type: ignore[misc, name-defined]
        def export(self, spans: Any) -> Any:
            return export.SpanExportResult.SUCCESS

    provider = trace.TracerProvider()
    provider.add_span_processor(export.SimpleSpanProcessor(Nowhere()))
    return provider


def measure(comparison: Comparison, calls: int, rounds: int) -> dict[str, Cost]:
    """What a call costs: by the names of `others`, "" for the plain one and "ours" for ours.

    The ways take turns, `calls` at a time, as the machine is not equally fast all the time; the calls of all rounds
    but the first, which loads what is loaded late, are what median and p99 are taken of.
    """
    clock = time.perf_counter_ns if comparison.is_waiting else time.process_time_ns
    ways: dict[str, Way] = {
        "": lambda: given(comparison.plain),
        "ours": comparison.ours,
        **comparison.others,
    }
    took: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name, enter in ways.items():
            with ExitStack() as stack:
                call = stack.enter_context(enter())
                call()  # the first after attaching meets cold caches
                found = _times_us(call, calls, clock)
            if number:
                took[name] += found
    return {name: Cost(statistics.median(times), _p99(times)) for name, times in took.items()}


def _times_us(call: Call, calls: int, clock: Callable[[], int]) -> list[float]:
    found = []
    for _ in range(calls):
        started = clock()
        call()
        found.append((clock() - started) / 1000)
    return found


def _p99(times: list[float]) -> float:
    return sorted(times)[min(len(times) - 1, len(times) * 99 // 100)]
