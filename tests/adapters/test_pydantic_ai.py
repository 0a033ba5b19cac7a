"""PydanticAI agents, in every way they are run."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import promptetheus as pt
from promptetheus.adapters import PydanticAIAdapter
from promptetheus.adapters.pydantic_ai import PydanticAIPatch
from tests.adapters.frameworks import framework
from tests.adapters.recorded import Record
from tests.adapters.stub_server import StubServer

pydantic_ai = framework("pydantic_ai")
pydantic = framework("pydantic")
openai_models = framework("pydantic_ai.models.openai")
openai_provider = framework("pydantic_ai.providers.openai")


class Slot(pydantic.BaseModel):  # type: ignore[name-defined]
    day: str
    hour: int


def plain_agent(stub: StubServer, model: str = "gpt-4o", **options: Any) -> Any:
    provider = openai_provider.OpenAIProvider(base_url=stub.openai_url, api_key="stub")
    chat = openai_models.OpenAIChatModel(model, provider=provider)
    agent = pydantic_ai.Agent(chat, name="booker", **options)

    @agent.tool_plain
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    @agent.tool_plain
    def fail(reason: str) -> int:
        """Fail."""
        raise KeyError(reason)

    @agent.tool_plain
    def again(reason: str) -> int:
        """Ask for another try."""
        raise pydantic_ai.ModelRetry(reason)

    return agent


@pytest.fixture
def agent(stub: StubServer) -> Any:
    return PydanticAIAdapter(plain_agent(stub))


@pytest.mark.adapter("PydanticAI", "call")
def test_a_run_is_a_span_with_its_model_call_and_message(agent: Any, record: Record) -> None:
    assert agent.run_sync("hi").output == "Hello from the stub."
    assert record.types == ["span_start", "llm_call", "agent_message", "span_end"]
    event = record.only("llm_call")
    assert (event["payload"]["input_tokens"], event["payload"]["output_tokens"]) == (11, 7)
    assert (event["payload"]["cached_tokens"], event["payload"]["reasoning_tokens"]) == (4, 3)
    assert event["metadata"]["finish_reason"] == "stop"
    assert event["metadata"]["cost_usd"] > 0
    assert event["metadata"]["provider"] == "openai"
    assert record.span_of(event) == "booker"


@pytest.mark.adapter("PydanticAI", "tools", "parallel tools")
def test_tools_are_recorded_with_arguments_ids_and_results(agent: Any, record: Record) -> None:
    agent.run_sync('call add({"a": 2, "b": 3}) and call add({"a": 4, "b": 5})')
    calls, results = record.payloads("tool_call"), record.payloads("tool_result")
    assert [call["arguments"] for call in calls] == [{"a": 2, "b": 3}, {"a": 4, "b": 5}]
    assert {r["call_id"]: r["result"] for r in results} == {calls[0]["call_id"]: 5, calls[1]["call_id"]: 9}
    assert len(record.of("llm_call")) == 2


@pytest.mark.adapter("PydanticAI", "async")
async def test_an_async_run_is_recorded(record: Record, stub: StubServer) -> None:
    await PydanticAIAdapter(plain_agent(stub)).run('call add({"a": 2, "b": 3})')
    assert record.types == [
        "span_start", "llm_call", "tool_call", "tool_result", "llm_call", "agent_message", "span_end",
    ]  # fmt: skip


@pytest.mark.adapter("PydanticAI", "streaming")
async def test_a_streamed_run_is_recorded_with_its_time_to_first_token(
    record: Record, stub: StubServer
) -> None:
    async with PydanticAIAdapter(plain_agent(stub)).run_stream("hi") as result:
        assert [text async for text in result.stream_text(delta=True)]
    event = record.only("llm_call")
    assert event["metadata"]["streamed"] is True
    assert 0 <= event["metadata"]["ttft_ms"] <= event["payload"]["latency_ms"]
    assert event["payload"]["output_tokens"] == 7
    assert record.only("agent_message")["payload"]["content"] == "Hello from the stub."


@pytest.mark.adapter("PydanticAI", "stream left early")
async def test_a_streamed_run_that_is_left_early_is_recorded(record: Record, stub: StubServer) -> None:
    stub.piece_delay_s = 0.02
    async with PydanticAIAdapter(plain_agent(stub)).run_stream("hi") as result:
        async for _ in result.stream_text(delta=True, debounce_by=None):
            break
    assert len(record.of("llm_call")) == 1
    assert record.types[-1] == "span_end"


@pytest.mark.adapter("PydanticAI", "streaming")
def test_a_synchronous_stream_is_recorded(agent: Any, record: Record) -> None:
    with agent.run_stream_sync("hi") as result:
        assert "".join(result.stream_text(delta=True)) == "Hello from the stub."
    assert record.only("llm_call")["payload"]["output_tokens"] == 7


@pytest.mark.adapter("PydanticAI", "streaming", "tools")
async def test_a_run_streamed_as_events_is_recorded(record: Record, stub: StubServer) -> None:
    adapter = PydanticAIAdapter(plain_agent(stub))
    async with adapter.run_stream_events('call add({"a": 2, "b": 3})') as events:
        assert [event async for event in events]
    assert len(record.of("llm_call")) == 2
    assert record.only("tool_result")["payload"]["result"] == 5


@pytest.mark.adapter("PydanticAI", "iter")
async def test_a_run_taken_node_by_node_is_recorded(record: Record, stub: StubServer) -> None:
    async with PydanticAIAdapter(plain_agent(stub)).iter('call add({"a": 2, "b": 3})') as run:
        async for _ in run:
            pass
    assert record.types[0] == "span_start" and record.types[-1] == "span_end"
    assert record.only("tool_result")["payload"]["result"] == 5


@pytest.mark.adapter("PydanticAI", "iter", "stream left early")
async def test_a_run_that_is_left_half_way_is_recorded_up_to_there(record: Record, stub: StubServer) -> None:
    async with PydanticAIAdapter(plain_agent(stub)).iter('call add({"a": 2, "b": 3})') as run:
        async for node in run:
            if pydantic_ai.Agent.is_call_tools_node(node):
                break
    assert record.types[:3] == ["span_start", "llm_call", "tool_call"]
    assert record.types[-1] == "span_end"


@pytest.mark.adapter("PydanticAI", "structured output")
def test_structured_output_is_a_tool_with_its_result(record: Record, stub: StubServer) -> None:
    result = PydanticAIAdapter(plain_agent(stub)).run_sync("book", output_type=Slot)
    assert result.output == Slot(day="text", hour=3)
    assert record.only("tool_call")["payload"]["tool_name"] == "final_result"
    assert record.only("tool_result")["payload"]["result"] == {"day": "text", "hour": 3}


@pytest.mark.adapter("PydanticAI", "retries", "tools")
def test_a_tool_that_asks_for_another_try_has_failed(agent: Any, record: Record) -> None:
    with pytest.raises(pydantic_ai.exceptions.UnexpectedModelBehavior):
        agent.run_sync('call again({"reason": "no slot"}) then call again({"reason": "still none"})')
    errors = [result["error"] for result in record.payloads("tool_result")]
    assert "no slot" in errors[0]
    assert len(record.of("error")) == 1


@pytest.mark.adapter("PydanticAI", "retries", "tools")
def test_arguments_that_do_not_fit_are_a_failed_call(agent: Any, record: Record) -> None:
    agent.run_sync('call add({"a": "two", "b": 3}) then call add({"a": 2, "b": 3})')
    first, second = record.payloads("tool_result")
    assert "valid integer" in first["error"] and first["result"] is None
    assert (second["result"], second["error"]) == (5, None)


@pytest.mark.adapter("PydanticAI", "failure", "tools")
def test_a_tool_that_does_not_exist_is_a_failed_call(stub: StubServer, record: Record) -> None:
    PydanticAIAdapter(plain_agent(stub)).run_sync('call no_such_tool({"a": 2})')
    assert record.only("tool_call")["payload"]["tool_name"] == "no_such_tool"
    assert "no_such_tool" in record.only("tool_result")["payload"]["error"]


@pytest.mark.adapter("PydanticAI", "failure", "tools")
def test_a_tool_that_raises_fails_the_run_and_everything_before_is_there(agent: Any, record: Record) -> None:
    with pytest.raises(KeyError):
        agent.run_sync('call add({"a": 2, "b": 3}) then call fail({"reason": "full"})')
    assert record.payloads("tool_result")[0]["result"] == 5
    assert record.payloads("tool_result")[1]["error"] == "KeyError: 'full'"
    assert record.only("error")["payload"]["error_type"] == "KeyError"
    assert record.events[-1]["metadata"]["status"] == "failed"


@pytest.mark.adapter("PydanticAI", "failure")
def test_a_model_that_fails_is_recorded_once_with_its_error(record: Record, stub: StubServer) -> None:
    with pytest.raises(pydantic_ai.exceptions.ModelHTTPError):
        PydanticAIAdapter(plain_agent(stub, "gpt-4o-error-400")).run_sync("hi")
    assert record.types == ["span_start", "llm_call", "error", "span_end"]
    assert record.only("llm_call")["metadata"]["error"]["status_code"] == 400


@pytest.mark.adapter("PydanticAI", "failure", "streaming")
async def test_a_stream_that_breaks_is_recorded_with_its_error(record: Record, stub: StubServer) -> None:
    with pytest.raises(Exception, match=r"."):
        async with PydanticAIAdapter(plain_agent(stub, "gpt-4o-stream-error")).run_stream("hi") as result:
            async for _ in result.stream_text(delta=True, debounce_by=None):
                pass
    assert record.only("llm_call")["metadata"]["status"] == "failed"
    assert len(record.of("error")) == 1


@pytest.mark.adapter("PydanticAI", "sub-agents", "spans")
def test_an_agent_that_a_tool_calls_is_a_span_inside(record: Record, stub: StubServer) -> None:
    outer, inner = plain_agent(stub), plain_agent(stub)
    inner.name = "helper"

    @outer.tool_plain
    async def ask_helper(question: str) -> str:
        """Ask."""
        return str((await PydanticAIAdapter(inner).run(question)).output)

    @outer.tool_plain
    @pt.traced("lookup")
    def look(question: str) -> str:
        """Look."""
        return question

    PydanticAIAdapter(outer).run_sync('call ask_helper({"question": "hi"}) and call look({"question": "x"})')
    spans = record.spans()
    assert spans[""] == ["booker"]
    assert sorted(spans["booker"]) == ["helper", "lookup"]
    assert [record.span_of(event) for event in record.of("llm_call")] == ["booker", "helper", "booker"]


@pytest.mark.adapter("PydanticAI", "conversations")
def test_a_run_that_continues_another_does_not_record_it_again(agent: Any, record: Record) -> None:
    first = agent.run_sync("hi")
    agent.run_sync('say "again"', message_history=first.all_messages())
    said = [message["content"] for message in record.payloads("agent_message")]
    assert said == ["Hello from the stub.", "again"]


@pytest.mark.adapter("PydanticAI", "content by reference")
def test_prompts_are_captured_only_when_asked_for(stub: StubServer, record: Record) -> None:
    PydanticAIAdapter(plain_agent(stub)).run_sync("mail me@example.com")
    PydanticAIAdapter(plain_agent(stub), capture_content=True).run_sync("mail me@example.com")
    hashed, captured = record.of("llm_call")
    assert hashed["payload"]["messages_ref"] == captured["payload"]["messages_ref"]
    assert "messages" not in hashed["metadata"] and "messages" in captured["metadata"]
    assert "me@example.com" not in str(record.events)
    assert record.only("user_message")["payload"]["content"].startswith("mail ")


@pytest.mark.adapter("PydanticAI", "two sessions", "many tasks")
async def test_runs_at_the_same_time_in_sessions_of_their_own_never_mix(
    record: Record, stub: StubServer, spool: Path
) -> None:
    adapter = PydanticAIAdapter(plain_agent(stub))

    async def work(number: int) -> list[str]:
        with Record(spool) as found:
            await asyncio.gather(*(adapter.run(f'say "{number}.{turn}"') for turn in range(3)))
        return sorted(message["content"] for message in found.payloads("agent_message"))

    said = await asyncio.gather(*(work(number) for number in range(4)))
    assert said == [[f"{number}.{turn}" for turn in range(3)] for number in range(4)]
    assert record.events == []


@pytest.mark.adapter("PydanticAI", "many threads")
def test_threads_never_mix(spool: Path) -> None:
    test_model = framework("pydantic_ai.models.test").TestModel
    agent = PydanticAIAdapter(pydantic_ai.Agent(name="many"))
    records: dict[int, Record] = {}

    def work(number: int) -> None:
        with Record(spool) as found:
            records[number] = found
            agent.run_sync("hi", model=test_model(custom_output_text=str(number)))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {n: r.payloads("agent_message")[0]["content"] for n, r in records.items()} == {
        n: str(n) for n in range(4)
    }


@pytest.mark.adapter("PydanticAI", "all agents", "detach")
def test_all_agents_are_recorded_while_the_patch_is_attached(stub: StubServer, record: Record) -> None:
    before = pydantic_ai.Agent.iter, framework("pydantic_ai.models").StreamedResponse.time_to_first_chunk
    agent = plain_agent(stub)
    with PydanticAIPatch(), PydanticAIPatch():
        agent.run_sync("hi")
        PydanticAIAdapter(agent).run_sync("hi")
    agent.run_sync("hi")
    assert len(record.of("llm_call")) == 2
    after = pydantic_ai.Agent.iter, framework("pydantic_ai.models").StreamedResponse.time_to_first_chunk
    assert after == before


def test_the_agents_runs_do_not_become_streams(agent: Any, record: Record, stub: StubServer) -> None:
    agent.run_sync("hi")
    assert not stub.requests[0].body.get("stream")


def test_an_object_like_an_agent_is_recorded_from_its_messages(record: Record) -> None:
    class ModelResponse(SimpleNamespace):
        pass

    class ModelRequest(SimpleNamespace):
        pass

    messages = [
        ModelResponse(
            model_name="m",
            usage=SimpleNamespace(request_tokens=3, response_tokens=2),
            parts=[SimpleNamespace(part_kind="tool-call", tool_name="t", args='{"x": 1}', tool_call_id="c")],
        ),
        ModelRequest(parts=[SimpleNamespace(part_kind="tool-return", tool_call_id="c", content="r")]),
        ModelResponse(model_name="m", usage=None, parts=[SimpleNamespace(part_kind="text", content="done")]),
    ]
    fake = SimpleNamespace(run_sync=lambda prompt: SimpleNamespace(all_messages=lambda: messages))
    PydanticAIAdapter(fake).run_sync("hi")
    assert record.types == ["llm_call", "tool_call", "tool_result", "llm_call", "agent_message"]
    assert record.only("tool_call")["payload"]["arguments"] == {"x": 1}
    assert record.of("llm_call")[0]["payload"]["input_tokens"] == 3
