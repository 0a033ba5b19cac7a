"""DSPy, as it is called: models, modules, agents with tools, evaluations, threads; sync, async, streamed."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import promptetheus as pt
from promptetheus import context, guard
from promptetheus.adapters import DSPyAdapter
from promptetheus.adapters.dspy import DSPyPatch
from tests.adapters.frameworks import framework
from tests.adapters.recorded import Record
from tests.adapters.stub_server import StubServer

dspy = framework("dspy")
dummies = framework("dspy.utils.dummies")
parallelizer = framework("dspy.utils.parallelizer")

FIVE = 'say "[[ ## reasoning ## ]]\nbecause\n\n[[ ## answer ## ]]\nfive\n\n[[ ## completed ## ]]"'


@pytest.fixture(autouse=True)
def nothing_of_ours_fails(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """DSPy swallows what its callbacks raise: our mistakes are counted instead."""
    monkeypatch.setattr(guard, "reraise", False)
    yield
    assert guard.stats()["failed"] == {}


@pytest.fixture
def adapter() -> Iterator[Any]:
    with DSPyAdapter() as found:
        yield found


def lm(stub: StubServer, model: str = "gpt-4o", **options: Any) -> Any:
    given = {"cache": False, "num_retries": 0, **options}
    return dspy.LM(f"openai/{model}", api_base=stub.openai_url, api_key="stub", **given)


def dummy(*answers: dict[str, Any]) -> Any:
    return dummies.DummyLM(list(answers))


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def broken(a: int) -> int:
    """Always fails."""
    raise ValueError("no luck")


def calls(tool: str, **arguments: Any) -> dict[str, Any]:
    return {"next_thought": "t", "next_tool_name": tool, "next_tool_args": arguments}


# ── models ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.adapter("DSPy", "call", "content by reference")
@pytest.mark.parametrize("is_async", [False, True])
def test_a_call_is_recorded_with_what_its_history_says(
    stub: StubServer, record: Record, adapter: Any, is_async: bool
) -> None:
    with dspy.context(callbacks=[adapter]):
        assert (asyncio.run(lm(stub).acall("hi")) if is_async else lm(stub)("hi")) == ["Hello from the stub."]
    event = record.only("llm_call")
    payload, metadata = event["payload"], event["metadata"]
    assert (payload["model"], payload["input_tokens"], payload["output_tokens"]) == ("gpt-4o", 11, 7)
    assert (payload["cached_tokens"], payload["reasoning_tokens"]) == (4, 3)
    assert metadata["cost_usd"] > 0 and metadata["finish_reason"] == "stop" and metadata["call_id"]
    assert payload["messages_ref"].startswith("sha256:") and "messages" not in metadata
    assert record.only("agent_message")["payload"]["content"] == "Hello from the stub."


@pytest.mark.adapter("DSPy", "content on request")
def test_prompts_are_recorded_when_asked_for(stub: StubServer, record: Record) -> None:
    with DSPyAdapter(capture_content=True) as adapter, dspy.context(callbacks=[adapter], lm=lm(stub)):
        dspy.Predict("question -> answer")(question=FIVE)
    assert "[[ ## answer ## ]]" in str(record.only("llm_call")["metadata"]["messages"])


@pytest.mark.adapter("DSPy", "many threads")
def test_calls_of_one_model_at_the_same_time_keep_their_own_counts(
    stub: StubServer, record: Record, adapter: Any
) -> None:
    shared = lm(stub)

    def work(number: int) -> None:
        with dspy.context(callbacks=[DSPyAdapter(record.session)]):
            shared(f'say "{number}"')

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(record.of("llm_call")) == 8
    assert {event["payload"]["output_tokens"] for event in record.of("llm_call")} == {7}
    assert sorted(message["content"] for message in record.payloads("agent_message")) == [
        str(n) for n in range(8)
    ]


@pytest.mark.adapter("DSPy", "cache")
def test_an_answer_from_dspys_cache_costs_nothing(stub: StubServer, record: Record, adapter: Any) -> None:
    cached = lm(stub, cache=True)
    question = f"hi {stub.url}"
    with dspy.context(callbacks=[adapter]):
        cached(question)
        cached(question)
    assert len(stub.requests) == 1
    first, second = record.of("llm_call")
    assert first["metadata"]["cost_usd"] > 0 and "cache_hit" not in first["metadata"]
    assert second["metadata"]["cost_usd"] == 0 and second["metadata"]["cache_hit"] is True


@pytest.mark.adapter("DSPy", "failure")
@pytest.mark.parametrize("is_async", [False, True])
def test_a_call_that_fails_is_one_error_however_many_modules_it_leaves(
    stub: StubServer, record: Record, adapter: Any, is_async: bool
) -> None:
    with dspy.context(callbacks=[adapter], lm=lm(stub, "gpt-4o-error-400")):
        program = dspy.ChainOfThought("question -> answer")
        for _ in range(2):
            with pytest.raises(Exception, match="400"):
                asyncio.run(program.acall(question="hi")) if is_async else program(question="hi")
    assert len(record.of("llm_call")) == len(record.of("error")) == 2
    assert all(event["metadata"]["status"] == "failed" for event in record.of("llm_call"))
    ends = [event for event in record.events if event["payload"].get("name") == "span_end"]
    assert [event["metadata"]["status"] for event in ends] == ["failed"] * 4


@pytest.mark.adapter("DSPy", "failure", "structured output")
def test_an_answer_that_cannot_be_read_is_an_error(stub: StubServer, record: Record, adapter: Any) -> None:
    with dspy.context(callbacks=[adapter], lm=lm(stub)):  # asked again for JSON, the stub has an answer
        assert dspy.Predict("question -> answer: int")(question='say "no fields"').answer == 3
    assert len(record.of("llm_call")) == 2
    assert record.only("error")["metadata"]["during"] == "parse"


@pytest.mark.adapter("DSPy", "retries")
def test_a_call_that_is_tried_again_is_one_call(stub: StubServer, record: Record, adapter: Any) -> None:
    with dspy.context(callbacks=[adapter]):
        lm(stub, "gpt-4o-flaky", num_retries=2)("hi")
    assert record.only("llm_call")["payload"]["output_tokens"] == 7


# ── modules ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.adapter("DSPy", "spans")
@pytest.mark.parametrize("is_async", [False, True])
def test_modules_are_spans_and_an_answer_is_said_once(
    stub: StubServer, record: Record, adapter: Any, is_async: bool
) -> None:
    before = context.span_stack.get()
    with dspy.context(callbacks=[adapter], lm=lm(stub)):
        program = dspy.ChainOfThought("question -> answer")
        asyncio.run(program.acall(question=FIVE)) if is_async else program(question=FIVE)
    assert record.spans() == {"": ["ChainOfThought"], "ChainOfThought": ["Predict"]}
    assert record.span_of(record.only("llm_call")) == "Predict"
    assert record.payloads("agent_message") == [{"content": "five"}]
    assert context.span_stack.get() == before


@pytest.mark.adapter("DSPy", "tools")
@pytest.mark.parametrize("is_async", [False, True])
def test_an_agents_tools_are_recorded(record: Record, adapter: Any, is_async: bool) -> None:
    model = dummy(calls("add", a=1, b=2), calls("finish"), {"reasoning": "r", "answer": "3"})
    with dspy.context(callbacks=[adapter], lm=model):
        agent = dspy.ReAct("question -> answer", tools=[add])
        asyncio.run(agent.acall(question="1+2")) if is_async else agent(question="1+2")
    first, _finish = record.payloads("tool_call")
    assert (first["tool_name"], first["arguments"]) == ("add", {"a": 1, "b": 2})
    assert record.payloads("tool_result")[0] == {"call_id": first["call_id"], "result": 3, "error": None}
    assert record.spans()["ReAct"] == ["Predict", "Predict", "ChainOfThought"]
    assert record.payloads("agent_message")[-1] == {"content": "3"}


@pytest.mark.adapter("DSPy", "tools", "failure")
def test_a_tool_that_fails_is_a_failed_call_and_no_error_of_the_agent(record: Record, adapter: Any) -> None:
    model = dummy(calls("broken", a=1), calls("finish"), {"reasoning": "r", "answer": "none"})
    with dspy.context(callbacks=[adapter], lm=model):
        dspy.ReAct("question -> answer", tools=[broken])(question="?")
    assert record.payloads("tool_result")[0]["error"] == "ValueError: no luck"
    assert record.of("error") == []


@pytest.mark.adapter("DSPy", "tools", "parallel tools")
def test_tools_asked_for_by_the_providers_own_means_have_the_models_ids(
    stub: StubServer, record: Record, adapter: Any
) -> None:
    native = dspy.ChatAdapter(use_native_function_calling=True)
    both = 'call add({"a": 2, "b": 3}) and call add({"a": 4, "b": 5}) then call submit({"answer": "nine"})'
    with dspy.context(lm=lm(stub), callbacks=[adapter], adapter=native):
        dspy.ReActV2("question -> answer", tools=[add], max_iters=1)(question=both)
    asked = record.of("llm_call")[0]["metadata"]["tool_calls"]
    results = {found["call_id"]: found["result"] for found in record.payloads("tool_result")}
    assert [results[call["call_id"]] for call in asked] == [5, 9]
    assert [found["arguments"] for found in record.payloads("tool_call")][:2] == [
        {"a": 2, "b": 3}, {"a": 4, "b": 5},
    ]  # fmt: skip
    assert "ToolCall" not in str(record.payloads("agent_message"))


@pytest.mark.adapter("DSPy", "sub-agents", "spans")
def test_what_the_agents_own_code_records_is_inside_its_module(record: Record, adapter: Any) -> None:
    def ask(question: str) -> str:
        """Ask another."""
        with pt.current().span("own"), dspy.context(lm=dummy({"answer": "inner"})):
            return str(dspy.Predict("question -> answer")(question=question).answer)

    model = dummy(calls("ask", question="?"), calls("finish"), {"reasoning": "r", "answer": "outer"})
    with dspy.context(callbacks=[adapter], lm=model):
        dspy.ReAct("question -> answer", tools=[ask])(question="?")
    assert record.spans()["ReAct"] == ["Predict", "own", "Predict", "ChainOfThought"]
    assert record.spans()["own"] == ["Predict"]


@pytest.mark.adapter("DSPy", "retrieval")
def test_retrievals_are_recorded(record: Record, adapter: Any) -> None:
    found = [framework("dspy.dsp.utils.utils").dotdict(long_text="rain, rain")]
    with dspy.context(callbacks=[adapter], rm=lambda query, k: found):
        dspy.Retrieve(k=1)("rain")
    with dspy.context(callbacks=[adapter], rm=None), pytest.raises(AssertionError):
        dspy.Retrieve(k=1)("rain")
    good, bad = record.of("retrieval")
    assert good["payload"] == {"query": "rain", "documents": [{"content": "rain, rain"}]}
    assert bad["metadata"]["status"] == "failed" and len(record.of("error")) == 1


@pytest.mark.adapter("DSPy", "evaluation", "spans")
def test_an_evaluation_in_threads_is_recorded_in_its_session(record: Record, adapter: Any) -> None:
    examples = [dspy.Example(question=str(n), answer="yes").with_inputs("question") for n in range(4)]
    with dspy.context(callbacks=[adapter], lm=dummy(*[{"answer": "yes"}] * 4)):
        evaluate = dspy.Evaluate(
            devset=examples, metric=dspy.evaluate.answer_exact_match, num_threads=2, display_progress=False
        )
        evaluate(dspy.Predict("question -> answer"))
    assert record.only("score")["payload"]["value"] == 100.0
    assert record.spans() == {"": ["Evaluate"], "Evaluate": ["Predict"] * 4}
    assert len(record.of("llm_call")) == 4


@pytest.mark.adapter("DSPy", "parallel calls", "many threads")
def test_dspys_own_threads_know_the_session(record: Record, adapter: Any) -> None:
    program = dspy.Predict("question -> answer")
    with dspy.context(callbacks=[adapter], lm=dummy(*[{"answer": "yes"}] * 4)), pt.current().span("outer"):
        work = [(program, dspy.Example(question=str(n)).with_inputs("question")) for n in range(4)]
        dspy.Parallel(num_threads=2, disable_progress_bar=True)(work)
    assert record.spans() == {"": ["outer"], "outer": ["Predict"] * 4}


@pytest.mark.adapter("DSPy", "streaming", "stream left early")
@pytest.mark.parametrize("is_left", [False, True])
async def test_a_streamed_program_is_recorded(stub: StubServer, record: Record, is_left: bool) -> None:
    adapter = DSPyAdapter()
    with dspy.context(callbacks=[adapter], lm=lm(stub, "gpt-4o-slow" if is_left else "gpt-4o")):
        listener = dspy.streaming.StreamListener(signature_field_name="answer")
        program = dspy.streamify(dspy.Predict("question -> answer"), stream_listeners=[listener])
        stream = program(question='say "[[ ## answer ## ]]\nfive\n\n[[ ## completed ## ]]"')
        if is_left:
            reading = asyncio.ensure_future(anext(stream))
            while not stub.requests:
                await asyncio.sleep(0.01)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            await stream.aclose()
        else:
            async for _ in stream:
                pass
    adapter.detach()
    if not is_left:
        assert record.only("llm_call")["metadata"]["streamed"] is True
        assert record.payloads("agent_message") == [{"content": "five"}]
    assert record.spans()[""] == ["Predict"]
    assert record.of("error") == []


# ── sessions, tasks, attaching ───────────────────────────────────────────────────────────────────────────


@pytest.mark.adapter("DSPy", "two sessions")
def test_two_adapters_record_each_into_its_own_session(spool: Path) -> None:
    with Record(spool) as one, Record(spool) as two:
        adapters = [DSPyAdapter(one.session), DSPyAdapter(two.session)]
        with dspy.context(callbacks=adapters, lm=dummy({"answer": "yes"})):
            dspy.Predict("question -> answer")(question="?")
        assert one.types == two.types and one.spans() == two.spans() == {"": ["Predict"]}


@pytest.mark.adapter("DSPy", "two sessions")
def test_an_adapter_that_is_configured_twice_records_once(record: Record, adapter: Any) -> None:
    model = dummy({"answer": "yes"})
    model.callbacks = [adapter]
    with dspy.context(callbacks=[adapter, adapter], lm=model):
        dspy.Predict("question -> answer")(question="?")
    assert record.types == ["span_start", "llm_call", "agent_message", "span_end"]


@pytest.mark.adapter("DSPy", "many tasks", "async")
async def test_tasks_with_sessions_of_their_own_never_mix(stub: StubServer, spool: Path) -> None:
    adapter, model = DSPyAdapter(), lm(stub)

    async def work(number: int) -> Record:
        with Record(spool) as found, dspy.context(callbacks=[adapter], lm=model):
            question = f'say "[[ ## answer ## ]]\n{number}\n\n[[ ## completed ## ]]"'
            await dspy.Predict("question -> answer").acall(question=question)
        return found

    for number, found in enumerate(await asyncio.gather(*(work(number) for number in range(6)))):
        assert found.payloads("agent_message") == [{"content": str(number)}]
        assert found.spans() == {"": ["Predict"]} and len(found.of("llm_call")) == 1
    adapter.detach()


@pytest.mark.adapter("DSPy", "attach", "detach")
def test_attached_it_records_every_program_and_detached_dspy_is_as_it_was(record: Record) -> None:
    config = framework("dspy.dsp.utils.settings").main_thread_config
    before = (list(config["callbacks"]), parallelizer.ParallelExecutor.execute)
    with DSPyPatch(), dspy.context(lm=dummy({"answer": "yes"})):
        dspy.Predict("question -> answer")(question="?")
    assert record.spans() == {"": ["Predict"]}
    assert (config["callbacks"], parallelizer.ParallelExecutor.execute) == before
