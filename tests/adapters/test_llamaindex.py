"""LlamaIndex, as it is called: models, engines, workflows, agents with tools and hand-offs; sync, async, streamed.

Its models are those of LlamaIndex's own package for OpenAI, which wants `openai` below 3: so all this runs beside
CrewAI and not with the other frameworks.
"""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

import promptetheus as pt
from promptetheus import guard
from promptetheus.adapters import LlamaIndexAdapter
from promptetheus.adapters.openai import OpenAIPatch
from tests.adapters.frameworks import framework
from tests.adapters.recorded import Record
from tests.adapters.stub_server import StubServer

core = framework("llama_index.core")
agents = framework("llama_index.core.agent.workflow")
callbacks = framework("llama_index.core.callbacks")
instrumentation = framework("llama_index.core.instrumentation")
mock = framework("llama_index.core.llms.mock")
retrievers = framework("llama_index.core.retrievers")
schema = framework("llama_index.core.schema")
tools = framework("llama_index.core.tools")
types = framework("llama_index.core.base.llms.types")
workflow = framework("llama_index.core.workflow")
openai = framework("llama_index.llms.openai")
openai_embeddings = framework("llama_index.embeddings.openai")

Event: Any = workflow.Event
Workflow: Any = workflow.Workflow
BaseRetriever: Any = retrievers.BaseRetriever
BaseEventHandler: Any = framework("llama_index.core.instrumentation.event_handlers").BaseEventHandler
BaseModel: Any = framework("pydantic").BaseModel
if TYPE_CHECKING:
    Context = Any
    StartEvent = Any
    StopEvent = Any
else:  # LlamaIndex reads the annotations of steps
    Context, StartEvent, StopEvent = workflow.Context, workflow.StartEvent, workflow.StopEvent


class Part(Event):
    """A part of the work."""

    name: str


class Done(Event):
    """A part is done."""


@pytest.fixture(autouse=True)
def adapter(record: Record, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """LlamaIndex swallows what its handlers raise: our mistakes are counted instead."""
    monkeypatch.setattr(guard, "reraise", False)
    with LlamaIndexAdapter() as found:
        yield found
    assert guard.stats()["failed"] == {}


def llm(stub: StubServer, model: str = "gpt-4o", **options: Any) -> Any:
    """LlamaIndex's LLM for OpenAI. It takes no models but OpenAI's: one that makes trouble is named in requests."""
    sent = {"model": model, "stream_options": {"include_usage": True}}
    return openai.OpenAI(model="gpt-4o", **where(stub), additional_kwargs=sent, **options)


def where(stub: StubServer) -> dict[str, Any]:
    """An asynchronous client of httpx stays as it is when its loop is gone. That of OpenAI would begin to close its
    connections in the loop of a later test, when it is collected there."""
    client = httpx.AsyncClient(verify=False)
    return {"api_base": stub.openai_url, "api_key": "stub", "max_retries": 0, "async_http_client": client}


def said(text: str) -> list[Any]:
    return [types.ChatMessage(content=text)]


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def broken(a: int) -> int:
    """Always fails."""
    raise ValueError("no luck")


def agent(stub: StubServer, name: str = "calculator", **options: Any) -> Any:
    given = {"tools": [add, broken], "llm": llm(stub), "name": name, "description": name, **options}
    return agents.FunctionAgent(**given)


def index() -> Any:
    documents = [schema.Document(text="rain, rain", metadata={"source": "poems.txt"})]
    return core.VectorStoreIndex.from_documents(documents, embed_model=core.MockEmbedding(embed_dim=3))


# ── models ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.adapter("LlamaIndex", "call", "content by reference")
@pytest.mark.parametrize("is_async", [False, True])
def test_a_call_is_recorded_with_everything_the_provider_said(
    stub: StubServer, record: Record, is_async: bool
) -> None:
    asyncio.run(llm(stub).achat(said("hi"))) if is_async else llm(stub).chat(said("hi"))
    event = record.only("llm_call")
    payload, metadata = event["payload"], event["metadata"]
    assert (payload["model"], payload["input_tokens"], payload["output_tokens"]) == ("gpt-4o", 11, 7)
    assert (payload["cached_tokens"], payload["reasoning_tokens"]) == (4, 3)
    assert metadata["finish_reason"] == "stop" and metadata["cost_usd"] > 0
    assert payload["messages_ref"].startswith("sha256:") and "messages" not in metadata
    assert record.only("agent_message")["payload"]["content"] == "Hello from the stub."


@pytest.mark.adapter("LlamaIndex", "content on request")
def test_prompts_are_recorded_when_asked_for(stub: StubServer, record: Record, adapter: Any) -> None:
    adapter.detach()
    with LlamaIndexAdapter(capture_content=True):
        llm(stub).chat(said("about tea"))
    assert "about tea" in str(record.only("llm_call")["metadata"]["messages"])


@pytest.mark.adapter("LlamaIndex", "call")
def test_models_that_ask_themselves_for_an_answer_are_one_call(record: Record) -> None:
    async def run() -> None:
        await mock.MockLLM(max_tokens=3).achat(said("hi"))
        async for _ in await mock.MockLLM(max_tokens=3).astream_chat(said("hi")):
            pass

    mock.MockLLM(max_tokens=3).chat(said("hi"))
    list(mock.MockLLM(max_tokens=3).stream_chat(said("hi")))
    asyncio.run(run())
    assert len(record.of("llm_call")) == 4


@pytest.mark.adapter("LlamaIndex", "streaming")
@pytest.mark.parametrize("is_async", [False, True])
def test_a_stream_is_recorded_at_its_end(stub: StubServer, record: Record, is_async: bool) -> None:
    async def run() -> None:
        async for _ in await llm(stub).astream_chat(said("hi")):
            pass

    asyncio.run(run()) if is_async else list(llm(stub).stream_chat(said("hi")))
    event = record.only("llm_call")
    assert event["metadata"]["streamed"] is True and "ttft_ms" in event["metadata"]
    assert event["payload"]["output_tokens"] == 7
    assert record.payloads("agent_message") == [{"content": "Hello from the stub."}]


@pytest.mark.adapter("LlamaIndex", "streaming", "many tasks")
async def test_streams_of_one_prompt_that_run_at_once_are_each_recorded(
    stub: StubServer, record: Record
) -> None:
    model, prompt = llm(stub), said("hi")

    async def ask() -> None:
        async for _ in await model.astream_chat(prompt):
            pass

    await asyncio.gather(*(ask() for _ in range(5)))
    assert len(record.of("llm_call")) == len(stub.requests) == 5


@pytest.mark.adapter("LlamaIndex", "stream left early")
def test_a_stream_that_is_left_early_is_recorded_with_what_came(stub: StubServer, record: Record) -> None:
    stream = llm(stub).stream_chat(said("hi"))
    next(stream), next(stream)
    stream.close()
    assert record.only("llm_call")["metadata"]["status"] == "abandoned"
    assert record.only("agent_message")["payload"]["content"] == "Hello "
    assert record.of("error") == []


@pytest.mark.adapter("LlamaIndex", "failure")
@pytest.mark.parametrize("is_async", [False, True])
def test_a_call_that_fails_is_recorded_with_its_error(
    stub: StubServer, record: Record, is_async: bool
) -> None:
    failing = llm(stub, "gpt-4o-error-500")
    with pytest.raises(Exception, match="500"):
        asyncio.run(failing.achat(said("hi"))) if is_async else failing.chat(said("hi"))
    assert record.types == ["llm_call", "error"]
    assert record.only("llm_call")["metadata"]["error"]["error_type"] == "InternalServerError"


@pytest.mark.adapter("LlamaIndex", "failure", "streaming")
def test_a_stream_that_breaks_is_recorded(stub: StubServer, record: Record) -> None:
    with pytest.raises(Exception, match=r"."):
        list(llm(stub, "gpt-4o-stream-error").stream_chat(said("hi")))
    assert record.only("llm_call")["metadata"]["status"] == "failed"
    assert len(record.of("error")) == 1


@pytest.mark.adapter("LlamaIndex", "structured output")
@pytest.mark.parametrize(("mode", "day"), [("default", 3), ("function", 2)])
def test_structured_output_is_recorded(stub: StubServer, record: Record, mode: str, day: int) -> None:
    class Day(BaseModel):
        """A day."""

        day: int

    prompt = core.PromptTemplate('call Day({"day": 2})')
    found = llm(stub, pydantic_program_mode=mode).structured_predict(Day, prompt)
    assert found.day == day, "the stub makes up what a schema asks for, and calls a tool as it is told"
    call = record.only("llm_call")
    if mode == "default":
        assert json.loads(record.only("agent_message")["payload"]["content"]) == {"day": 3}
    else:
        assert call["metadata"]["tool_calls"][0]["name"] == "Day"
    assert record.of("error") == []


@pytest.mark.adapter("LlamaIndex", "embeddings")
@pytest.mark.parametrize("is_async", [False, True])
def test_embeddings_are_recorded(stub: StubServer, record: Record, is_async: bool) -> None:
    model = openai_embeddings.OpenAIEmbedding(**where(stub))
    if is_async:
        asyncio.run(model.aget_text_embedding_batch(["one", "two"]))
    else:
        model.get_text_embedding_batch(["one", "two"])
    call = record.only("llm_call")
    assert call["payload"]["model"] == "text-embedding-ada-002"
    assert (call["metadata"]["operation"], call["metadata"]["inputs"]) == ("embeddings", 2)


# ── engines ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.adapter("LlamaIndex", "retrieval", "embeddings", "spans")
@pytest.mark.parametrize("is_async", [False, True])
def test_a_question_to_an_engine_is_recorded(stub: StubServer, record: Record, is_async: bool) -> None:
    engine = index().as_query_engine(llm=llm(stub))
    asyncio.run(engine.aquery("rain")) if is_async else engine.query("rain")
    retrieval = record.only("retrieval")
    (document,) = retrieval["payload"]["documents"]
    assert (
        retrieval["payload"]["query"] == "rain"
        and retrieval["metadata"]["retriever"] == "VectorIndexRetriever"
    )
    assert (document["content"], document["source"]) == ("rain, rain", "poems.txt")
    assert isinstance(document["score"], float)
    prefix = "a" if is_async else ""
    query, synthesize = f"RetrieverQueryEngine.{prefix}query", f"CompactAndRefine.{prefix}synthesize"
    assert record.spans() == {"": [query], query: [synthesize]}
    assert record.span_of(retrieval) == query
    chats = [event for event in record.of("llm_call") if event["metadata"]["operation"] == "chat"]
    assert [record.span_of(event) for event in chats] == [synthesize]
    assert any(event["metadata"]["operation"] == "embeddings" for event in record.of("llm_call"))


@pytest.mark.adapter("LlamaIndex", "retrieval", "failure")
def test_a_retrieval_that_fails_is_recorded_and_is_one_error(stub: StubServer, record: Record) -> None:
    class Broken(BaseRetriever):
        def _retrieve(self, query_bundle: Any) -> list[Any]:
            raise LookupError("the index is gone")

    engine = framework("llama_index.core.query_engine").RetrieverQueryEngine.from_args(
        Broken(), llm=llm(stub)
    )
    with pytest.raises(LookupError):
        engine.query("rain")
    assert record.only("retrieval")["metadata"]["status"] == "failed"
    assert record.only("error")["payload"]["error_type"] == "LookupError"


@pytest.mark.adapter("LlamaIndex", "streaming")
def test_a_chat_engine_that_streams_is_recorded(stub: StubServer, record: Record) -> None:
    engine = framework("llama_index.core.chat_engine").SimpleChatEngine.from_defaults(llm=llm(stub))
    assert "".join(engine.stream_chat("hi").response_gen)
    deadline = threading.Event()
    for _ in range(400):
        if record.of("llm_call"):
            break
        deadline.wait(0.05)
    assert record.only("llm_call")["metadata"]["streamed"] is True


# ── agents and workflows ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.adapter("LlamaIndex", "tools", "parallel tools", "async", "spans")
async def test_an_agents_tools_are_recorded_with_the_models_ids(stub: StubServer, record: Record) -> None:
    await agent(stub).run('call add({"a": 2, "b": 3}) and call add({"a": 4, "b": 5})')
    assert set(record.spans()) == {"", "calculator"} and record.spans()[""] == ["calculator"]
    first, _second = record.of("llm_call")
    names = {call["call_id"] for call in first["metadata"]["tool_calls"]}
    calls = {event["payload"]["call_id"]: event["payload"]["arguments"] for event in record.of("tool_call")}
    assert set(calls) == names and sorted(call["a"] for call in calls.values()) == [2, 4]
    results = {result["call_id"]: result["result"] for result in record.payloads("tool_result")}
    assert results == {call_id: call["a"] + call["b"] for call_id, call in calls.items()}
    assert record.span_of(first) == "run_agent_step"


@pytest.mark.adapter("LlamaIndex", "tools", "failure")
async def test_tools_that_fail_or_do_not_exist_are_failed_calls(stub: StubServer, record: Record) -> None:
    await agent(stub).run('call broken({"a": 1}) and call nope({})')
    calls = {call["call_id"]: call["tool_name"] for call in record.payloads("tool_call")}
    found = {calls[result["call_id"]]: result["error"] for result in record.payloads("tool_result")}
    assert "no luck" in found["broken"] and "not found" in found["nope"]
    assert record.of("error") == []


@pytest.mark.adapter("LlamaIndex", "tools", "failure")
def test_a_tool_that_is_called_directly_is_recorded(record: Record) -> None:
    assert tools.FunctionTool.from_defaults(add).call(a=1, b=2).raw_output == 3
    with pytest.raises(ValueError, match="no luck"):
        tools.FunctionTool.from_defaults(broken).call(a=1)
    assert [call["arguments"] for call in record.payloads("tool_call")] == [{"a": 1, "b": 2}, {"a": 1}]
    good, bad = record.payloads("tool_result")
    assert good["result"] == 3 and bad["error"] == "ValueError: no luck"
    assert record.of("error") == []


@pytest.mark.adapter("LlamaIndex", "failure", "async")
async def test_a_model_that_fails_in_an_agent_is_one_error(stub: StubServer, record: Record) -> None:
    for _ in range(2):
        with pytest.raises(Exception, match="500"):
            await agent(stub, llm=llm(stub, "gpt-4o-error-500")).run("hi")
    assert len(record.of("error")) == 2
    ends = [e for e in record.events if e["payload"].get("name") == "span_end"]
    assert [e["metadata"].get("status") for e in ends] == ["failed"] * 4


@pytest.mark.adapter("LlamaIndex", "hand-offs", "sub-agents")
async def test_agents_that_hand_over_are_told_apart(stub: StubServer, record: Record) -> None:
    team = agents.AgentWorkflow(
        agents=[agent(stub, "host", can_handoff_to=["poet"]), agent(stub, "poet", tools=[])],
        root_agent="host",
    )
    await team.run('call handoff({"to_agent": "poet", "reason": "rain"})')
    steps = [
        e["metadata"]["agent"]
        for e in record.events
        if e["payload"].get("span_name") == "run_agent_step" and e["payload"]["name"] == "span_start"
    ]
    assert steps[0] == "host" and "poet" in steps
    assert record.spans()[""] == ["AgentWorkflow"]
    assert record.of("tool_call")[0]["payload"]["tool_name"] == "handoff"


@pytest.mark.adapter("LlamaIndex", "ReAct agents")
async def test_an_agent_that_writes_its_calls_is_recorded(stub: StubServer, record: Record) -> None:
    thinking = agents.ReActAgent(tools=[add], llm=llm(stub), name="thinker")
    await thinking.run('say "Thought: I can answer.\nAnswer: five"')
    assert record.spans()[""] == ["thinker"] and record.of("llm_call")


@pytest.mark.adapter("LlamaIndex", "spans", "parallel nodes", "async")
async def test_parallel_steps_keep_their_own_spans_and_what_their_code_records(
    stub: StubServer, record: Record
) -> None:
    class Fan(Workflow):
        @workflow.step
        async def begin(self, ctx: Context, ev: StartEvent) -> Part | None:
            for name in ("left", "right"):
                ctx.send_event(Part(name=name))
            return None

        @workflow.step(num_workers=2)
        async def work(self, ctx: Context, ev: Part) -> Done:
            with pt.current().span(f"own {ev.name}"):
                await llm(stub).achat(said(f'say "{ev.name}"'))
            return Done()

        @workflow.step
        async def join(self, ctx: Context, ev: Done) -> StopEvent | None:
            return StopEvent() if ctx.collect_events(ev, [Done, Done]) else None

    await Fan(timeout=60).run()
    assert record.spans()["Fan"].count("work") == 2
    assert sorted(record.spans()["work"]) == ["own left", "own right"]
    for message in record.of("agent_message"):
        assert record.span_of(message) == f"own {message['payload']['content']}"


# ── sessions, threads, attaching ─────────────────────────────────────────────────────────────────────────


@pytest.mark.adapter("LlamaIndex", "two sessions")
def test_two_adapters_record_each_into_its_own_session(stub: StubServer, spool: Path, record: Record) -> None:
    with Record(spool) as one, Record(spool) as two, LlamaIndexAdapter(one.session):
        llm(stub).chat(said("hi"))
        assert (len(one.of("llm_call")), len(two.of("llm_call")), record.events) == (1, 1, [])


@pytest.mark.adapter("LlamaIndex", "many threads")
def test_threads_with_sessions_of_their_own_never_mix(stub: StubServer, spool: Path) -> None:
    records: dict[int, Record] = {}

    def work(number: int) -> None:
        with Record(spool) as found:
            records[number] = found
            for turn in range(3):
                llm(stub).chat(said(f'say "{number}.{turn}"'))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number, found in records.items():
        texts = [message["content"] for message in found.payloads("agent_message")]
        assert texts == [f"{number}.{turn}" for turn in range(3)]


@pytest.mark.adapter("LlamaIndex", "many tasks")
async def test_tasks_with_sessions_of_their_own_never_mix(stub: StubServer, spool: Path) -> None:
    async def work(number: int) -> Record:
        with Record(spool) as found:
            await agent(stub).run(f'call add({{"a": {number}, "b": 0}})')
        return found

    for number, found in enumerate(await asyncio.gather(*(work(number) for number in range(5)))):
        assert found.only("tool_call")["payload"]["arguments"] == {"a": number, "b": 0}
        assert found.only("tool_result")["payload"]["result"] == number
        assert len(found.of("llm_call")) == 2 and found.spans()[""] == ["calculator"]


@pytest.mark.adapter("LlamaIndex", "detach")
def test_detaching_leaves_llamaindex_as_it_was(stub: StubServer, record: Record, adapter: Any) -> None:
    dispatcher = instrumentation.get_dispatcher()
    adapter.detach()
    before = (list(dispatcher.event_handlers), list(dispatcher.span_handlers))
    with LlamaIndexAdapter() as second:
        assert len(dispatcher.span_handlers) == len(before[1]) + 1
    second.stop()
    assert (dispatcher.event_handlers, dispatcher.span_handlers) == before
    llm(stub).chat(said("hi"))
    assert record.events == []


@pytest.mark.adapter("LlamaIndex", "detach")
def test_detaching_while_an_event_is_told_keeps_it_from_nobody(
    stub: StubServer, record: Record, adapter: Any
) -> None:
    heard: list[str] = []

    class Last(BaseEventHandler):
        """The one after the one that detaches."""

        def handle(self, event: Any, **kwargs: Any) -> None:
            heard.append(type(event).__name__)

    class Detaching(BaseEventHandler):
        def handle(self, event: Any, **kwargs: Any) -> None:
            adapter.detach()

    dispatcher = instrumentation.get_dispatcher()
    before = list(dispatcher.event_handlers)
    dispatcher.event_handlers += [Detaching(), Last()]
    try:
        llm(stub).chat(said("hi"))
    finally:
        dispatcher.event_handlers = [handler for handler in before if handler in dispatcher.event_handlers]
    assert heard[0] == "LLMChatStartEvent"


@pytest.mark.adapter("LlamaIndex", "two adapters")
@pytest.mark.parametrize("is_async", [False, True])
def test_a_call_that_the_clients_adapter_sees_too_is_recorded_once(
    stub: StubServer, record: Record, is_async: bool
) -> None:
    with OpenAIPatch():
        asyncio.run(llm(stub).achat(said("hi"))) if is_async else llm(stub).chat(said("hi"))
        list(llm(stub).stream_chat(said("hi")))
        with pytest.raises(Exception, match="500"):
            llm(stub, "gpt-4o-error-500").chat(said("hi"))
    assert len(record.of("llm_call")) == 3 and len(record.of("error")) == 1


@pytest.mark.adapter("LlamaIndex", "callback manager")
def test_given_to_a_callback_manager_it_records_each_call_once(
    stub: StubServer, record: Record, adapter: Any
) -> None:
    model = llm(stub)
    model.callback_manager = callbacks.CallbackManager([adapter])
    model.chat(said("hi"))
    assert record.types == ["llm_call", "agent_message"]


@pytest.mark.adapter("LlamaIndex", "callback manager")
def test_what_only_the_callback_manager_is_told_is_recorded(record: Record, adapter: Any) -> None:
    kinds, keys = callbacks.CBEventType, callbacks.EventPayload
    manager = callbacks.CallbackManager([adapter])
    with manager.event(kinds.FUNCTION_CALL, payload={keys.FUNCTION_CALL: {"a": 1}}) as event:
        event.on_end(payload={keys.FUNCTION_OUTPUT: "one"})
    with manager.event(kinds.LLM, payload={keys.SERIALIZED: {"model": "gpt-4o"}}) as event:
        event.on_end(payload={keys.RESPONSE: types.ChatResponse(message=types.ChatMessage(content="hi"))})
    assert record.types == ["tool_call", "tool_result", "llm_call", "agent_message"]
    assert record.only("llm_call")["metadata"]["event_id"]
