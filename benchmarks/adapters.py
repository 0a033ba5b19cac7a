"""What an adapter costs a call, next to the framework's own tracing or the one that is made for it.

    .adapters/frameworks/bin/python -m benchmarks.adapters [--calls 200] [--rounds 9]

The provider is a function in this process, so that nothing but the client and its tracing is measured: CPU time per
call, median of rounds in which all variants take turns. Ours are on disk when the call returns; the others hand their
spans to an exporter that throws them away, which is less than any of them does in use.
"""

from __future__ import annotations

import argparse
import importlib
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any

os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")

import promptetheus as pt
from promptetheus.adapters import AnthropicAdapter, LiteLLMAdapter, OpenAIAdapter, PydanticAIAdapter
from promptetheus.adapters.pricing import cost_of
from promptetheus.adapters.usage import Usage
from tests.adapters import stub_anthropic, stub_openai
from tests.adapters.stub_replies import answer

Call = Callable[[], Any]
HI = [{"role": "user", "content": "What is the capital of France? " * 20}]


@dataclass
class Comparison:
    """A call, plain and traced in several ways. Each way is entered while it is measured and left again."""

    name: str
    plain: Callable[[], Any]
    """Makes the call without tracing."""
    traced: dict[str, Callable[[], Any]] = field(default_factory=dict)
    """By name, a context manager that gives the call with tracing."""


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


def transport(wire: Any) -> Any:
    """An HTTP client that answers as the stub does, without a socket."""
    httpx2 = importlib.import_module("httpx2")
    conversation, whole, stream = wire

    def handle(request: Any) -> Any:
        body = json.loads(request.content)
        reply = answer(conversation(body), 1)
        if not body.get("stream"):
            return httpx2.Response(200, json=whole(body, reply, 1))
        lines = "".join(f"data: {json.dumps(event)}\n\n" for event in stream(body, reply, 1))
        headers = {"content-type": "text/event-stream"}
        return httpx2.Response(200, headers=headers, content=f"{lines}data: [DONE]\n\n".encode())

    return httpx2.Client(transport=httpx2.MockTransport(handle))


def openai_calls() -> Iterator[Comparison]:
    openai = importlib.import_module("openai")
    wire = (stub_openai.chat_conversation, stub_openai.chat_answer, stub_openai.chat_stream)
    client = openai.OpenAI(api_key="none", base_url="http://provider", http_client=transport(wire))
    recorded = OpenAIAdapter(client)

    def whole(of: Any) -> Call:
        return lambda: of.chat.completions.create(model="gpt-4o", messages=HI)

    def streamed(of: Any) -> Call:
        return lambda: list(of.chat.completions.create(model="gpt-4o", messages=HI, stream=True))

    for name, call in (("OpenAI chat", whole), ("OpenAI chat, streamed (7 chunks)", streamed)):
        yield Comparison(
            name,
            call(client),
            {
                "OpenAIAdapter": lambda call=call: given(call(recorded)),
                "OpenTelemetry instrumentation": lambda call=call: instrumented(
                    "opentelemetry.instrumentation.openai_v2", call(client)
                ),
                "OpenInference instrumentation": lambda call=call: instrumented(
                    "openinference.instrumentation.openai", call(client)
                ),
            },
        )


def anthropic_calls() -> Iterator[Comparison]:
    anthropic = importlib.import_module("anthropic")
    wire = (stub_anthropic.conversation, stub_anthropic.message, stub_anthropic.stream)
    options = {"api_key": "none", "base_url": "http://provider", "http_client": transport(wire)}
    client = anthropic.Anthropic(**options)
    recorded = AnthropicAdapter(client)
    own = anthropic.Anthropic(**options, open_telemetry={"tracer_provider": provider_of_nothing()})

    def call(of: Any) -> Call:
        return lambda: of.messages.create(model="claude-sonnet-5", max_tokens=9, messages=HI)

    yield Comparison(
        "Anthropic message",
        call(client),
        {
            "AnthropicAdapter": lambda: given(call(recorded)),
            "its own OpenTelemetry": lambda: given(call(own)),
        },
    )


def litellm_calls() -> Iterator[Comparison]:
    litellm = importlib.import_module("litellm")
    logger = importlib.import_module("litellm.integrations.custom_logger").CustomLogger

    def call() -> Any:
        return litellm.completion(model="gpt-4o", messages=HI, mock_response="Paris")

    @contextmanager
    def ours() -> Iterator[Call]:
        with LiteLLMAdapter():
            yield call

    @contextmanager
    def empty_logger() -> Iterator[Call]:
        empty = logger()
        litellm.callbacks.append(empty)
        yield call
        litellm.logging_callback_manager.remove_callback_from_all_lists(empty)

    yield Comparison(
        "LiteLLM completion (mocked)",
        call,
        {"LiteLLMAdapter": ours, "a logger that does nothing": empty_logger},
    )


def pydantic_ai_calls() -> Iterator[Comparison]:
    pydantic_ai = importlib.import_module("pydantic_ai")
    test_model = importlib.import_module("pydantic_ai.models.test").TestModel
    instrumentation = importlib.import_module("pydantic_ai.capabilities").Instrumentation
    settings = importlib.import_module("pydantic_ai.models.instrumented").InstrumentationSettings
    agent = pydantic_ai.Agent(test_model(), name="bench")
    own = instrumentation(settings=settings(tracer_provider=provider_of_nothing()))

    def add(a: int, b: int) -> int:
        return a + b

    agent.tool_plain(add)
    recorded = PydanticAIAdapter(agent)
    yield Comparison(
        "PydanticAI run (2 model calls, 1 tool)",
        lambda: agent.run_sync("hi"),
        {
            "PydanticAIAdapter": lambda: given(lambda: recorded.run_sync("hi")),
            "its own OpenTelemetry": lambda: given(lambda: agent.run_sync("hi", capabilities=[own])),
        },
    )


@contextmanager
def given(call: Call) -> Iterator[Call]:
    """A call that needs nothing to be set up."""
    yield call


@contextmanager
def instrumented(package: str, call: Call) -> Iterator[Call]:
    """A call while an instrumentation of OpenTelemetry's make is in place."""
    instrumentor = importlib.import_module(package).OpenAIInstrumentor()
    instrumentor.instrument(tracer_provider=provider_of_nothing(), skip_dep_check=True)
    try:
        yield call
    finally:
        instrumentor.uninstrument()


def measure(comparison: Comparison, calls: int, rounds: int) -> dict[str, float]:
    """CPU microseconds per call by variant, "" for the plain one: the median of the rounds."""
    variants: dict[str, Callable[[], Any]] = {"": lambda: given(comparison.plain), **comparison.traced}
    found: dict[str, list[float]] = {name: [] for name in variants}
    for number in range(rounds + 1):
        for name, enter in variants.items():
            with ExitStack() as stack:
                call = stack.enter_context(enter())
                took_us = cpu_us(call, calls)
            if number:  # the first round loads what is loaded late
                found[name].append(took_us)
    return {name: statistics.median(times) for name, times in found.items()}


def cpu_us(call: Call, calls: int) -> float:
    """CPU microseconds per call in this thread."""
    started = time.thread_time()
    for _ in range(calls):
        call()
    return (time.thread_time() - started) / calls * 1_000_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calls", type=int, default=200, help="calls a round")
    parser.add_argument("--rounds", type=int, default=9)
    given_options = parser.parse_args()
    cost_of("gpt-4o", Usage(1, 1))  # the price list is loaded once in a process: not a cost per call
    print(f"{'call':<42}{'CPU us a call':>14}{'more':>10}")
    with (
        tempfile.TemporaryDirectory() as spool,
        pt.start(agent="bench", user_goal="measure", spool_dir=spool),
    ):
        for source in (openai_calls, anthropic_calls, litellm_calls, pydantic_ai_calls):
            for comparison in source():
                times = measure(comparison, given_options.calls, given_options.rounds)
                print(f"{comparison.name:<42}{times['']:>14,.0f}")
                for name in comparison.traced:
                    print(f"  {name:<40}{times[name]:>14,.0f}{times[name] - times['']:>+10,.0f}", flush=True)


if __name__ == "__main__":
    main()
