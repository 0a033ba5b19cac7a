"""LlamaIndex: engines, workflows, agents, models, retrievers and tools, from its instrumentation.

Its callback manager tells nothing of tools, and little of failures; its dispatcher tells all, with ids of spans and
their parents. So the handler that LlamaIndex's callbacks expect attaches itself to the dispatcher. What a package
reports to the callback manager alone is recorded from there.
"""

from __future__ import annotations

import functools
import threading
from typing import Any

from promptetheus.adapters.attaching import Attached
from promptetheus.adapters.bounded import BoundedRunState
from promptetheus.adapters.extras import require_extra
from promptetheus.adapters.llamaindex_calls import ADAPTER
from promptetheus.adapters.llamaindex_reading import documents_of
from promptetheus.adapters.llamaindex_runs import Runs
from promptetheus.adapters.model_call import ToolRequest, record_tool_call, record_tool_result
from promptetheus.adapters.scope import hook, scope_of
from promptetheus.adapters.usage import get

EXTRA = "llamaindex"
_WHO = "LlamaIndexAdapter"

_lock = threading.RLock()
"""Held while the dispatcher gets new lists of handlers. New ones, because its threads are going through the old."""


def LlamaIndexAdapter(session: Any = None, *, capture_content: bool = False) -> Any:
    """Records everything LlamaIndex does, from when it is made until `detach`.

        with LlamaIndexAdapter():
            index.as_query_engine().query("…")

    It is also a handler for a `CallbackManager`, as releases before it were, and may be given to one.

    Args:
        session: the session to record into; default the one that is current where an outermost call begins.
        capture_content: record the prompts themselves, redacted, and not only a hash of them.

    Raises RuntimeError without the library.
    """
    require_extra("llama_index.core", EXTRA, _WHO)
    return _handler_class()(session, capture_content)


@functools.cache
def _handler_class() -> Any:
    base = require_extra("llama_index.core.callbacks.base_handler", EXTRA, _WHO).BaseCallbackHandler
    return type("PromptetheusHandler", (_Handler, base), {})


class _Handler(Attached):
    """Attached to LlamaIndex's dispatcher, and what its callback manager calls."""

    event_starts_to_ignore: tuple[Any, ...] = ()
    event_ends_to_ignore: tuple[Any, ...] = ()

    def __init__(self, session: Any, capture_content: bool) -> None:
        super().__init__()
        self._session = session
        models = (
            require_extra("llama_index.core.base.llms.base", EXTRA, _WHO).BaseLLM,
            require_extra("llama_index.core.base.embeddings.base", EXTRA, _WHO).BaseEmbedding,
        )
        self._runs = Runs(session, capture_content, models)
        instrumentation = require_extra("llama_index.core.instrumentation", EXTRA, _WHO)
        self._dispatcher = instrumentation.get_dispatcher()
        self._active = require_extra("llama_index.core.instrumentation.span", EXTRA, _WHO).active_span_id
        self._events, self._spans = _event_handler(self._runs), _span_handler(self._runs)
        self._reported: BoundedRunState[str] = BoundedRunState()
        """The kind of every event of the callback manager that is open and ours to record."""
        self.attach()

    def _attach(self) -> None:
        with _lock:
            dispatcher = self._dispatcher
            dispatcher.event_handlers = [*dispatcher.event_handlers, self._events]
            dispatcher.span_handlers = [*dispatcher.span_handlers, self._spans]

    def _detach(self) -> None:
        with _lock:
            dispatcher = self._dispatcher
            dispatcher.event_handlers = _without(dispatcher.event_handlers, self._events)
            dispatcher.span_handlers = _without(dispatcher.span_handlers, self._spans)

    def on_event_start(
        self, event_type: Any, payload: Any = None, event_id: str = "", parent_id: str = "", **kwargs: Any
    ) -> str:
        self._start(str(get(event_type, "value", event_type)), payload, event_id)
        return event_id

    @hook
    def on_event_end(self, event_type: Any, payload: Any = None, event_id: str = "", **kwargs: Any) -> None:
        kind, scope = self._reported.pop(event_id), scope_of(self._session)
        if kind is None:
            return
        found, error = _by_name(payload), _by_name(payload).get("exception")
        if kind == "llm":
            if isinstance(error, BaseException):
                self._runs.calls.fail(event_id, error)
            else:
                self._runs.calls.answer(event_id, found.get("response", found.get("completion")))
        elif scope is not None and kind == "retrieve":
            rows = documents_of(found.get("nodes") or ())
            scope.record(
                "retrieval", {"query": found.get("query_str"), "documents": rows}, {"event_id": event_id}
            )
        elif scope is not None:
            output = found.get("function_call_response", found.get("response"))
            record_tool_result(scope, ADAPTER, event_id, output, error)

    def start_trace(self, trace_id: str | None = None) -> None:
        """Nothing: the dispatcher has spans."""

    def end_trace(self, trace_id: str | None = None, trace_map: Any = None) -> None:
        """Nothing: the dispatcher has spans."""

    @hook
    def _start(self, kind: str, payload: Any, event_id: str) -> None:
        scope, found = scope_of(self._session), _by_name(payload)
        if scope is None or (kind in ("llm", "retrieve") and self._runs.calls.is_open(self._active.get())):
            return  # the dispatcher tells it, too
        if kind == "llm":
            prompt = found.get("messages", found.get("formatted_prompt"))
            described = found.get("serialized")
            self._runs.calls.ask(event_id, None, described, prompt, operation="chat", event_id=event_id)
        elif kind in ("function_call", "agent_step"):
            name = get(found.get("tool"), "name") or kind
            record_tool_call(scope, ADAPTER, ToolRequest(str(name), found.get("function_call"), event_id))
        elif kind != "retrieve":
            return
        self._reported[event_id] = kind


def _without(handlers: list[Any], ours: Any) -> list[Any]:
    """The handlers but ours; equal ones of another adapter stay."""
    return [handler for handler in handlers if handler is not ours]


def _by_name(payload: Any) -> dict[str, Any]:
    """A payload by the values of its keys, which are of an enumeration."""
    return {str(get(key, "value", key)): value for key, value in (payload or {}).items()}


def _event_handler(runs: Runs) -> Any:
    base = require_extra("llama_index.core.instrumentation.event_handlers", EXTRA, _WHO).BaseEventHandler

    def handle(self: Any, event: Any, **kwargs: Any) -> None:
        runs.event(event)

    def class_name(cls: Any) -> str:
        return "PromptetheusEvents"

    members = {"__module__": __name__, "handle": handle, "class_name": classmethod(class_name)}
    return type("PromptetheusEvents", (base,), members)()


def _span_handler(runs: Runs) -> Any:
    base = require_extra("llama_index.core.instrumentation.span_handlers", EXTRA, _WHO).BaseSpanHandler

    def span_enter(
        self: Any, id_: str, bound_args: Any, instance: Any = None, parent_id: Any = None, **kwargs: Any
    ) -> None:
        runs.enter(id_, bound_args.arguments, instance, parent_id)

    def span_exit(
        self: Any, id_: str, bound_args: Any, instance: Any = None, result: Any = None, **kwargs: Any
    ) -> None:
        runs.exit(id_, result)

    def span_drop(
        self: Any, id_: str, bound_args: Any, instance: Any = None, err: Any = None, **kwargs: Any
    ) -> None:
        runs.drop(id_, err)

    def nothing(self: Any, *args: Any, **kwargs: Any) -> None:
        return None

    members = {
        "__module__": __name__,
        "span_enter": span_enter,
        "span_exit": span_exit,
        "span_drop": span_drop,
    }
    unused = dict.fromkeys(("new_span", "prepare_to_exit_span", "prepare_to_drop_span"), nothing)
    return type("PromptetheusSpans", (base,), {**members, **unused})()
