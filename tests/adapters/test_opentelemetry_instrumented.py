"""Frameworks under the instrumentations that OpenInference makes for them, told by their spans alone."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from promptetheus.adapters import OpenTelemetryBridge
from tests.adapters.frameworks import framework
from tests.adapters.recorded import Record
from tests.adapters.stub_server import StubServer

sdk = framework("opentelemetry.sdk.trace")

ADD = 'call add({"a": 2, "b": 3})'


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


async def ask_autogen(stub: StubServer, task: str, **options: Any) -> None:
    info = dict.fromkeys(("function_calling", "json_output", "structured_output"), True)
    client = framework("autogen_ext.models.openai").OpenAIChatCompletionClient(
        model="gpt-4o",
        base_url=stub.openai_url,
        api_key="stub",
        model_info={**info, "vision": False, "family": "unknown"},
    )
    agents = framework("autogen_agentchat.agents")
    await agents.AssistantAgent("helper", client, tools=[add], **options).run(task=task)
    await client.close()


@pytest.fixture
def instrument() -> Iterator[Callable[[str, str], None]]:
    """Put an instrumentation in place, whose spans become events."""
    provider = sdk.TracerProvider()
    provider.add_span_processor(OpenTelemetryBridge().processor())
    made: list[Any] = []

    def put(package: str, name: str) -> None:
        made.append(getattr(framework(f"openinference.instrumentation.{package}"), name)())
        made[-1].instrument(tracer_provider=provider, skip_dep_check=True)

    yield put
    for instrumentor in made:
        instrumentor.uninstrument()
    provider.shutdown()


def assert_one_tool_between_two_calls(record: Record) -> None:
    """What the model asked for and the tool's own span are one call, with the model's id."""
    assert [kind for kind in record.types if kind != "state_change" and not kind.startswith("span_")] == [
        "llm_call", "tool_call", "tool_result", "llm_call", "agent_message",
    ]  # fmt: skip
    asked = record.only("tool_call")["payload"]
    assert (asked["tool_name"], asked["arguments"]) == ("add", {"a": 2, "b": 3})
    assert asked["call_id"].startswith("call_")
    found = record.only("tool_result")["payload"]
    assert (found["call_id"], str(found["result"])) == (asked["call_id"], "5")
    for payload in record.payloads("llm_call"):
        assert (payload["input_tokens"], payload["output_tokens"]) == (11, 7)
    assert record.payloads("agent_message") == [{"content": "The tools said: 5"}]


@pytest.mark.adapter("OpenTelemetry", "inbound: OpenInference", "tools", "spans")
def test_langchains_spans_are_recorded(stub: StubServer, record: Record, instrument: Any) -> None:
    instrument("langchain", "LangChainInstrumentor")
    model = framework("langchain_openai").ChatOpenAI(model="gpt-4o", base_url=stub.openai_url, api_key="stub")
    agent = framework("langchain.agents").create_agent(model, tools=[add])
    agent.invoke({"messages": [{"role": "user", "content": ADD}]})
    assert_one_tool_between_two_calls(record)
    assert record.spans() == {"": ["LangGraph"], "LangGraph": ["model", "tools", "model"]}
    assert {record.span_of(call) for call in record.of("llm_call")} == {"model"}
    assert record.span_of(record.only("tool_result")) == "tools"


@pytest.mark.adapter("OpenTelemetry", "inbound: OpenInference", "tools", "spans", "async")
def test_autogens_spans_are_recorded(stub: StubServer, record: Record, instrument: Any) -> None:
    instrument("autogen_agentchat", "AutogenAgentChatInstrumentor")
    asyncio.run(ask_autogen(stub, ADD, reflect_on_tool_use=True))
    assert_one_tool_between_two_calls(record)
    assert record.spans() == {"": ["helper.on_messages_stream"]}


@pytest.mark.adapter("OpenTelemetry", "inbound: OpenInference", "parallel tools")
def test_tools_of_one_name_are_told_apart_by_their_arguments(
    stub: StubServer, record: Record, instrument: Any
) -> None:
    instrument("autogen_agentchat", "AutogenAgentChatInstrumentor")
    asyncio.run(ask_autogen(stub, 'call add({"a": 2, "b": 3}) and call add({"a": 4, "b": 5})'))
    sums = {call["call_id"]: str(sum(call["arguments"].values())) for call in record.payloads("tool_call")}
    assert sorted(sums.values()) == ["5", "9"]
    assert {found["call_id"]: found["result"] for found in record.payloads("tool_result")} == sums


@pytest.mark.adapter("OpenTelemetry", "inbound: OpenInference", "tools", "spans")
def test_dspys_spans_are_recorded(record: Record, instrument: Any) -> None:
    instrument("dspy", "DSPyInstrumentor")
    dspy = framework("dspy")
    steps = [
        {"next_thought": "t", "next_tool_name": "add", "next_tool_args": {"a": 2, "b": 3}},
        {"next_thought": "t", "next_tool_name": "finish", "next_tool_args": {}},
        {"reasoning": "because", "answer": "five"},
    ]
    with dspy.context(lm=framework("dspy.utils.dummies").DummyLM(steps)):
        dspy.ReAct("question -> answer", tools=[add])(question="q")
    assert len(record.of("llm_call")) == 3
    first, last = record.payloads("tool_call")
    assert (first["tool_name"], first["arguments"]) == ("add", {"a": 2, "b": 3})
    assert (last["tool_name"], last["arguments"]) == ("finish", {})
    assert str(record.payloads("tool_result")[0]["result"]) == "5"
    assert record.spans()[""] == ["ReAct.forward"]


@pytest.mark.adapter("OpenTelemetry", "inbound: OpenInference", "retrieval")
def test_a_search_is_recorded_once_though_one_method_calls_another(record: Record, instrument: Any) -> None:
    core = framework("llama_index.core")
    embeddings, mocks = framework("llama_index.core.embeddings"), framework("llama_index.core.llms.mock")
    embedder = embeddings.MockEmbedding(embed_dim=8)
    index = core.VectorStoreIndex.from_documents([core.Document(text="One.")], embed_model=embedder)
    instrument("llama_index", "LlamaIndexInstrumentor")
    index.as_query_engine(llm=mocks.MockLLM(max_tokens=4)).query("hi")
    (found,) = record.payloads("retrieval")
    assert found["query"] == "hi"
    assert [(document["content"], "score" in document) for document in found["documents"]] == [("One.", True)]
    operations = [event["metadata"]["operation"] for event in record.of("llm_call")]
    assert operations.count("embeddings") == 1


@pytest.mark.adapter("OpenTelemetry", "inbound: OpenInference", "tools", "failure")
def test_a_tool_that_fails_is_recorded_with_its_error(
    stub: StubServer, record: Record, instrument: Any
) -> None:
    def book(day: int) -> str:
        """Book a day."""
        raise LookupError("no slot")

    instrument("langchain", "LangChainInstrumentor")
    model = framework("langchain_openai").ChatOpenAI(model="gpt-4o", base_url=stub.openai_url, api_key="stub")
    agent = framework("langchain.agents").create_agent(model, tools=[book])
    with pytest.raises(LookupError):
        agent.invoke({"messages": [{"role": "user", "content": 'call book({"day": 2})'}]})
    asked, found = record.only("tool_call")["payload"], record.only("tool_result")["payload"]
    assert asked["call_id"] == found["call_id"] and "no slot" in found["error"]
