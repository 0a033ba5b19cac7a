"""Haystack, as it is called: pipelines, components side by side, agents with tools; sync, async, streamed."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import promptetheus as pt
from promptetheus import context
from promptetheus.adapters import HaystackAdapter
from promptetheus.adapters.openai import OpenAIPatch
from tests.adapters.frameworks import framework
from tests.adapters.recorded import Record
from tests.adapters.stub_server import StubServer

haystack = framework("haystack")
tracing = framework("haystack.tracing")
agents = framework("haystack.components.agents")
builders = framework("haystack.components.builders")
embedders = framework("haystack.components.embedders")
chat_generators = framework("haystack.components.generators.chat")
dataclasses = framework("haystack.dataclasses")
stores = framework("haystack.document_stores.in_memory")
retrievers = framework("haystack.components.retrievers.in_memory")
tools = framework("haystack.tools")
secrets = framework("haystack.utils")

Tracer: Any = tracing.Tracer
Span: Any = tracing.Span
if TYPE_CHECKING:
    ChatMessage = Any
else:  # Haystack reads the annotations of components
    ChatMessage = dataclasses.ChatMessage


@tools.tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tools.tool
def broken(a: int) -> int:
    """Always fails."""
    raise ValueError("no luck")


@tools.tool
def noted(a: int) -> int:
    """Records something of its own."""
    with pt.current().span(f"own {a}"):
        return a


@haystack.component
class Shout:
    """A component of the user's."""

    def __init__(self, fails: bool = False) -> None:
        self.fails = fails

    @haystack.component.output_types(text=str)
    def run(self, replies: list[ChatMessage]) -> dict[str, str]:
        if self.fails:
            raise ValueError("no luck")
        with pt.current().span("own"):
            return {"text": str(replies[0].text).upper()}


@pytest.fixture(autouse=True)
def adapter(record: Record) -> Iterator[Any]:
    with HaystackAdapter() as found:
        yield found


def said(text: str) -> list[Any]:
    return [dataclasses.ChatMessage.from_user(text)]


def chat(stub: StubServer, model: str = "gpt-4o", **options: Any) -> Any:
    return chat_generators.OpenAIChatGenerator(
        model=model,
        api_base_url=stub.openai_url,
        api_key=secrets.Secret.from_token("stub"),
        **{"max_retries": 0, **options},
    )


def asking(stub: StubServer, model: str = "gpt-4o", **options: Any) -> Any:
    pipeline = haystack.Pipeline()
    pipeline.add_component("llm", chat(stub, model, **options))
    pipeline.add_component("shout", Shout())
    pipeline.connect("llm.replies", "shout.replies")
    return pipeline


def agent(stub: StubServer, model: str = "gpt-4o", **options: Any) -> Any:
    return agents.Agent(chat_generator=chat(stub, model), tools=[add, broken, noted], **options)


def run(owner: Any, given: Any, is_async: bool) -> Any:
    """Run a pipeline or an agent."""
    return asyncio.run(run_async(owner, given)) if is_async else owner.run(given)


async def run_async(owner: Any, given: Any) -> Any:
    """Its clients are closed in the loop that they belong to: left to the garbage collector, they disturb another."""
    try:
        return await owner.run_async(given)
    finally:
        await owner.close_async()


both_ways = pytest.mark.parametrize("is_async", [False, True])


# ── pipelines ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.adapter("Haystack", "call", "spans", "async", "content by reference")
@both_ways
def test_a_pipeline_is_recorded_with_its_components_and_its_model(
    stub: StubServer, record: Record, is_async: bool
) -> None:
    before = context.span_stack.get()
    found = run(asking(stub), {"llm": {"messages": said("a secret question")}}, is_async)
    assert found["shout"]["text"] == "HELLO FROM THE STUB."
    whole = "haystack.pipeline.run"
    assert record.spans() == {"": [whole], whole: ["llm", "shout"], "shout": ["own"]}
    event = record.only("llm_call")
    payload, metadata = event["payload"], event["metadata"]
    assert (payload["model"], payload["input_tokens"], payload["output_tokens"]) == ("gpt-4o", 11, 7)
    assert (payload["cached_tokens"], payload["reasoning_tokens"]) == (4, 3)
    assert (metadata["finish_reason"], metadata["component"]) == ("stop", "llm") and metadata["cost_usd"] > 0
    assert payload["messages_ref"].startswith("sha256:") and "secret question" not in str(record.events)
    assert record.span_of(event) == "llm"
    assert record.only("agent_message")["payload"]["content"] == "Hello from the stub."
    assert context.span_stack.get() == before


@pytest.mark.adapter("Haystack", "content on request")
def test_prompts_are_recorded_when_asked_for(stub: StubServer, record: Record, adapter: Any) -> None:
    adapter.detach()
    with HaystackAdapter(capture_content=True):
        asking(stub).run({"llm": {"messages": said("about tea")}})
    assert "about tea" in str(record.only("llm_call")["metadata"]["messages"])


@pytest.mark.adapter("Haystack", "streaming")
def test_a_streamed_answer_is_recorded(stub: StubServer, record: Record) -> None:
    pieces: list[Any] = []
    options = {"stream_options": {"include_usage": True}}
    pipeline = asking(stub, streaming_callback=pieces.append, generation_kwargs=options)
    pipeline.run({"llm": {"messages": said("hi"), "streaming_callback": pieces.append}})
    event = record.only("llm_call")
    assert pieces and event["metadata"]["streamed"] is True and "ttft_ms" in event["metadata"]
    assert event["payload"]["output_tokens"] == 7


@pytest.mark.adapter("Haystack", "stream left early", "failure")
def test_a_reader_that_has_enough_ends_the_call_as_it_ends_the_pipeline(
    stub: StubServer, record: Record
) -> None:
    def enough(_: Any) -> None:
        raise InterruptedError("enough")

    with pytest.raises(Exception, match="enough"):
        asking(stub).run({"llm": {"messages": said("hi"), "streaming_callback": enough}})
    assert record.only("llm_call")["metadata"]["error"]["error_type"] == "InterruptedError"
    assert len(record.of("error")) == 1


@pytest.mark.adapter("Haystack", "retries")
def test_a_call_that_its_client_tries_again_is_one_call(stub: StubServer, record: Record) -> None:
    found = haystack.Pipeline()
    found.add_component("llm", chat(stub, "gpt-4o-flaky", max_retries=2))
    found.run({"llm": {"messages": [dataclasses.ChatMessage.from_user("hi")]}})
    assert len(stub.requests) == 2
    assert "status" not in record.only("llm_call")["metadata"] and not record.of("error")


@pytest.mark.adapter("Haystack", "fallbacks", "failure")
def test_a_fallback_is_recorded_once_after_what_failed(stub: StubServer, record: Record) -> None:
    models = [chat(stub, model) for model in ("gpt-4o-error-500", "gpt-4o")]
    found = haystack.Pipeline()
    found.add_component("llm", chat_generators.FallbackChatGenerator(models))
    found.run({"llm": {"messages": [dataclasses.ChatMessage.from_user("hi")]}})
    failed, answered = record.of("llm_call")
    assert failed["metadata"]["status"] == "failed"
    assert (answered["payload"]["model"], answered["payload"]["input_tokens"]) == ("gpt-4o", 11)
    assert record.only("error")["payload"]["error_type"] == "InternalServerError"
    assert record.payloads("agent_message") == [{"content": "Hello from the stub."}]


@pytest.mark.adapter("Haystack", "failure")
@both_ways
def test_a_call_that_fails_is_one_error(stub: StubServer, record: Record, is_async: bool) -> None:
    for _ in range(2):
        with pytest.raises(Exception, match="500"):
            run(asking(stub, "gpt-4o-error-500"), {"llm": {"messages": said("hi")}}, is_async)
    assert [event["metadata"]["error"]["error_type"] for event in record.of("llm_call")] == [
        "InternalServerError"
    ] * 2
    assert len(record.of("error")) == 2
    ends = [event for event in record.events if event["payload"].get("name") == "span_end"]
    assert [event["metadata"]["status"] for event in ends] == ["failed"] * 4


@pytest.mark.adapter("Haystack", "failure")
@both_ways
def test_a_component_that_fails_is_one_error_in_its_span(
    stub: StubServer, record: Record, is_async: bool
) -> None:
    pipeline = haystack.Pipeline()
    pipeline.add_component("shout", Shout(fails=True))
    with pytest.raises(Exception, match="no luck"):
        run(pipeline, {"shout": {"replies": said("hi")}}, is_async)
    assert record.span_of(record.only("error")) == "shout"


@pytest.mark.adapter("Haystack", "parallel nodes", "spans")
async def test_components_side_by_side_keep_their_own_spans(stub: StubServer, record: Record) -> None:
    stub.piece_delay_s = 0.01
    pipeline = haystack.Pipeline()
    for name in ("left", "right"):
        pipeline.add_component(name, chat(stub))
    given = {name: {"messages": said(f'say "{name}"')} for name in ("left", "right")}
    await run_async(pipeline, given)
    assert sorted(record.spans()["haystack.pipeline.run"]) == ["left", "right"]
    for message in record.of("agent_message"):
        assert record.span_of(message) == message["payload"]["content"]


@pytest.mark.adapter("Haystack", "streaming", "stream left early", "async")
@pytest.mark.parametrize("is_left", [False, True])
async def test_a_pipeline_that_gives_its_outputs_one_by_one_is_recorded(
    stub: StubServer, record: Record, is_left: bool
) -> None:
    pipeline = asking(stub)
    outputs = pipeline.run_async_generator({"llm": {"messages": said("hi")}})
    async for _ in outputs:
        if is_left:
            break
    await outputs.aclose()
    await pipeline.close_async()
    assert len(record.of("llm_call")) == 1 and record.of("error") == []
    ends = {e["payload"]["span_name"]: e for e in record.events if e["payload"].get("name") == "span_end"}
    status = (ends["haystack.pipeline.run"].get("metadata") or {}).get("status")
    assert status == ("abandoned" if is_left else None)


@pytest.mark.adapter("Haystack", "streaming", "async")
async def test_a_pipeline_that_streams_is_recorded(stub: StubServer, record: Record) -> None:
    pipeline = asking(stub)
    pieces = [chunk async for chunk in pipeline.stream({"llm": {"messages": said("hi")}})]
    await pipeline.close_async()
    assert pieces and record.only("llm_call")["metadata"]["streamed"] is True
    assert record.only("agent_message")["payload"]["content"] == "Hello from the stub."


@pytest.mark.adapter("Haystack", "retrieval", "embeddings")
def test_retrievals_are_recorded_with_documents_and_scores(stub: StubServer, record: Record) -> None:
    store = stores.InMemoryDocumentStore()
    store.write_documents([haystack.Document(content="rain, rain", meta={"source": "poems.txt"})])
    pipeline = haystack.Pipeline()
    pipeline.add_component("poems", retrievers.InMemoryBM25Retriever(store))
    token = secrets.Secret.from_token("stub")
    pipeline.add_component(
        "embedder", embedders.OpenAITextEmbedder(api_base_url=stub.openai_url, api_key=token)
    )
    pipeline.run({"poems": {"query": "rain"}, "embedder": {"text": "rain"}})
    event = record.only("retrieval")
    (document,) = event["payload"]["documents"]
    assert event["payload"]["query"] == "rain" and event["metadata"]["component"] == "poems"
    assert (document["content"], document["source"]) == ("rain, rain", "poems.txt") and document["score"] > 0
    assert record.only("llm_call")["metadata"]["operation"] == "embeddings"
    assert record.only("llm_call")["payload"]["input_tokens"] == 5


@pytest.mark.adapter("Haystack", "structured output")
def test_structured_output_is_recorded(stub: StubServer, record: Record) -> None:
    schema = {"name": "day", "schema": {"type": "object", "properties": {"day": {"type": "integer"}}}}
    options = {"response_format": {"type": "json_schema", "json_schema": schema}}
    asking(stub, generation_kwargs=options).run({"llm": {"messages": said("hi")}})
    assert record.only("agent_message")["payload"]["content"] == '{"day": 3}'


# ── agents ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.adapter("Haystack", "tools", "parallel tools")
@both_ways
def test_an_agents_tools_are_recorded_with_the_models_ids(
    stub: StubServer, record: Record, is_async: bool
) -> None:
    question = said('call add({"a": 2, "b": 3}) and call add({"a": 4, "b": 5})')
    run(agent(stub), question, is_async)
    step = "haystack.agent.step"
    assert record.spans() == {"": ["haystack.agent.run"], "haystack.agent.run": [step, step]}
    first, _second = record.of("llm_call")
    calls = {event["payload"]["call_id"]: event["payload"]["arguments"] for event in record.of("tool_call")}
    assert set(calls) == {call["call_id"] for call in first["metadata"]["tool_calls"]}
    results = {result["call_id"]: result["result"] for result in record.payloads("tool_result")}
    assert results == {call_id: call["a"] + call["b"] for call_id, call in calls.items()}
    assert sorted(results.values()) == [5, 9]


@pytest.mark.adapter("Haystack", "tools", "spans")
def test_what_tools_at_the_same_time_record_is_inside_their_step(stub: StubServer, record: Record) -> None:
    agent(stub).run(said('call noted({"a": 1}) and call noted({"a": 2})'))
    assert sorted(record.spans()["haystack.agent.step"]) == ["own 1", "own 2"]


@pytest.mark.adapter("Haystack", "tools", "failure")
@both_ways
def test_tools_that_fail_or_do_not_exist_are_failed_calls(
    stub: StubServer, record: Record, is_async: bool
) -> None:
    question = said('call broken({"a": 1}) and call nope({"x": 1})')
    run(agent(stub), question, is_async)
    calls = {call["call_id"]: call for call in record.payloads("tool_call")}
    found = {
        calls[result["call_id"]]["tool_name"]: result["error"] for result in record.payloads("tool_result")
    }
    assert "no luck" in found["broken"] and "not found" in found["nope"]
    assert {call["tool_name"]: call["arguments"] for call in calls.values()}["nope"] == {"x": 1}
    assert record.of("error") == []


@pytest.mark.adapter("Haystack", "tools", "failure")
def test_a_tool_whose_failure_ends_the_agent_is_one_error(stub: StubServer, record: Record) -> None:
    strict = agent(stub, raise_on_tool_invocation_failure=True)
    with pytest.raises(Exception, match="no luck"):
        strict.run(said('call broken({"a": 1})'))
    assert "no luck" in record.only("tool_result")["payload"]["error"]
    assert len(record.of("error")) == 1


@pytest.mark.adapter("Haystack", "failure", "async")
async def test_a_model_that_fails_in_an_agent_is_one_error(stub: StubServer, record: Record) -> None:
    with pytest.raises(Exception, match="500"):
        await run_async(agent(stub, "gpt-4o-error-500"), said("hi"))
    assert record.only("llm_call")["metadata"]["status"] == "failed" and len(record.of("error")) == 1


@pytest.mark.adapter("Haystack", "sub-agents")
def test_an_agent_that_a_tool_calls_is_inside_the_calling_step(stub: StubServer, record: Record) -> None:
    inner = agent(stub)

    @tools.tool
    def ask(a: int) -> str:
        """Ask who can add."""
        return str(inner.run(said(f'call add({{"a": {a}, "b": 3}})'))["messages"][-1].text)

    agents.Agent(chat_generator=chat(stub), tools=[ask]).run(said('call ask({"a": 2})'))
    assert record.spans()[""] == ["haystack.agent.run"]
    assert "haystack.agent.run" in record.spans()["haystack.agent.step"]
    assert [call["tool_name"] for call in record.payloads("tool_call")] == ["ask", "add"]
    assert len({call["call_id"] for call in record.payloads("tool_call")}) == 2


# ── sessions, threads, attaching ─────────────────────────────────────────────────────────────────────────


@pytest.mark.adapter("Haystack", "two sessions")
def test_two_adapters_record_each_into_its_own_session(stub: StubServer, spool: Path, adapter: Any) -> None:
    adapter.detach()
    with Record(spool) as one, Record(spool) as two:
        first, second = HaystackAdapter(one.session).attach(), HaystackAdapter(two.session).attach()
        asking(stub).run({"llm": {"messages": said("hi")}})
        first.detach()
        asking(stub).run({"llm": {"messages": said("hi")}})
        second.detach()
        assert (len(one.of("llm_call")), len(two.of("llm_call"))) == (1, 2)
        assert one.spans()["haystack.pipeline.run"] == ["llm", "shout"]
    assert not tracing.is_tracing_enabled()


@pytest.mark.adapter("Haystack", "many threads")
def test_threads_with_sessions_of_their_own_never_mix(stub: StubServer, spool: Path) -> None:
    records: dict[int, Record] = {}

    def work(number: int) -> None:
        with Record(spool) as found:
            records[number] = found
            for turn in range(3):
                asking(stub).run({"llm": {"messages": said(f'say "{number}.{turn}"')}})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, found in records.items():
        texts = [message["content"] for message in found.payloads("agent_message")]
        assert texts == [f"{number}.{turn}" for turn in range(3)]
        assert found.spans()["haystack.pipeline.run"] == ["llm", "shout"] * 3


@pytest.mark.adapter("Haystack", "many tasks")
async def test_tasks_with_sessions_of_their_own_never_mix(stub: StubServer, spool: Path) -> None:
    async def work(number: int) -> Record:
        with Record(spool) as found:
            await run_async(agent(stub), said(f'call add({{"a": {number}, "b": 0}})'))
        return found

    for number, found in enumerate(await asyncio.gather(*(work(number) for number in range(5)))):
        assert found.only("tool_call")["payload"]["arguments"] == {"a": number, "b": 0}
        assert len(found.of("llm_call")) == 2 and len(found.spans()["haystack.agent.run"]) == 2


class _Other(Tracer):
    """A tracer of somebody else."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.tags: dict[str, Any] = {}

    @contextlib.contextmanager
    def trace(self, operation_name: str, tags: Any = None, parent_span: Any = None) -> Iterator[Any]:
        self.names.append(operation_name)
        other = self

        class OtherSpan(Span):
            def set_tag(self, key: str, value: Any) -> None:
                other.tags[key] = value

        assert parent_span is None or type(parent_span).__name__ == "OtherSpan"
        yield OtherSpan()

    def current_span(self) -> Any:
        return None


@pytest.mark.adapter("Haystack", "attach", "detach")
def test_the_tracer_that_was_there_goes_on_and_is_there_afterwards(
    stub: StubServer, record: Record, adapter: Any
) -> None:
    adapter.detach()
    other = _Other()
    tracing.enable_tracing(other)
    try:
        with HaystackAdapter():
            asking(stub).run({"llm": {"messages": said("hi")}})
        assert other.names == ["haystack.pipeline.run", "haystack.component.run", "haystack.component.run"]
        assert "haystack.component.visits" in other.tags and "haystack.component.output" not in other.tags
        assert tracing.tracer.actual_tracer is other and len(record.of("llm_call")) == 1
    finally:
        tracing.disable_tracing()


@pytest.mark.adapter("Haystack", "two adapters")
@both_ways
def test_a_call_that_the_clients_adapter_sees_too_is_recorded_once(
    stub: StubServer, record: Record, is_async: bool
) -> None:
    with OpenAIPatch():
        run(asking(stub), {"llm": {"messages": said("hi")}}, is_async)
        with pytest.raises(Exception, match="500"):
            run(asking(stub, "gpt-4o-error-500"), {"llm": {"messages": said("hi")}}, is_async)
    assert len(record.of("llm_call")) == 2 and len(record.of("error")) == 1
    assert record.span_of(record.of("llm_call")[0]) == "llm"


@pytest.mark.adapter("Haystack", "attach")
def test_it_may_be_enabled_as_any_tracer(stub: StubServer, record: Record, adapter: Any) -> None:
    adapter.detach()
    tracing.enable_tracing(HaystackAdapter())
    try:
        asking(stub).run({"llm": {"messages": said("hi")}})
    finally:
        tracing.disable_tracing()
    assert len(record.of("llm_call")) == 1
