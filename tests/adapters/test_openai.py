"""OpenAI's client, as it is called: whole, streamed, parsed, raw, sync and async."""

from __future__ import annotations

import asyncio
import copy
import gc
import json
import threading
from pathlib import Path
from typing import Any

import pytest

import promptetheus as pt
from promptetheus import guard
from promptetheus.adapters import OpenAIAdapter
from promptetheus.adapters.openai import OpenAIPatch
from tests.adapters.frameworks import framework
from tests.adapters.recorded import Record
from tests.adapters.stub_server import StubServer

openai = framework("openai")
pydantic = framework("pydantic")

ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
        },
    },
}
HI = [{"role": "user", "content": "hi"}]


class Slot(pydantic.BaseModel):  # type: ignore[name-defined]
    day: str
    hour: int


@pytest.fixture
def client(stub: StubServer) -> Any:
    with openai.OpenAI(base_url=stub.openai_url, api_key="stub", max_retries=0) as found:
        yield OpenAIAdapter(found)


@pytest.fixture
async def async_client(stub: StubServer, record: Record) -> Any:
    async with openai.AsyncOpenAI(base_url=stub.openai_url, api_key="stub", max_retries=0) as found:
        yield OpenAIAdapter(found)


def user(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


@pytest.mark.adapter("OpenAI", "call")
def test_a_call_is_recorded_with_what_it_used_and_what_was_said(client: Any, record: Record) -> None:
    answer = client.chat.completions.create(model="gpt-4o", messages=HI)
    assert type(answer) is openai.types.chat.ChatCompletion
    event = record.only("llm_call")
    payload, metadata = event["payload"], event["metadata"]
    assert payload["model"] == "gpt-4o"
    assert (payload["input_tokens"], payload["cached_tokens"]) == (11, 4)
    assert (payload["output_tokens"], payload["reasoning_tokens"]) == (7, 3)
    assert payload["latency_ms"] >= 0
    assert metadata["finish_reason"] == "stop"
    assert metadata["cost_usd"] == pytest.approx(9.25e-05)
    assert metadata["response_id"] == answer.id
    assert record.only("agent_message")["payload"] == {"content": "Hello from the stub."}
    assert record.types == ["llm_call", "agent_message"]


@pytest.mark.adapter("OpenAI", "async")
async def test_an_async_call_is_recorded(async_client: Any, record: Record) -> None:
    await async_client.chat.completions.create(model="gpt-4o", messages=HI)
    await async_client.chat.completions.acreate(model="gpt-4o", messages=HI)
    await async_client.acreate(model="gpt-4o", messages=HI)
    assert record.types == ["llm_call", "agent_message"] * 3


@pytest.mark.adapter("OpenAI", "tools", "parallel tools")
def test_tools_are_recorded_with_arguments_ids_and_results(client: Any, record: Record) -> None:
    messages = user('call add({"a": 2, "b": 3}) and call add({"a": 4, "b": 5})')
    asked = client.chat.completions.create(model="gpt-4o", messages=messages, tools=[ADD]).choices[0].message
    messages.append(asked.model_dump(exclude_none=True))
    for call in asked.tool_calls:
        total = sum(json.loads(call.function.arguments).values())
        messages.append({"role": "tool", "tool_call_id": call.id, "content": str(total)})
    client.chat.completions.create(model="gpt-4o", messages=messages, tools=[ADD])
    client.chat.completions.create(model="gpt-4o", messages=messages, tools=[ADD])
    calls, results = record.payloads("tool_call"), record.payloads("tool_result")
    assert [call["arguments"] for call in calls] == [{"a": 2, "b": 3}, {"a": 4, "b": 5}]
    assert [call["tool_name"] for call in calls] == ["add", "add"]
    assert [(r["call_id"], r["result"]) for r in results] == [
        (calls[0]["call_id"], "5"),
        (calls[1]["call_id"], "9"),
    ]


@pytest.mark.adapter("OpenAI", "streaming")
def test_a_stream_is_passed_through_and_recorded_once_at_its_end(client: Any, record: Record) -> None:
    stream = client.chat.completions.create(
        model="gpt-4o", messages=HI, stream=True, stream_options={"include_usage": True}
    )
    assert isinstance(stream, openai.Stream)
    first = next(stream)
    assert first.choices[0].delta.role == "assistant"
    assert record.events == []
    text = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert text == "Hello from the stub."
    event = record.only("llm_call")
    assert event["payload"]["output_tokens"] == 7
    assert event["metadata"]["streamed"] is True
    assert 0 <= event["metadata"]["ttft_ms"] <= event["payload"]["latency_ms"]
    assert record.payloads("agent_message") == [{"content": text}]


@pytest.mark.adapter("OpenAI", "streaming", "tools", "parallel tools")
def test_tools_of_a_stream_are_put_together_from_its_pieces(client: Any, record: Record) -> None:
    messages = user('call add({"a": 2, "b": 3}) and call add({"a": 4, "b": 5})')
    for _ in client.chat.completions.create(model="gpt-4o", messages=messages, tools=[ADD], stream=True):
        pass
    assert [call["arguments"] for call in record.payloads("tool_call")] == [
        {"a": 2, "b": 3},
        {"a": 4, "b": 5},
    ]
    assert len({call["call_id"] for call in record.payloads("tool_call")}) == 2


@pytest.mark.adapter("OpenAI", "streaming", "async")
async def test_an_async_stream_is_recorded(async_client: Any, record: Record) -> None:
    stream = await async_client.chat.completions.create(model="gpt-4o", messages=HI, stream=True)
    assert isinstance(stream, openai.AsyncStream)
    async for _ in stream:
        pass
    assert record.types == ["llm_call", "agent_message"]


@pytest.mark.adapter("OpenAI", "stream left early")
def test_a_stream_that_is_closed_early_is_recorded_with_what_was_read(client: Any, record: Record) -> None:
    with client.chat.completions.create(model="gpt-4o", messages=HI, stream=True) as stream:
        for chunk in stream:
            if chunk.choices[0].delta.content:
                break
    assert record.only("llm_call")["metadata"]["status"] == "abandoned"
    assert record.only("agent_message")["payload"]["content"] == "Hello "


@pytest.mark.adapter("OpenAI", "stream left early")
def test_a_stream_that_is_let_go_is_recorded_when_it_is_collected(client: Any, record: Record) -> None:
    def read_one() -> None:
        for _ in client.chat.completions.create(model="gpt-4o", messages=HI, stream=True):
            break

    read_one()
    gc.collect()
    assert record.only("llm_call")["metadata"]["status"] == "abandoned"


@pytest.mark.adapter("OpenAI", "stream left early")
def test_a_stream_that_is_still_held_is_recorded_when_the_session_ends(client: Any, spool: Path) -> None:
    with Record(spool) as record:
        stream = client.chat.completions.create(model="gpt-4o", messages=HI, stream=True)
        next(stream)
    assert record.only("llm_call")["metadata"]["status"] == "abandoned"
    before = len(record.events)
    for _ in stream:
        pass
    assert len(record.events) == before, "what comes after the end of the session would reopen it"


@pytest.mark.adapter("OpenAI", "stream left early", "async")
async def test_an_async_stream_that_is_closed_early_is_recorded(async_client: Any, record: Record) -> None:
    async with await async_client.chat.completions.create(model="gpt-4o", messages=HI, stream=True) as stream:
        async for _ in stream:
            break
    assert record.only("llm_call")["metadata"]["status"] == "abandoned"


@pytest.mark.adapter("OpenAI", "stream helper")
def test_the_stream_helper_of_chat_is_recorded(client: Any, record: Record) -> None:
    with client.chat.completions.stream(model="gpt-4o", messages=HI) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert "content.delta" in kinds
    assert final.choices[0].message.content == "Hello from the stub."
    assert record.types == ["llm_call", "agent_message"]
    assert "status" not in record.only("llm_call")["metadata"]


@pytest.mark.adapter("OpenAI", "stream helper", "stream left early")
def test_a_stream_helper_that_is_left_early_is_recorded(client: Any, record: Record) -> None:
    with client.chat.completions.stream(model="gpt-4o", messages=HI) as stream:
        for _ in stream:
            break
    assert record.only("llm_call")["metadata"]["status"] == "abandoned"


@pytest.mark.adapter("OpenAI", "structured output")
def test_parsed_completions_are_recorded(client: Any, record: Record) -> None:
    answer = client.chat.completions.parse(model="gpt-4o", messages=HI, response_format=Slot)
    assert answer.choices[0].message.parsed == Slot(day="text", hour=3)
    assert record.only("llm_call")["payload"]["output_tokens"] == 7


@pytest.mark.adapter("OpenAI", "structured output", "failure")
def test_an_answer_that_is_cut_off_before_it_can_be_parsed_is_a_failure_with_its_tokens(
    client: Any, record: Record
) -> None:
    with pytest.raises(openai.LengthFinishReasonError):
        client.chat.completions.parse(model="gpt-4o-length", messages=HI, response_format=Slot)
    event = record.only("llm_call")
    assert event["payload"]["output_tokens"] == 7
    assert event["metadata"]["error"]["error_type"] == "LengthFinishReasonError"


@pytest.mark.adapter("OpenAI", "Responses API")
def test_a_response_is_recorded(client: Any, record: Record) -> None:
    answer = client.responses.create(model="gpt-4o", input="hi", instructions="be brief")
    assert answer.output_text == "Hello from the stub."
    event = record.only("llm_call")
    assert (event["payload"]["cached_tokens"], event["payload"]["reasoning_tokens"]) == (4, 3)
    assert event["metadata"]["operation"] == "responses"
    assert event["metadata"]["finish_reason"] == "completed"
    assert record.only("agent_message")["payload"]["content"] == "Hello from the stub."


@pytest.mark.adapter("OpenAI", "Responses API", "tools", "parallel tools")
def test_tools_of_responses_are_recorded_with_their_results(client: Any, record: Record) -> None:
    tool = {"type": "function", "name": "add", "parameters": ADD["function"]["parameters"]}  # type: ignore[index]
    given: list[Any] = user('call add({"a": 2, "b": 3}) and call add({"a": 4, "b": 5})')
    answer = client.responses.create(model="gpt-4o", input=given, tools=[tool])
    given += answer.output
    given += [{"type": "function_call_output", "call_id": i.call_id, "output": "7"} for i in answer.output]
    client.responses.create(model="gpt-4o", input=given, tools=[tool])
    assert [call["arguments"] for call in record.payloads("tool_call")] == [
        {"a": 2, "b": 3},
        {"a": 4, "b": 5},
    ]
    assert [result["result"] for result in record.payloads("tool_result")] == ["7", "7"]


@pytest.mark.adapter("OpenAI", "Responses API", "streaming")
def test_a_streamed_response_is_recorded(client: Any, record: Record) -> None:
    for _ in client.responses.create(model="gpt-4o", input="hi", stream=True):
        pass
    event = record.only("llm_call")
    assert event["payload"]["input_tokens"] == 11
    assert event["metadata"]["streamed"] is True and "ttft_ms" in event["metadata"]
    assert record.only("agent_message")["payload"]["content"] == "Hello from the stub."


@pytest.mark.adapter("OpenAI", "Responses API", "stream left early")
def test_a_streamed_response_that_is_left_early_keeps_what_was_said(client: Any, record: Record) -> None:
    with client.responses.create(model="gpt-4o", input="hi", stream=True) as stream:
        for event in stream:
            if event.type == "response.output_text.delta":
                break
    assert record.only("llm_call")["metadata"]["status"] == "abandoned"
    assert record.only("agent_message")["payload"]["content"] == "Hello "


@pytest.mark.adapter("OpenAI", "Responses API", "stream helper", "structured output")
def test_the_helpers_of_responses_are_recorded(client: Any, record: Record) -> None:
    parsed = client.responses.parse(model="gpt-4o", input="hi", text_format=Slot)
    assert parsed.output_parsed == Slot(day="text", hour=3)
    with client.responses.stream(model="gpt-4o", input="hi") as stream:
        assert stream.get_final_response().output_text == "Hello from the stub."
    assert record.types == ["llm_call", "agent_message"] * 2


@pytest.mark.adapter("OpenAI", "Responses API", "async", "streaming")
async def test_async_responses_are_recorded(async_client: Any, record: Record) -> None:
    await async_client.responses.create(model="gpt-4o", input="hi")
    await async_client.responses.parse(model="gpt-4o", input="hi", text_format=Slot)
    async with async_client.responses.stream(model="gpt-4o", input="hi") as stream:
        async for _ in stream:
            pass
    assert len(record.of("llm_call")) == 3


@pytest.mark.adapter("OpenAI", "embeddings")
def test_embeddings_are_recorded_as_a_model_call_without_a_message(client: Any, record: Record) -> None:
    client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    event = record.only("llm_call")
    assert event["payload"]["input_tokens"] == 10
    assert event["metadata"]["operation"] == "embeddings"
    assert record.types == ["llm_call"]


@pytest.mark.adapter("OpenAI", "raw responses")
def test_raw_and_streaming_responses_are_recorded(client: Any, record: Record) -> None:
    raw = client.chat.completions.with_raw_response.create(model="gpt-4o", messages=HI)
    assert raw.headers["content-type"] == "application/json"
    assert raw.parse().choices[0].message.content == "Hello from the stub."
    with client.chat.completions.with_streaming_response.create(model="gpt-4o", messages=HI) as body:
        assert body.parse().choices[0].message.content == "Hello from the stub."
    stream = client.chat.completions.with_raw_response.create(
        model="gpt-4o", messages=HI, stream=True
    ).parse()
    assert len(list(stream)) > 3
    assert [event["payload"].get("output_tokens") for event in record.of("llm_call")] == [7, 7, None]


@pytest.mark.adapter("OpenAI", "raw responses", "async")
async def test_async_raw_and_streaming_responses_are_recorded(async_client: Any, record: Record) -> None:
    raw = await async_client.chat.completions.with_raw_response.create(model="gpt-4o", messages=HI)
    assert raw.parse().choices[0].message.content == "Hello from the stub."
    create = async_client.chat.completions.with_streaming_response.create
    async with create(model="gpt-4o", messages=HI) as body:
        await body.parse()
    assert [event["payload"]["output_tokens"] for event in record.of("llm_call")] == [7, 7]


@pytest.mark.adapter("OpenAI", "failure")
@pytest.mark.parametrize(
    ("model", "error_type", "status"),
    [
        ("gpt-4o-error-400", "BadRequestError", 400),
        ("gpt-4o-error-429", "RateLimitError", 429),
        ("gpt-4o-error-500", "InternalServerError", 500),
    ],
)
def test_a_call_that_fails_is_recorded_with_its_error_and_raises_it_unchanged(
    client: Any, record: Record, model: str, error_type: str, status: int
) -> None:
    with pytest.raises(getattr(openai, error_type)) as raised:
        client.chat.completions.create(model=model, messages=HI)
    event = record.only("llm_call")
    assert event["payload"]["model"] == model
    assert event["metadata"]["status"] == "failed"
    assert event["metadata"]["error"]["error_type"] == error_type
    assert event["metadata"]["error"]["status_code"] == status
    error = record.only("error")
    assert error["payload"]["message"] == str(raised.value)
    assert "Traceback" in error["payload"]["traceback"]


@pytest.mark.adapter("OpenAI", "failure", "async")
async def test_an_async_call_that_fails_is_recorded(async_client: Any, record: Record) -> None:
    with pytest.raises(openai.InternalServerError):
        await async_client.responses.create(model="gpt-4o-error-500", input="hi")
    assert record.types == ["llm_call", "error"]


@pytest.mark.adapter("OpenAI", "failure")
def test_a_timeout_is_recorded(client: Any, record: Record) -> None:
    with pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(model="gpt-4o-slow", messages=HI, timeout=0.2)
    assert record.only("error")["payload"]["error_type"] == "APITimeoutError"
    assert record.only("llm_call")["payload"]["latency_ms"] >= 100


@pytest.mark.adapter("OpenAI", "failure", "async")
async def test_a_call_that_is_cancelled_says_so_and_is_no_error(async_client: Any, record: Record) -> None:
    task = asyncio.create_task(async_client.chat.completions.create(model="gpt-4o-slow", messages=HI))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert record.types == ["llm_call"]
    assert record.only("llm_call")["metadata"]["status"] == "cancelled"


@pytest.mark.adapter("OpenAI", "failure", "streaming")
@pytest.mark.parametrize(
    ("model", "error"), [("gpt-4o-cut", "APIConnectionError"), ("gpt-4o-stream-error", "APIError")]
)
def test_a_stream_that_breaks_is_recorded_with_its_error_and_what_came(
    client: Any, record: Record, model: str, error: str
) -> None:
    with pytest.raises(getattr(openai, error)):
        for _ in client.chat.completions.create(model=model, messages=HI, stream=True):
            pass
    assert record.types == ["llm_call", "agent_message", "error"]
    assert record.only("llm_call")["metadata"]["error"]["error_type"] == error
    assert record.only("agent_message")["payload"]["content"] == "Hello "


@pytest.mark.adapter("OpenAI", "retries")
def test_retries_of_the_client_are_one_call_that_counts_them(stub: StubServer, record: Record) -> None:
    with openai.OpenAI(base_url=stub.openai_url, api_key="stub", max_retries=2) as plain:
        client = OpenAIAdapter(plain)
        client.chat.completions.create(model="gpt-4o-flaky", messages=HI)
        with pytest.raises(openai.InternalServerError):
            client.chat.completions.create(model="gpt-4o-error-500", messages=HI)
    flaky, failed = record.of("llm_call")
    assert flaky["metadata"]["retries"] == 1 and "status" not in flaky["metadata"]
    assert failed["metadata"]["retries"] == 2
    assert len(record.of("error")) == 1
    assert len(stub.requests) == 2 + 3


@pytest.mark.adapter("OpenAI", "content by reference")
def test_prompts_are_a_hash_unless_they_are_to_be_captured_and_then_redacted(
    stub: StubServer, record: Record
) -> None:
    secret = "sk-" + "a1B2c3D4e5F6g7H8i9J0" * 2
    messages = user(f"my key is {secret}")
    with openai.OpenAI(base_url=stub.openai_url, api_key="stub") as plain:
        OpenAIAdapter(plain).chat.completions.create(model="gpt-4o", messages=messages)
        OpenAIAdapter(plain, messages_ref="s3://mine").chat.completions.create(
            model="gpt-4o", messages=messages
        )
        OpenAIAdapter(plain, capture_content=True).chat.completions.create(model="gpt-4o", messages=messages)
    hashed, own, captured = record.of("llm_call")
    assert hashed["payload"]["messages_ref"].startswith("sha256:") and "messages" not in hashed["metadata"]
    assert own["payload"]["messages_ref"] == "s3://mine"
    assert captured["payload"]["messages_ref"] == hashed["payload"]["messages_ref"]
    assert captured["metadata"]["messages"][0]["content"].startswith("my key is ")
    assert secret not in json.dumps(record.events)


@pytest.mark.adapter("OpenAI", "two sessions")
def test_two_adapters_record_each_into_its_own_session(stub: StubServer, spool: Path) -> None:
    with (
        openai.OpenAI(base_url=stub.openai_url, api_key="stub") as plain,
        Record(spool) as one,
        Record(spool) as two,
        Record(spool) as current,
    ):
        OpenAIAdapter(plain, one.session).chat.completions.create(model="gpt-4o", messages=user('say "one"'))
        OpenAIAdapter(plain, two.session).chat.completions.create(model="gpt-4o", messages=user('say "two"'))
        OpenAIAdapter(plain).chat.completions.create(model="gpt-4o", messages=user('say "three"'))
        said = [r.payloads("agent_message") for r in (one, two, current)]
    assert said == [[{"content": "one"}], [{"content": "two"}], [{"content": "three"}]]


@pytest.mark.adapter("OpenAI", "many threads")
def test_threads_and_tasks_with_sessions_of_their_own_never_mix(stub: StubServer, spool: Path) -> None:
    with openai.OpenAI(base_url=stub.openai_url, api_key="stub") as plain:
        client = OpenAIAdapter(plain)
        records: dict[int, Record] = {}

        def work(number: int) -> None:
            with Record(spool) as found:
                records[number] = found
                for turn in range(4):
                    stream = client.chat.completions.create(
                        model="gpt-4o", messages=user(f'say "{number}.{turn}"'), stream=turn % 2 == 0
                    )
                    list(stream)

        threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    for number, found in records.items():
        said = [message["content"] for message in found.payloads("agent_message")]
        assert said == [f"{number}.{turn}" for turn in range(4)]


@pytest.mark.adapter("OpenAI", "many tasks")
async def test_tasks_with_sessions_of_their_own_never_mix(async_client: Any, spool: Path) -> None:
    async def work(number: int) -> list[str]:
        async with pt.AsyncSession(agent="a", user_goal="g", spool_dir=spool, session_id=f"s{number}"):
            for turn in range(3):
                stream = await async_client.chat.completions.create(
                    model="gpt-4o", messages=user(f'say "{number}.{turn}"'), stream=True
                )
                async for _ in stream:
                    await asyncio.sleep(0)
        lines = map(json.loads, (spool / f"s{number}.jsonl").read_text().splitlines())
        return [line["payload"]["content"] for line in lines if line["type"] == "agent_message"]

    said = await asyncio.gather(*(work(number) for number in range(10)))
    assert said == [[f"{number}.{turn}" for turn in range(3)] for number in range(10)]


@pytest.mark.adapter("OpenAI", "spans")
def test_a_stream_belongs_to_the_span_in_which_it_was_begun(client: Any, record: Record) -> None:
    with record.session.span("ask"):
        stream = client.chat.completions.create(model="gpt-4o", messages=HI, stream=True)
    list(stream)
    assert record.span_of(record.only("llm_call")) == "ask"


def test_nothing_is_recorded_outside_of_a_session(client: Any, spool: Path) -> None:
    client.chat.completions.create(model="gpt-4o", messages=HI)
    assert not spool.exists()


@pytest.mark.adapter("OpenAI", "detach")
def test_the_client_that_is_given_stays_as_it_is(stub: StubServer, record: Record) -> None:
    with openai.OpenAI(base_url=stub.openai_url, api_key="stub") as plain:
        before = dict(vars(plain))
        adapter = OpenAIAdapter(plain)
        assert vars(plain) == before
        plain.chat.completions.create(model="gpt-4o", messages=HI)
        assert record.events == []
        assert isinstance(adapter.client, openai.OpenAI)
        assert adapter.base_url == plain.base_url
        adapter.with_options(timeout=5).chat.completions.create(model="gpt-4o", messages=HI)
        adapter.client.copy().responses.create(model="gpt-4o", input="hi")
        assert len(record.of("llm_call")) == 2


@pytest.mark.adapter("OpenAI", "all clients", "detach")
def test_all_clients_are_recorded_while_the_patch_is_attached_and_each_call_once(
    stub: StubServer, record: Record
) -> None:
    clients = framework("openai._base_client")
    original = {name: vars(clients.SyncAPIClient)[name] for name in ("request", "_sleep_for_retry")}
    with openai.OpenAI(base_url=stub.openai_url, api_key="stub") as plain:
        with OpenAIPatch() as outer:
            with OpenAIPatch():
                pass
            plain.chat.completions.create(model="gpt-4o", messages=HI)
            OpenAIAdapter(plain).chat.completions.create(model="gpt-4o", messages=HI)
            outer.detach()
            outer.detach()
            plain.chat.completions.create(model="gpt-4o", messages=HI)
        assert len(record.of("llm_call")) == 2
    assert {name: vars(clients.SyncAPIClient)[name] for name in original} == original


def test_mistakes_of_the_adapter_never_reach_the_agent(
    client: Any, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    from promptetheus.adapters import model_call, openai_reading

    monkeypatch.setattr(guard, "reraise", False)

    def broken(*args: Any) -> None:
        raise RuntimeError("a mistake of ours")

    for module, name in (
        (openai_reading, "read_answer"),
        (openai_reading, "operation_of"),
        (model_call, "cost_of"),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(module, name, broken)
            answer = client.chat.completions.create(model="gpt-4o", messages=HI)
            assert answer.choices[0].message.content == "Hello from the stub."
            chunks = list(client.chat.completions.create(model="gpt-4o", messages=HI, stream=True))
            assert len(chunks) > 3
    assert pt.stats()["failed"]


def test_the_adapter_can_be_asked_for_anything_the_client_has(client: Any) -> None:
    assert client.api_key == "stub"
    assert callable(client.models.list)
    with pytest.raises(AttributeError):
        client.nonsense  # noqa: B018
    with pytest.raises(AttributeError):
        copy.copy(object.__new__(OpenAIAdapter)).client  # noqa: B018
