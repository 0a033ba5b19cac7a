"""A call that several adapters see, because one framework calls another, is recorded once."""

from __future__ import annotations

from typing import Any

import pytest

from promptetheus.adapters import LiteLLMAdapter, OpenTelemetryBridge, PydanticAIAdapter
from promptetheus.adapters.openai import OpenAIPatch
from tests.adapters.frameworks import framework
from tests.adapters.recorded import Record
from tests.adapters.stub_server import StubServer

litellm = framework("litellm")
pydantic_ai = framework("pydantic_ai")
trace = framework("opentelemetry.sdk.trace")

HI = [{"role": "user", "content": "hi"}]
CALL = [{"role": "user", "content": 'call add({"a": 2})'}]
ADD = {"type": "function", "function": {"name": "add", "parameters": {"type": "object", "properties": {}}}}


@pytest.fixture
def where(stub: StubServer, record: Record) -> Any:
    with OpenAIPatch():
        yield {"api_base": stub.openai_url, "api_key": "stub", "max_retries": 0}


def test_litellm_on_openais_client(where: Any, record: Record) -> None:
    with LiteLLMAdapter():
        litellm.completion(model="openai/gpt-4o", messages=CALL, tools=[ADD], **where)
        list(litellm.completion(model="openai/gpt-4o", messages=HI, stream=True, **where))
    assert record.types == ["llm_call", "tool_call", "llm_call", "agent_message"]


def test_a_failure_under_litellm(where: Any, record: Record) -> None:
    with LiteLLMAdapter(), pytest.raises(litellm.RateLimitError):
        litellm.completion(model="openai/gpt-4o-error-429", messages=HI, **where)
    assert record.types == ["llm_call", "error"]


async def test_litellm_on_openais_async_client(where: Any, record: Record) -> None:
    with LiteLLMAdapter():
        await litellm.acompletion(model="openai/gpt-4o", messages=HI, **where)
        with pytest.raises(litellm.InternalServerError):
            await litellm.acompletion(model="openai/gpt-4o-error-500", messages=HI, **where)
    assert record.types == ["llm_call", "agent_message", "llm_call", "error"]


def test_pydantic_ai_on_openais_client(where: Any, record: Record, stub: StubServer) -> None:
    models = framework("pydantic_ai.models.openai")
    provider = framework("pydantic_ai.providers.openai").OpenAIProvider(
        base_url=stub.openai_url, api_key="stub"
    )
    agent = pydantic_ai.Agent(models.OpenAIChatModel("gpt-4o", provider=provider), name="booker")

    @agent.tool_plain
    def add(a: int) -> int:
        """Add."""
        return a + 1

    PydanticAIAdapter(agent).run_sync('call add({"a": 2})')
    assert record.types == [
        "span_start", "llm_call", "tool_call", "tool_result", "llm_call", "agent_message", "span_end",
    ]  # fmt: skip


def test_spans_of_a_call_that_is_recorded_anyway(stub: StubServer, record: Record) -> None:
    """The span ends first, so it is the one that is kept: known by the provider's id of the answer."""
    anthropic = framework("anthropic")
    patch = framework("promptetheus.adapters.anthropic").AnthropicPatch
    provider = trace.TracerProvider()
    provider.add_span_processor(OpenTelemetryBridge().processor())
    options = {"tracer_provider": provider}
    with patch(), anthropic.Anthropic(base_url=stub.url, api_key="stub", open_telemetry=options) as client:
        client.messages.create(model="claude-sonnet-5", max_tokens=9, messages=HI)
    assert record.types == ["llm_call"]
    provider.shutdown()
