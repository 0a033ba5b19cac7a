"""DSPy: modules, models, tools, evaluations and optimizers, from its callbacks."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from promptetheus import context
from promptetheus.adapters import dspy_reading as reading
from promptetheus.adapters.attaching import Attached
from promptetheus.adapters.dspy_runs import Runs
from promptetheus.adapters.extras import require_extra
from promptetheus.adapters.patching import PatchPoint, patch_point
from promptetheus.adapters.scope import hook

EXTRA = "dspy"


class DSPyAdapter:
    """A callback of DSPy that records.

        dspy.configure(lm=…, callbacks=[DSPyAdapter()])

    Making one gives an instance of a class of DSPy's. One serves any number of programs, threads and sessions. While
    one is attached, and it is from when it is made until `detach()`, DSPy's own threads (`dspy.Parallel`,
    `dspy.Evaluate`) know the session of whoever started them.

    Args:
        session: the session to record into; default the one that is current where an outermost call begins.
        capture_content: record the prompts themselves, redacted, and not only a hash of them.

    Raises RuntimeError without the library.
    """

    def __new__(cls, session: Any = None, *, capture_content: bool = False) -> Any:
        require_extra("dspy", EXTRA, "DSPyAdapter")
        return _callback_class()(Runs(session, capture_content))


class DSPyPatch(Attached):
    """Records every program of the process, without `dspy.configure`. Attached when it is made.

    A later `dspy.configure(callbacks=…)` replaces it, as it replaces every callback.

    Args:
        session: the session to record into; default the one that is current where an outermost call begins.
        capture_content: record the prompts themselves, redacted.

    Raises RuntimeError without the library.
    """

    def __init__(self, session: Any = None, *, capture_content: bool = False) -> None:
        super().__init__()
        self._callback = DSPyAdapter(session, capture_content=capture_content)
        self._config = require_extra("dspy.dsp.utils.settings", EXTRA, "DSPyPatch").main_thread_config
        self.attach()

    def _attach(self) -> None:
        self._callback.attach()
        self._config["callbacks"] = [*self._config["callbacks"], self._callback]

    def _detach(self) -> None:
        kept = [callback for callback in self._config["callbacks"] if callback is not self._callback]
        self._config["callbacks"] = kept
        self._callback.detach()


@functools.cache
def _callback_class() -> Any:
    base = require_extra("dspy.utils.callback", EXTRA, "DSPyAdapter").BaseCallback
    return type("PromptetheusCallback", (_Hooks, base), {})


def _start(function: Callable[[Any, str, str | None, Any, Any], None]) -> Any:
    """A hook that begins a call: with the call around it, which DSPy names only to those who ask."""

    @functools.wraps(function)
    def begin(self: Any, call_id: str, instance: Any = None, inputs: Any = None) -> None:
        function(self, call_id, self.active_call.get(), instance, inputs)

    return hook(begin)


class _Hooks(Attached):
    """What DSPy calls, by name of the argument, where the program runs."""

    def __init__(self, runs: Runs) -> None:
        super().__init__()
        self._runs = runs
        self._dspy = require_extra("dspy", EXTRA, "DSPyAdapter")
        self.active_call = require_extra("dspy.utils.callback", EXTRA, "DSPyAdapter").ACTIVE_CALL_ID
        executor = require_extra("dspy.utils.parallelizer", EXTRA, "DSPyAdapter").ParallelExecutor
        self._point = patch_point(executor, "execute", _execute)
        self.attach()

    def _attach(self) -> None:
        self._point.add(self)

    def _detach(self) -> None:
        self._point.remove(self)

    @_start
    def on_lm_start(self, call_id: str, parent_id: str | None, instance: Any, inputs: Any) -> None:
        is_streamed = self._dspy.settings.get("send_stream") is not None
        self._runs.model_starts(call_id, parent_id, instance, inputs, is_streamed)

    @_start
    def on_module_start(self, call_id: str, parent_id: str | None, instance: Any, inputs: Any) -> None:
        if isinstance(instance, self._dspy.Retrieve):
            self._runs.retrieval_starts(call_id, parent_id, inputs)
        else:
            self._runs.module_starts(call_id, parent_id, reading.name_of(instance))

    @_start
    def on_tool_start(self, call_id: str, parent_id: str | None, instance: Any, inputs: Any) -> None:
        name = reading.name_of(instance)
        self._runs.tool_starts(call_id, parent_id, name, reading.arguments_of(inputs))

    @_start
    def on_interpreter_execute_start(
        self, call_id: str, parent_id: str | None, instance: Any, inputs: Any
    ) -> None:
        name = type(instance).__name__
        self._runs.tool_starts(call_id, parent_id, name, reading.arguments_of(inputs))

    @_start
    def on_adapter_parse_start(self, call_id: str, parent_id: str | None, instance: Any, inputs: Any) -> None:
        self._runs.parsing_starts(call_id, parent_id)

    @_start
    def on_evaluate_start(self, call_id: str, parent_id: str | None, instance: Any, inputs: Any) -> None:
        self._runs.evaluation_starts(call_id, parent_id, type(instance).__name__)

    @_start
    def on_compile_start(self, call_id: str, parent_id: str | None, instance: Any, inputs: Any) -> None:
        self._runs.module_starts(call_id, parent_id, type(instance).__name__, says=False)

    @hook
    def on_lm_end(self, call_id: str, outputs: Any = None, exception: BaseException | None = None) -> None:
        self._runs.ends(call_id, outputs, exception)

    on_module_end = on_tool_end = on_interpreter_execute_end = on_lm_end
    on_adapter_parse_end = on_evaluate_end = on_compile_end = on_lm_end


def _execute(original: Callable[..., Any], point: PatchPoint) -> Callable[..., Any]:
    """`ParallelExecutor.execute`, whose threads begin with an empty context."""

    @functools.wraps(original)
    def execute(self: Any, function: Callable[[Any], Any], data: Any) -> Any:
        return original(self, _in_this_place(function) if point.listeners else function, data)

    return execute


def _in_this_place(function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    here = context.snapshot()

    @functools.wraps(function)
    def run(item: Any) -> Any:
        before = context.snapshot()
        context.restore(here)
        try:
            return function(item)
        finally:
            context.restore(before)

    return run
