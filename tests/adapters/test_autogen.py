"""AutoGenAdapter with AutoGen's agents and teams against the stub."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import promptetheus as pt
from promptetheus.adapters import AutoGenAdapter
from promptetheus.adapters.autogen import AutoGenPatch
from tests.adapters.frameworks import framework
from tests.adapters.recorded import Record
from tests.adapters.stub_server import StubServer

agents = framework("autogen_agentchat.agents")
teams = framework("autogen_agentchat.teams")
conditions = framework("autogen_agentchat.conditions")
messages = framework("autogen_agentchat.messages")
openai = framework("autogen_ext.models.openai")
replay = framework("autogen_ext.models.replay")
core = framework("autogen_core")
ADD = 'call add({"a": 2, "b": 3})'
INFO = {
    "vision": False, "function_calling": True, "json_output": True, "structured_output": True, "family": "unknown",
}  # fmt: skip


_clients: list[Any] = []


@pytest.fixture(autouse=True)
async def clients_are_closed(record: Record) -> AsyncIterator[None]:
    """In the loop that they were used in."""
    yield
    while _clients:
        await _clients.pop().close()


def client(stub: StubServer, model: str = "gpt-4o", max_retries: int = 0) -> Any:
    _clients.append(
        openai.OpenAIChatCompletionClient(
            model=model, base_url=stub.openai_url, api_key="stub", model_info=INFO, max_retries=max_retries
        )
    )
    return _clients[-1]


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def fail(reason: str) -> str:
    """Fail."""
    raise ValueError(reason)


def assistant(stub: StubServer, name: str = "helper", model: str = "gpt-4o", **options: Any) -> Any:
    return agents.AssistantAgent(name, client(stub, model), tools=[add, fail], **options)


@pytest.mark.adapter("AutoGen", "async", "tools", "spans")
async def test_a_run_is_a_span_with_its_model_calls_tools_and_answer(
    record: Record, stub: StubServer
) -> None:
    agent = assistant(stub, reflect_on_tool_use=True)
    with AutoGenAdapter() as adapter:
        adapter.attach(agent)
        result = await agent.run(task=ADD)
    assert result.messages[-1].content == "The tools said: 5"
    assert record.types == [
        "span_start", "llm_call", "tool_call", "tool_result", "llm_call", "agent_message", "span_end",
    ]  # fmt: skip
    assert record.spans() == {"": ["helper"]}
    first, second = record.of("llm_call")
    assert first["payload"]["model"] == "gpt-4o"
    assert (first["payload"]["input_tokens"], first["payload"]["output_tokens"]) == (11, 7)
    assert first["payload"]["latency_ms"] >= 0 and first["payload"]["messages_ref"].startswith("sha256:")
    assert second["metadata"]["finish_reason"] == "stop"
    call, result = record.only("tool_call"), record.only("tool_result")
    assert (call["payload"]["tool_name"], call["payload"]["arguments"]) == ("add", {"a": 2, "b": 3})
    assert result["payload"] == {"call_id": call["payload"]["call_id"], "result": "5", "error": None}
    assert record.only("agent_message")["payload"]["content"] == "The tools said: 5"
    assert ADD not in str(record.events)


@pytest.mark.adapter("AutoGen", "streaming")
async def test_a_streamed_run_gives_the_same_messages_and_the_time_to_first_token(
    record: Record, stub: StubServer
) -> None:
    plain = [type(m).__name__ async for m in assistant(stub, model_client_stream=True).run_stream(task="hi")]
    agent = assistant(stub, model_client_stream=True)
    AutoGenAdapter().attach(agent)
    assert [type(m).__name__ async for m in agent.run_stream(task="hi")] == plain
    call = record.only("llm_call")
    assert call["metadata"]["streamed"] is True and call["metadata"]["ttft_ms"] >= 0
    assert record.payloads("agent_message") == [{"content": "Hello from the stub."}]
    assert record.types == ["span_start", "llm_call", "agent_message", "span_end"]


@pytest.mark.adapter("AutoGen", "stream left early")
async def test_a_stream_that_is_left_early_keeps_what_had_come(record: Record, stub: StubServer) -> None:
    agent = assistant(stub, model_client_stream=True)
    AutoGenAdapter().attach(agent)
    stream = agent.run_stream(task="hi")
    async for message in stream:
        if type(message).__name__ == "ModelClientStreamingChunkEvent":
            break
    await stream.aclose()
    deadline = time.monotonic() + 20  # AutoGen leaves the streams inside to the loop
    while not {"span_end", "llm_call"} <= set(record.types) and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    assert record.only("llm_call")["metadata"]["status"] == "abandoned"


@pytest.mark.adapter("AutoGen", "parallel tools")
async def test_parallel_tools_and_their_failures_are_recorded_by_id(record: Record, stub: StubServer) -> None:
    agent = assistant(stub)
    AutoGenAdapter().attach(agent)
    await agent.run(task=f'{ADD} and call fail({{"reason": "full"}})')
    asked = {found["call_id"]: found["tool_name"] for found in record.payloads("tool_call")}
    results = {asked[found["call_id"]]: found for found in record.payloads("tool_result")}
    assert results["add"]["result"] == "5" and results["add"]["error"] is None
    assert "full" in results["fail"]["error"] and results["fail"]["result"] is None


@pytest.mark.adapter("AutoGen", "failure")
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_model_call_that_fails_is_recorded_once_and_raised(
    record: Record, stub: StubServer, streamed: bool
) -> None:
    agent = assistant(stub, model="gpt-4o-error-500", model_client_stream=streamed)
    AutoGenAdapter().attach(agent)
    with pytest.raises(framework("openai").InternalServerError):
        await agent.run(task="hi")
    assert record.only("llm_call")["metadata"]["status"] == "failed"
    assert record.only("error")["payload"]["error_type"] == "InternalServerError"
    assert record.events[-1]["metadata"]["status"] == "failed"


@pytest.mark.adapter("AutoGen", "retries")
@pytest.mark.parametrize("streamed", [False, True])
async def test_a_call_that_its_client_tries_again_is_one_call(
    record: Record, stub: StubServer, streamed: bool
) -> None:
    tries = client(stub, "gpt-4o-flaky", max_retries=2)
    agent = agents.AssistantAgent("helper", tries, model_client_stream=streamed)
    AutoGenAdapter().attach(agent)
    await agent.run(task="hi")
    assert len(stub.requests) == 2
    assert "status" not in record.only("llm_call")["metadata"]
    assert record.types == ["span_start", "llm_call", "agent_message", "span_end"]


@pytest.mark.adapter("AutoGen", "teams", "failure")
async def test_a_team_is_a_span_around_the_turns_of_its_agents(record: Record, stub: StubServer) -> None:
    team = teams.RoundRobinGroupChat(
        [assistant(stub, "first"), assistant(stub, "second")], max_turns=2, name="pair"
    )
    AutoGenAdapter().attach(team)
    result = await team.run(task="hi")
    assert len(result.messages) == 3
    assert record.spans() == {"": ["pair"], "pair": ["first", "second"]}
    assert [record.span_of(call) for call in record.of("llm_call")] == ["first", "second"]
    broken = teams.RoundRobinGroupChat(
        [assistant(stub, "broken", "gpt-4o-error-400")], max_turns=1, name="other"
    )
    AutoGenAdapter().attach(broken)
    with pytest.raises(RuntimeError):
        await broken.run(task="hi")
    assert record.only("error")["metadata"]["model"] == "gpt-4o-error-400"


@pytest.mark.adapter("AutoGen", "handoffs")
async def test_a_handoff_is_a_change_of_state(record: Record) -> None:
    call = core.FunctionCall(id="h1", name="transfer_to_bob", arguments="{}")
    usage = framework("autogen_core.models").RequestUsage(prompt_tokens=3, completion_tokens=2)
    asks = framework("autogen_core.models").CreateResult(
        finish_reason="function_calls", content=[call], usage=usage, cached=False
    )
    info = {**INFO, "family": "unknown"}
    alice = agents.AssistantAgent(
        "alice", replay.ReplayChatCompletionClient([asks], model_info=info), handoffs=["bob"]
    )
    bob = agents.AssistantAgent("bob", replay.ReplayChatCompletionClient(["Done."], model_info=info))
    team = teams.Swarm(
        [alice, bob], termination_condition=conditions.TextMentionTermination("Done."), name="swarm"
    )
    AutoGenAdapter().attach(team)
    await team.run(task="hi")
    (change,) = [found for found in record.payloads("state_change") if found["name"] == "handoff"]
    assert (change["before"], change["after"]) == ("alice", "bob")
    assert record.spans() == {"": ["swarm"], "swarm": ["alice", "bob"]}
    assert record.payloads("tool_call")[0]["tool_name"] == "transfer_to_bob"


@pytest.mark.adapter("AutoGen", "sub-agents")
async def test_an_agent_in_a_tool_is_a_span_inside_the_one_that_calls_it(
    record: Record, stub: StubServer
) -> None:
    tools = framework("autogen_agentchat.tools")
    poet = agents.AssistantAgent("poet", client(stub), description="Writes.")
    host = agents.AssistantAgent("host", client(stub), tools=[tools.AgentTool(poet)])
    AutoGenAdapter().attach(host)
    await host.run(task='call poet({"task": "rain"})')
    assert record.spans() == {"": ["host"], "host": ["poet"]}
    assert [record.span_of(call) for call in record.of("llm_call")] == ["host", "poet"]


async def test_a_speaker_that_a_model_selects_is_recorded(record: Record, stub: StubServer) -> None:
    chooser = replay.ReplayChatCompletionClient(["second"], model_info=INFO)
    team = teams.SelectorGroupChat(
        [assistant(stub, "first"), assistant(stub, "second")], chooser, max_turns=1, name="select",
        emit_team_events=True,
    )  # fmt: skip
    AutoGenAdapter().attach(team)
    await team.run(task="hi")
    assert ["second"] in [f["after"] for f in record.payloads("state_change") if f["name"] == "speaker"]
    assert [record.span_of(call) for call in record.of("llm_call")] == ["select", "second"]


@pytest.mark.adapter("AutoGen", "structured output")
async def test_structured_output_is_what_the_model_said(record: Record, stub: StubServer) -> None:
    pydantic = framework("pydantic")
    shape = pydantic.create_model("Booking", day=(str, ...), hour=(int, ...))
    agent = agents.AssistantAgent("booker", client(stub), output_content_type=shape)
    AutoGenAdapter().attach(agent)
    result = await agent.run(task="book")
    assert isinstance(result.messages[-1].content, shape)
    assert len(record.of("agent_message")) == 1


class Echo(agents.BaseChatAgent):  # type: ignore[misc, name-defined]
    """An agent without a model."""

    produced_message_types = (messages.TextMessage,)

    async def on_messages(self, given: Any, token: Any) -> Any:
        if given[-1].content == "break":
            raise LookupError("nothing here")
        text = messages.TextMessage(content=f"heard {given[-1].content}", source=self.name)
        return framework("autogen_agentchat.base").Response(chat_message=text)

    async def on_reset(self, token: Any) -> None:
        """Nothing is kept."""


@pytest.mark.adapter("AutoGen", "failure")
async def test_an_agent_of_the_users_own_is_recorded_with_what_it_says_and_raises(record: Record) -> None:
    echo = Echo("echo", "Repeats.")
    AutoGenAdapter().attach(echo)
    await echo.run(task="one")
    assert [type(m).__name__ async for m in echo.run_stream(task="two")][-1] == "TaskResult"
    with pytest.raises(LookupError):
        await echo.run(task="break")
    assert record.payloads("agent_message") == [{"content": "heard one"}, {"content": "heard two"}]
    assert record.spans() == {"": ["echo"] * 3}
    assert record.only("error")["payload"]["error_type"] == "LookupError"


@pytest.mark.adapter("AutoGen", "content by reference")
async def test_prompts_are_recorded_only_when_asked_for_and_without_secrets(
    record: Record, stub: StubServer
) -> None:
    agent = assistant(stub)
    AutoGenAdapter(capture_content=True).attach(agent)
    await agent.run(task="my key is sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD")
    kept = str(record.only("llm_call")["metadata"]["messages"])
    assert "my key is" in kept and "sk-proj-abcdefghijklmnop" not in kept


@pytest.mark.adapter("AutoGen", "two sessions", "many tasks")
async def test_tasks_and_sessions_do_not_mix(spool: Path, stub: StubServer) -> None:
    async def run(number: int) -> tuple[int, dict[str, list[str]]]:
        with Record(spool) as mine:
            team = teams.RoundRobinGroupChat(
                [assistant(stub, f"a{number}"), assistant(stub, f"b{number}")], max_turns=2, name=f"t{number}"
            )
            AutoGenAdapter().attach(team)
            await team.run(task="hi")
            assert len(mine.of("llm_call")) == 2
            return number, mine.spans()

    for number, spans in await asyncio.gather(*(run(number) for number in range(5))):
        assert spans == {"": [f"t{number}"], f"t{number}": [f"a{number}", f"b{number}"]}


@pytest.mark.adapter("AutoGen", "two sessions", "many threads")
async def test_threads_with_loops_of_their_own_do_not_mix(spool: Path) -> None:
    found: dict[int, Any] = {}

    async def ask(number: int) -> None:
        model = replay.ReplayChatCompletionClient([f"answer {number}"], model_info=INFO)
        team = teams.RoundRobinGroupChat(
            [agents.AssistantAgent(f"a{number}", model)], max_turns=1, name=f"t{number}"
        )
        with AutoGenPatch():
            await team.run(task="hi")

    def work(number: int) -> None:
        with Record(spool) as mine:
            asyncio.run(ask(number))
            found[number] = mine.spans(), mine.payloads("agent_message")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    assert found == {n: ({"": [f"t{n}"], f"t{n}": [f"a{n}"]}, [{"content": f"answer {n}"}]) for n in range(5)}


@pytest.mark.adapter("AutoGen", "two sessions")
async def test_two_adapters_with_two_sessions_each_record_one_agent(spool: Path, stub: StubServer) -> None:
    with Record(spool) as left, Record(spool) as right:
        agent = assistant(stub)
        AutoGenAdapter(left.session).attach(agent)
        AutoGenAdapter(right.session).attach(agent)
        await agent.run(task="hi")
        assert left.types == right.types == ["span_start", "llm_call", "agent_message", "span_end"]


@pytest.mark.adapter("AutoGen", "detach")
async def test_detach_leaves_the_agent_as_it_was(record: Record, stub: StubServer) -> None:
    agent = assistant(stub)
    before, of_client = dict(vars(agent)), dict(vars(agent._model_client))
    adapter = AutoGenAdapter().attach(agent).attach(agent)
    assert vars(agent) != before
    adapter.detach_all()
    adapter.stop()
    assert vars(agent) == before and vars(agent._model_client) == of_client
    await agent.run(task="hi")
    assert not record.events


@pytest.mark.adapter("AutoGen", "detach")
async def test_the_patch_records_every_runner_while_it_runs_and_each_call_once(
    record: Record, stub: StubServer
) -> None:
    from promptetheus.adapters.openai import OpenAIPatch

    before = agents.BaseChatAgent.run, teams.BaseGroupChat.run_stream
    with AutoGenPatch(), OpenAIPatch():
        team = teams.RoundRobinGroupChat([assistant(stub, "first")], max_turns=1, name="alone")
        kept = dict(vars(team))
        await team.run(task=ADD)
        assert vars(team).keys() == kept.keys()
        await assistant(stub, "second").run(task="hi")
        cancel = core.CancellationToken()
        await assistant(stub, "third").on_messages(
            [messages.TextMessage(content="hi", source="user")], cancel
        )
    assert (agents.BaseChatAgent.run, teams.BaseGroupChat.run_stream) == before
    assert record.spans() == {"": ["alone", "second", "third"], "alone": ["first"]}
    assert [record.span_of(call) for call in record.of("llm_call")] == ["first", "second", "third"]
    assert record.of("llm_call")[0]["metadata"]["response_id"]
    assert len(record.of("tool_call")) == len(record.of("tool_result")) == 1
    assert len(record.of("agent_message")) == 3


async def test_what_the_user_records_in_a_tool_is_inside_the_turn(record: Record, stub: StubServer) -> None:
    async def add(a: int, b: int) -> int:
        """Add."""
        pt.current().metric("sum", a + b)
        return a + b

    agent = agents.AssistantAgent("helper", client(stub), tools=[add])
    AutoGenAdapter().attach(agent)
    await agent.run(task=ADD)
    assert record.span_of(record.only("metric")) == "helper"


async def test_without_a_session_nothing_is_recorded_and_all_works(stub: StubServer) -> None:
    agent = assistant(stub)
    with AutoGenAdapter() as adapter:
        adapter.attach(agent)
        assert (await agent.run(task="hi")).messages[-1].content == "Hello from the stub."
