"""`observe`, `tool` and `traced` on functions of every kind."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import enum
import functools
import inspect
import json
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

import promptetheus as pt
from tests.sdk.spooled import a_session, events_of, payloads, sessions_of


def shapes(spool: Path) -> list[str]:
    """The events of the session in short: type, and name or value of a state change."""
    return [
        event["payload"].get("name", "") if event["type"] == "state_change" else event["type"]
        for event in events_of(spool)
    ]


TOOL = ["session_started", "tool_call", "tool_result", "session_end"]
SPAN = ["session_started", "span_start", "span_end", "session_end"]


# ── plain functions ──────────────────────────────────────────────────────────────────────────────────────────


def test_a_tool_is_recorded_as_call_and_result(spool: Path) -> None:
    @pt.tool
    def search(day: str, limit: int = 3) -> list[str]:
        """Finds slots."""
        return [day] * limit

    with a_session(spool):
        assert search("Tue", limit=2) == ["Tue", "Tue"]
    _, call, result, _ = events_of(spool)
    call_id = call["payload"]["call_id"]
    assert call["payload"] == {
        "tool_name": "search",
        "arguments": {"args": "('Tue',)", "kwargs": "{'limit': 2}"},
        "call_id": call_id,
    }
    assert call["metadata"] == {"arguments": {"day": "Tue", "limit": 2}}
    assert result["payload"] == {"call_id": call_id, "result": "['Tue', 'Tue']", "error": None}
    assert result["metadata"] == {"result": ["Tue", "Tue"]}
    assert (search.__name__, search.__doc__) == ("search", "Finds slots.")
    assert str(inspect.signature(search)).startswith("(day")


def test_a_tool_outside_a_session_is_just_called(spool: Path) -> None:
    class Loud:
        def __repr__(self) -> str:
            raise AssertionError("nobody may look at the arguments")

    @pt.tool
    def give(thing: Loud) -> Loud:
        return thing

    loud = Loud()
    assert give(loud) is loud
    assert not spool.exists()


def test_a_tool_may_have_another_name_and_say_what_it_does_to_the_world(spool: Path) -> None:
    @pt.tool(name="calendar.book", effect="write")
    def book() -> None:
        return None

    with a_session(spool):
        book()
    call = events_of(spool)[1]
    assert call["payload"]["tool_name"] == "calendar.book"
    assert call["metadata"] == {"effect": "write"}


def test_a_tool_takes_its_name_where_traced_takes_it(spool: Path) -> None:
    @pt.tool("calendar.search", effect="read")
    def search(day: str) -> str:
        return day

    with a_session(spool):
        assert search("Tuesday") == "Tuesday"
    call = events_of(spool)[1]
    assert (call["payload"]["tool_name"], call["metadata"]["effect"]) == ("calendar.search", "read")


def test_a_tool_that_raises_is_recorded_and_its_exception_passes_untouched(spool: Path) -> None:
    error = ValueError("no slot")

    @pt.tool
    def search() -> None:
        raise error

    with a_session(spool), pytest.raises(ValueError, match="no slot") as caught:
        search()
    assert caught.value is error
    assert error.__context__ is None
    assert [frame.name for frame in caught.traceback][-2:] == ["wrapper", "search"]
    assert payloads(spool, "tool_result")[0]["error"] == "ValueError('no slot')"


def test_an_exit_or_cancellation_is_no_result_of_a_tool(spool: Path) -> None:
    @pt.tool
    def stop() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), a_session(spool):
        stop()
    assert shapes(spool) == ["session_started", "tool_call", "session_end"]


def test_traced_works_with_a_name_with_empty_parentheses_and_bare(spool: Path) -> None:
    @pt.traced("named")
    def a() -> int:
        return 1

    @pt.traced()
    def b() -> int:
        return 2

    @pt.traced
    def c() -> int:
        return 3

    assert (a(), b(), c()) == (1, 2, 3)
    with a_session(spool):
        assert (a(), b(), c()) == (1, 2, 3)
    starts = [p["span_name"] for p in payloads(spool, "state_change") if p["name"] == "span_start"]
    assert starts == ["named", "b", "c"]


def test_observe_makes_a_session_of_each_call(spool: Path) -> None:
    @pt.observe(agent="booker", user_goal="book", spool_dir=spool, tags=["t"], metadata={"m": 1})
    def run(goal: str) -> str:
        pt.current().user_message(goal)
        return "done"

    assert [run("a"), run("b")] == ["done", "done"]
    sessions = sessions_of(spool)
    assert len(sessions) == 2
    for events in sessions.values():
        kinds = [event["type"] for event in events]
        assert kinds == ["state_change", "tool_call", "user_message", "tool_result", "session_end"]
        assert events[0]["payload"]["after"]["tags"] == ["t"]
        assert events[1]["payload"]["tool_name"] == "run"
        assert events[3]["payload"]["result"] == "'done'"


def test_observe_takes_the_name_of_the_function_for_the_agent(spool: Path) -> None:
    @pt.observe(user_goal="g", spool_dir=spool)
    def my_agent() -> None:
        return None

    my_agent()
    assert events_of(spool)[0]["payload"]["after"]["agent"] == "my_agent"


def test_observe_records_the_failure_and_passes_the_exception_on(spool: Path) -> None:
    @pt.observe(user_goal="g", spool_dir=spool)
    def run() -> None:
        raise LookupError("nothing there")

    with pytest.raises(LookupError):
        run()
    events = events_of(spool)
    assert [event["type"] for event in events] == ["state_change", "tool_call", "tool_result", "session_end"]
    assert events[-1]["payload"] == {"status": "failed", "error": "LookupError: nothing there"}


def test_observe_with_a_session_id_goes_on_with_that_session(spool: Path) -> None:
    @pt.observe(user_goal="g", spool_dir=spool, session_id="mine")
    def run() -> None:
        return None

    run()
    run()
    assert [path.name for path in spool.iterdir()] == ["mine.jsonl"]
    assert [event["seq"] for event in events_of(spool)] == list(range(8))


def test_observe_reads_the_settings_when_it_is_called(spool: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    @pt.observe(user_goal="g", spool_dir=spool)
    def run() -> None:
        return None

    monkeypatch.setenv("PROMPTETHEUS_PROJECT", "from the environment")
    run()
    assert events_of(spool)[0]["payload"]["after"]["project_id"] == "from the environment"


# ── methods, partials, callable objects ──────────────────────────────────────────────────────────────────────


class Calendar:
    def __repr__(self) -> str:
        return "<Calendar>"

    @pt.tool
    def find(self, day: str) -> str:
        return day

    @pt.tool
    @staticmethod
    def parse(text: str) -> str:
        return text

    @pt.tool
    @classmethod
    def make(cls, kind: str) -> str:
        return kind

    @staticmethod
    @pt.tool
    def inner_static(text: str) -> str:
        return text

    def plain(self, day: str) -> str:
        return day

    def __call__(self, x: int) -> int:
        return x + 1


def test_methods_are_recorded_without_self_among_the_plain_arguments(spool: Path) -> None:
    with a_session(spool):
        assert Calendar().find("Tue") == "Tue"
        assert Calendar.parse("a") == Calendar().parse("a") == "a"
        assert Calendar.make("b") == "b"
        assert Calendar.inner_static("c") == "c"
    calls = [event for event in events_of(spool) if event["type"] == "tool_call"]
    assert [call["payload"]["tool_name"] for call in calls] == [
        "find",
        "parse",
        "parse",
        "make",
        "inner_static",
    ]
    assert calls[0]["payload"]["arguments"]["args"] == "(<Calendar>, 'Tue')"
    assert [call["metadata"]["arguments"] for call in calls] == [
        {"day": "Tue"}, {"text": "a"}, {"text": "a"}, {"kind": "b"}, {"text": "c"},
    ]  # fmt: skip


def test_partials_bound_methods_builtins_and_callable_objects_can_be_tools(spool: Path) -> None:
    def add(a: int, b: int) -> int:
        return a + b

    with a_session(spool):
        assert pt.tool(functools.partial(add, 1))(2) == 3
        assert pt.tool(functools.partial(functools.partial(add, 1), b=2))() == 3
        assert pt.tool(Calendar().plain)("Wed") == "Wed"
        assert pt.tool(len)("four") == 4
        assert pt.tool(Calendar())(1) == 2
    names = [payload["tool_name"] for payload in payloads(spool, "tool_call")]
    assert names == ["add", "add", "plain", "len", "Calendar"]


async def test_partials_of_coroutine_functions_are_awaited(spool: Path) -> None:
    async def add(a: int, b: int) -> int:
        await asyncio.sleep(0)
        return a + b

    class Adder:
        async def __call__(self, a: int) -> int:
            return a

    with a_session(spool):
        assert await pt.tool(functools.partial(add, 1))(2) == 3
        assert await pt.tool(Adder())(5) == 5
    assert [payload["result"] for payload in payloads(spool, "tool_result")] == ["3", "5"]


# ── coroutines ───────────────────────────────────────────────────────────────────────────────────────────────


async def test_coroutines_are_recorded_from_their_start_to_their_end(spool: Path) -> None:
    @pt.tool
    async def search() -> str:
        pt.current().metric("inside", 1)
        await asyncio.sleep(0)
        return "x"

    assert inspect.iscoroutinefunction(search)
    assert await search() == "x"
    with a_session(spool):
        assert await search() == "x"
    assert shapes(spool) == ["session_started", "tool_call", "metric", "tool_result", "session_end"]


async def test_observe_of_a_coroutine_gives_each_task_its_own_session(spool: Path) -> None:
    @pt.observe(user_goal="g", spool_dir=spool)
    async def run(number: int) -> int:
        await asyncio.sleep(0)
        pt.current().metric("number", number)
        async with pt.current().aspan("s"):  # type: ignore[union-attr]
            await asyncio.sleep(0)
        return number

    assert await asyncio.gather(*(run(n) for n in range(4))) == [0, 1, 2, 3]
    sessions = sessions_of(spool)
    assert len(sessions) == 4
    for events in sessions.values():
        assert [event["type"] for event in events] == [
            "state_change", "tool_call", "metric", "state_change", "state_change", "tool_result", "session_end",
        ]  # fmt: skip
    assert pt.current().session_id == "noop"


async def test_a_cancelled_coroutine_stays_cancelled_and_is_recorded(spool: Path) -> None:
    started = asyncio.Event()

    @pt.observe(user_goal="g", spool_dir=spool)
    async def run() -> None:
        started.set()
        await asyncio.sleep(60)

    task = asyncio.create_task(run())
    await started.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert payloads(spool, "session_end") == [{"status": "failed", "error": "CancelledError: "}]


async def test_a_plain_function_around_a_coroutine_is_recorded_to_its_end(spool: Path) -> None:
    async def inner() -> str:
        await asyncio.sleep(0)
        pt.current().metric("inside", 1)
        return "x"

    @pt.observe(user_goal="g", spool_dir=spool)
    def run() -> Any:
        return inner()

    coroutine = run()
    assert pt.current().session_id == "noop"
    assert await coroutine == "x"
    assert shapes(spool) == ["session_started", "tool_call", "metric", "tool_result", "session_end"]
    assert payloads(spool, "tool_result")[0]["result"] == "'x'"


def test_a_coroutine_that_is_closed_early_is_recorded_as_left(spool: Path) -> None:
    class Pause:
        def __await__(self) -> Generator[None, None, None]:
            yield

    @pt.observe(user_goal="g", spool_dir=spool)
    async def run() -> None:
        await Pause()

    coroutine = run()
    coroutine.send(None)
    coroutine.close()
    assert payloads(spool, "session_end") == [{"status": "failed", "error": "GeneratorExit: "}]


# ── generators ───────────────────────────────────────────────────────────────────────────────────────────────


def test_a_generator_is_recorded_from_its_first_item_to_its_last(spool: Path) -> None:
    @pt.traced
    def stream() -> Iterator[int]:
        pt.current().metric("inside", 1)
        yield 1
        yield 2

    assert inspect.isgeneratorfunction(stream)
    with a_session(spool):
        items = stream()
        pt.current().metric("before", 1)
        for _ in items:
            pt.current().metric("consumer", 1)
    assert shapes(spool) == [
        "session_started", "before", "span_start", "inside", "consumer", "consumer", "span_end", "session_end",
    ] or shapes(spool) == [
        "session_started", "metric", "span_start", "metric", "metric", "metric", "span_end", "session_end",
    ]  # fmt: skip
    inside = [event.get("span_id") is not None for event in events_of(spool) if event["type"] == "metric"]
    assert inside == [False, True, False, False]


def test_observe_of_a_generator_is_current_in_its_body_and_not_in_its_consumer(spool: Path) -> None:
    @pt.observe(user_goal="g", spool_dir=spool)
    def stream(number: int) -> Iterator[int]:
        for item in range(number):
            pt.current().metric("item", item)
            yield item

    for _ in stream(3):
        assert pt.current().session_id == "noop"
    assert shapes(spool) == [
        "session_started",
        "tool_call",
        "metric",
        "metric",
        "metric",
        "tool_result",
        "session_end",
    ]


def test_a_generator_keeps_its_protocol(spool: Path) -> None:
    @pt.tool
    def echo() -> Any:
        got = yield "first"
        while got != "stop":
            try:
                got = yield got
            except KeyError:
                got = yield "caught"
        return "result"

    with a_session(spool):
        body = echo()
        assert next(body) == "first"
        assert body.send("a") == "a"
        assert body.throw(KeyError()) == "caught"
        with pytest.raises(StopIteration) as stop:
            body.send("stop")
    assert stop.value.value == "result"
    (result,) = (event for event in events_of(spool) if event["type"] == "tool_result")
    assert result["payload"]["result"] == "['first', 'a', 'caught']"
    assert result["metadata"]["returned"] == "result"


def test_a_generator_outside_a_session_keeps_its_protocol() -> None:
    @pt.tool
    def echo() -> Any:
        return (yield (yield 1))

    body = echo()
    assert next(body) == 1
    assert body.send(2) == 2
    with pytest.raises(StopIteration) as stop:
        body.send(3)
    assert stop.value.value == 3


def test_a_generator_that_is_not_read_to_its_end_is_closed_and_no_failure(spool: Path) -> None:
    closed = []

    @pt.observe(user_goal="g", spool_dir=spool)
    def stream() -> Iterator[int]:
        try:
            yield 1
            yield 2
        finally:
            pt.current().metric("cleanup", 1)
            closed.append(pt.current().session_id)

    body = stream()
    next(body)
    body.close()  # type: ignore[attr-defined]
    assert closed != ["noop"]
    assert payloads(spool, "session_end") == [{"status": "completed", "error": None}]
    assert "metric" in shapes(spool)


def test_a_generator_that_raises_is_a_failure(spool: Path) -> None:
    @pt.observe(user_goal="g", spool_dir=spool)
    def stream() -> Iterator[int]:
        yield 1
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        list(stream())
    assert payloads(spool, "session_end") == [{"status": "failed", "error": "ValueError: broken"}]


def test_what_a_generator_yields_is_its_result(spool: Path) -> None:
    row = {"n": 0}

    @pt.tool
    def rows() -> Iterator[dict[str, int]]:
        for number in range(3):
            row["n"] = number
            yield row

    with a_session(spool):
        list(rows())
    (result,) = (event for event in events_of(spool) if event["type"] == "tool_result")
    assert result["payload"]["result"] == "[{'n': 0}, {'n': 1}, {'n': 2}]"
    assert result["metadata"] == {
        "result": [{"n": 0}, {"n": 1}, {"n": 2}],
        "yielded": {"count": 3, "kept": 3},
    }


def test_a_generator_of_very_many_items_keeps_the_first_and_counts_all(spool: Path) -> None:
    @pt.tool
    def tokens(number: int, text: str) -> Iterator[str]:
        for _ in range(number):
            yield text

    with a_session(spool):
        for _ in tokens(5_000, "ab"):
            pass
        for _ in tokens(50, "word " * 4_000):
            pass
    many, large = (event["metadata"] for event in events_of(spool) if event["type"] == "tool_result")
    assert many["yielded"] == {"count": 5_000, "kept": 1_000, "characters": 10_000}
    assert many["result"] == ["ab"] * 1_000
    assert large["yielded"] == {"count": 50, "kept": 13, "characters": 1_000_000}
    assert len(large["result"]) == 13


def test_a_generator_that_is_closed_or_fails_keeps_what_it_yielded_until_then(spool: Path) -> None:
    @pt.tool
    def stream(fails: bool) -> Iterator[int]:
        yield 1
        if fails:
            raise ValueError("broken")
        yield 2

    with a_session(spool):
        body = stream(False)
        next(body)
        body.close()  # type: ignore[attr-defined]
        with pytest.raises(ValueError, match="broken"):
            list(stream(True))
    closed, failed = (event for event in events_of(spool) if event["type"] == "tool_result")
    assert closed["payload"] == {"call_id": closed["payload"]["call_id"], "result": "[1]", "error": None}
    assert closed["metadata"] == {"result": [1], "yielded": {"count": 1, "kept": 1, "closed": True}}
    assert failed["payload"]["error"] == "ValueError('broken')"
    assert failed["metadata"] == {"result": [1], "yielded": {"count": 1, "kept": 1}}


async def test_what_an_async_generator_yields_is_its_result(spool: Path) -> None:
    @pt.tool
    async def stream(fails: bool) -> AsyncIterator[str]:
        yield "a"
        yield "b"
        if fails:
            raise ValueError("broken")

    with a_session(spool):
        assert [item async for item in stream(False)] == ["a", "b"]
        body = stream(False)
        assert await anext(body) == "a"
        await body.aclose()  # type: ignore[attr-defined]
        with pytest.raises(ValueError, match="broken"):
            [item async for item in stream(True)]
    whole, closed, failed = (
        event["metadata"] for event in events_of(spool) if event["type"] == "tool_result"
    )
    assert whole == {"result": ["a", "b"], "yielded": {"count": 2, "kept": 2, "characters": 2}}
    assert closed == {"result": ["a"], "yielded": {"count": 1, "kept": 1, "characters": 1, "closed": True}}
    assert failed == {"result": ["a", "b"], "yielded": {"count": 2, "kept": 2, "characters": 2}}


def test_a_secret_that_a_generator_yields_in_pieces_is_taken_out(spool: Path) -> None:
    @pt.tool
    def answer() -> Iterator[str]:
        yield from ("the key is sk-", "proj-abcdEFGH", "1234567890abcdef", " as you asked")

    with a_session(spool, redact="default"):
        assert "".join(answer()).startswith("the key is sk-proj-")
    (result,) = (event for event in events_of(spool) if event["type"] == "tool_result")
    assert result["metadata"]["result"] == ["the key is [REDACTED] as you asked"]
    assert result["metadata"]["yielded"]["count"] == 4
    assert "abcdEFGH" not in json.dumps(result)


def test_a_generator_shares_the_context_variables_of_its_consumer(spool: Path) -> None:
    """Only the session and the spans are ours to set: a request id set between two items is seen inside."""
    request: contextvars.ContextVar[str] = contextvars.ContextVar("request", default="none")
    seen = []

    @pt.tool
    def stream() -> Iterator[int]:
        seen.append(request.get())
        yield 1
        seen.append(request.get())
        request.set("from the body")

    with a_session(spool):
        body = stream()
        next(body)
        request.set("from the consumer")
        list(body)
    assert seen == ["none", "from the consumer"]
    assert request.get() == "from the body"


async def test_an_async_generator_is_recorded_from_its_first_item_to_its_last(spool: Path) -> None:
    @pt.observe(user_goal="g", spool_dir=spool)
    async def stream() -> AsyncIterator[int]:
        for item in range(2):
            await asyncio.sleep(0)
            pt.current().metric("item", item)
            yield item

    assert inspect.isasyncgenfunction(stream)
    async for _ in stream():
        assert pt.current().session_id == "noop"
    assert shapes(spool) == ["session_started", "tool_call", "metric", "metric", "tool_result", "session_end"]


async def test_an_async_generator_keeps_its_protocol(spool: Path) -> None:
    @pt.tool
    async def echo() -> Any:
        got = yield "first"
        try:
            yield got
        except KeyError:
            yield "caught"

    with a_session(spool):
        body = echo()
        assert await anext(body) == "first"
        assert await body.asend("a") == "a"
        assert await body.athrow(KeyError()) == "caught"
        with pytest.raises(StopAsyncIteration):
            await anext(body)
    assert shapes(spool) == TOOL


async def test_an_async_generator_that_is_closed_early_cleans_up_inside_its_session(spool: Path) -> None:
    inside = []

    @pt.observe(user_goal="g", spool_dir=spool)
    async def stream() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            inside.append(pt.current().session_id)

    body = stream()
    await anext(body)
    await body.aclose()  # type: ignore[attr-defined]
    assert inside != ["noop"]
    assert payloads(spool, "session_end") == [{"status": "completed", "error": None}]


async def test_an_async_generator_that_raises_is_a_failure(spool: Path) -> None:
    @pt.observe(user_goal="g", spool_dir=spool)
    async def stream() -> AsyncIterator[int]:
        yield 1
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        [item async for item in stream()]
    assert payloads(spool, "session_end") == [{"status": "failed", "error": "ValueError: broken"}]


# ── sizes and hostile values ─────────────────────────────────────────────────────────────────────────────────


def test_large_arguments_and_results_are_cut_as_text_and_kept_whole_as_json(spool: Path) -> None:
    @pt.tool
    def grow(text: str) -> list[int]:
        return list(range(100_000))

    with a_session(spool):
        grow("word " * 20_000)
    _, call, result, _ = events_of(spool)
    assert len(call["payload"]["arguments"]["args"]) < 17_000
    assert call["metadata"]["truncated"] == {"args": {"items": 1}}
    assert call["metadata"]["arguments"] == {"text": "word " * 20_000}
    assert len(result["payload"]["result"]) < 17_000
    assert result["payload"]["result"].startswith("[0, 1, 2, 3")
    assert result["metadata"] == {
        "truncated": {"result": {"items": 100_000}},
        "result": list(range(100_000)),
    }


def test_values_too_large_for_a_line_are_whole_in_an_artifact(spool: Path) -> None:
    rows = [{"row": number, "text": "word " * 40} for number in range(10_000)]

    @pt.tool
    def fetch(wanted: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return wanted

    with a_session(spool):
        fetch(rows)
    _, call, result, _ = events_of(spool)
    for reference in (call["metadata"]["arguments"], result["metadata"]["result"]):
        assert reference["truncated"] is True
        kept = json.loads((spool / reference["storage_path"]).read_bytes())
        assert (kept["wanted"] if isinstance(kept, dict) else kept) == rows
    assert call["payload"]["arguments"]["args"].startswith("([{'row': 0")


def test_every_argument_that_is_json_is_kept_by_its_name(spool: Path) -> None:
    class Client:
        pass

    class Day(enum.Enum):
        TUESDAY = "tue"

    @dataclasses.dataclass
    class Slot:
        day: str

    @pt.tool
    def book(
        client: Client, day: Day, *slots: Slot, when: tuple[int, int], tags: set[str], **more: Any
    ) -> Any:
        return {"client": client}

    with a_session(spool):
        book(
            Client(),
            Day.TUESDAY,
            Slot("tue"),
            Slot("wed"),
            when=(14, 30),
            tags={"x"},
            note="n",
            other=Client(),
        )
    _, call, result, _ = events_of(spool)
    assert call["metadata"]["arguments"] == {
        "day": "tue", "slots": [{"day": "tue"}, {"day": "wed"}], "when": [14, 30], "tags": ["x"], "note": "n",
    }  # fmt: skip
    assert "metadata" not in result, "a part of it is no JSON"


def test_pydantic_models_are_kept_as_their_fields(spool: Path) -> None:
    pydantic = pytest.importorskip("pydantic")
    model = pydantic.create_model("Slot", day=(str, ...), free=(bool, True))

    @pt.tool
    def slots() -> Any:
        return [model(day="tue"), model(day="wed", free=False)]

    with a_session(spool):
        slots()
    (result,) = (event for event in events_of(spool) if event["type"] == "tool_result")
    assert result["metadata"]["result"] == [{"day": "tue", "free": True}, {"day": "wed", "free": False}]


def test_a_value_that_multiplies_when_written_out_is_not_written_out(spool: Path) -> None:
    @dataclasses.dataclass
    class Node:
        left: Any
        right: Any

    tree: Any = "leaf"
    for _ in range(60):
        tree = Node(tree, tree)

    with a_session(spool) as session:
        session.tool_result("c", result=tree)
        session.tool_result("d", result=Node(1, 2))
    results = [event for event in events_of(spool) if event["type"] == "tool_result"]
    assert len(str(results[0]["payload"]["result"])) < 1_000_000
    assert results[1]["payload"]["result"] == {"left": 1, "right": 2}


def test_a_large_list_is_not_written_out_to_be_cut(spool: Path) -> None:
    """The cost of a call is bounded by the limit, not by the size of what is passed around."""
    looked_at = 0

    class Item:
        def __repr__(self) -> str:
            nonlocal looked_at
            looked_at += 1
            return "item"

    @pt.tool
    def take(items: list[Item]) -> None:
        return None

    with a_session(spool):
        take([Item() for _ in range(100_000)])
    assert looked_at < 5_000


def test_wrong_arguments_raise_what_they_always_raise(spool: Path) -> None:
    @pt.tool
    def search(day: str) -> None: ...

    @pt.tool
    def stream(day: str) -> Iterator[int]:
        yield 1

    with a_session(spool):
        with pytest.raises(TypeError, match="missing 1 required positional argument"):
            search()  # type: ignore[call-arg]
        with pytest.raises(TypeError, match="missing 1 required positional argument"):
            list(stream())  # type: ignore[call-arg]


def test_a_repr_that_fails_is_named_and_the_call_goes_on(spool: Path) -> None:
    class Broken:
        def __repr__(self) -> str:
            raise RuntimeError("no repr")

    @pt.tool
    def give(thing: Broken) -> Broken:
        return thing

    broken = Broken()
    with a_session(spool):
        assert give(broken) is broken
    assert payloads(spool, "tool_result")[0]["result"] == "<Broken: repr failed with RuntimeError>"


def test_nonsense_in_the_options_does_not_keep_the_function_from_running(spool: Path) -> None:
    @pt.observe(user_goal="g", transport=object(), metadata=5, tags=7, sample_rate="often", spool_dir=spool)
    def run() -> str:
        return "done"

    assert run() == "done"
