"""Attaching to whatever is installed, without a line for each framework.

A framework that the program has not imported is not imported for this: it is attached to right after the program's
own import of it.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import sys
import threading
from collections.abc import Collection
from typing import Any, NamedTuple, Self

from promptetheus import guard
from promptetheus.adapters.import_hook import ImportHook
from promptetheus.adapters.scope import hook
from promptetheus.session_events import error_text


class Framework(NamedTuple):
    """What is attached to, and when."""

    modules: tuple[str, ...]
    """It is attached to after the first of them has been imported."""
    distribution: str
    home: str
    """Module of `promptetheus.adapters`."""
    adapter: str
    """An `Attached` that records every call of the process."""


FRAMEWORKS = {
    "openai": Framework(("openai",), "openai", "openai", "OpenAIPatch"),
    "anthropic": Framework(("anthropic",), "anthropic", "anthropic", "AnthropicPatch"),
    "litellm": Framework(("litellm",), "litellm", "litellm", "LiteLLMAdapter"),
    "langchain": Framework(("langchain_core",), "langchain-core", "langchain", "LangChainPatch"),
    "llamaindex": Framework(("llama_index.core",), "llama-index-core", "llamaindex", "LlamaIndexAdapter"),
    "haystack": Framework(("haystack",), "haystack-ai", "haystack", "HaystackAdapter"),
    "dspy": Framework(("dspy",), "dspy", "dspy", "DSPyPatch"),
    "pydantic_ai": Framework(("pydantic_ai",), "pydantic-ai-slim", "pydantic_ai", "PydanticAIPatch"),
    "autogen": Framework(("autogen_agentchat",), "autogen-agentchat", "autogen", "AutoGenPatch"),
    "crewai": Framework(("crewai",), "crewai", "crewai", "CrewAIAdapter"),
    "playwright": Framework(
        ("playwright.sync_api", "playwright.async_api"), "playwright", "playwright", "PlaywrightPatch"
    ),
}
"""By the name that `autoinstrument` takes. LangGraph runs on LangChain's callbacks and is part of `langchain`."""


class Instrumentation:
    """What `autoinstrument` has attached. `print` it to see.

    Args:
        names: the frameworks, of `FRAMEWORKS`.
        session: the session to record into; default the one that is current at each call.
        capture_content: record the prompts themselves, redacted.
    """

    def __init__(self, names: Collection[str], session: Any, capture_content: bool) -> None:
        self.given = tuple(sorted(names)), session, capture_content
        """What it was made with."""
        self.failed: dict[str, str] = {}
        """Why a framework that is installed could not be attached to."""
        self._versions = {name: version for name in sorted(names) if (version := _version(name)) is not None}
        self._waiting = set(self._versions)
        self._adapters: dict[str, Any] = {}
        self._lock = threading.RLock()
        triggers = {module: name for name in self._versions for module in FRAMEWORKS[name].modules}
        self._hook = ImportHook(triggers, self._imported)
        self._hook.install()
        for module, name in triggers.items():
            if module in sys.modules:
                self._imported(name)

    @property
    def attached(self) -> dict[str, str]:
        """The frameworks that are recorded now, with their versions."""
        return {name: self._versions[name] for name in self._versions if name in self._adapters}

    @property
    def waiting(self) -> dict[str, str]:
        """Those that are installed and will be recorded when the program imports them."""
        return {name: self._versions[name] for name in self._versions if name in self._waiting}

    def detach(self) -> None:
        """Leave every framework as it was, and attach to no more. Further calls do nothing."""
        global _active
        self._hook.remove()
        with self._lock:
            self._waiting.clear()
            adapters, self._adapters = self._adapters, {}
            if _active is self:
                _active = None
        for adapter in adapters.values():
            _detach(adapter)

    def stop(self) -> None:
        """The same as `detach`."""
        self.detach()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: Any) -> None:
        self.detach()

    def __str__(self) -> str:
        parts = [f"recording {_listed(self.attached)}" if self.attached else "recording nothing yet"]
        if self.waiting:
            parts.append(f"as soon as they are imported: {_listed(self.waiting)}")
        parts += [f"not {name}: {why}" for name, why in self.failed.items()]
        return "; ".join(parts)

    def __repr__(self) -> str:
        return f"<Instrumentation: {self}>"

    @hook
    def _imported(self, name: str) -> None:
        """The program has imported a framework."""
        with self._lock:
            if name not in self._waiting:
                return
            self._waiting.discard(name)
            framework = FRAMEWORKS[name]
            home = importlib.import_module(f"promptetheus.adapters.{framework.home}")
            _, session, capture_content = self.given
            try:
                adapter = getattr(home, framework.adapter)(session, capture_content=capture_content)
                self._adapters[name] = adapter.attach()
            except Exception as error:  # a release that is too old, or broken
                self.failed[name] = error_text(error)
                guard.report("failed.attach", f"{name} could not be attached to: {error_text(error)}")


_active: Instrumentation | None = None
_active_lock = threading.Lock()


def autoinstrument(*names: str, session: Any = None, capture_content: bool = False) -> Instrumentation:
    """Record every framework that is installed, in every session from now on, without naming one.

        print(pt.autoinstrument())
        # recording openai 3.54.0; as soon as they are imported: langchain 1.7.2, playwright 1.65.2

    Calling it again with the same arguments changes nothing; with others, they replace the first ones.

    Args:
        names: only these frameworks; default all of `promptetheus.adapters.autoinstrument.FRAMEWORKS`.
        session: the session to record into; default the one that is current at each call.
        capture_content: record the prompts themselves, redacted, and not only a hash of them.

    Returns what is attached: `attached`, `waiting`, `failed`, and `detach`; in a `with` block it is detached at its
    end. Raises ValueError for a name that is not known.
    """
    global _active
    unknown = sorted(set(names) - set(FRAMEWORKS))
    if unknown:
        raise ValueError(f"{', '.join(unknown)}: none of {', '.join(FRAMEWORKS)}")
    chosen = names or tuple(FRAMEWORKS)
    with _active_lock:
        before = _active
        if before is not None and before.given == (tuple(sorted(set(chosen))), session, capture_content):
            return before
        if before is not None:
            before.detach()
        _active = Instrumentation(set(chosen), session, capture_content)
        return _active


@hook
def _detach(adapter: Any) -> None:
    adapter.detach()


def _version(name: str) -> str | None:
    try:
        return importlib.metadata.version(FRAMEWORKS[name].distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _listed(versions: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in versions.items())
