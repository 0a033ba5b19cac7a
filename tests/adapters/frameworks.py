"""The frameworks under test. They are no dependency of ours: without one, its tests are skipped."""

from __future__ import annotations

import importlib
import importlib.metadata
import os
import tempfile
import warnings
from typing import Any

import pytest

ENVIRONMENTS = dict.fromkeys(("crewai", "llama_index"), "requirements-crewai.txt")
"""Where a framework's pins are, if not with all the others."""

DISTRIBUTIONS = {
    "Anthropic": "anthropic",
    "AutoGen": "autogen-agentchat",
    "CrewAI": "crewai",
    "DSPy": "dspy",
    "Haystack": "haystack-ai",
    "LangChain": "langchain-core",
    "LangGraph": "langgraph",
    "LiteLLM": "litellm",
    "LlamaIndex": "llama-index-core",
    "OpenAI": "openai",
    "OpenTelemetry": "opentelemetry-sdk",
    "Playwright": "playwright",
    "PydanticAI": "pydantic-ai-slim",
}
"""What the frameworks that tests name are called in the package index."""

QUIET = {
    "ANONYMIZED_TELEMETRY": "false",
    "CREWAI_DISABLE_TELEMETRY": "true",
    "CREWAI_TRACING_ENABLED": "false",
    "HAYSTACK_TELEMETRY_ENABLED": "False",
    "LANGSMITH_TRACING": "false",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "OTEL_SDK_DISABLED": "false",
    "DSPY_CACHEDIR": os.path.join(tempfile.gettempdir(), "promptetheus-tests-dspy"),
}
"""No test may look for a network: frameworks that would call home or fetch a list are told not to, before they
are imported."""

os.environ.update(QUIET)


def framework(module: str) -> Any:
    """A module of a framework. Skips the test, or the whole file, that asks for it when it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ImportWarning)  # CrewAI's own modules get in each other's way
            return importlib.import_module(module)
    except ModuleNotFoundError as error:
        missing = error.name or ""
        if not (module == missing or module.startswith(f"{missing}.")):  # it is there, and broken
            raise
        pins = ENVIRONMENTS.get(missing.partition(".")[0], "requirements.txt")
        pytest.skip(
            f"{missing} is not installed: pip install -r tests/adapters/{pins}", allow_module_level=True
        )


def installed_versions(names: set[str]) -> dict[str, str]:
    """The versions of these frameworks. Raises KeyError for a name that is not in `DISTRIBUTIONS`."""
    return {name: importlib.metadata.version(DISTRIBUTIONS[name]) for name in sorted(names)}
