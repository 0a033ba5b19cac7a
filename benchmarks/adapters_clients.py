"""Clients of models, answered in this process: OpenAI, Anthropic, LiteLLM, PydanticAI."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from typing import Any

from benchmarks.adapters_comparing import (
    Call,
    Comparison,
    given,
    instrumented,
    openinference,
    provider_of_nothing,
    within,
)
from promptetheus.adapters import AnthropicAdapter, LiteLLMAdapter, OpenAIAdapter, PydanticAIAdapter
from tests.adapters import stub_anthropic, stub_openai
from tests.adapters.stub_replies import answer

HI = [{"role": "user", "content": "What is the capital of France? " * 20}]


OPENAI = (stub_openai.chat_conversation, stub_openai.chat_answer, stub_openai.chat_stream)
ANTHROPIC = (stub_anthropic.conversation, stub_anthropic.message, stub_anthropic.stream)


def transport(wire: Any, library: str = "httpx2") -> Any:
    """Of a client of that HTTP library: answers as the stub does, without a socket. `wire`: `OPENAI` or
    `ANTHROPIC`."""
    httpx = importlib.import_module(library)
    conversation, whole, stream = wire

    def handle(request: Any) -> Any:
        body = json.loads(request.content)
        reply = answer(conversation(body), 1)
        if not body.get("stream"):
            return httpx.Response(200, json=whole(body, reply, 1))
        lines = "".join(f"data: {json.dumps(event)}\n\n" for event in stream(body, reply, 1))
        headers = {"content-type": "text/event-stream"}
        return httpx.Response(200, headers=headers, content=f"{lines}data: [DONE]\n\n".encode())

    return httpx.MockTransport(handle)


def _http_client(wire: Any) -> Any:
    return importlib.import_module("httpx2").Client(transport=transport(wire))


def openai() -> Iterator[Comparison]:
    """A completion, whole and streamed."""
    module = importlib.import_module("openai")
    client = module.OpenAI(api_key="none", base_url="http://provider", http_client=_http_client(OPENAI))
    recorded = OpenAIAdapter(client)

    def whole(of: Any) -> Call:
        return lambda: of.chat.completions.create(model="gpt-4o", messages=HI)

    def streamed(of: Any) -> Call:
        return lambda: list(of.chat.completions.create(model="gpt-4o", messages=HI, stream=True))

    for name, call in (("OpenAI chat", whole), ("OpenAI chat, streamed (7 chunks)", streamed)):
        others = openinference("openai", "OpenAIInstrumentor", call(client))
        others["OpenTelemetry's instrumentation"] = lambda call=call: instrumented(  # type: ignore[misc]
            "opentelemetry.instrumentation.openai_v2", "OpenAIInstrumentor", call(client)
        )
        yield Comparison(name, call(client), lambda call=call: given(call(recorded)), others)  # type: ignore[misc]


def anthropic() -> Iterator[Comparison]:
    """A message, and the client's own OpenTelemetry."""
    module = importlib.import_module("anthropic")
    options = {"api_key": "none", "base_url": "http://provider", "http_client": _http_client(ANTHROPIC)}
    client = module.Anthropic(**options)
    recorded = AnthropicAdapter(client)
    own = module.Anthropic(**options, open_telemetry={"tracer_provider": provider_of_nothing()})

    def call(of: Any) -> Call:
        return lambda: of.messages.create(model="claude-sonnet-5", max_tokens=9, messages=HI)

    yield Comparison(
        "Anthropic message",
        call(client),
        lambda: given(call(recorded)),
        {"its own OpenTelemetry": lambda: given(call(own))},
    )


def litellm() -> Iterator[Comparison]:
    """A completion that LiteLLM makes up itself."""
    module = importlib.import_module("litellm")

    def call() -> Any:
        return module.completion(model="gpt-4o", messages=HI, mock_response="Paris")

    yield Comparison(
        "LiteLLM completion (mocked)",
        call,
        lambda: within(LiteLLMAdapter(), call),
        openinference("litellm", "LiteLLMInstrumentor", call),
    )


def pydantic_ai() -> Iterator[Comparison]:
    """A run of an agent, and PydanticAI's own OpenTelemetry."""
    module = importlib.import_module("pydantic_ai")
    test_model = importlib.import_module("pydantic_ai.models.test").TestModel
    instrumentation = importlib.import_module("pydantic_ai.capabilities").Instrumentation
    settings = importlib.import_module("pydantic_ai.models.instrumented").InstrumentationSettings
    agent = module.Agent(test_model(), name="bench")
    own = instrumentation(settings=settings(tracer_provider=provider_of_nothing()))

    def add(a: int, b: int) -> int:
        return a + b

    agent.tool_plain(add)
    recorded = PydanticAIAdapter(agent)
    yield Comparison(
        "PydanticAI run (2 model calls, 1 tool)",
        lambda: agent.run_sync("hi"),
        lambda: given(lambda: recorded.run_sync("hi")),
        {"its own OpenTelemetry": lambda: given(lambda: agent.run_sync("hi", capabilities=[own]))},
    )
