"""What all adapters stand on; needs no framework."""

from __future__ import annotations

import gc
import json
import pickle
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import promptetheus as pt
from promptetheus import adapters, guard
from promptetheus.adapters.arguments import coerce_arguments
from promptetheus.adapters.asked_tools import AskedTools, ToolOutput
from promptetheus.adapters.attaching import Attached
from promptetheus.adapters.bounded import BoundedRunState
from promptetheus.adapters.content import prompt_of
from promptetheus.adapters.extras import require_extra
from promptetheus.adapters.inner_calls import InnerCalls, note_written
from promptetheus.adapters.model_call import ModelCall, ToolRequest, record_tool_call, record_tool_result
from promptetheus.adapters.once import is_known, is_known_error
from promptetheus.adapters.patching import patch_point
from promptetheus.adapters.places import Places
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


@pytest.fixture
def hasty_threads() -> Iterator[Callable[[Callable[[int], None]], None]]:
    """Runs a function in eight threads that take turns at every chance. What one of them raises is raised."""

    def run(work: Callable[[int], None]) -> None:
        errors: list[BaseException] = []

        def step(number: int) -> None:
            try:
                work(number)
            except BaseException as error:
                errors.append(error)

        threads = [threading.Thread(target=step, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if errors:
            raise errors[0]

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield run
    sys.setswitchinterval(before)


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


def test_of_many_adapters_that_see_one_call_at_once_one_records_it(
    record: Record, hasty_threads: Callable[[Callable[[int], None]], None]
) -> None:
    first: list[str] = []

    def see(number: int) -> None:
        calls = [f"c{call}" for call in range(300)]
        first.extend(c for c in calls if not is_known(record.session, f"kind {number}", "model_call", c))

    hasty_threads(see)
    assert sorted(first) == sorted(f"c{call}" for call in range(300))


def test_an_exception_is_not_taken_for_one_that_is_gone_and_had_its_id(record: Record) -> None:
    gone = ValueError("no luck")
    known = id(gone)
    assert not is_known_error(record.session, "openai", gone)
    assert is_known_error(record.session, "langchain", gone)
    del gone
    others: list[ValueError] = []
    while not others or id(others[-1]) != known:  # held, so that each of them gets another id
        assert len(others) < 100_000
        others.append(ValueError("no luck"))
    assert not is_known_error(record.session, "langchain", others[-1])


def test_remembering_an_exception_keeps_nothing_alive_and_does_not_get_in_its_way(record: Record) -> None:
    class Heavy:
        """What is in a frame of a function that fails."""

    alive: list[weakref.ref[Heavy]] = []

    def fail() -> None:
        heavy = Heavy()
        alive.append(weakref.ref(heavy))
        raise ValueError("no luck")

    places = Places(record.session, "test")
    places.open("run", None, here(record), "run")
    try:
        fail()
    except ValueError as error:
        places.note("run", error, here(record))
        is_known_error(record.session, "test", error)
        copy = pickle.loads(pickle.dumps(error))
        assert (type(copy), copy.args, str(copy)) == (ValueError, ("no luck",), "no luck")
    gc.collect()
    assert [found() for found in alive] == [None]


def test_a_call_that_fails_while_the_agent_makes_up_for_another_failure_is_recorded(record: Record) -> None:
    first, second = TimeoutError("slow"), ConnectionError("down")
    ModelCall(here(record), "m", adapter="openai").fail(first)
    call = ModelCall(here(record), "n", adapter="litellm")
    second.__context__ = first  # raised in an `except` block
    call.fail(second)
    assert [event["payload"]["model"] for event in record.of("llm_call")] == ["m", "n"]
    assert len(record.of("error")) == 2


def test_a_call_that_fails_because_the_client_under_it_did_is_not_recorded_again(record: Record) -> None:
    cause, wrapped = TimeoutError("slow"), RuntimeError("wrapped")
    wrapped.__context__ = cause
    call = ModelCall(here(record), "n", adapter="langchain")
    ModelCall(here(record), "m", adapter="openai").fail(cause)
    call.fail(wrapped)
    assert record.types == ["llm_call", "error"]


def test_a_call_that_the_client_under_it_recorded_is_dropped_in_that_session_only(
    record: Record, spool: Path
) -> None:
    with Record(spool) as other:
        mine, theirs = InnerCalls("framework").open(), InnerCalls("framework").open()
        calls = [ModelCall(here(found), "m", adapter="framework") for found in (record, other)]
        ModelCall(here(other), "m", adapter="openai").done()
        assert mine.finish(calls[0]) and not theirs.finish(calls[1])
        calls[0].done()
        assert [len(found.of("llm_call")) for found in (record, other)] == [1, 1]


def test_calls_that_have_ended_in_any_order_learn_nothing_more(record: Record) -> None:
    first, second = InnerCalls("framework").open(), InnerCalls("framework").open()
    assert first.finish(ModelCall(here(record), "m", adapter="framework"))
    note_written(record.session.session_id, "openai")
    assert not second.finish(ModelCall(here(record), "m", adapter="framework"))
    note_written(record.session.session_id, "openai")
    assert first.finish(ModelCall(here(record), "m", adapter="framework"))


def test_results_of_tools_are_told_apart_by_session_and_recorded_once(
    record: Record, spool: Path, hasty_threads: Callable[[Callable[[int], None]], None]
) -> None:
    asked = AskedTools("test")
    ids = [f"call_{number}" for number in range(50)]
    with Record(spool) as other:
        for found in (record, other):
            asked.remember(here(found), ids)
        outputs = [ToolOutput(call_id, "done") for call_id in ids]
        hasty_threads(lambda number: asked.record(here(record), lambda: outputs))
        asked.record(here(other), lambda: outputs)
        for found in (record, other):
            assert sorted(result["call_id"] for result in found.payloads("tool_result")) == sorted(ids)


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


def test_a_memory_can_be_used_by_what_runs_in_the_midst_of_its_own_work() -> None:
    """A finalizer, or a handler of a signal: it may not wait for the thread that it has interrupted."""
    state: BoundedRunState[int] = BoundedRunState()

    class Finalized(int):
        def __del__(self) -> None:
            state.put("last words", 1)

    def work() -> None:
        state.put("a", Finalized(1))
        state.put("a", 2)
        state.update("b", lambda before: state.put("c", 3) or 4)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(20)
    assert not thread.is_alive()
    assert [state.get(key) for key in ("a", "b", "c", "last words")] == [2, 4, 3, 1]


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


def test_a_point_that_somebody_has_is_the_one_that_others_get() -> None:
    """An adapter that is detached keeps its point and may be attached again when another one has come."""
    before = dict(vars(Framework))
    first: list[int] = []
    second: list[int] = []
    old = patch_point(Framework, "run", counting)
    old.add(first)
    old.remove(first)
    new = patch_point(Framework, "run", counting)
    old.add(first)
    new.add(second)
    assert Framework().run(1) == 2
    old.remove(first)
    assert Framework().run(2) == 3
    new.remove(second)
    assert (first, second) == ([1], [1, 2])
    assert dict(vars(Framework)) == before


def test_threads_that_attach_and_detach_at_once_are_all_heard_and_leave_no_trace(
    hasty_threads: Callable[[Callable[[int], None]], None],
) -> None:
    before = dict(vars(Framework))

    def come_and_go(number: int) -> None:
        for turn in range(200):
            heard: list[int] = []
            point = patch_point(Framework, "run", counting)
            point.add(heard)
            assert Framework().run(number) == number + 1
            assert number in heard, f"turn {turn}"
            point.remove(heard)

    hasty_threads(come_and_go)
    assert dict(vars(Framework)) == before
    assert guard.counts() == {"recorded": 0}


def test_what_was_patched_and_forgotten_is_not_kept_alive() -> None:
    owner = Framework()
    gone = weakref.ref(owner)
    patch_point(owner, "run", lambda original, point: lambda value: original(value)).add([])
    del owner
    gc.collect()
    assert gone() is None


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
