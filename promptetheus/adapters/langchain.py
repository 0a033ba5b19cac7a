"""LangChain: what its models, tools, retrievers and chains do, from its callbacks."""

from __future__ import annotations

import functools
from contextvars import ContextVar
from typing import Any

from promptetheus.adapters.attaching import Attached
from promptetheus.adapters.extras import require_extra
from promptetheus.adapters.langchain_runs import Runs
from promptetheus.adapters.scope import hook
from promptetheus.adapters.usage import get

EXTRA = "langchain"


def PromptetheusCallbackHandler(session: Any = None, *, capture_content: bool = False) -> Any:
    """A callback handler of LangChain that records.

        chain.invoke(question, config={"callbacks": [PromptetheusCallbackHandler()]})

    One handler serves any number of runs, threads, tasks and sessions.

    Args:
        session: the session to record into; default the one that is current when an outermost run begins.
        capture_content: record the prompts themselves, redacted, and not only a hash of them.

    Raises RuntimeError without the library.
    """
    return handler_class("PromptetheusCallbackHandler", EXTRA)(Runs(session, capture_content))


class LangChainPatch(Attached):
    """Records every run of LangChain and LangGraph in the process, without `callbacks`. Attached when it is made.

    A run that has a handler of ours among its callbacks is recorded by that one alone.

    Args:
        session: the session to record into; default the one that is current when an outermost run begins.
        capture_content: record the prompts themselves, redacted.

    Raises RuntimeError without the library.
    """

    def __init__(self, session: Any = None, *, capture_content: bool = False) -> None:
        super().__init__()
        kind = handler_class("LangChainPatch", EXTRA)
        self._tracers = require_extra("langchain_core.tracers.context", EXTRA, "LangChainPatch")
        handler = kind(Runs(session, capture_content))
        self._hook = (ContextVar("promptetheus_langchain", default=handler), True, kind, None)
        self.attach()

    def _attach(self) -> None:
        self._tracers._configure_hooks.append(self._hook)

    def _detach(self) -> None:
        hooks = self._tracers._configure_hooks
        hooks[:] = [other for other in hooks if other is not self._hook]


def handler_class(who: str, extra: str) -> Any:
    """The class of our handlers. Raises RuntimeError, naming `who` and the extra, without the library."""
    require_extra("langchain_core.callbacks", extra, who)
    return _handler_class()


@functools.cache
def _handler_class() -> Any:
    base = require_extra("langchain_core.callbacks", EXTRA, "PromptetheusCallbackHandler").BaseCallbackHandler
    return type("PromptetheusHandler", (_Hooks, base), {})


class _Hooks:
    """What LangChain calls, inline: in asynchronous runs, too, where else a thread would lose order and context."""

    run_inline = True
    raise_error = False

    def __init__(self, runs: Runs) -> None:
        self._runs = runs

    @hook
    def on_llm_start(
        self, serialized: Any, prompts: Any, *, run_id: Any = None, parent_run_id: Any = None, **kwargs: Any
    ) -> None:
        self._runs.model_starts(run_id, parent_run_id, serialized, list(prompts or ()), kwargs)

    @hook
    def on_chat_model_start(
        self, serialized: Any, messages: Any, *, run_id: Any = None, parent_run_id: Any = None, **kwargs: Any
    ) -> None:
        prompt = list(messages[0]) if messages else []
        self._runs.model_starts(run_id, parent_run_id, serialized, prompt, kwargs)

    @hook
    def on_llm_new_token(self, token: Any, *, run_id: Any = None, **kwargs: Any) -> None:
        self._runs.model_piece(run_id, token)

    @hook
    def on_llm_end(
        self, response: Any, *, run_id: Any = None, parent_run_id: Any = None, **kwargs: Any
    ) -> None:
        self._runs.model_ends(run_id, parent_run_id, response)

    @hook
    def on_llm_error(
        self, error: BaseException, *, run_id: Any = None, parent_run_id: Any = None, **kwargs: Any
    ) -> None:
        self._runs.model_fails(run_id, parent_run_id, error, kwargs.get("response"))

    @hook
    def on_tool_start(
        self, serialized: Any, input_str: Any, *, run_id: Any = None, parent_run_id: Any = None, **kwargs: Any
    ) -> None:
        self._runs.tool_starts(run_id, parent_run_id, serialized, input_str, kwargs)

    @hook
    def on_tool_end(
        self, output: Any, *, run_id: Any = None, parent_run_id: Any = None, **kwargs: Any
    ) -> None:
        self._runs.tool_ends(run_id, parent_run_id, output)

    @hook
    def on_tool_error(
        self, error: BaseException, *, run_id: Any = None, parent_run_id: Any = None, **kwargs: Any
    ) -> None:
        self._runs.tool_fails(run_id, parent_run_id, error)

    @hook
    def on_retriever_start(
        self, serialized: Any, query: Any, *, run_id: Any = None, parent_run_id: Any = None, **kwargs: Any
    ) -> None:
        self._runs.retriever_starts(run_id, parent_run_id, serialized, query, kwargs)

    @hook
    def on_retriever_end(self, documents: Any, *, run_id: Any = None, **kwargs: Any) -> None:
        self._runs.retriever_ends(run_id, documents)

    @hook
    def on_retriever_error(
        self, error: BaseException, *, run_id: Any = None, parent_run_id: Any = None, **kwargs: Any
    ) -> None:
        self._runs.retriever_fails(run_id, parent_run_id, error)

    @hook
    def on_chain_start(
        self, serialized: Any, inputs: Any, *, run_id: Any = None, parent_run_id: Any = None, **kwargs: Any
    ) -> None:
        self._runs.chain_starts(run_id, parent_run_id, serialized, kwargs)

    @hook
    def on_chain_end(self, outputs: Any, *, run_id: Any = None, **kwargs: Any) -> None:
        self._runs.chain_ends(run_id)

    @hook
    def on_chain_error(self, error: BaseException, *, run_id: Any = None, **kwargs: Any) -> None:
        self._runs.chain_fails(run_id, error)

    @hook
    def on_agent_action(
        self, action: Any, *, run_id: Any = None, parent_run_id: Any = None, **kwargs: Any
    ) -> None:
        text = get(action, "log") or f"agent action: {get(action, 'tool')}"
        self._runs.says(run_id, parent_run_id, str(text))

    @hook
    def on_text(self, text: Any, *, run_id: Any = None, parent_run_id: Any = None, **kwargs: Any) -> None:
        self._runs.says(run_id, parent_run_id, str(text))

    @hook
    def on_custom_event(self, name: Any, data: Any, *, run_id: Any = None, **kwargs: Any) -> None:
        self._runs.custom(run_id, str(name), data)
