"""Tools that a model asked for, until their results are sent back to it: a provider's client sees the request and,
with the next call, the result, and nothing of the tool itself."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from promptetheus.adapters.bounded import BoundedRunState
from promptetheus.adapters.model_call import record_tool_result
from promptetheus.adapters.scope import Scope


class ToolOutput(NamedTuple):
    """A result that a request sends back to the model."""

    call_id: str
    content: Any
    is_error: bool = False


class AskedTools:
    """The calls that were recorded and have no result yet."""

    def __init__(self, adapter: str) -> None:
        self._adapter = adapter
        self._asked: BoundedRunState[bool] = BoundedRunState()
        """By session and call: providers' stand-ins give the same ids in every session."""

    def remember(self, scope: Scope, call_ids: list[str]) -> None:
        """The model has asked for these."""
        for call_id in call_ids:
            self._asked.put(_key(scope, call_id), True)

    def record(self, scope: Scope, outputs: Callable[[], Iterable[ToolOutput]]) -> None:
        """Record what a request brings of their results: each once, though every later request repeats it."""
        if not len(self._asked):
            return
        for output in outputs():
            if self._asked.pop(_key(scope, output.call_id)) is None:
                continue
            error = None
            if output.is_error:
                error = output.content if isinstance(output.content, str) else "the tool failed"
            record_tool_result(scope, self._adapter, output.call_id, output.content, error)


def _key(scope: Scope, call_id: str) -> str:
    return f"{scope.session.session_id} {call_id}"
