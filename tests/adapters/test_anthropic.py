"""Anthropic's client, as it is called: whole, streamed, through its helpers, sync and async."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from promptetheus.adapters import AnthropicAdapter
from promptetheus.adapters.anthropic import AnthropicPatch
from tests.adapters.frameworks import framework
from tests.adapters.recorded import Record
from tests.adapters.stub_server import StubServer

anthropic = framework("anthropic")
pydantic = framework("pydantic")

MODEL = "claude-sonnet-5"
HI = [{"role": "user", "content": "hi"}]
ADD = {
    "name": "add",
    "description": "adds",
    "input_schema": {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        "required": ["a", "b"],
    },
}


class Slot(pydantic.BaseModel):  # type: ignore[name-defined]
    day: str
    hour: int


@pytest.fixture
def client(stub: StubServer) -> Any:
    with anthropic.Anthropic(base_url=stub.url, api_key="stub", max_retries=0) as found:
        yield AnthropicAdapter(found)


@pytest.fixture
async def async_client(stub: StubServer, record: Record) -> Any:
    async with anthropic.AsyncAnthropic(base_url=stub.url, api_key="stub", max_retries=0) as found:
        yield AnthropicAdapter(found)


def ask(text: str = "hi", model: str = MODEL, **more: Any) -> dict[str, Any]:
    return {"model": model, "max_tokens": 64, "messages": [{"role": "user", "content": text}], **more}


@pytest.mark.adapter("Anthropic", "call")
def test_a_call_is_recorded_with_cached_tokens_among_the_input(client: Any, record: Record) -> None:
    answer = client.messages.create(**ask())
    assert type(answer) is anthropic.types.Message
    event = record.only("llm_call")
    payload, metadata = event["payload"], event["metadata"]
    assert (payload["input_tokens"], payload["cached_tokens"], payload["output_tokens"]) == (11, 4, 7)
    assert metadata["cache_write_tokens"] == 2
    assert metadata["finish_reason"] == "end_turn"
    assert metadata["response_id"] == answer.id
    assert payload["messages_ref"].startswith("sha256:")
    assert record.types == ["llm_call", "agent_message"]


@pytest.mark.adapter("Anthropic", "call")
def test_the_short_way_to_create_is_recorded_too(client: Any, record: Record) -> None:
    client.create(**ask())
    assert record.types == ["llm_call", "agent_message"]


@pytest.mark.adapter("Anthropic", "async")
async def test_async_calls_are_recorded(async_client: Any, record: Record) -> None:
    await async_client.messages.create(**ask())
    await async_client.acreate(**ask())
    assert record.types == ["llm_call", "agent_message"] * 2


@pytest.mark.adapter("Anthropic", "tools", "parallel tools")
def test_tools_are_recorded_with_arguments_ids_results_and_their_failures(
    client: Any, record: Record
) -> None:
    request = ask('call add({"a": 2, "b": 3}) and call add({"a": 4, "b": 5})', tools=[ADD])
    asked = client.messages.create(**request)
    first, second = asked.content
    results = [
        {"type": "tool_result", "tool_use_id": first.id, "content": [{"type": "text", "text": "5"}]},
        {"type": "tool_result", "tool_use_id": second.id, "content": "no such number", "is_error": True},
    ]
    request["messages"] += [
        {"role": "assistant", "content": asked.content},
        {"role": "user", "content": results},
    ]
    client.messages.create(**request)
    calls, found = record.payloads("tool_call"), record.payloads("tool_result")
    assert [call["arguments"] for call in calls] == [{"a": 2, "b": 3}, {"a": 4, "b": 5}]
    assert [result["call_id"] for result in found] == [call["call_id"] for call in calls]
    assert [result["result"] for result in found] == ["5", "no such number"]
    assert [result["error"] for result in found] == [None, "no such number"]


@pytest.mark.adapter("Anthropic", "streaming")
def test_a_stream_is_recorded_once_at_its_end(client: Any, record: Record) -> None:
    stream = client.messages.create(**ask(stream=True))
    assert isinstance(stream, anthropic.Stream)
    kinds = [event.type for event in stream]
    assert kinds[0] == "message_start" and kinds[-1] == "message_stop"
    event = record.only("llm_call")
    assert event["payload"]["output_tokens"] == 7 and event["payload"]["input_tokens"] == 11
    assert event["metadata"]["streamed"] is True and event["metadata"]["finish_reason"] == "end_turn"
    assert 0 <= event["metadata"]["ttft_ms"] <= event["payload"]["latency_ms"]
    assert record.only("agent_message")["payload"]["content"] == "Hello from the stub."


@pytest.mark.adapter("Anthropic", "streaming", "tools", "parallel tools")
def test_tools_of_a_stream_are_put_together_from_its_pieces(client: Any, record: Record) -> None:
    request = ask('call add({"a": 2, "b": 3}) and call add({"a": 4, "b": 5})', tools=[ADD], stream=True)
    list(client.messages.create(**request))
    assert [call["arguments"] for call in record.payloads("tool_call")] == [
        {"a": 2, "b": 3},
        {"a": 4, "b": 5},
    ]


@pytest.mark.adapter("Anthropic", "stream helper")
def test_the_stream_helper_is_recorded(client: Any, record: Record) -> None:
    with client.messages.stream(**ask()) as stream:
        assert "".join(stream.text_stream) == "Hello from the stub."
        assert stream.get_final_message().usage.output_tokens == 7
    assert record.types == ["llm_call", "agent_message"]
    assert "status" not in record.only("llm_call")["metadata"]


@pytest.mark.adapter("Anthropic", "stream helper", "async")
async def test_the_async_stream_helper_is_recorded(async_client: Any, record: Record) -> None:
    async with async_client.messages.stream(**ask()) as stream:
        assert [text async for text in stream.text_stream]
    assert record.types == ["llm_call", "agent_message"]


@pytest.mark.adapter("Anthropic", "stream left early")
def test_a_stream_that_is_left_early_is_recorded_with_what_was_read(client: Any, record: Record) -> None:
    with client.messages.stream(**ask()) as stream:
        for _ in stream.text_stream:
            break
    event = record.only("llm_call")
    assert event["metadata"]["status"] == "abandoned"
    assert event["payload"]["input_tokens"] == 11
    assert record.only("agent_message")["payload"]["content"] == "Hello "


@pytest.mark.adapter("Anthropic", "stream left early", "async")
async def test_an_async_stream_that_is_left_early_is_recorded(async_client: Any, record: Record) -> None:
    async with await async_client.messages.create(**ask(stream=True)) as stream:
        async for _ in stream:
            break
    assert record.only("llm_call")["metadata"]["status"] == "abandoned"


@pytest.mark.adapter("Anthropic", "structured output")
def test_parsed_messages_are_recorded(client: Any, record: Record) -> None:
    answer = client.messages.parse(**ask(), output_format=Slot)
    assert answer.parsed_output == Slot(day="text", hour=3)
    assert record.only("llm_call")["payload"]["output_tokens"] == 7


@pytest.mark.adapter("Anthropic", "beta", "tools")
def test_the_beta_messages_and_their_tool_runner_are_recorded(client: Any, record: Record) -> None:
    @anthropic.beta_tool
    def add(a: int, b: int) -> str:
        """Add two numbers."""
        return str(a + b)

    runner = client.beta.messages.tool_runner(**ask('call add({"a": 2, "b": 3})'), tools=[add])
    assert runner.until_done().content[0].text == "The tools said: 5"
    assert record.types == ["llm_call", "tool_call", "tool_result", "llm_call", "agent_message"]
    assert record.only("tool_result")["payload"]["result"] == "5"


@pytest.mark.adapter("Anthropic", "failure")
@pytest.mark.parametrize(
    ("model", "error_type"),
    [(f"{MODEL}-error-429", "RateLimitError"), (f"{MODEL}-error-500", "InternalServerError")],
)
def test_a_call_that_fails_is_recorded_with_its_error(
    client: Any, record: Record, model: str, error_type: str
) -> None:
    with pytest.raises(getattr(anthropic, error_type)):
        client.messages.create(**ask(model=model))
    assert record.types == ["llm_call", "error"]
    assert record.only("llm_call")["metadata"]["error"]["error_type"] == error_type
    assert record.only("error")["payload"]["error_type"] == error_type


@pytest.mark.adapter("Anthropic", "failure", "async")
async def test_an_async_call_that_fails_is_recorded(async_client: Any, record: Record) -> None:
    with pytest.raises(anthropic.InternalServerError):
        async with async_client.messages.stream(**ask(model=f"{MODEL}-error-500")) as stream:
            await stream.get_final_message()
    with pytest.raises(anthropic.APITimeoutError):
        await async_client.messages.create(**ask(model=f"{MODEL}-slow"), timeout=0.2)
    assert record.types == ["llm_call", "error"] * 2


@pytest.mark.adapter("Anthropic", "failure", "streaming")
def test_a_stream_that_breaks_is_recorded_with_its_error(client: Any, record: Record) -> None:
    with pytest.raises(anthropic.APIStatusError):
        list(client.messages.create(**ask(model=f"{MODEL}-stream-error", stream=True)))
    assert record.types == ["llm_call", "error"]
    assert record.only("llm_call")["payload"]["input_tokens"] == 11


@pytest.mark.adapter("Anthropic", "retries")
def test_retries_of_the_client_are_one_call_that_counts_them(stub: StubServer, record: Record) -> None:
    with anthropic.Anthropic(base_url=stub.url, api_key="stub", max_retries=2) as plain:
        AnthropicAdapter(plain).messages.create(**ask(model=f"{MODEL}-flaky"))
    assert record.only("llm_call")["metadata"]["retries"] == 1
    assert record.of("error") == []


@pytest.mark.adapter("Anthropic", "content by reference")
def test_prompts_are_captured_only_when_asked_for_and_redacted(stub: StubServer, record: Record) -> None:
    secret = "sk-ant-" + "a1B2c3D4e5F6g7H8i9J0" * 2
    with anthropic.Anthropic(base_url=stub.url, api_key="stub") as plain:
        AnthropicAdapter(plain).messages.create(**ask(f"key {secret}", system="be brief"))
        AnthropicAdapter(plain, capture_content=True).messages.create(
            **ask(f"key {secret}", system="be brief")
        )
    hashed, captured = record.of("llm_call")
    assert "messages" not in hashed["metadata"]
    assert captured["metadata"]["messages"]["system"] == "be brief"
    assert secret not in json.dumps(record.events)


@pytest.mark.adapter("Anthropic", "two sessions", "many threads")
def test_threads_with_sessions_of_their_own_never_mix(stub: StubServer, spool: Path) -> None:
    records: dict[int, Record] = {}
    with anthropic.Anthropic(base_url=stub.url, api_key="stub") as plain:
        client = AnthropicAdapter(plain)

        def work(number: int) -> None:
            with Record(spool) as found:
                records[number] = found
                for turn in range(3):
                    client.messages.create(**ask(f'say "{number}.{turn}"'))

        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for number, found in records.items():
        said = [message["content"] for message in found.payloads("agent_message")]
        assert said == [f"{number}.{turn}" for turn in range(3)]


@pytest.mark.adapter("Anthropic", "many tasks", "spans")
async def test_calls_at_the_same_time_each_belong_to_their_own_span(
    async_client: Any, record: Record
) -> None:
    async def work(number: int) -> None:
        with record.session.span(f"task {number}"):
            await async_client.messages.create(**ask(f'say "{number}"'))

    await asyncio.gather(*(work(number) for number in range(6)))
    for message in record.of("agent_message"):
        assert record.span_of(message) == f"task {message['payload']['content']}"


@pytest.mark.adapter("Anthropic", "all clients", "detach")
def test_all_clients_are_recorded_while_the_patch_is_attached(stub: StubServer, record: Record) -> None:
    base = framework("anthropic._base_client")
    before = (base.SyncAPIClient.request, base.AsyncAPIClient.request)
    with anthropic.Anthropic(base_url=stub.url, api_key="stub") as plain:
        with AnthropicPatch(record.session):
            plain.messages.create(**ask())
            AnthropicAdapter(plain).messages.create(**ask())
        plain.messages.create(**ask())
    assert len(record.of("llm_call")) == 2
    assert (base.SyncAPIClient.request, base.AsyncAPIClient.request) == before


def test_counting_tokens_is_no_model_call(client: Any, record: Record) -> None:
    client.messages.count_tokens(model=MODEL, messages=HI)
    assert record.events == []


class FakeClient:
    """What release 2.0.1 was tested with: an object with `messages.create`, without the library."""

    def __init__(self, answer: Any) -> None:
        self.messages = SimpleNamespace(create=lambda **kwargs: answer)


def test_an_object_that_only_looks_like_a_client_is_recorded(record: Record) -> None:
    usage = SimpleNamespace(input_tokens=3, output_tokens=True)
    blocks = [
        SimpleNamespace(type="text", text="first"),
        SimpleNamespace(type="tool_use", name="look", input="no object", id="t1"),
        SimpleNamespace(type="text", text="second"),
    ]
    adapter = AnthropicAdapter(FakeClient(SimpleNamespace(model="m", usage=usage, content=blocks)))
    adapter.create(model="m", messages=HI)
    assert record.types == ["llm_call", "agent_message", "tool_call", "agent_message"]
    payload = record.only("llm_call")["payload"]
    assert payload["input_tokens"] == 3 and "output_tokens" not in payload
    assert record.only("tool_call")["payload"] == {"tool_name": "look", "arguments": {}, "call_id": "t1"}


async def test_an_object_that_only_looks_like_an_async_client_is_recorded(record: Record) -> None:
    async def events() -> Any:
        yield {"type": "message_start", "message": {"model": "m", "usage": {"input_tokens": 3}}}
        yield {"type": "content_block_delta", "index": 0, "delta": {"text": "Hi"}}
        yield {"type": "message_delta", "usage": {"output_tokens": 2}}

    async def create(**kwargs: Any) -> Any:
        return events()

    adapter = AnthropicAdapter(SimpleNamespace(messages=SimpleNamespace(create=create)), record.session)
    stream = await adapter.acreate(model="m", messages=HI, stream=True)
    assert len([event async for event in stream]) == 3
    payload = record.only("llm_call")["payload"]
    assert (payload["input_tokens"], payload["output_tokens"]) == (3, 2)
    assert record.only("agent_message")["payload"]["content"] == "Hi"
