"""Frameworks of agents, with models that answer in this process: an agent each, which calls a tool and answers."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from benchmarks.adapters_clients import OPENAI, transport
from benchmarks.adapters_comparing import (
    Call,
    Comparison,
    given,
    openinference,
    provider_of_nothing,
    within,
)
from promptetheus.adapters import (
    AutoGenAdapter,
    CrewAIAdapter,
    DSPyAdapter,
    HaystackAdapter,
    LangGraphAdapter,
    LlamaIndexAdapter,
    PromptetheusCallbackHandler,
)

QUESTION = "What is two and three?"
SUM = {"a": 2, "b": 3}
USAGE = {"input_tokens": 11, "output_tokens": 7, "total_tokens": 18}


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def langchain() -> Iterator[Comparison]:
    """A prompt, a model and a parser in a chain; and an agent, which is a graph of LangGraph."""
    prompts = importlib.import_module("langchain_core.prompts")
    parsers = importlib.import_module("langchain_core.output_parsers")
    tracers = importlib.import_module("langchain_core.tracers.base")
    model = _langchain_model()
    chain = prompts.ChatPromptTemplate.from_messages([("user", "{question}")]) | model
    chain = chain | parsers.StrOutputParser()

    class Nowhere(tracers.BaseTracer):  # type: ignore[misc, name-defined]
        def _persist_run(self, run: Any) -> None:
            """Thrown away."""

    def call(*callbacks: Any) -> Call:
        return lambda: chain.invoke({"question": QUESTION}, config={"callbacks": list(callbacks)})

    yield Comparison(
        "LangChain chain (1 model call)",
        call(),
        lambda: given(call(PromptetheusCallbackHandler())),
        {
            **openinference("langchain", "LangChainInstrumentor", call()),
            "its own tracer, to nowhere": lambda: given(call(Nowhere())),
        },
    )
    agent = importlib.import_module("langchain.agents").create_agent(model, tools=[add])

    def ask(*callbacks: Any) -> Call:
        messages = {"messages": [{"role": "user", "content": QUESTION}]}
        return lambda: agent.invoke(messages, config={"callbacks": list(callbacks)})

    yield Comparison(
        "LangGraph agent (2 model calls, 1 tool)",
        ask(),
        lambda: given(ask(LangGraphAdapter())),
        {
            **openinference("langchain", "LangChainInstrumentor", ask()),
            "LangChain's own tracer, to nowhere": lambda: given(ask(Nowhere())),
        },
    )


def _langchain_model() -> Any:
    """A model that asks for the tool first when it has tools."""
    models = importlib.import_module("langchain_core.language_models.chat_models")
    messages = importlib.import_module("langchain_core.messages")
    outputs = importlib.import_module("langchain_core.outputs")

    class Model(models.BaseChatModel):  # type: ignore[misc, name-defined]
        has_tools: bool = False

        @property
        def _llm_type(self) -> str:
            return "bench"

        def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
            return Model(has_tools=True)

        def _generate(self, given: Any, stop: Any = None, run_manager: Any = None, **kwargs: Any) -> Any:
            asks = self.has_tools and given[-1].type != "tool"
            message = messages.AIMessage(
                content="" if asks else "five",
                tool_calls=[{"name": "add", "args": SUM, "id": "call_1"}] if asks else [],
                usage_metadata=USAGE,
                response_metadata={"model_name": "gpt-4o"},
            )
            return outputs.ChatResult(generations=[outputs.ChatGeneration(message=message)])

    return Model()


def llamaindex() -> Iterator[Comparison]:
    """A question to an index, and an agent."""
    core = importlib.import_module("llama_index.core")
    mocks = importlib.import_module("llama_index.core.llms.mock")
    types = importlib.import_module("llama_index.core.base.llms.types")
    embeddings = importlib.import_module("llama_index.core.embeddings")
    workflows = importlib.import_module("llama_index.core.agent.workflow")
    documents = [core.Document(text=f"Paragraph {number} of the handbook.") for number in range(3)]
    index = core.VectorStoreIndex.from_documents(documents, embed_model=embeddings.MockEmbedding(embed_dim=8))
    engine = index.as_query_engine(llm=mocks.MockLLM(max_tokens=8))

    def query() -> Any:
        return engine.query(QUESTION)

    def answer(messages: Any, **kwargs: Any) -> Any:
        if messages[-1].role == types.MessageRole.TOOL:
            return types.ChatMessage(role="assistant", content="five")
        asks = types.ToolCallBlock(tool_call_id="call_1", tool_name="add", tool_kwargs=SUM)
        return types.ChatMessage(role="assistant", blocks=[asks])

    model = mocks.MockFunctionCallingLLM(response_generator=answer, is_chat_model=True)
    agent = workflows.FunctionAgent(tools=[add], llm=model, streaming=False)
    loop = asyncio.new_event_loop()

    async def ask() -> Any:
        return await agent.run(QUESTION)

    for name, call in (
        ("LlamaIndex query (1 retrieval, 1 model call)", query),
        ("LlamaIndex agent (2 model calls, 1 tool)", lambda: loop.run_until_complete(ask())),
    ):
        yield Comparison(
            name,
            call,
            lambda call=call: within(LlamaIndexAdapter(), call),  # type: ignore[misc]
            openinference("llama_index", "LlamaIndexInstrumentor", call),
        )
    loop.close()


def autogen() -> Iterator[Comparison]:
    """An agent, and AutoGen's own OpenTelemetry."""
    agents = importlib.import_module("autogen_agentchat.agents")
    core = importlib.import_module("autogen_core")
    models = importlib.import_module("autogen_core.models")
    replay = importlib.import_module("autogen_ext.models.replay")
    trace = importlib.import_module("opentelemetry.trace")
    usage = models.RequestUsage(prompt_tokens=11, completion_tokens=7)
    asks = core.FunctionCall(id="call_1", name="add", arguments='{"a": 2, "b": 3}')
    loop = asyncio.new_event_loop()
    model = replay.ReplayChatCompletionClient(
        [
            models.CreateResult(finish_reason=reason, content=content, usage=usage, cached=False)
            for reason, content in (("function_calls", [asks]), ("stop", "five"))
        ],
        model_info={
            "vision": False,
            "function_calling": True,
            "json_output": False,
            "structured_output": False,
            "family": "unknown",
        },
    )
    agent = agents.AssistantAgent("helper", model, tools=[add], reflect_on_tool_use=True)
    switch = _switched_provider(trace)
    trace.set_tracer_provider(switch)

    async def ask() -> Any:
        model.reset()
        await agent.on_reset(core.CancellationToken())
        return await agent.run(task=QUESTION)

    def call() -> Any:
        return loop.run_until_complete(ask())

    @contextmanager
    def ours() -> Iterator[Call]:
        with AutoGenAdapter() as adapter:
            adapter.attach(agent)
            yield call

    @contextmanager
    def own() -> Iterator[Call]:
        switch.to = provider_of_nothing()
        yield call
        switch.to = trace.NoOpTracerProvider()

    yield Comparison(
        "AutoGen agent (2 model calls, 1 tool)",
        call,
        ours,
        {
            **openinference("autogen_agentchat", "AutogenAgentChatInstrumentor", call),
            "its own OpenTelemetry (agents, tools)": own,
        },
    )
    loop.close()


def _switched_provider(trace: Any) -> Any:
    """The provider of a process can be set once only: this one can be turned on and off."""

    class Switched(trace.TracerProvider):  # type: ignore[misc]
        to = trace.NoOpTracerProvider()

        def get_tracer(self, *args: Any, **kwargs: Any) -> Any:
            return self.to.get_tracer(*args, **kwargs)

    return Switched()


def dspy() -> Iterator[Comparison]:
    """An agent."""
    module = importlib.import_module("dspy")
    dummies = importlib.import_module("dspy.utils.dummies")
    steps = [
        {"next_thought": "t", "next_tool_name": "add", "next_tool_args": SUM},
        {"next_thought": "t", "next_tool_name": "finish", "next_tool_args": {}},
        {"reasoning": "because", "answer": "five"},
    ]
    agent = module.ReAct("question -> answer", tools=[add])

    def call(*callbacks: Any) -> Call:
        def ask() -> Any:
            with module.context(lm=dummies.DummyLM(list(steps)), callbacks=list(callbacks)):
                return agent(question=QUESTION)

        return ask

    yield Comparison(
        "DSPy agent (3 model calls, 2 tools)",
        call(),
        lambda: within(adapter := DSPyAdapter(), call(adapter)),
        openinference("dspy", "DSPyInstrumentor", call()),
    )


def haystack() -> Iterator[Comparison]:
    """An agent with a client of OpenAI that is answered in this process."""
    agents = importlib.import_module("haystack.components.agents")
    generators = importlib.import_module("haystack.components.generators.chat")
    dataclasses = importlib.import_module("haystack.dataclasses")
    tools = importlib.import_module("haystack.tools")
    secret = importlib.import_module("haystack.utils").Secret
    model = generators.OpenAIChatGenerator(
        model="gpt-4o",
        api_key=secret.from_token("none"),
        api_base_url="http://provider",
        http_client_kwargs={"transport": transport(OPENAI, "httpx")},
    )
    agent = agents.Agent(chat_generator=model, tools=[tools.tool(add)])
    question = dataclasses.ChatMessage.from_user('call add({"a": 2, "b": 3})')

    def call() -> Any:
        return agent.run(messages=[question])

    yield Comparison(
        "Haystack agent (2 model calls, 1 tool)",
        call,
        lambda: within(HaystackAdapter(), call),
        openinference("haystack", "HaystackInstrumentor", call),
    )


def crewai() -> Iterator[Comparison]:
    """A crew of one agent with one task. CrewAI tells its listeners from other threads: they are waited for."""
    module = importlib.import_module("crewai")
    tools = importlib.import_module("crewai.tools")
    bus = importlib.import_module("crewai.events").crewai_event_bus
    events = importlib.import_module("crewai.events.types.llm_events")
    base = importlib.import_module("crewai.llms.base_llm")

    class Model(base.BaseLLM):  # type: ignore[misc, name-defined]
        def supports_function_calling(self) -> bool:
            return True

        def call(self, messages: Any, tools: Any = None, *args: Any, **kwargs: Any) -> Any:
            of = {name: kwargs.get(name) for name in ("from_task", "from_agent")}
            with base.llm_call_context():
                self._emit_call_started_event(messages=messages, tools=tools, **of)
                asks = messages[-1]["role"] != "tool"
                function = {"name": "add", "arguments": '{"a": 2, "b": 3}'}
                found = [{"id": "call_1", "type": "function", "function": function}] if asks else "five"
                self._emit_call_completed_event(
                    response=found,
                    call_type=events.LLMCallType.TOOL_CALL if asks else events.LLMCallType.LLM_CALL,
                    messages=messages,
                    usage={"prompt_tokens": 11, "completion_tokens": 7, "total_tokens": 18},
                    **of,
                )
            return found

    helper = module.Agent(
        role="helper", goal="help", backstory="A helper.", llm=Model(model="bench"), tools=[tools.tool(add)]
    )
    task = module.Task(description=QUESTION, expected_output="a number", agent=helper)
    crew = module.Crew(agents=[helper], tasks=[task], memory=False)

    def call() -> Any:
        found = crew.kickoff()
        bus.flush()
        return found

    yield Comparison(
        "CrewAI crew (2 model calls, 1 tool)",
        call,
        lambda: within(CrewAIAdapter(), call),
        openinference("crewai", "CrewAIInstrumentor", call),
    )
