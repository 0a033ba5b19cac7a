"""CrewAIAdapter with CrewAI's crews, agents and flows against the stub."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import promptetheus as pt
from promptetheus.adapters import CrewAIAdapter
from tests.adapters.frameworks import framework
from tests.adapters.recorded import Record
from tests.adapters.stub_server import StubServer

crewai = framework("crewai")
tools = framework("crewai.tools")
events = framework("crewai.events")
ADD = 'call add({"a": 2, "b": 3})'


@tools.tool  # type: ignore[untyped-decorator]
def add(a: int, b: int) -> int:
    """Add two numbers."""
    pt.current().metric("sum", a + b)
    return a + b


@tools.tool  # type: ignore[untyped-decorator]
def fail(reason: str) -> str:
    """Fail."""
    raise ValueError(reason)


def agent(stub: StubServer, model: str = "gpt-4o", role: str = "helper", **options: Any) -> Any:
    llm = crewai.LLM(
        model=f"openai/{model}", base_url=stub.openai_url, api_key="stub", max_retries=0, **options
    )
    return crewai.Agent(
        role=role, goal="help", backstory="A helper.", llm=llm, tools=[add, fail], max_retry_limit=0
    )


def crew(
    stub: StubServer, text: str = "hi", model: str = "gpt-4o", name: str = "crew", **options: Any
) -> Any:
    helper = agent(stub, model, **options)
    task = crewai.Task(description=text, expected_output="an answer", agent=helper, name="sum")
    return crewai.Crew(name=name, agents=[helper], tasks=[task], memory=False)


SPANS = {"": ["crew"], "crew": ["sum"], "sum": ["helper"]}


@pytest.mark.adapter("CrewAI", "tools", "spans")
def test_a_kickoff_is_spans_for_crew_task_and_agent_with_model_calls_tools_and_answer(
    record: Record, stub: StubServer
) -> None:
    with CrewAIAdapter():
        assert str(crew(stub, ADD).kickoff()) == "The tools said: 5"
    assert record.spans() == SPANS
    first, second = record.of("llm_call")
    assert first["payload"]["model"] == "gpt-4o" and record.span_of(first) == "helper"
    assert {name: first["payload"][name] for name in ("input_tokens", "output_tokens", "cached_tokens")} == {
        "input_tokens": 11, "output_tokens": 7, "cached_tokens": 4,
    }  # fmt: skip
    assert first["metadata"]["finish_reason"] == "tool_calls" and first["metadata"]["response_id"]
    assert second["metadata"]["agent"] == "helper"
    call, result = record.only("tool_call"), record.only("tool_result")
    assert (call["payload"]["tool_name"], call["payload"]["arguments"]) == ("add", {"a": 2, "b": 3})
    assert call["payload"]["call_id"] == first["metadata"]["tool_calls"][0]["call_id"]
    assert result["payload"] == {"call_id": call["payload"]["call_id"], "result": "5", "error": None}
    assert record.payloads("agent_message") == [{"content": "The tools said: 5"}]
    assert record.span_of(record.only("metric")) == "helper"
    assert ADD not in str(record.events)


@pytest.mark.adapter("CrewAI", "async")
@pytest.mark.parametrize("way", ["kickoff_async", "akickoff"])
async def test_both_asynchronous_ways_are_recorded_as_the_synchronous_one(
    record: Record, stub: StubServer, way: str
) -> None:
    with CrewAIAdapter():
        await getattr(crew(stub, ADD), way)()
    assert record.spans() == SPANS
    assert len(record.of("llm_call")) == 2 and len(record.of("tool_result")) == 1
    assert record.types[-1] == "span_end"


@pytest.mark.adapter("CrewAI", "parallel tools", "failure")
def test_parallel_tools_and_their_failures_are_recorded_by_id(record: Record, stub: StubServer) -> None:
    with CrewAIAdapter():
        crew(stub, f'{ADD} and call fail({{"reason": "full"}})').kickoff()
    asked = {found["call_id"]: found["tool_name"] for found in record.payloads("tool_call")}
    results = {asked[found["call_id"]]: found for found in record.payloads("tool_result")}
    assert results["add"]["result"] == "5" and results["add"]["error"] is None
    assert "full" in results["fail"]["error"]


@pytest.mark.adapter("CrewAI", "streaming")
def test_a_streamed_call_has_the_time_to_first_token(record: Record, stub: StubServer) -> None:
    with CrewAIAdapter():
        crew(stub, stream=True).kickoff()
    call = record.only("llm_call")
    assert call["metadata"]["streamed"] is True and call["metadata"]["ttft_ms"] >= 0
    assert record.payloads("agent_message") == [{"content": "Hello from the stub."}]


@pytest.mark.adapter("CrewAI", "streaming")
def test_a_crew_that_streams_gives_its_pieces_and_is_recorded(record: Record, stub: StubServer) -> None:
    streaming = crew(stub, stream=True)
    streaming.stream = True
    with CrewAIAdapter():
        pieces = [piece.content for piece in streaming.kickoff()]
    assert "".join(pieces)
    assert record.spans() == SPANS
    assert len(record.of("llm_call")) == 1


@pytest.mark.adapter("CrewAI", "failure")
def test_a_model_call_that_fails_is_recorded_once_and_raised(record: Record, stub: StubServer) -> None:
    with CrewAIAdapter(), pytest.raises(Exception, match="the stub answers 500"):
        crew(stub, model="gpt-4o-error-500").kickoff()
    assert record.only("llm_call")["metadata"]["status"] == "failed"
    assert record.only("error")["payload"]["error_type"] == "InternalServerError"
    assert record.only("error")["payload"]["traceback"]
    ends = [
        found["metadata"]["status"] for found in record.events if found["payload"].get("name") == "span_end"
    ]
    assert ends == ["failed"] * 3


@pytest.mark.adapter("CrewAI", "failure")
def test_a_failure_without_a_model_call_is_recorded_once(record: Record, stub: StubServer) -> None:
    def refuse(output: Any) -> None:
        raise LookupError("no such slot")

    failing = crew(stub)
    failing.tasks[0].callback = refuse
    with CrewAIAdapter(), pytest.raises(LookupError, match="no such slot"):
        failing.kickoff()
    assert record.only("error")["payload"]["error_type"] == "LookupError"
    assert record.only("error")["payload"]["message"] == "no such slot"


@pytest.mark.adapter("CrewAI", "stream left early")
def test_a_crew_whose_stream_is_left_early_goes_on_and_is_recorded(record: Record, stub: StubServer) -> None:
    stub.piece_delay_s = 0.01
    streaming = crew(stub, stream=True)
    streaming.stream = True
    with CrewAIAdapter():
        pieces = streaming.kickoff()
        next(iter(pieces))
        pieces.close()
        deadline = time.monotonic() + 20
        while record.types.count("span_end") < 3 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert record.spans() == SPANS
    assert record.only("llm_call")["metadata"]["streamed"] is True
    assert record.types[-1] == "span_end"


@pytest.mark.adapter("CrewAI", "retries", "failure")
def test_a_call_that_the_agent_tries_again_is_a_failed_call_and_one_that_answered(
    record: Record, stub: StubServer
) -> None:
    helper = agent(stub, "gpt-4o-flaky")
    helper.max_retry_limit = 2
    with CrewAIAdapter():
        task = crewai.Task(description="hi", expected_output="an answer", agent=helper, name="sum")
        crewai.Crew(name="crew", agents=[helper], tasks=[task], memory=False).kickoff()
    first, second = record.of("llm_call")
    assert first["metadata"]["status"] == "failed" and "status" not in second["metadata"]
    assert record.only("error")["payload"]["error_type"] == "RateLimitError"
    assert record.payloads("agent_message") == [{"content": "Hello from the stub."}]


@pytest.mark.adapter("CrewAI", "retries")
def test_a_task_whose_guardrail_refuses_is_done_again_in_its_span(record: Record, stub: StubServer) -> None:
    answers: list[str] = []

    def refuse_once(output: Any) -> tuple[bool, Any]:
        answers.append(output.raw)
        return (len(answers) > 1, output.raw)

    del refuse_once.__annotations__["return"]  # CrewAI would read it, and finds a text

    guarded = crew(stub)
    guarded.tasks[0] = crewai.Task(
        description="hi", expected_output="an answer", agent=guarded.agents[0], name="sum",
        guardrail=refuse_once, guardrail_max_retries=2,
    )  # fmt: skip
    with CrewAIAdapter():
        guarded.kickoff()
    assert record.spans() == {"": ["crew"], "crew": ["sum"], "sum": ["helper", "helper"]}
    assert len(record.of("llm_call")) == 2


@pytest.mark.adapter("CrewAI", "sub-agents")
def test_an_agent_that_work_is_delegated_to_is_inside_the_one_that_delegates(
    record: Record, stub: StubServer
) -> None:
    boss, worker = agent(stub, role="boss"), agent(stub, role="worker")
    boss.allow_delegation = True
    asks = 'call delegate_work_to_coworker({"task": "dig", "context": "c", "coworker": "worker"})'
    task = crewai.Task(description=asks, expected_output="an answer", agent=boss, name="sum")
    with CrewAIAdapter():
        crewai.Crew(name="crew", agents=[boss, worker], tasks=[task], memory=False).kickoff()
    assert record.spans() == {"": ["crew"], "crew": ["sum"], "sum": ["boss"], "boss": ["worker"]}
    assert [record.span_of(call) for call in record.of("llm_call")] == ["boss", "worker", "boss"]
    assert record.only("tool_result")["payload"]["result"] == "Hello from the stub."


@pytest.mark.adapter("CrewAI", "retrieval")
def test_what_is_found_in_the_crews_knowledge_is_recorded(
    record: Record, stub: StubServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CREWAI_STORAGE_DIR", str(tmp_path))
    sources = framework("crewai.knowledge.source.string_knowledge_source")
    helper = agent(stub)
    task = crewai.Task(description="the door", expected_output="a colour", agent=helper, name="sum")
    known = crewai.Crew(
        name="crew", agents=[helper], tasks=[task], memory=False,
        knowledge_sources=[sources.StringKnowledgeSource(content="The door is red.")],
        embedder={"provider": "openai", "config": {"api_base": stub.openai_url, "api_key": "stub"}},
    )  # fmt: skip
    with CrewAIAdapter():
        known.kickoff()
    found = record.only("retrieval")
    assert "The door is red." in found["payload"]["documents"][0]["content"]
    assert record.span_of(found) == "sum"


@pytest.mark.adapter("CrewAI", "structured output")
def test_structured_output_is_recorded_as_the_model_gave_it(record: Record, stub: StubServer) -> None:
    shape = framework("pydantic").create_model("Booking", day=(str, ...), hour=(int, ...))
    with CrewAIAdapter():
        answer = agent(stub).kickoff("book", response_format=shape)
    assert isinstance(answer.pydantic, shape)
    assert record.of("llm_call") and not record.of("error")


@pytest.mark.adapter("CrewAI", "agents alone")
def test_an_agent_without_a_crew_and_a_model_without_an_agent_are_recorded(
    record: Record, stub: StubServer
) -> None:
    helper = agent(stub)
    with CrewAIAdapter():
        helper.kickoff("hi")
        assert helper.llm.call("hi") == "Hello from the stub."
    assert record.spans() == {"": ["helper"]}
    assert [record.span_of(call) for call in record.of("llm_call")] == ["helper", ""]


@pytest.mark.adapter("CrewAI", "flows")
def test_a_flow_is_a_span_with_its_methods(record: Record, stub: StubServer) -> None:
    flows = framework("crewai.flow.flow")

    class Booking(flows.Flow):  # type: ignore[misc, name-defined]
        @flows.start()  # type: ignore[untyped-decorator]
        def ask(self) -> str:
            return str(crew(stub).kickoff())

        @flows.listen(ask)  # type: ignore[untyped-decorator]
        def answer(self, text: str) -> str:
            return text.upper()

        @flows.listen(answer)  # type: ignore[untyped-decorator]
        def refuse(self, text: str) -> str:
            raise LookupError("no such slot")

    with CrewAIAdapter(), pytest.raises(LookupError):
        Booking().kickoff()
    spans = record.spans()
    assert spans[""] == ["Booking"] and sorted(spans["Booking"]) == ["answer", "ask", "refuse"]
    assert spans["ask"] == ["crew"]
    assert record.only("error")["payload"]["message"] == "no such slot"


def test_tasks_that_run_in_threads_of_their_own_stay_in_their_crew(record: Record, stub: StubServer) -> None:
    agents = [agent(stub, role=f"r{number}") for number in range(3)]
    tasks = [
        crewai.Task(
            description="hi", expected_output="x", agent=one, name=f"t{number}", async_execution=number < 2
        )
        for number, one in enumerate(agents)
    ]
    with CrewAIAdapter():
        crewai.Crew(name="crew", agents=agents, tasks=tasks, memory=False).kickoff()
    spans = record.spans()
    assert spans[""] == ["crew"] and sorted(spans["crew"]) == ["t0", "t1", "t2"]
    assert len(record.of("llm_call")) == 3


@pytest.mark.adapter("CrewAI", "two sessions", "many threads")
def test_crews_in_threads_do_not_mix(spool: Path, stub: StubServer) -> None:
    found: dict[int, Any] = {}

    def run(number: int) -> None:
        with Record(spool) as mine:
            crew(stub, name=f"c{number}", role=f"r{number}").kickoff()
            found[number] = mine.spans(), len(mine.of("llm_call"))

    with CrewAIAdapter():
        threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert found == {n: ({"": [f"c{n}"], f"c{n}": ["sum"], "sum": [f"r{n}"]}, 1) for n in range(4)}


@pytest.mark.adapter("CrewAI", "many tasks")
async def test_crews_in_tasks_do_not_mix(spool: Path, stub: StubServer) -> None:
    async def run(number: int) -> dict[str, list[str]]:
        with Record(spool) as mine:
            await crew(stub, name=f"c{number}").akickoff()
            return mine.spans()

    with CrewAIAdapter():
        found = await asyncio.gather(*(run(number) for number in range(4)))
    assert found == [{"": [f"c{n}"], f"c{n}": ["sum"], "sum": ["helper"]} for n in range(4)]


@pytest.mark.adapter("CrewAI", "two sessions")
def test_two_adapters_record_into_their_own_sessions_and_one_session_only_once(
    spool: Path, stub: StubServer
) -> None:
    with Record(spool) as left, Record(spool) as right:
        with CrewAIAdapter(left.session), CrewAIAdapter(right.session), CrewAIAdapter(right.session):
            crew(stub).kickoff()
        assert left.types == right.types
        assert left.spans() == SPANS


@pytest.mark.adapter("CrewAI", "detach")
def test_detach_leaves_the_bus_as_it_was(record: Record, stub: StubServer) -> None:
    bus = type(events.crewai_event_bus)
    before = dict(vars(bus))
    adapter = CrewAIAdapter()
    assert bus.emit is not before["emit"]
    adapter.detach()
    adapter.stop()
    assert dict(vars(bus)) == before
    crew(stub).kickoff()
    assert not [found for found in record.types if found != "metric"]


@pytest.mark.adapter("CrewAI", "content by reference")
def test_prompts_are_recorded_only_when_asked_for_and_without_secrets(
    record: Record, stub: StubServer
) -> None:
    with CrewAIAdapter(capture_content=True):
        crew(stub, "my key is sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD").kickoff()
    kept = str(record.of("llm_call")[0]["metadata"]["messages"])
    assert "my key is" in kept and "sk-proj-abcdefghijklmnop" not in kept


def test_a_call_that_the_patch_of_the_client_sees_too_is_recorded_once_in_the_agents_span(
    record: Record, stub: StubServer
) -> None:
    from promptetheus.adapters.openai import OpenAIPatch

    with OpenAIPatch(), CrewAIAdapter():
        crew(stub, ADD).kickoff()
    assert [record.span_of(call) for call in record.of("llm_call")] == ["helper", "helper"]
    assert len(record.of("tool_call")) == len(record.of("tool_result")) == 1
    assert len(record.of("agent_message")) == 1


def test_a_run_through_a_session_that_has_ended_is_not_recorded_and_works(
    spool: Path, stub: StubServer
) -> None:
    with CrewAIAdapter():
        assert str(crew(stub).kickoff()) == "Hello from the stub."
        with Record(spool) as record:
            crew(stub).kickoff()
        before = len(record.events)
        crew(stub).kickoff()
    assert len(record.events) == before
