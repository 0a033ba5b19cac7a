"""OpenTelemetry both ways: sessions as spans, and the spans of instrumented libraries as events."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import promptetheus as pt
from promptetheus.adapters import OpenTelemetryBridge
from tests.adapters.frameworks import framework
from tests.adapters.recorded import Record
from tests.adapters.stub_server import StubServer

sdk = framework("opentelemetry.sdk.trace")
export = framework("opentelemetry.sdk.trace.export")
in_memory = framework("opentelemetry.sdk.trace.export.in_memory_span_exporter")
trace = framework("opentelemetry.trace")

HI = [{"role": "user", "content": "hi"}]


class Exported:
    """The spans that a tracer made, by name."""

    def __init__(self) -> None:
        self._exporter = in_memory.InMemorySpanExporter()
        self.provider = sdk.TracerProvider()
        self.provider.add_span_processor(export.SimpleSpanProcessor(self._exporter))
        self.tracer = self.provider.get_tracer("promptetheus")

    def names(self) -> list[str]:
        return [span.name for span in self._exporter.get_finished_spans()]

    def __getitem__(self, name: str) -> Any:
        (span,) = [span for span in self._exporter.get_finished_spans() if span.name == name]
        return span

    def parent_of(self, name: str) -> str:
        parent = self[name].parent
        spans = {span.context.span_id: span.name for span in self._exporter.get_finished_spans()}
        return "" if parent is None else spans[parent.span_id]


@pytest.fixture
def exported() -> Exported:
    return Exported()


@pytest.mark.adapter("OpenTelemetry", "outbound")
def test_a_session_that_is_followed_becomes_a_tree_of_spans(
    exported: Exported, record: Record, spool: Path
) -> None:
    session = pt.start(agent="booker", user_goal="g", spool_dir=spool)
    with OpenTelemetryBridge(session, exported.tracer), session:
        with session.span("choose"):
            session.tool_call("look", {"day": 2}, "c1")
            session.tool_result("c1", result=["2pm"])
            session.llm_call("gpt-4o", input_tokens=3, output_tokens=2, latency_ms=250)
        session.user_message("hi")
    assert exported.names() == [
        "execute_tool look",
        "chat gpt-4o",
        "choose",
        "user_message",
        "invoke_agent booker",
    ]
    assert exported.parent_of("execute_tool look") == "choose"
    assert exported.parent_of("chat gpt-4o") == "choose"
    assert exported.parent_of("choose") == exported.parent_of("user_message") == "invoke_agent booker"
    call = exported["chat gpt-4o"]
    assert call.end_time - call.start_time == 250_000_000
    assert call.attributes["gen_ai.usage.input_tokens"] == 3
    assert exported["execute_tool look"].attributes["gen_ai.tool.call.arguments"] == '{"day":2}'
    assert exported["choose"].end_time >= call.end_time


@pytest.mark.adapter("OpenTelemetry", "outbound", "failure")
def test_failures_are_errors_of_their_spans(exported: Exported, spool: Path) -> None:
    session = pt.start(agent="booker", user_goal="g", spool_dir=spool)
    bridge = OpenTelemetryBridge(session, exported.tracer)
    with pytest.raises(ValueError, match="full"), bridge, session:
        session.tool_call("look", {}, "c1")
        session.tool_result("c1", error="no calendar")
        session.error(TimeoutError("mail"))
        session.goal_check(False, mismatches=["wrong day"])
        raise ValueError("full")
    statuses = {name: exported[name].status.status_code.name for name in exported.names()}
    assert statuses == {
        "execute_tool look": "ERROR",
        "error": "ERROR",
        "goal_check": "ERROR",
        "invoke_agent booker": "ERROR",
    }
    (event,) = exported["error"].events
    assert event.attributes["exception.type"] == "TimeoutError"


@pytest.mark.adapter("OpenTelemetry", "outbound")
def test_its_own_methods_record_and_mirror(exported: Exported, record: Record) -> None:
    bridge = OpenTelemetryBridge(record.session, exported.tracer)
    with exported.tracer.start_as_current_span("host"):
        assert bridge.user_message("hello")["type"] == "user_message"
        bridge.tool_call("look", {"day": 2}, call_id="c1")
        bridge.tool_result("c1", result=7)
        bridge.retrieval("policy", [{"id": "1"}])
        bridge.goal_check(True)
        bridge.metric("steps", 3, unit="count")
        with bridge.span("part"):
            bridge.llm_call("gpt-4o", latency_ms=5)
    assert record.types == [
        "user_message", "tool_call", "tool_result", "retrieval", "goal_check", "metric",
        "span_start", "llm_call", "span_end",
    ]  # fmt: skip
    assert exported.parent_of("user_message") == "host"
    assert exported.parent_of("chat gpt-4o") == "part"
    attributes = exported["metric"].attributes
    assert attributes["promptetheus.session_id"] == record.session.session_id
    assert (attributes["promptetheus.value"], attributes["promptetheus.unit"]) == (3, "count")
    assert exported["retrieval"].attributes["promptetheus.documents"] == "[{'id': '1'}]"


def test_a_session_that_is_broken_gives_an_empty_event(
    exported: Exported, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken:
        def event(self, *args: Any) -> None:
            raise RuntimeError("broken")

    assert OpenTelemetryBridge(Broken(), exported.tracer).event("metric", {}) == {}


@pytest.mark.adapter("OpenTelemetry", "outbound", "detach")
def test_what_is_recorded_after_detaching_is_not_exported(exported: Exported, record: Record) -> None:
    bridge = OpenTelemetryBridge(tracer=exported.tracer)
    before = dict(vars(record.session))
    bridge.attach()
    record.session.metric("a", 1)
    bridge.detach()
    record.session.metric("b", 2)
    assert exported.names() == ["metric"]
    assert vars(record.session).keys() == before.keys()


# ── inbound ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def provider(record: Record) -> Iterator[Any]:
    found = sdk.TracerProvider()
    found.add_span_processor(OpenTelemetryBridge().processor())
    yield found
    found.shutdown()


@pytest.fixture
def openinference(provider: Any) -> Iterator[None]:
    instrumentor = framework("openinference.instrumentation.openai").OpenAIInstrumentor()
    instrumentor.instrument(tracer_provider=provider, skip_dep_check=True)
    yield
    instrumentor.uninstrument()


@pytest.mark.adapter("OpenTelemetry", "inbound: GenAI")
def test_genai_spans_become_model_calls_tools_and_agents(provider: Any, record: Record) -> None:
    tracer = provider.get_tracer("a-library")
    with tracer.start_as_current_span("invoke_agent b", attributes={"gen_ai.operation.name": "invoke_agent"}):
        with tracer.start_as_current_span("GET /v1", attributes={"http.request.method": "GET"}):
            asked = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}
            with tracer.start_as_current_span("chat gpt-4o", attributes=asked) as span:
                span.set_attributes(
                    {
                        "gen_ai.response.model": "gpt-4o-2024",
                        "gen_ai.usage.input_tokens": 11,
                        "gen_ai.usage.output_tokens": 7,
                        "gen_ai.usage.cache_read.input_tokens": 4,
                        "gen_ai.response.finish_reasons": ("tool_call",),
                        "gen_ai.response.time_to_first_chunk": 0.25,
                    }
                )
        named = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "add",
            "gen_ai.tool.call.id": "c1",
            "gen_ai.tool.call.arguments": '{"a": 1}',
        }
        with tracer.start_as_current_span("execute_tool add", attributes=named) as span:
            span.set_attribute("gen_ai.tool.call.result", "5")
    assert record.types == ["span_start", "llm_call", "tool_call", "tool_result", "span_end"]
    event = record.only("llm_call")
    assert event["payload"]["model"] == "gpt-4o-2024"
    assert (event["payload"]["input_tokens"], event["payload"]["cached_tokens"]) == (11, 4)
    assert event["metadata"]["ttft_ms"] == 250
    assert event["metadata"]["finish_reason"] == "tool_call"
    assert record.span_of(event) == "invoke_agent b"
    assert record.only("tool_call")["payload"] == {"tool_name": "add", "arguments": {"a": 1}, "call_id": "c1"}
    assert record.only("tool_result")["payload"]["result"] == "5"


@pytest.mark.adapter("OpenTelemetry", "inbound: GenAI", "failure")
def test_a_failure_that_passes_through_many_spans_is_recorded_once(provider: Any, record: Record) -> None:
    tracer = provider.get_tracer("a-library")
    with (
        pytest.raises(TimeoutError),
        tracer.start_as_current_span("invoke_agent b", attributes={"gen_ai.operation.name": "invoke_agent"}),
        tracer.start_as_current_span("chat m", attributes={"gen_ai.operation.name": "chat"}),
    ):
        raise TimeoutError("no answer")
    assert record.types == ["span_start", "llm_call", "error", "span_end"]
    assert record.only("error")["payload"]["error_type"] == "TimeoutError"
    assert record.only("llm_call")["metadata"]["status"] == "failed"
    assert record.events[-1]["metadata"]["status"] == "failed"


@pytest.mark.adapter("OpenTelemetry", "inbound: Anthropic's own spans", "streaming")
def test_anthropics_own_spans_are_recorded(stub: StubServer, provider: Any, record: Record) -> None:
    anthropic = framework("anthropic")
    options = {"tracer_provider": provider}
    with anthropic.Anthropic(base_url=stub.url, api_key="stub", open_telemetry=options) as client:
        client.messages.create(model="claude-sonnet-5", max_tokens=9, messages=HI)
        with client.messages.stream(model="claude-sonnet-5", max_tokens=9, messages=HI) as stream:
            stream.get_final_message()
    for event in record.of("llm_call"):
        assert event["payload"]["model"] == "claude-sonnet-5"
        assert (event["payload"]["input_tokens"], event["payload"]["output_tokens"]) == (11, 7)
    assert len(record.of("llm_call")) == 2


@pytest.mark.adapter("OpenTelemetry", "inbound: PydanticAI's own spans", "tools", "spans")
def test_pydantic_ais_own_spans_are_recorded(stub: StubServer, provider: Any, record: Record) -> None:
    pydantic_ai = framework("pydantic_ai")
    models = framework("pydantic_ai.models.openai")
    own = framework("pydantic_ai.providers.openai").OpenAIProvider(base_url=stub.openai_url, api_key="stub")
    settings = framework("pydantic_ai.models.instrumented").InstrumentationSettings(tracer_provider=provider)
    instrumented = framework("pydantic_ai.capabilities").Instrumentation(settings=settings)
    model = models.OpenAIChatModel("gpt-4o", provider=own)
    agent = pydantic_ai.Agent(model, name="booker", capabilities=[instrumented])

    @agent.tool_plain
    def add(a: int, b: int) -> int:
        """Add."""
        return a + b

    agent.run_sync('call add({"a": 2, "b": 3})')
    assert len(record.of("llm_call")) == 2
    assert record.only("tool_call")["payload"]["arguments"] == {"a": 2, "b": 3}
    assert record.only("tool_result")["payload"]["result"] in (5, "5")
    assert record.spans()[""] == ["invoke_agent booker"]


@pytest.mark.adapter("OpenTelemetry", "inbound: OpenInference", "content by reference", "tools")
def test_openinference_spans_are_recorded(stub: StubServer, openinference: None, record: Record) -> None:
    tool = {
        "type": "function",
        "function": {"name": "add", "parameters": {"type": "object", "properties": {}}},
    }
    with framework("openai").OpenAI(base_url=stub.openai_url, api_key="stub") as client:
        client.chat.completions.create(model="gpt-4o", messages=HI)
        asked = [{"role": "user", "content": 'call add({"a": 2})'}]
        client.chat.completions.create(model="gpt-4o", messages=asked, tools=[tool])
    first, _ = record.of("llm_call")
    assert first["payload"]["model"] == "gpt-4o"
    assert (first["payload"]["input_tokens"], first["payload"]["output_tokens"]) == (11, 7)
    assert first["payload"]["messages_ref"].startswith("sha256:") and "messages" not in first["metadata"]
    assert record.payloads("agent_message") == [{"content": "Hello from the stub."}]
    assert record.only("tool_call")["payload"]["arguments"] == {"a": 2}


@pytest.mark.adapter("OpenTelemetry", "inbound: OpenInference", "failure")
def test_failures_of_openinference_spans_are_recorded(
    stub: StubServer, openinference: None, record: Record
) -> None:
    openai = framework("openai")
    with (
        openai.OpenAI(base_url=stub.openai_url, api_key="stub", max_retries=0) as client,
        pytest.raises(openai.InternalServerError),
    ):
        client.chat.completions.create(model="gpt-4o-error-500", messages=HI)
    assert record.only("llm_call")["metadata"]["error"]["error_type"].endswith("InternalServerError")
    assert len(record.of("error")) == 1


@pytest.mark.adapter("OpenTelemetry", "inbound: OpenTelemetry's instrumentation")
def test_opentelemetrys_own_instrumentation_is_recorded(
    stub: StubServer, provider: Any, record: Record
) -> None:
    instrumentor = framework("opentelemetry.instrumentation.openai_v2").OpenAIInstrumentor()
    instrumentor.instrument(tracer_provider=provider, skip_dep_check=True)
    try:
        with framework("openai").OpenAI(base_url=stub.openai_url, api_key="stub") as client:
            client.chat.completions.create(model="gpt-4o", messages=HI)
    finally:
        instrumentor.uninstrument()
    event = record.only("llm_call")
    assert (event["payload"]["input_tokens"], event["payload"]["output_tokens"]) == (11, 7)


@pytest.mark.adapter("OpenTelemetry", "two sessions", "many tasks")
async def test_spans_go_to_the_session_in_which_they_began(spool: Path, record: Record) -> None:
    provider = sdk.TracerProvider()
    provider.add_span_processor(OpenTelemetryBridge().processor())
    tracer = provider.get_tracer("a-library")

    async def work(number: int) -> list[str]:
        with Record(spool) as found:
            attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": f"m{number}"}
            with tracer.start_as_current_span("chat", attributes=attributes):
                await asyncio.sleep(0)
            return [payload["model"] for payload in found.payloads("llm_call")]

    assert await asyncio.gather(*(work(number) for number in range(8))) == [[f"m{n}"] for n in range(8)]
    provider.shutdown()


@pytest.mark.adapter("OpenTelemetry", "two sessions", "many threads")
def test_spans_of_threads_go_to_the_sessions_of_their_threads(provider: Any, spool: Path) -> None:
    tracer = provider.get_tracer("a-library")
    found: dict[int, list[str]] = {}

    def work(number: int) -> None:
        attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": f"m{number}"}
        with Record(spool) as mine:
            for _ in range(5):
                with tracer.start_as_current_span("chat", attributes=attributes):
                    pass
            found[number] = [payload["model"] for payload in mine.payloads("llm_call")]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: [f"m{number}"] * 5 for number in range(6)}


@pytest.mark.adapter("OpenTelemetry", "inbound: OpenInference", "two adapters")
def test_a_call_inside_of_a_call_is_recorded_once_by_the_inner_one(provider: Any, record: Record) -> None:
    tracer = provider.get_tracer("a-library")
    counted = {"llm.token_count.prompt": 11, "llm.token_count.completion": 7}
    for of_inner in (counted, {}):
        llm = {"openinference.span.kind": "LLM", "llm.model_name": "m", "output.value": "Paris"}
        with tracer.start_as_current_span("predict", attributes={**llm, "llm.model_name": "outer"}):
            with tracer.start_as_current_span("chat", attributes={**llm, **of_inner}):
                pass
            with tracer.start_as_current_span("embed", attributes={"openinference.span.kind": "EMBEDDING"}):
                pass
    chats = [event for event in record.of("llm_call") if event["metadata"]["operation"] == "chat"]
    # one that does not know its tokens may be but a part of what the outer one tells
    assert [event["payload"]["model"] for event in chats] == ["m", "m", "outer"]
    assert len(record.of("llm_call")) == 5


def test_our_own_spans_do_not_come_back(record: Record) -> None:
    provider = sdk.TracerProvider()
    provider.add_span_processor(OpenTelemetryBridge().processor())
    with OpenTelemetryBridge(record.session, provider.get_tracer("promptetheus")):
        record.session.llm_call("gpt-4o")
    assert record.types == ["llm_call"]
    provider.shutdown()


def test_a_span_that_never_ends_is_recorded_when_the_session_does(spool: Path) -> None:
    provider = sdk.TracerProvider()
    provider.add_span_processor(OpenTelemetryBridge().processor())
    with Record(spool) as record:
        attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
        provider.get_tracer("a-library").start_span("chat", attributes=attributes)
    assert record.only("llm_call")["metadata"]["status"] == "unfinished"
    provider.shutdown()
