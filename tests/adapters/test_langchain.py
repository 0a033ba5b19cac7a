"""LangChain, as it is called: models, chains, tools, retrievers; sync, async, streamed, in batches."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any

import pytest

import promptetheus as pt
from promptetheus import context
from promptetheus.adapters import OpenAIAdapter, PromptetheusCallbackHandler
from promptetheus.adapters.langchain import LangChainPatch
from tests.adapters.frameworks import framework
from tests.adapters.recorded import Record
from tests.adapters.stub_server import StubServer

core = framework("langchain_core")
callbacks = framework("langchain_core.callbacks")
documents = framework("langchain_core.documents")
messages = framework("langchain_core.messages")
prompts = framework("langchain_core.prompts")
retrievers = framework("langchain_core.retrievers")
runnables = framework("langchain_core.runnables")
runnables_config = framework("langchain_core.runnables.config")
tools = framework("langchain_core.tools")
openai = framework("langchain_openai")
anthropic = framework("langchain_anthropic")

BaseRetriever: Any = retrievers.BaseRetriever


@tools.tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tools.tool
def broken(a: int) -> int:
    """Always fails."""
    raise ValueError("no luck")


class Poems(BaseRetriever):
    """Finds one poem, for one word none."""

    def _get_relevant_documents(self, query: str, *, run_manager: Any) -> list[Any]:
        if query == "broken":
            raise LookupError("the index is gone")
        found = {"source": "poems.txt", "score": 0.5}
        return [documents.Document(page_content="rain, rain", metadata=found, id="p1")]


@pytest.fixture
def model(stub: StubServer, record: Record) -> Any:
    return chat(stub)


@pytest.fixture
def config(record: Record) -> Any:
    return {"callbacks": [PromptetheusCallbackHandler()]}


def chat(stub: StubServer, name: str = "gpt-4o", **options: Any) -> Any:
    return openai.ChatOpenAI(
        model=name,
        base_url=stub.openai_url,
        api_key="stub",
        **{"max_retries": 0, "stream_usage": True, **options},
    )


# ── models ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.adapter("LangChain", "call", "content by reference")
def test_a_call_is_recorded_with_everything_the_provider_said(
    model: Any, config: Any, record: Record
) -> None:
    model.invoke("a secret question", config)
    event = record.only("llm_call")
    payload, metadata = event["payload"], event["metadata"]
    assert (payload["model"], payload["input_tokens"], payload["output_tokens"]) == ("gpt-4o", 11, 7)
    assert (payload["cached_tokens"], payload["reasoning_tokens"]) == (4, 3)
    assert payload["messages_ref"].startswith("sha256:") and payload["latency_ms"] >= 0
    assert (metadata["provider"], metadata["finish_reason"]) == ("openai", "stop")
    assert metadata["cost_usd"] > 0 and metadata["run_id"] and metadata["response_id"].startswith("chatcmpl-")
    assert record.only("agent_message")["payload"]["content"] == "Hello from the stub."
    assert "secret question" not in json.dumps(record.events)


@pytest.mark.adapter("LangChain", "content on request")
def test_prompts_are_recorded_redacted_when_asked_for(stub: StubServer, record: Record) -> None:
    handler = PromptetheusCallbackHandler(capture_content=True)
    chat(stub).invoke("mail bob@example.com about tea", {"callbacks": [handler]})
    (message,) = record.only("llm_call")["metadata"]["messages"]
    assert message["role"] == "human" and "tea" in message["content"]
    assert "bob@example.com" not in json.dumps(record.events)


@pytest.mark.adapter("LangChain", "other providers")
def test_other_providers_are_recorded_alike(stub: StubServer, config: Any, record: Record) -> None:
    claude = anthropic.ChatAnthropic(model="claude-sonnet-5", base_url=stub.url, api_key="stub")
    claude.invoke("hi", config)
    list(claude.stream("hi", config))
    whole, streamed = record.of("llm_call")
    assert (whole["payload"]["input_tokens"], whole["payload"]["cached_tokens"]) == (11, 4)
    assert whole["payload"]["output_tokens"] == streamed["payload"]["output_tokens"] == 7
    assert whole["metadata"]["provider"] == streamed["metadata"]["provider"] == "anthropic"
    assert whole["metadata"]["finish_reason"] == streamed["metadata"]["finish_reason"] == "end_turn"


@pytest.mark.adapter("LangChain", "Responses API")
@pytest.mark.parametrize("streamed", [False, True])
def test_the_responses_api_is_recorded(stub: StubServer, config: Any, record: Record, streamed: bool) -> None:
    responses = chat(stub, use_responses_api=True)
    if streamed:
        list(responses.stream("hi", config))
    else:
        responses.invoke("hi", config)
    event = record.only("llm_call")
    assert event["payload"]["output_tokens"] == 7 and event["payload"]["model"] == "gpt-4o"
    assert record.payloads("agent_message") == [{"content": "Hello from the stub."}]


@pytest.mark.adapter("LangChain", "completions")
def test_models_that_complete_text_are_recorded(stub: StubServer, config: Any, record: Record) -> None:
    fake = framework("langchain_core.language_models.fake").FakeListLLM(responses=["one", "two"])
    fake.generate(["a", "b"], callbacks=config["callbacks"])
    assert [message["content"] for message in record.payloads("agent_message")] == ["one", "two"]
    assert len({event["metadata"]["run_id"] for event in record.of("llm_call")}) == 2


@pytest.mark.adapter("LangChain", "async")
async def test_async_calls_are_recorded(stub: StubServer, record: Record) -> None:
    config = {"callbacks": [PromptetheusCallbackHandler()]}
    await chat(stub).ainvoke("hi", config)
    assert record.types == ["llm_call", "agent_message"]


@pytest.mark.adapter("LangChain", "streaming")
def test_a_stream_is_recorded_at_its_end(model: Any, config: Any, record: Record) -> None:
    text = "".join(chunk.content for chunk in model.stream("hi", config))
    event = record.only("llm_call")
    assert event["metadata"]["streamed"] is True and "ttft_ms" in event["metadata"]
    assert event["payload"]["output_tokens"] == 7 and event["metadata"]["finish_reason"] == "stop"
    assert record.payloads("agent_message") == [{"content": text}]


@pytest.mark.adapter("LangChain", "streaming", "async")
async def test_an_async_stream_is_recorded(stub: StubServer, record: Record) -> None:
    config = {"callbacks": [PromptetheusCallbackHandler()]}
    async for _ in chat(stub).astream("hi", config):
        pass
    assert record.only("llm_call")["metadata"]["streamed"] is True
    assert record.types == ["llm_call", "agent_message"]


@pytest.mark.adapter("LangChain", "stream left early")
def test_a_stream_that_is_left_early_is_recorded_with_what_came(
    model: Any, config: Any, record: Record
) -> None:
    stream = model.stream("hi", config)
    said = next(stream).content + next(stream).content
    stream.close()
    assert record.only("llm_call")["metadata"]["status"] == "abandoned"
    assert record.payloads("agent_message") == [{"content": said}]
    assert record.of("error") == []


@pytest.mark.adapter("LangChain", "stream left early", "async")
async def test_an_async_stream_that_is_left_early_is_recorded(stub: StubServer, record: Record) -> None:
    stream = chat(stub).astream("hi", {"callbacks": [PromptetheusCallbackHandler()]})
    async for _ in stream:
        break
    await stream.aclose()
    assert record.only("llm_call")["metadata"]["status"] == "abandoned"
    assert record.of("error") == []


@pytest.mark.adapter("LangChain", "stream left early")
def test_a_stream_nobody_closes_is_recorded_when_its_session_ends(stub: StubServer, spool: Path) -> None:
    with Record(spool) as record:
        stream = chat(stub).stream("hi", {"callbacks": [PromptetheusCallbackHandler()]})
        next(stream), next(stream)
    assert record.only("llm_call")["metadata"]["status"] == "abandoned"
    stream.close()
    assert len(record.of("llm_call")) == 1


@pytest.mark.adapter("LangChain", "failure")
@pytest.mark.parametrize("name", ["gpt-4o-error-429", "gpt-4o-error-500", "gpt-4o-garbled"])
def test_a_call_that_fails_is_recorded_with_its_error(
    stub: StubServer, config: Any, record: Record, name: str
) -> None:
    with pytest.raises(Exception, match=r".") as raised:
        chat(stub, name).invoke("hi", config)
    assert record.types == ["llm_call", "error"]
    found = record.only("llm_call")["metadata"]
    assert found["status"] == "failed" and found["error"]["error_type"] == type(raised.value).__name__


@pytest.mark.adapter("LangChain", "failure", "async", "streaming")
@pytest.mark.parametrize("name", ["gpt-4o-stream-error", "gpt-4o-error-500"])
async def test_an_async_stream_that_breaks_is_recorded(stub: StubServer, record: Record, name: str) -> None:
    with pytest.raises(Exception, match=r"."):
        async for _ in chat(stub, name).astream("hi", {"callbacks": [PromptetheusCallbackHandler()]}):
            pass
    assert record.only("llm_call")["metadata"]["status"] == "failed"
    assert len(record.of("error")) == 1


@pytest.mark.adapter("LangChain", "failure", "async")
async def test_a_chain_that_is_cancelled_is_no_error(stub: StubServer, record: Record) -> None:
    chain = (runnables.RunnablePassthrough() | chat(stub, "gpt-4o-slow")).with_config(run_name="outer")
    task = asyncio.create_task(chain.ainvoke("hi", {"callbacks": [PromptetheusCallbackHandler()]}))
    while not stub.requests:
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    end = record.events[-1]
    assert end["payload"]["name"] == "span_end" and end["metadata"]["status"] == "cancelled"
    assert record.only("llm_call")["metadata"]["status"] == "cancelled"
    assert record.of("error") == []


@pytest.mark.adapter("LangChain", "retries")
def test_each_try_is_recorded_and_an_error_that_was_overcome_ends_nothing(
    stub: StubServer, config: Any, record: Record
) -> None:
    retrying = chat(stub, "gpt-4o-flaky").with_retry(wait_exponential_jitter=False)
    assert retrying.invoke("hi", config).content
    first, second = record.of("llm_call")
    assert first["metadata"]["status"] == "failed" and "status" not in second["metadata"]
    assert len(record.of("error")) == 1


@pytest.mark.adapter("LangChain", "fallbacks")
def test_a_fallback_is_recorded_after_what_failed(stub: StubServer, config: Any, record: Record) -> None:
    chain = chat(stub, "gpt-4o-error-500").with_fallbacks([chat(stub)])
    chain.invoke("hi", config)
    assert record.types == ["llm_call", "error", "llm_call", "agent_message"]


@pytest.mark.adapter("LangChain", "structured output")
@pytest.mark.parametrize("method", ["function_calling", "json_schema"])
def test_structured_output_is_recorded(model: Any, config: Any, record: Record, method: str) -> None:
    schema = {
        "title": "Day",
        "description": "A day.",
        "type": "object",
        "properties": {"day": {"type": "integer"}},
    }
    assert model.with_structured_output(schema, method=method).invoke("hi", config) == {"day": 3}
    event = record.only("llm_call")
    if method == "function_calling":
        assert [call["name"] for call in event["metadata"]["tool_calls"]] == ["Day"]
    else:
        assert json.loads(record.only("agent_message")["payload"]["content"]) == {"day": 3}
    assert record.of("error") == []


@pytest.mark.adapter("LangChain", "cache")
def test_an_answer_from_langchains_cache_costs_nothing(stub: StubServer, config: Any, record: Record) -> None:
    cached = chat(stub, cache=framework("langchain_core.caches").InMemoryCache())
    cached.invoke("hi", config)
    cached.invoke("hi", config)
    first, second = record.of("llm_call")
    assert first["metadata"]["cost_usd"] > 0 and "cache_hit" not in first["metadata"]
    assert second["metadata"]["cost_usd"] == 0 and second["metadata"]["cache_hit"] is True


# ── tools and retrievers ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.adapter("LangChain", "tools", "parallel tools")
def test_tools_that_langchain_runs_have_the_models_ids(model: Any, config: Any, record: Record) -> None:
    asked = model.bind_tools([add]).invoke(
        'call add({"a": 2, "b": 3}) and call add({"a": 4, "b": 5})', config
    )
    results = add.batch(asked.tool_calls, config)
    assert [message.content for message in results] == ["5", "9"]
    calls = {event["payload"]["call_id"]: event["payload"] for event in record.of("tool_call")}
    assert {call_id: call["arguments"] for call_id, call in calls.items()} == {
        asked.tool_calls[0]["id"]: {"a": 2, "b": 3},
        asked.tool_calls[1]["id"]: {"a": 4, "b": 5},
    }
    found = {result["call_id"]: result["result"] for result in record.payloads("tool_result")}
    assert found == {asked.tool_calls[0]["id"]: "5", asked.tool_calls[1]["id"]: "9"}


@pytest.mark.adapter("LangChain", "tools")
def test_tools_that_the_agent_runs_itself_are_recorded_from_what_it_tells_the_model(
    model: Any, config: Any, record: Record
) -> None:
    bound = model.bind_tools([add])
    talk: list[Any] = [messages.HumanMessage('call add({"a": 2, "b": 3})')]
    talk.append(bound.invoke(talk, config))
    talk.append(messages.ToolMessage("five", tool_call_id=talk[-1].tool_calls[0]["id"]))
    bound.invoke(talk, config)
    bound.invoke(talk, config)
    assert record.only("tool_call")["payload"]["arguments"] == {"a": 2, "b": 3}
    assert record.only("tool_result")["payload"]["result"] == "five"


@pytest.mark.adapter("LangChain", "tools", "failure")
def test_a_tool_that_fails_is_recorded(config: Any, record: Record) -> None:
    with pytest.raises(ValueError, match="no luck"):
        broken.invoke({"a": 1}, config)
    assert record.only("tool_call")["payload"]["arguments"] == {"a": 1}
    assert record.only("tool_result")["payload"]["error"] == "ValueError: no luck"


@pytest.mark.adapter("LangChain", "tools", "failure")
def test_a_failure_that_the_tool_turns_into_an_answer_is_a_failure(config: Any, record: Record) -> None:
    def fail(a: int) -> int:
        """Fail politely."""
        raise tools.ToolException("not today")

    polite = tools.StructuredTool.from_function(fail, handle_tool_error=True)
    call = {"name": "fail", "args": {"a": 1}, "id": "c1", "type": "tool_call"}
    assert polite.invoke(call, config).status == "error"
    assert record.only("tool_result")["payload"] == {"call_id": "c1", "result": None, "error": "not today"}


@pytest.mark.adapter("LangChain", "tools", "async")
async def test_async_tools_are_recorded(record: Record) -> None:
    @tools.tool
    async def slow_add(a: int, b: int) -> int:
        """Add."""
        await asyncio.sleep(0)
        return a + b

    await slow_add.ainvoke({"a": 1, "b": 2}, {"callbacks": [PromptetheusCallbackHandler()]})
    assert record.only("tool_result")["payload"]["result"] == 3


@pytest.mark.adapter("LangChain", "retrieval", "failure")
def test_retrievals_are_recorded_with_documents_and_scores(config: Any, record: Record) -> None:
    Poems().invoke("rain", config)
    with pytest.raises(LookupError):
        Poems().invoke("broken", config)
    found, failed = record.of("retrieval")
    assert found["payload"]["query"] == "rain"
    (document,) = found["payload"]["documents"]
    assert (document["id"], document["content"], document["score"], document["source"]) == (
        "p1", "rain, rain", 0.5, "poems.txt",
    )  # fmt: skip
    assert failed["metadata"]["status"] == "failed" and failed["payload"]["documents"] == []
    assert record.only("error")["payload"]["error_type"] == "LookupError"


# ── chains ───────────────────────────────────────────────────────────────────────────────────────────────


def named(stub: StubServer) -> Any:
    prompt = prompts.ChatPromptTemplate.from_template("{question}")
    chain = (prompt | chat(stub)).with_config(run_name="answer")
    return (chain | runnables.RunnableLambda(shout)).with_config(run_name="loud")


def shout(message: Any) -> str:
    return str(message.content).upper()


@pytest.mark.adapter("LangChain", "spans")
def test_named_chains_and_functions_are_spans_and_plumbing_is_not(
    stub: StubServer, config: Any, record: Record
) -> None:
    named(stub).invoke({"question": "hi"}, config)
    assert record.spans() == {"": ["loud"], "loud": ["answer", "shout"]}
    assert record.span_of(record.only("llm_call")) == "answer"
    starts = [event for event in record.events if event["payload"].get("name") == "span_start"]
    assert all(event["metadata"]["run_id"] for event in starts)


@pytest.mark.adapter("LangChain", "spans", "async")
async def test_parallel_branches_keep_their_own_spans(stub: StubServer, record: Record) -> None:
    stub.piece_delay_s = 0.01
    branch = {name: chat(stub, streaming=True).with_config(run_name=name) for name in "ab"}
    steps = {
        name: runnables.RunnableLambda(lambda _, name=name: f'say "{name}"') | branch[name] for name in "ab"
    }
    chains = {name: step.with_config(run_name=f"branch {name}") for name, step in steps.items()}
    both = runnables.RunnableParallel(**chains).with_config(run_name="both")
    await both.ainvoke({}, {"callbacks": [PromptetheusCallbackHandler()]})
    spans = record.spans()
    assert sorted(spans["both"]) == ["branch a", "branch b"]
    for message in record.of("agent_message"):
        assert record.span_of(message) == f"branch {message['payload']['content']}"


@pytest.mark.adapter("LangChain", "spans")
@pytest.mark.parametrize("is_async", [False, True])
def test_what_the_agents_own_code_records_in_a_run_is_inside_its_span(
    stub: StubServer, record: Record, is_async: bool
) -> None:
    def look(_: Any) -> str:
        with pt.current().span("own"):
            pt.current().tool_call("by hand", {})
            chat(stub).invoke("hi")
        return "done"

    chain = runnables.RunnableLambda(look)
    before = context.span_stack.get()
    config = {"callbacks": [PromptetheusCallbackHandler()]}
    if is_async:
        asyncio.run(chain.ainvoke({}, config))
    else:
        chain.invoke({}, config)
    assert record.spans() == {"": ["look"], "look": ["own"]}
    assert record.span_of(record.only("tool_call")) == "own"
    assert record.span_of(record.only("llm_call")) == "own"
    assert context.span_stack.get() == before


@pytest.mark.adapter("LangChain", "failure", "spans")
def test_an_exception_that_leaves_a_chain_is_one_error_where_it_came_up(config: Any, record: Record) -> None:
    def fail(_: Any) -> None:
        raise ValueError("no luck")

    inner = (runnables.RunnableLambda(fail) | shout).with_config(run_name="inner")
    chain = (runnables.RunnablePassthrough() | inner).with_config(run_name="outer")
    for _ in range(2):
        with pytest.raises(ValueError, match="no luck"):
            chain.invoke({}, config)
    assert [record.span_of(error) for error in record.of("error")] == ["fail", "fail"]
    ends = [event for event in record.events if event["payload"].get("name") == "span_end"]
    assert [event["metadata"]["status"] for event in ends] == ["failed"] * 6


@pytest.mark.adapter("LangChain", "failure")
def test_a_failed_model_call_is_one_error_however_many_chains_it_leaves(
    stub: StubServer, config: Any, record: Record
) -> None:
    chain = (runnables.RunnablePassthrough() | chat(stub, "gpt-4o-error-500")).with_config(run_name="outer")
    with pytest.raises(Exception, match="500"):
        chain.invoke("hi", config)
    assert len(record.of("error")) == 1


@pytest.mark.adapter("LangChain", "streaming", "stream left early", "spans")
def test_a_chain_whose_stream_is_left_early_is_closed(stub: StubServer, config: Any, record: Record) -> None:
    chain = (runnables.RunnablePassthrough() | chat(stub)).with_config(run_name="outer")
    stream = chain.stream("hi", config)
    next(stream)
    stream.close()
    assert record.types.count("span_end") == 1
    assert record.only("llm_call")["metadata"]["status"] == "abandoned"
    assert record.of("error") == []


@pytest.mark.adapter("LangChain", "custom events")
async def test_custom_events_are_recorded(record: Record) -> None:
    async def work(_: Any) -> None:
        await callbacks.adispatch_custom_event("progress", {"done": 3})

    await runnables.RunnableLambda(work).ainvoke({}, {"callbacks": [PromptetheusCallbackHandler()]})
    (event,) = [event for event in record.of("state_change") if event["payload"]["name"] == "progress"]
    assert event["payload"]["after"] == {"done": 3} and record.span_of(event) == "work"


# ── sessions, threads, attaching ─────────────────────────────────────────────────────────────────────────


@pytest.mark.adapter("LangChain", "two sessions")
def test_two_handlers_record_each_into_its_own_session(stub: StubServer, spool: Path) -> None:
    with Record(spool) as one, Record(spool) as two:
        handlers = [PromptetheusCallbackHandler(one.session), PromptetheusCallbackHandler(two.session)]
        named(stub).invoke({"question": "hi"}, {"callbacks": handlers})
        assert one.types == two.types and one.spans() == two.spans() == {
            "": ["loud"],
            "loud": ["answer", "shout"],
        }


@pytest.mark.adapter("LangChain", "many threads")
def test_threads_with_sessions_of_their_own_never_mix(stub: StubServer, spool: Path) -> None:
    handler = PromptetheusCallbackHandler()
    records: dict[int, Record] = {}

    def work(number: int) -> None:
        with Record(spool) as found:
            records[number] = found
            for turn in range(3):
                named(stub).invoke({"question": f'say "{number}.{turn}"'}, {"callbacks": [handler]})

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, found in records.items():
        said = [message["content"] for message in found.payloads("agent_message")]
        assert said == [f"{number}.{turn}" for turn in range(3)]
        assert found.spans() == {"": ["loud"] * 3, "loud": ["answer", "shout"] * 3}


@pytest.mark.adapter("LangChain", "many tasks")
async def test_tasks_with_sessions_of_their_own_never_mix(stub: StubServer, spool: Path) -> None:
    handler = PromptetheusCallbackHandler()
    records: dict[int, Record] = {}

    async def work(number: int) -> None:
        with Record(spool) as found:
            records[number] = found
            await named(stub).ainvoke({"question": f'say "{number}"'}, {"callbacks": [handler]})

    await asyncio.gather(*(work(number) for number in range(8)))
    for number, found in records.items():
        assert [message["content"] for message in found.payloads("agent_message")] == [str(number)]
        assert found.spans() == {"": ["loud"], "loud": ["answer", "shout"]}


@pytest.mark.adapter("LangChain", "detach")
def test_nothing_of_ours_stays_in_langchain_after_a_run(
    stub: StubServer, config: Any, record: Record
) -> None:
    before = runnables_config._set_config_context
    stream = named(stub).stream({"question": "hi"}, config)
    next(stream)
    assert runnables_config._set_config_context is not before
    stream.close()
    assert runnables_config._set_config_context is before


@pytest.mark.adapter("LangChain", "attach", "detach", "async")
async def test_attached_it_records_every_run_without_callbacks(stub: StubServer, record: Record) -> None:
    hooks = framework("langchain_core.tracers.context")._configure_hooks
    before = list(hooks)
    with LangChainPatch():
        await named(stub).ainvoke({"question": "hi"})
        assert record.spans() == {"": ["loud"], "loud": ["answer", "shout"]}
        own = {"callbacks": [PromptetheusCallbackHandler()]}
        chat(stub).invoke("hi", own)
        assert len(record.of("llm_call")) == 2
    assert hooks == before
    chat(stub).invoke("hi")
    assert len(record.of("llm_call")) == 2


@pytest.mark.adapter("LangChain", "two adapters")
def test_a_call_that_the_clients_adapter_sees_too_is_recorded_once(
    stub: StubServer, config: Any, record: Record
) -> None:
    client = OpenAIAdapter(framework("openai").OpenAI(base_url=stub.openai_url, api_key="stub"))
    both = openai.ChatOpenAI(model="gpt-4o", api_key="stub", client=client.chat.completions)
    both.invoke("hi", config)
    assert record.types == ["llm_call", "agent_message"]


def test_without_a_session_nothing_happens(stub: StubServer) -> None:
    handler = PromptetheusCallbackHandler()
    assert named(stub).invoke({"question": "hi"}, {"callbacks": [handler]}) == "HELLO FROM THE STUB."


def test_a_mistake_of_ours_stays_ours(
    stub: StubServer, record: Record, monkeypatch: pytest.MonkeyPatch
) -> None:
    from promptetheus import guard

    monkeypatch.setattr(guard, "reraise", False)
    handler = PromptetheusCallbackHandler()
    handler._runs._calls = handler._runs._places._tree = None
    assert named(stub).invoke({"question": "hi"}, {"callbacks": [handler]}) == "HELLO FROM THE STUB."
    assert guard.stats()["failed"]
