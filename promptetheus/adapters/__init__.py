"""Recording what agent frameworks do: one adapter a framework, imported when it is asked for.

Importing this package loads no framework. An adapter whose framework is missing says so when it is made:
`RuntimeError: OpenTelemetryBridge needs the extra 'otel': pip install 'promptetheus[otel]'`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from promptetheus.adapters.anthropic import AnthropicAdapter
    from promptetheus.adapters.autogen import AutoGenAdapter
    from promptetheus.adapters.crewai import CrewAIAdapter
    from promptetheus.adapters.dspy import DSPyAdapter
    from promptetheus.adapters.haystack import HaystackAdapter
    from promptetheus.adapters.langchain import PromptetheusCallbackHandler
    from promptetheus.adapters.langgraph import LangGraphAdapter
    from promptetheus.adapters.litellm import LiteLLMAdapter
    from promptetheus.adapters.llamaindex import LlamaIndexAdapter
    from promptetheus.adapters.openai import OpenAIAdapter
    from promptetheus.adapters.opentelemetry import OpenTelemetryBridge
    from promptetheus.adapters.playwright import PlaywrightAdapter
    from promptetheus.adapters.pydantic_ai import PydanticAIAdapter

__all__ = [  # noqa: RUF022 - the order of release 2.0.1
    "PlaywrightAdapter",
    "OpenAIAdapter",
    "AnthropicAdapter",
    "PromptetheusCallbackHandler",
    "LlamaIndexAdapter",
    "CrewAIAdapter",
    "OpenTelemetryBridge",
    "LangGraphAdapter",
    "LiteLLMAdapter",
    "AutoGenAdapter",
    "DSPyAdapter",
    "HaystackAdapter",
    "PydanticAIAdapter",
]

_HOMES = {
    "AnthropicAdapter": "anthropic",
    "AutoGenAdapter": "autogen",
    "CrewAIAdapter": "crewai",
    "DSPyAdapter": "dspy",
    "HaystackAdapter": "haystack",
    "LangGraphAdapter": "langgraph",
    "LiteLLMAdapter": "litellm",
    "LlamaIndexAdapter": "llamaindex",
    "OpenAIAdapter": "openai",
    "OpenTelemetryBridge": "opentelemetry",
    "PlaywrightAdapter": "playwright",
    "PromptetheusCallbackHandler": "langchain",
    "PydanticAIAdapter": "pydantic_ai",
}


def __getattr__(name: str) -> Any:
    import importlib

    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{home}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
