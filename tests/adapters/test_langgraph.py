"""LangGraph, as it is called: graphs with parallel nodes, agents with tools, sub-graphs and sub-agents, interrupts;
sync, async and streamed."""

from __future__ import annotations

import asyncio
import operator
import threading
from pathlib import Path
from typing import Annotated, Any, TypedDict

import pytest

import promptetheus as pt
from promptetheus.adapters import LangGraphAdapter
from tests.adapters.frameworks import framework
from tests.adapters.recorded import Record
from tests.adapters.stub_server import StubServer

graphs = framework("langgraph.graph")
types = framework("langgraph.types")
memory = framework("langgraph.checkpoint.memory")
errors = framework("langgraph.errors")
agents = framework("langchain.agents")
tools = framework("langchain_core.tools")
openai = framework("langchain_openai")


class State(TypedDict, total=False):
    """What the graphs of these tests pass on."""

    said: Annotated[list[str], operator.add]


@tools.tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@tools.tool
def broken(a: int) -> int:
    """Always fails."""
    raise ValueError("no luck")


@tools.tool
def book(day: int) -> str:
    """Book a day, when a person agrees."""
    return str(types.interrupt({"book": day}))


def chat(stub: StubServer, name: str = "gpt-4o", **options: Any) -> Any:
    return openai.ChatOpenAI(
        model=name,
        base_url=stub.openai_url,
        api_key="stub",
        **{"max_retries": 0, "stream_usage": True, **options},
    )


def fan_out(stub: StubServer, is_async: bool = False) -> Any:
    """Two nodes side by side, each asking a model, and one after both."""

    def ask(name: str) -> Any:
        def node(state: State) -> State:
            with pt.current().span(f"own {name}"):
                return {"said": [str(chat(stub).invoke(f'say "{name}"').content)]}

        async def async_node(state: State) -> State:
            with pt.current().span(f"own {name}"):
                return {"said": [str((await chat(stub).ainvoke(f'say "{name}"')).content)]}

        return async_node if is_async else node

    builder = graphs.StateGraph(State)
    for name in ("left", "right"):
        builder.add_node(name, ask(name))
        builder.add_edge(graphs.START, name)
        builder.add_edge(name, "join")
    builder.add_node("join", lambda state: {"said": ["joined"]})
    return builder.compile()


def asked(text: str) -> Any:
    return {"messages": [("user", text)]}


@pytest.fixture
def config(record: Record) -> Any:
    return {"callbacks": [LangGraphAdapter()]}


# ── graphs ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.adapter("LangGraph", "spans", "parallel nodes")
def test_every_node_is_a_span_and_holds_what_happens_in_it(
    stub: StubServer, config: Any, record: Record
) -> None:
    assert sorted(fan_out(stub).invoke({}, config)["said"]) == ["joined", "left", "right"]
    spans = record.spans()
    assert sorted(spans[""]) == ["join", "left", "right"]
    assert (spans["left"], spans["right"]) == (["own left"], ["own right"])
    for message in record.of("agent_message"):
        assert record.span_of(message) == f"own {message['payload']['content']}"
    starts = [event for event in record.events if (event.get("metadata") or {}).get("langgraph_node")]
    assert {event["metadata"]["langgraph_node"] for event in starts} == {"join", "left", "right"}
    assert {event["metadata"]["langgraph_step"] for event in starts} == {1, 2}


@pytest.mark.adapter("LangGraph", "async", "parallel nodes")
async def test_parallel_nodes_of_an_async_run_keep_their_own_spans(stub: StubServer, record: Record) -> None:
    await fan_out(stub, is_async=True).ainvoke({}, {"callbacks": [LangGraphAdapter()]})
    spans = record.spans()
    assert sorted(spans[""]) == ["join", "left", "right"]
    assert (spans["left"], spans["right"]) == (["own left"], ["own right"])
    assert {record.span_of(call) for call in record.of("llm_call")} == {"own left", "own right"}
    for message in record.of("agent_message"):
        assert record.span_of(message) == f"own {message['payload']['content']}"


@pytest.mark.adapter("LangGraph", "failure")
@pytest.mark.parametrize("is_async", [False, True])
def test_a_node_that_fails_is_one_error_in_its_span(record: Record, is_async: bool) -> None:
    def fail(state: State) -> State:
        raise ValueError("no luck")

    builder = graphs.StateGraph(State)
    builder.add_node("fail", fail)
    builder.add_edge(graphs.START, "fail")
    graph = builder.compile(name="whole")
    config = {"callbacks": [LangGraphAdapter()]}
    for _ in range(2):
        with pytest.raises(ValueError, match="no luck"):
            asyncio.run(graph.ainvoke({}, config)) if is_async else graph.invoke({}, config)
    assert [record.span_of(error) for error in record.of("error")] == ["fail", "fail"]
    ends = [event for event in record.events if event["payload"].get("name") == "span_end"]
    assert [event["payload"]["span_name"] for event in ends] == ["fail", "whole"] * 2
    assert {event["metadata"]["error"]["error_type"] for event in ends} == {"ValueError"}


@pytest.mark.adapter("LangGraph", "retries")
def test_a_node_that_is_tried_again_is_a_span_each_time(config: Any, record: Record) -> None:
    tries: list[int] = []

    def flaky(state: State) -> State:
        tries.append(1)
        if len(tries) == 1:
            raise ConnectionError("try again")
        return {"said": ["done"]}

    builder = graphs.StateGraph(State)
    policy = types.RetryPolicy(initial_interval=0.001, jitter=False)
    builder.add_node("flaky", flaky, retry_policy=policy)
    builder.add_edge(graphs.START, "flaky")
    builder.compile().invoke({}, config)
    first, second = [event for event in record.events if event["payload"].get("name") == "span_end"]
    assert first["metadata"]["error"]["error_type"] == "ConnectionError"
    assert "status" not in second["metadata"]
    assert record.of("error") == []


@pytest.mark.adapter("LangGraph", "failure")
def test_a_graph_without_an_end_is_an_error(config: Any, record: Record) -> None:
    builder = graphs.StateGraph(State)
    builder.add_node("again", lambda state: {"said": ["again"]})
    builder.add_edge(graphs.START, "again")
    builder.add_edge("again", "again")
    with pytest.raises(errors.GraphRecursionError):
        builder.compile(name="endless").invoke({}, {**config, "recursion_limit": 3})
    assert record.only("error")["payload"]["error_type"] == "GraphRecursionError"
    assert record.spans()["endless"] == ["again"] * 3


@pytest.mark.adapter("LangGraph", "sub-graphs")
@pytest.mark.parametrize("is_async", [False, True])
def test_a_sub_graph_is_inside_its_node(stub: StubServer, record: Record, is_async: bool) -> None:
    builder = graphs.StateGraph(State)
    builder.add_node("child", fan_out(stub, is_async))
    builder.add_edge(graphs.START, "child")
    graph, config = builder.compile(), {"callbacks": [LangGraphAdapter()]}
    asyncio.run(graph.ainvoke({}, config)) if is_async else graph.invoke({}, config)
    assert record.spans()[""] == ["child"]
    assert sorted(record.spans()["child"]) == ["join", "left", "right"]


@pytest.mark.adapter("LangGraph", "streaming")
@pytest.mark.parametrize("mode", ["values", "updates", "messages", "debug"])
def test_streamed_graphs_are_recorded_alike(stub: StubServer, config: Any, record: Record, mode: str) -> None:
    assert list(fan_out(stub).stream({}, config, stream_mode=mode))
    assert sorted(record.spans()[""]) == ["join", "left", "right"]
    assert len(record.of("llm_call")) == 2
    assert all(
        call["metadata"].get("streamed") is (mode == "messages" or None) for call in record.of("llm_call")
    )


@pytest.mark.adapter("LangGraph", "streaming", "async")
async def test_streamed_events_are_recorded_alike(stub: StubServer, record: Record) -> None:
    async for _ in fan_out(stub, is_async=True).astream_events(
        {}, {"callbacks": [LangGraphAdapter()]}, version="v2"
    ):
        pass
    assert sorted(record.spans()[""]) == ["join", "left", "right"]
    assert len(record.of("llm_call")) == 2


@pytest.mark.adapter("LangGraph", "stream left early")
def test_a_graph_whose_stream_is_left_early_is_closed(stub: StubServer, config: Any, record: Record) -> None:
    agent = agents.create_agent(chat(stub), [add], name="calculator")
    stream = agent.stream(asked('call add({"a": 2, "b": 3})'), config)
    next(stream)
    stream.close()
    ends = {
        e["payload"]["span_name"]: e["metadata"]
        for e in record.events
        if e["payload"].get("name") == "span_end"
    }
    assert ends["calculator"]["status"] == "abandoned"
    assert record.of("error") == []


# ── agents ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.adapter("LangGraph", "tools", "parallel tools", "content by reference")
@pytest.mark.parametrize("is_async", [False, True])
def test_an_agents_tools_are_recorded_with_the_models_ids(
    stub: StubServer, record: Record, is_async: bool
) -> None:
    agent, config = (
        agents.create_agent(chat(stub), [add], name="calculator"),
        {"callbacks": [LangGraphAdapter()]},
    )
    question = asked('call add({"a": 2, "b": 3}) and call add({"a": 4, "b": 5})')
    asyncio.run(agent.ainvoke(question, config)) if is_async else agent.invoke(question, config)
    assert record.spans()[""] == ["calculator"]
    assert sorted(record.spans()["calculator"]) == ["model", "model", "tools", "tools"]
    first, second = record.of("llm_call")
    names = {call["call_id"]: call["name"] for call in first["metadata"]["tool_calls"]}
    calls = {event["payload"]["call_id"]: event["payload"]["arguments"] for event in record.of("tool_call")}
    assert set(names) == set(calls) and sorted(call["a"] for call in calls.values()) == [2, 4]
    results = {result["call_id"]: result["result"] for result in record.payloads("tool_result")}
    assert results == {call_id: str(call["a"] + call["b"]) for call_id, call in calls.items()}
    assert second["payload"]["messages_ref"] != first["payload"]["messages_ref"]
    assert "messages" not in first["metadata"]


@pytest.mark.adapter("LangGraph", "tools", "failure")
def test_a_tool_that_fails_ends_its_agent_with_one_error(
    stub: StubServer, config: Any, record: Record
) -> None:
    agent = agents.create_agent(chat(stub), [broken])
    with pytest.raises(ValueError, match="no luck"):
        agent.invoke(asked('call broken({"a": 1})'), config)
    assert record.only("tool_result")["payload"]["error"] == "ValueError: no luck"
    assert record.only("error")["payload"]["error_type"] == "ValueError"
    assert record.span_of(record.only("error")) == "tools"


@pytest.mark.adapter("LangGraph", "tools", "failure")
def test_tools_that_do_not_exist_or_get_wrong_arguments_are_failed_calls(
    stub: StubServer, config: Any, record: Record
) -> None:
    agent = agents.create_agent(chat(stub), [add])
    agent.invoke(asked('call nope({"x": 1}) then call add({"a": "many"})'), config)
    calls = {call["call_id"]: call for call in record.payloads("tool_call")}
    found = {calls[result["call_id"]]["tool_name"]: result for result in record.payloads("tool_result")}
    assert "not a valid tool" in found["nope"]["error"]
    assert "validation error" in found["add"]["error"]
    assert record.of("error") == []


@pytest.mark.adapter("LangGraph", "failure", "async")
async def test_a_model_that_fails_in_a_node_is_one_error(stub: StubServer, record: Record) -> None:
    agent = agents.create_agent(chat(stub, "gpt-4o-error-500"), [add])
    with pytest.raises(Exception, match="500"):
        await agent.ainvoke(asked("hi"), {"callbacks": [LangGraphAdapter()]})
    assert len(record.of("error")) == 1
    assert record.span_of(record.only("llm_call")) == "model"
    assert record.only("llm_call")["metadata"]["status"] == "failed"


@pytest.mark.adapter("LangGraph", "structured output")
def test_structured_output_of_an_agent_is_recorded(stub: StubServer, config: Any, record: Record) -> None:
    schema = {
        "title": "Day",
        "description": "A day.",
        "type": "object",
        "properties": {"day": {"type": "integer"}},
    }
    agent = agents.create_agent(
        chat(stub), [], response_format=framework("langchain.agents.structured_output").ToolStrategy(schema)
    )
    agent.invoke(asked("hi"), config)
    assert [call["name"] for call in record.only("llm_call")["metadata"]["tool_calls"]] == ["Day"]
    assert record.of("error") == []


@pytest.mark.adapter("LangGraph", "sub-agents")
@pytest.mark.parametrize("is_async", [False, True])
def test_an_agent_that_a_tool_calls_is_inside_the_tools_node(
    stub: StubServer, record: Record, is_async: bool
) -> None:
    calculator = agents.create_agent(chat(stub), [add], name="calculator")

    @tools.tool
    def ask_calculator(a: int) -> str:
        """Ask who can add."""
        return str(calculator.invoke(asked(f'call add({{"a": {a}, "b": 3}})'))["messages"][-1].content)

    host = agents.create_agent(chat(stub), [ask_calculator], name="host")
    question = asked('call ask_calculator({"a": 2})')
    config = {"callbacks": [LangGraphAdapter()]}
    asyncio.run(host.ainvoke(question, config)) if is_async else host.invoke(question, config)
    spans = record.spans()
    assert spans["host"] == ["model", "tools", "model"]
    assert spans["tools"] == ["calculator"]
    assert spans["calculator"] == ["model", "tools", "model"]
    assert [call["tool_name"] for call in record.payloads("tool_call")] == ["ask_calculator", "add"]


@pytest.mark.adapter("LangGraph", "interrupts")
def test_an_interrupt_is_no_failure_and_its_tool_call_is_answered_when_it_is_resumed(
    stub: StubServer, config: Any, record: Record
) -> None:
    agent = agents.create_agent(chat(stub), [book], checkpointer=memory.InMemorySaver())
    config["configurable"] = {"thread_id": "t1"}
    agent.invoke(asked('call book({"day": 2})'), config)
    assert record.of("error") == [] and record.of("tool_result") == []
    (waiting,) = [e for e in record.events if e["metadata"].get("status") == "interrupted"]
    assert waiting["metadata"]["interrupts"] == [{"book": 2}]
    agent.invoke(types.Command(resume="agreed"), config)
    assert record.only("tool_call")["payload"]["arguments"] == {"day": 2}
    assert record.only("tool_result")["payload"]["result"] == "agreed"


# ── sessions, threads, tasks ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.adapter("LangGraph", "two sessions", "many threads")
def test_threads_with_sessions_of_their_own_never_mix(stub: StubServer, spool: Path) -> None:
    adapter, graph = LangGraphAdapter(), fan_out(stub)
    records: list[Record] = []

    def work() -> None:
        with Record(spool) as found:
            records.append(found)
            for _ in range(2):
                graph.invoke({}, {"callbacks": [adapter]})

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for found in records:
        assert sorted(found.spans()[""]) == ["join"] * 2 + ["left"] * 2 + ["right"] * 2
        assert len(found.of("llm_call")) == 4
    assert len(records) == 4


@pytest.mark.adapter("LangGraph", "two sessions", "many tasks")
async def test_tasks_with_sessions_of_their_own_never_mix(stub: StubServer, spool: Path) -> None:
    adapter, graph = LangGraphAdapter(), fan_out(stub, is_async=True)

    async def work() -> Record:
        with Record(spool) as found:
            await graph.ainvoke({}, {"callbacks": [adapter]})
        return found

    for found in await asyncio.gather(*(work() for _ in range(6))):
        assert sorted(found.spans()[""]) == ["join", "left", "right"]
        assert len(found.of("llm_call")) == 2


@pytest.mark.adapter("LangGraph", "two sessions")
def test_an_adapter_of_a_session_records_there_whatever_is_current(stub: StubServer, spool: Path) -> None:
    with Record(spool) as one, Record(spool) as two:
        fan_out(stub).invoke({}, {"callbacks": [LangGraphAdapter(one.session)]})
        assert sorted(one.spans()[""]) == ["join", "left", "right"]
        assert len(one.of("llm_call")) == 2
        assert {event["payload"]["span_name"] for event in two.events} == {"own left", "own right"}


@pytest.mark.adapter("LangGraph", "detach")
def test_langgraph_is_left_as_it_was(stub: StubServer, config: Any, record: Record) -> None:
    runnable = framework("langgraph._internal._runnable")
    before = runnable._set_config_context
    fan_out(stub).invoke({}, config)
    assert runnable._set_config_context is before
