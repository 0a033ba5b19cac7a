"""LangGraph: graphs, their nodes and what happens in them, from the callbacks that LangChain gives it."""

from __future__ import annotations

from typing import Any

from promptetheus.adapters.extras import require_extra
from promptetheus.adapters.langchain import handler_class
from promptetheus.adapters.langchain_runs import Runs

EXTRA = "langgraph"


def LangGraphAdapter(session: Any = None, *, capture_content: bool = False) -> Any:
    """A callback handler that records graphs.

        graph.invoke(state, config={"callbacks": [LangGraphAdapter()]})

    Each node is a span; so is a graph that was given a name. It is the handler of LangChain, made for those who
    have LangGraph, and records its models, tools and retrievers alike.

    Args:
        session: the session to record into; default the one that is current when the graph is called.
        capture_content: record the prompts themselves, redacted, and not only a hash of them.

    Raises RuntimeError without the library.
    """
    require_extra("langgraph", EXTRA, "LangGraphAdapter")
    return handler_class("LangGraphAdapter", EXTRA)(Runs(session, capture_content))
