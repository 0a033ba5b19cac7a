"""A run of an agent that cannot be watched (PydanticAI 1, or an object like an agent), read afterwards from the
messages of its result. The latency of single calls is not known, and a run that fails has no messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from promptetheus.adapters.model_call import ModelCall, record_tool_result
from promptetheus.adapters.pydantic_ai_run import ADAPTER, read_response
from promptetheus.adapters.scope import Scope, hook, scope_of
from promptetheus.adapters.usage import get


@contextmanager
def record_history(session: Any) -> Iterator[Callable[[Any], Any]]:
    """Around a run: give the result to the function, which returns it. An exception is recorded as an error."""
    scope = scope_of(session)

    def after(result: Any) -> Any:
        if scope is not None:
            _record(scope, result)
        return result

    try:
        yield after
    except Exception as error:
        if scope is not None:
            scope.error(error, {"during": "agent run"})
        raise


@hook
def _record(scope: Scope, result: Any) -> None:
    for message in _messages(result):
        if type(message).__name__ == "ModelResponse":
            call = ModelCall(scope, get(message, "model_name"), adapter=ADAPTER)
            read_response(call.answer, message)
            call.answer.facts["from_history"] = True
            call.done()
        elif type(message).__name__ == "ModelRequest":
            for part in get(message, "parts") or ():
                kind, call_id = get(part, "part_kind"), get(part, "tool_call_id")
                if kind == "tool-return":
                    record_tool_result(scope, ADAPTER, call_id, get(part, "content"))
                elif kind == "retry-prompt" and get(part, "tool_name"):
                    record_tool_result(scope, ADAPTER, call_id, error=str(get(part, "content")))


def _messages(result: Any) -> list[Any]:
    """Those of this run, where the result tells them from those of the run that it continues."""
    for name in ("new_messages", "all_messages"):
        method = get(result, name)
        if callable(method):
            return list(method())
    return list(get(result, "messages") or ())
