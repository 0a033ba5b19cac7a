"""Whether another adapter has recorded what a framework tells without the provider's id."""

from __future__ import annotations

from promptetheus.adapters.model_call import ModelCall
from promptetheus.adapters.once import inside_call


class InnerCalls:
    """Collects, from when it is made until `finish`, which kinds of adapters write model calls here: in this thread
    or task, and in those that it starts."""

    def __init__(self, adapter: str) -> None:
        self._adapter = adapter
        self._written: list[str] = []
        self._before = inside_call.get()
        inside_call.set(self._written)

    def finish(self, call: ModelCall) -> bool:
        """The framework's call is over, and about to be written. Dropped, when the provider's client has been seen to
        make it; a call with an id is told apart by that. Returns whether it is still to be written."""
        if inside_call.get() is self._written:
            inside_call.set(self._before)
        if call.answer.response_id is None and any(kind != self._adapter for kind in self._written):
            call.drop()
            return False
        return True
