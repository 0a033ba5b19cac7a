"""What all adapters stand on; needs no framework."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import promptetheus as pt
from promptetheus import adapters, guard
from promptetheus.adapters.arguments import coerce_arguments
from promptetheus.adapters.attaching import Attached
from promptetheus.adapters.bounded import BoundedRunState
from promptetheus.adapters.content import prompt_of
from promptetheus.adapters.extras import require_extra
from promptetheus.adapters.model_call import ModelCall, ToolRequest, record_tool_call, record_tool_result
from promptetheus.adapters.patching import patch_point
from promptetheus.adapters.pricing import cost_of
from promptetheus.adapters.scope import Scope, hook, scope_of
from promptetheus.adapters.spans import Span, SpanTree
from promptetheus.adapters.streams import Watch, WatchedIterator
from promptetheus.adapters.usage import Usage, extract_token_usage, usage_of
from promptetheus.cost import price
from tests.adapters.recorded import Record


def here(record: Record) -> Scope:
    found = scope_of(record.session)
    assert found is not None
    return found


# ── names ────────────────────────────────────────────────────────────────────────────────────────────────


def test_importing_the_adapters_loads_none_of_them_and_no_framework() -> None:
    code = (
        "import sys, promptetheus.adapters as found\n"
        "loaded = [name for name in sys.modules if name.startswith('promptetheus.adapters.')]\n"
        "print(len(found.__all__), loaded, {'openai', 'litellm', 'opentelemetry'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["13", "[]", "set()"]


def test_an_unknown_adapter_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="NonsenseAdapter"):
        adapters.NonsenseAdapter  # noqa: B018
    assert "OpenAIAdapter" in dir(adapters)


def test_a_missing_framework_says_what_to_install() -> None:
    with pytest.raises(RuntimeError, match="pip install 'promptetheus\\[litellm\\]'") as raised:
        require_extra("no_such_framework", "litellm", "LiteLLMAdapter")
    assert "LiteLLMAdapter needs the extra 'litellm'" in str(raised.value)


# ── where events go ──────────────────────────────────────────────────────────────────────────────────────


def test_the_session_is_the_one_given_else_the_current_one_else_none(record: Record, spool: Path) -> None:
    with Record(spool) as inner:
        assert here(record).session is record.session
        current = scope_of()
        assert current is not None and current.session is inner.session
    with pt.start(agent="a", user_goal="g", sample_rate=0.0, spool_dir=spool) as unsampled:
        assert scope_of(unsampled) is None
    assert scope_of(inner.session) is None, "it has ended"


def test_events_stay_in_the_span_in_which_their_call_began(record: Record) -> None:
    with record.session.span("ask"):
        scope = here(record)
    thread = threading.Thread(target=lambda: scope.record("metric", {"name": "n", "value": 1}))
    thread.start()
    thread.join()
    record.session.metric("outside", 1)
    inside, outside = record.of("metric")
    assert record.span_of(inside) == "ask" and "span_id" not in outside


def test_what_comes_after_the_end_of_a_session_does_not_reopen_it(spool: Path) -> None:
    with Record(spool) as record:
        scope = here(record)
    scope.record("metric", {"name": "late", "value": 1})
    assert record.events == []
    assert guard.counts()["dropped.after_end"] == 1


def test_a_hook_never_raises(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "reraise", False)

    @hook
    def on_something() -> None:
        raise RuntimeError("a mistake of ours")

    assert on_something() is None
    assert guard.counts()["failed.on_something"] == 1


# ── model calls ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_call_is_written_once_by_whoever_is_first(record: Record) -> None:
    call = ModelCall(here(record), "gpt-4o", adapter="test")
    call.answer.usage = Usage(input_tokens=10, output_tokens=5, cached_tokens=4, reasoning_tokens=2)
    threads = [threading.Thread(target=call.done) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    call.fail(ValueError("too late"))
    event = record.only("llm_call")
    assert event["payload"]["cached_tokens"] == 4 and event["payload"]["reasoning_tokens"] == 2
    assert record.of("error") == []


def test_a_call_that_is_under_way_when_its_session_ends_is_recorded(spool: Path) -> None:
    with Record(spool) as record:
        ModelCall(here(record), "gpt-4o", adapter="test")
        Span(here(record), "step")
    assert record.only("llm_call")["metadata"]["status"] == "unfinished"
    assert record.types == ["span_start", "span_end", "llm_call"]


def test_an_answer_that_broke_off_asks_for_no_tool(record: Record) -> None:
    call = ModelCall(here(record), "m", adapter="test", streamed=True)
    call.answer.tool_calls.append(ToolRequest("add", '{"a": ', "c1"))
    call.abandon()
    assert record.of("tool_call") == []
    assert record.only("llm_call")["metadata"]["tool_calls"] == [{"name": "add", "call_id": "c1"}]


def test_an_exception_that_cannot_be_shown_is_recorded_all_the_same(record: Record) -> None:
    class Hostile(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    ModelCall(here(record), "m", adapter="test").fail(Hostile())
    assert record.only("llm_call")["metadata"]["error"]["error_type"] == "Hostile"


def test_one_call_that_two_kinds_of_adapters_see_is_recorded_once(record: Record) -> None:
    error = TimeoutError("slow")
    for adapter in ("openai", "langchain"):
        call = ModelCall(here(record), "m", adapter=adapter)
        call.answer.response_id = "chatcmpl-1"
        call.answer.tool_calls = [ToolRequest("add", {}, "c1")]
        call.done()
        record_tool_call(here(record), adapter, ToolRequest("add", {}, "c1"))
        record_tool_result(here(record), adapter, "c1", 5)
        ModelCall(here(record), "m", adapter=adapter).fail(error)
    assert sorted(record.types) == ["error", "llm_call", "llm_call", "tool_call", "tool_call", "tool_result"]


def test_the_same_adapter_may_see_one_id_again_as_stubs_give_it(record: Record) -> None:
    for _ in range(2):
        call = ModelCall(here(record), "m", adapter="openai")
        call.answer.response_id = "chatcmpl-stub"
        call.done()
    assert len(record.of("llm_call")) == 2


@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5-mini", "claude-sonnet-4-5", "gemini-2.5-pro"])
@pytest.mark.parametrize("usage", [Usage(100, 7, 40), Usage(99_999, 5_000), Usage(250_000, 10, 200_000)])
def test_the_cost_is_that_of_the_price_list(model: str, usage: Usage) -> None:
    known = price(model, usage.input_tokens or 0, usage.output_tokens or 0, usage.cached_tokens or 0)
    assert cost_of(model, usage) == pytest.approx(known, rel=1e-6)


def test_unknown_models_and_calls_without_counts_have_no_cost() -> None:
    assert cost_of("no-such-model", Usage(10, 10)) is None
    assert cost_of("gpt-4o", Usage()) is None


# ── what providers and frameworks say ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("found", "usage"),
    [
        ({"prompt_tokens": 11, "completion_tokens": 7}, Usage(11, 7)),
        (
            {
                "prompt_tokens": 11,
                "completion_tokens": 7,
                "prompt_tokens_details": {"cached_tokens": 4},
                "completion_tokens_details": {"reasoning_tokens": 3},
            },
            Usage(11, 7, 4, 3),
        ),
        (
            {
                "input_tokens": 11,
                "output_tokens": 7,
                "input_tokens_details": {"cached_tokens": 4},
                "output_tokens_details": {"reasoning_tokens": 3},
            },
            Usage(11, 7, 4, 3),
        ),
        (
            {
                "input_tokens": 5,
                "output_tokens": 7,
                "cache_read_input_tokens": 4,
                "cache_creation_input_tokens": 2,
            },
            Usage(11, 7, 4, None, 2),
        ),
        (
            {
                "input_tokens": 11,
                "output_tokens": 7,
                "input_token_details": {"cache_read": 4, "cache_creation": 2},
                "output_token_details": {"reasoning": 3},
            },
            Usage(11, 7, 4, 3, 2),
        ),
        (
            {
                "input_tokens": 11,
                "output_tokens": 7,
                "cache_read_tokens": 4,
                "details": {"reasoning_tokens": 3},
            },
            Usage(11, 7, 4, 3),
        ),
        ({"prompt_token_count": 11, "candidates_token_count": 7}, Usage(11, 7)),
        ({"input_tokens": True, "output_tokens": -1}, Usage()),
        ({"input_tokens": 3.0, "output_tokens": "7"}, Usage(3)),
        (None, Usage()),
        ("no usage", Usage()),
    ],
)
def test_token_counts_are_read_in_every_spelling(found: Any, usage: Usage) -> None:
    assert usage_of(found) == usage
    if isinstance(found, dict):
        nested = {k: SimpleNamespace(**v) if isinstance(v, dict) else v for k, v in found.items()}
        assert usage_of(SimpleNamespace(**nested)) == usage
        assert extract_token_usage({"usage": found}) == (usage.input_tokens, usage.output_tokens)


@pytest.mark.parametrize(
    ("raw", "arguments"),
    [
        ('{"a": 1}', {"a": 1}),
        ({"a": 1}, {"a": 1}),
        ("[1, 2]", {"value": [1, 2]}),
        ('{"a": ', {"raw": '{"a": '}),
        ("", {}),
        (None, {}),
        (7, {"value": 7}),
    ],
)
def test_arguments_become_a_dictionary_whatever_they_are(raw: Any, arguments: dict[str, Any]) -> None:
    assert coerce_arguments(raw) == arguments


def test_prompts_are_a_reference_to_what_was_sent_and_redacted_content_when_asked_for() -> None:
    messages = [{"role": "user", "content": "mail me@example.com"}]
    plain, captured = prompt_of(messages, capture=False), prompt_of(messages, capture=True)
    assert plain.messages_ref == captured.messages_ref != prompt_of([], capture=False).messages_ref
    assert plain.content is None and "me@example.com" not in json.dumps(captured.content)
    assert prompt_of(messages, capture=False, prompt_ref="mine") == (None, "mine", None)


# ── spans ────────────────────────────────────────────────────────────────────────────────────────────────


def test_spans_have_the_parents_that_the_framework_names_from_any_thread(record: Record) -> None:
    tree, scope = SpanTree(), here(record)
    tree.start("1", None, "graph", scope)
    tree.pass_through("2", "1", scope)

    def node(number: int) -> None:
        tree.start(f"n{number}", "2", f"node {number}", scope)
        tree.scope(f"n{number}", scope).record("metric", {"name": f"m{number}", "value": 1})
        tree.end(f"n{number}")

    threads = [threading.Thread(target=node, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tree.end("1")
    assert record.spans()[""] == ["graph"]
    assert sorted(record.spans()["graph"]) == [f"node {number}" for number in range(6)]
    for event in record.of("metric"):
        assert record.span_of(event) == f"node {event['payload']['name'][1:]}"


def test_the_users_own_spans_and_tools_nest_in_a_span_that_was_entered(record: Record) -> None:
    with Span(here(record), "node"), record.session.span("mine"):
        record.session.metric("m", 1)
    record.session.metric("after", 1)
    assert record.spans() == {"": ["node"], "node": ["mine"]}
    assert "span_id" not in record.of("metric")[1]


def test_too_many_open_runs_end_the_oldest(record: Record) -> None:
    tree = SpanTree(max_open=2)
    for number in range(3):
        tree.start(str(number), None, f"run {number}", here(record))
    (ended,) = [e for e in record.events if e["payload"].get("name") == "span_end"]
    assert ended["payload"]["span_name"] == "run 0" and ended["metadata"]["status"] == "evicted"


def test_a_bounded_memory_gives_up_the_oldest() -> None:
    state: BoundedRunState[int] = BoundedRunState(max_size=2)
    for number in range(3):
        state[str(number)] = number
    assert ("0" in state, state.get("1"), state.pop("2"), len(state)) == (False, 1, 2, 1)


# ── streams ──────────────────────────────────────────────────────────────────────────────────────────────


def test_a_stream_passes_through_and_its_end_is_noticed_however_it_comes(record: Record) -> None:
    def watched(*pieces: Any) -> WatchedIterator:
        call = ModelCall(here(record), "m", adapter="test", streamed=True)

        def source() -> Any:
            for piece in pieces:
                if isinstance(piece, Exception):
                    raise piece
                yield piece

        return WatchedIterator(source(), Watch(call, lambda piece: call.piece()))

    assert list(watched(1, 2)) == [1, 2]
    with pytest.raises(ValueError, match="broken"):
        list(watched(1, ValueError("broken")))
    with watched(1, 2) as stream:
        next(stream)
    dropped = watched(1, 2)
    next(dropped)
    del dropped
    gc.collect()
    statuses = [event["metadata"].get("status") for event in record.of("llm_call")]
    assert statuses == [None, "failed", "abandoned", "abandoned"]


# ── patches and attachments ──────────────────────────────────────────────────────────────────────────────


class Framework:
    """A class to be patched."""

    def run(self, value: int) -> int:
        return value + 1


class Child(Framework):
    """Has `run` by inheritance only."""


def counting(original: Any, point: Any) -> Any:
    def run(self: Any, value: int) -> int:
        for heard in point.listeners:
            heard.append(value)
        return int(original(self, value))

    return run


@pytest.mark.parametrize("owner", [Framework, Child])
def test_a_patch_is_shared_counted_and_leaves_no_trace(owner: type) -> None:
    before = dict(vars(owner))
    first: list[int] = []
    second: list[int] = []
    patch_point(owner, "run", counting).add(first)
    patch_point(owner, "run", counting).add(first)
    patch_point(owner, "run", counting).add(second)
    point = patch_point(owner, "run", counting)
    assert owner().run(1) == 2
    point.remove(first)
    owner().run(2)
    point.remove(first)
    point.remove(first)
    owner().run(3)
    point.remove(second)
    assert owner().run(4) == 5
    assert (first, second) == ([1, 2], [1, 2, 3])
    assert dict(vars(owner)) == before


def test_a_patch_of_others_on_top_of_ours_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []
    monkeypatch.setattr(Framework, "run", Framework.run)
    point = patch_point(Framework, "run", counting)
    point.add(heard)
    ours = Framework.run
    theirs = lambda self, value: ours(self, value) * 10  # noqa: E731
    monkeypatch.setattr(Framework, "run", theirs)
    point.remove(heard)
    assert Framework().run(1) == 20
    assert Framework.run is theirs and heard == []
    point.add(heard)
    assert Framework().run(1) == 20 and heard == [1]


def test_attaching_and_detaching_is_done_once_however_often_it_is_asked_for() -> None:
    class Adapter(Attached):
        log: str = ""

        def _attach(self) -> None:
            self.log += "a"

        def _detach(self) -> None:
            self.log += "d"

    adapter = Adapter()
    with adapter.attach(), adapter:
        assert adapter.attached
    adapter.detach()
    adapter.stop()
    adapter.attach()
    assert adapter.log == "ada"
