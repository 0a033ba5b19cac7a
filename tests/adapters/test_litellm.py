"""LiteLLM, as it is called: completions, responses, embeddings, streams, retries, a router."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest

import promptetheus as pt
from promptetheus.adapters import LiteLLMAdapter
from tests.adapters.frameworks import framework
from tests.adapters.recorded import Record
from tests.adapters.stub_server import StubServer

litellm = framework("litellm")

HI = [{"role": "user", "content": "hi"}]
ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
        },
    },
}


@pytest.fixture
def where(stub: StubServer, record: Record) -> Any:
    with LiteLLMAdapter():
        yield {"api_base": stub.openai_url, "api_key": "stub", "max_retries": 0}


def user(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


@pytest.mark.adapter("LiteLLM", "call")
def test_a_call_is_recorded_before_it_returns_with_litellms_own_cost(where: Any, record: Record) -> None:
    answer = litellm.completion(model="openai/gpt-4o", messages=HI, **where)
    event = record.only("llm_call")
    assert event["payload"]["input_tokens"] == 11 and event["payload"]["output_tokens"] == 7
    assert (event["payload"]["cached_tokens"], event["payload"]["reasoning_tokens"]) == (4, 3)
    assert event["metadata"]["cost_usd"] == pytest.approx(answer._hidden_params["response_cost"])
    assert event["metadata"]["provider"] == "openai"
    assert event["metadata"]["finish_reason"] == "stop"
    assert record.only("agent_message")["payload"]["content"] == "Hello from the stub."


@pytest.mark.adapter("LiteLLM", "call")
def test_a_call_is_recorded_once_however_late_litellm_reports_it(where: Any, record: Record) -> None:
    utils = framework("litellm.utils")
    litellm.completion(model="openai/gpt-4o", messages=HI, **where)
    utils.executor.submit(lambda: None).result()
    done = threading.Event()
    utils.executor.submit(done.set)
    assert done.wait(20)
    assert len(record.of("llm_call")) == 1


@pytest.mark.adapter("LiteLLM", "async")
def test_async_calls_under_a_short_loop_are_recorded_in_their_own_session(
    stub: StubServer, spool: Path
) -> None:
    where = {"api_base": stub.openai_url, "api_key": "stub"}

    async def run(number: int) -> None:
        async with pt.AsyncSession(agent="a", user_goal="g", spool_dir=spool, session_id=f"s{number}"):
            await litellm.acompletion(model="openai/gpt-4o", messages=user(f'say "{number}"'), **where)

    with LiteLLMAdapter():
        for number in range(3):
            asyncio.run(run(number))
    for number in range(3):
        lines = [json.loads(line) for line in (spool / f"s{number}.jsonl").read_text().splitlines()]
        assert [line["type"] for line in lines[1:]] == ["llm_call", "agent_message", "session_end"]
        assert lines[2]["payload"]["content"] == str(number)


@pytest.mark.adapter("LiteLLM", "tools", "parallel tools")
def test_tools_are_recorded_with_arguments_ids_and_results(where: Any, record: Record) -> None:
    messages = user('call add({"a": 2, "b": 3}) and call add({"a": 4, "b": 5})')
    answer = litellm.completion(model="openai/gpt-4o", messages=messages, tools=[ADD], **where)
    asked = answer.choices[0].message
    messages.append(asked.model_dump())
    for call in asked.tool_calls:
        messages.append({"role": "tool", "tool_call_id": call.id, "content": "7"})
    litellm.completion(model="openai/gpt-4o", messages=messages, tools=[ADD], **where)
    assert [call["arguments"] for call in record.payloads("tool_call")] == [
        {"a": 2, "b": 3},
        {"a": 4, "b": 5},
    ]
    assert [result["result"] for result in record.payloads("tool_result")] == ["7", "7"]


@pytest.mark.adapter("LiteLLM", "streaming")
def test_a_stream_is_recorded_once_at_its_end(where: Any, record: Record) -> None:
    options = {"stream": True, "stream_options": {"include_usage": True}}
    text = ""
    for chunk in litellm.completion(model="openai/gpt-4o", messages=HI, **options, **where):
        text += chunk.choices[0].delta.content or "" if chunk.choices else ""
    assert text == "Hello from the stub."
    event = record.only("llm_call")
    assert event["payload"]["output_tokens"] == 7
    assert event["metadata"]["streamed"] is True and "ttft_ms" in event["metadata"]
    assert record.payloads("agent_message") == [{"content": text}]


@pytest.mark.adapter("LiteLLM", "streaming", "async")
async def test_an_async_stream_is_recorded(where: Any, record: Record) -> None:
    await _read_async_stream(where)
    assert record.types == ["llm_call", "agent_message"]


async def _read_async_stream(where: Any) -> None:
    async for _ in await litellm.acompletion(model="openai/gpt-4o", messages=HI, stream=True, **where):
        pass


@pytest.mark.adapter("LiteLLM", "stream left early")
def test_a_stream_that_is_left_early_is_recorded_when_the_session_ends(stub: StubServer, spool: Path) -> None:
    with LiteLLMAdapter(), Record(spool) as record:
        for chunk in litellm.completion(
            model="openai/gpt-4o", messages=HI, stream=True, api_base=stub.openai_url, api_key="stub"
        ):
            if chunk.choices[0].delta.content:
                break
    assert record.only("llm_call")["metadata"]["status"] == "abandoned"
    assert record.only("agent_message")["payload"]["content"].startswith("Hello")


@pytest.mark.adapter("LiteLLM", "stream left early")
def test_a_stream_that_is_closed_early_is_recorded(where: Any, record: Record) -> None:
    stream = litellm.completion(model="openai/gpt-4o", messages=HI, stream=True, **where)
    next(stream)
    stream.close()
    assert record.only("llm_call")["metadata"]["status"] == "abandoned"


@pytest.mark.adapter("LiteLLM", "Responses API", "streaming")
def test_responses_are_recorded(where: Any, record: Record) -> None:
    where.pop("max_retries")
    litellm.responses(model="openai/gpt-4o", input="hi", **where)
    list(litellm.responses(model="openai/gpt-4o", input="hi", stream=True, **where))
    assert [event["payload"]["output_tokens"] for event in record.of("llm_call")] == [7, 7]
    assert len(record.of("agent_message")) == 2


@pytest.mark.adapter("LiteLLM", "embeddings")
def test_embeddings_are_recorded(where: Any, record: Record) -> None:
    litellm.embedding(model="openai/text-embedding-3-small", input=["a"], **where)
    assert record.only("llm_call")["metadata"]["operation"] == "embeddings"
    assert record.only("llm_call")["payload"]["input_tokens"] == 5


@pytest.mark.adapter("LiteLLM", "other providers")
def test_other_providers_are_recorded_alike(stub: StubServer, record: Record) -> None:
    with LiteLLMAdapter():
        litellm.completion(model="anthropic/claude-sonnet-5", messages=HI, api_base=stub.url, api_key="stub")
    event = record.only("llm_call")
    assert event["metadata"]["provider"] == "anthropic"
    assert event["payload"]["output_tokens"] == 7


@pytest.mark.adapter("LiteLLM", "failure")
@pytest.mark.parametrize(
    ("model", "error"), [("gpt-4o-error-429", "RateLimitError"), ("gpt-4o-error-500", "InternalServerError")]
)
def test_a_call_that_fails_is_recorded_with_its_error(
    where: Any, record: Record, model: str, error: str
) -> None:
    with pytest.raises(getattr(litellm, error)):
        litellm.completion(model=f"openai/{model}", messages=HI, **where)
    assert record.types == ["llm_call", "error"]
    assert record.only("llm_call")["metadata"]["error"]["error_type"] == error


@pytest.mark.adapter("LiteLLM", "failure", "async")
async def test_an_async_call_that_fails_is_recorded(where: Any, record: Record) -> None:
    with pytest.raises(litellm.RateLimitError):
        await litellm.acompletion(model="openai/gpt-4o-error-429", messages=HI, **where)
    assert record.types == ["llm_call", "error"]


@pytest.mark.adapter("LiteLLM", "failure", "streaming")
def test_a_stream_that_breaks_is_recorded_with_its_error(where: Any, record: Record) -> None:
    with pytest.raises(Exception, match=r"."):
        list(litellm.completion(model="openai/gpt-4o-stream-error", messages=HI, stream=True, **where))
    assert record.only("llm_call")["metadata"]["status"] == "failed"
    assert len(record.of("error")) == 1


@pytest.mark.adapter("LiteLLM", "retries")
def test_each_try_of_litellms_retries_is_recorded(where: Any, record: Record) -> None:
    where.pop("max_retries")
    litellm.completion(model="openai/gpt-4o-flaky", messages=HI, num_retries=2, **where)
    assert record.of("llm_call")[-1]["payload"]["output_tokens"] == 7


@pytest.mark.adapter("LiteLLM", "router")
def test_calls_through_a_router_are_recorded(where: Any, record: Record) -> None:
    params = {"model": "openai/gpt-4o", **where}
    router = litellm.Router(model_list=[{"model_name": "fast", "litellm_params": params}])
    router.completion(model="fast", messages=HI)
    assert record.types == ["llm_call", "agent_message"]


@pytest.mark.adapter("LiteLLM", "two sessions")
def test_two_adapters_record_each_into_its_own_session(stub: StubServer, spool: Path) -> None:
    with Record(spool) as one, Record(spool) as two:
        first, second = LiteLLMAdapter(one.session), LiteLLMAdapter(two.session)
        where = {"api_base": stub.openai_url, "api_key": "stub"}
        litellm.completion(model="openai/gpt-4o", messages=HI, **where)
        first.detach()
        litellm.completion(model="openai/gpt-4o", messages=HI, **where)
        second.stop()
        assert (len(one.of("llm_call")), len(two.of("llm_call"))) == (1, 2)


@pytest.mark.adapter("LiteLLM", "detach")
def test_detaching_leaves_litellm_as_it_was(stub: StubServer, record: Record) -> None:
    def found() -> Any:
        wrapper = framework("litellm.litellm_core_utils.streaming_handler").CustomStreamWrapper
        lists = ["callbacks", "input_callback", "success_callback", "failure_callback"]
        lists += ["_async_success_callback", "_async_failure_callback"]
        return (
            [list(getattr(litellm, name)) for name in lists],
            framework("litellm.utils").update_response_metadata,
            wrapper.__next__,
            wrapper.__anext__,
        )

    where = {"api_base": stub.openai_url, "api_key": "stub"}
    litellm.completion(model="openai/gpt-4o", messages=HI, **where)
    before = found()
    adapter = LiteLLMAdapter()
    litellm.completion(model="openai/gpt-4o", messages=HI, **where)
    adapter.detach()
    adapter.detach()
    assert found() == before
    litellm.completion(model="openai/gpt-4o", messages=HI, **where)
    assert len(record.of("llm_call")) == 1


@pytest.mark.adapter("LiteLLM", "mocked answers")
def test_mocked_answers_are_recorded(where: Any, record: Record) -> None:
    litellm.completion(model="gpt-4o", messages=HI, mock_response="mocked")
    assert record.only("agent_message")["payload"]["content"] == "mocked"


@pytest.mark.adapter("LiteLLM", "many threads")
def test_threads_with_sessions_of_their_own_never_mix(stub: StubServer, spool: Path) -> None:
    where = {"api_base": stub.openai_url, "api_key": "stub"}
    records: dict[int, Record] = {}

    def work(number: int) -> None:
        with Record(spool) as found:
            records[number] = found
            for turn in range(3):
                messages = user(f'say "{number}.{turn}"')
                answer = litellm.completion(
                    model="openai/gpt-4o", messages=messages, stream=turn == 1, **where
                )
                list(answer)

    with LiteLLMAdapter():
        threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for number, found in records.items():
        said = [message["content"] for message in found.payloads("agent_message")]
        assert said == [f"{number}.{turn}" for turn in range(3)]


@pytest.mark.adapter("LiteLLM", "structured output")
def test_structured_output_is_recorded(where: Any, record: Record) -> None:
    schema = {"type": "object", "properties": {"day": {"type": "string"}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "slot", "schema": schema}}
    litellm.completion(model="openai/gpt-4o", messages=HI, response_format=wanted, **where)
    assert record.only("agent_message")["payload"]["content"] == '{"day": "text"}'


@pytest.mark.adapter("LiteLLM", "content by reference")
def test_prompts_are_captured_only_when_asked_for(stub: StubServer, record: Record) -> None:
    where = {"api_base": stub.openai_url, "api_key": "stub"}
    with LiteLLMAdapter():
        litellm.completion(model="openai/gpt-4o", messages=user("mail me@example.com"), **where)
    with LiteLLMAdapter(capture_content=True):
        litellm.completion(model="openai/gpt-4o", messages=user("mail me@example.com"), **where)
    hashed, captured = record.of("llm_call")
    assert hashed["payload"]["messages_ref"] == captured["payload"]["messages_ref"]
    assert "messages" not in hashed["metadata"]
    assert captured["metadata"]["messages"][0]["content"].startswith("mail ")
    assert "me@example.com" not in json.dumps(record.events)


@pytest.mark.adapter("LiteLLM", "many tasks", "spans")
async def test_calls_at_the_same_time_each_belong_to_their_own_span(where: Any, record: Record) -> None:
    async def work(number: int) -> None:
        with record.session.span(f"task {number}"):
            messages = user(f'say "{number}"')
            found = await litellm.acompletion(
                model="openai/gpt-4o", messages=messages, stream=bool(number % 2), **where
            )
            if number % 2:
                async for _ in found:
                    pass

    await asyncio.gather(*(work(number) for number in range(6)))
    assert len(record.of("agent_message")) == 6
    for message in record.of("agent_message"):
        assert record.span_of(message) == f"task {message['payload']['content']}"
