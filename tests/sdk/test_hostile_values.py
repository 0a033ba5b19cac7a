"""Nothing that an agent passes makes a call of ours raise, and what can be kept of it is kept."""

from __future__ import annotations

import asyncio
import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import json
import pathlib
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

import promptetheus as pt
from promptetheus.encoding import MAX_NODES, clip, encode_line, encode_value, jsonable
from promptetheus.events import EVENT_TYPES
from tests.sdk.spooled import a_session, events_of, lines_of


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


@dataclasses.dataclass
class Slot:
    day: str
    free: bool


@dataclasses.dataclass
class Holder:
    inner: object


Pair = collections.namedtuple("Pair", "left right")


class BadRepr:
    def __repr__(self) -> str:
        raise RuntimeError("no repr")


class BadEverything:
    """Raises wherever it is touched."""

    raised: type[BaseException] = RuntimeError

    def __getattribute__(self, name: str) -> Any:
        if name in ("__class__", "__dict__"):
            return object.__getattribute__(self, name)
        raise type(self).raised(name)

    def __repr__(self) -> str:
        raise type(self).raised("repr")

    __str__ = __repr__

    def __bool__(self) -> bool:
        raise type(self).raised("bool")

    def __eq__(self, other: object) -> bool:
        raise type(self).raised("eq")

    def __hash__(self) -> int:
        raise type(self).raised("hash")

    def __len__(self) -> int:
        raise type(self).raised("len")

    def __iter__(self) -> Iterator[Any]:
        raise type(self).raised("iter")

    def __float__(self) -> float:
        raise type(self).raised("float")

    def __int__(self) -> int:
        raise type(self).raised("int")

    def __fspath__(self) -> str:
        raise type(self).raised("fspath")


class ExitsEverywhere(BadEverything):
    """Asks the interpreter to end wherever it is touched."""

    raised = SystemExit


class CancelledFuture:
    """Its repr looks at a result that was cancelled."""

    def __repr__(self) -> str:
        raise asyncio.CancelledError


class BadMapping(Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise RuntimeError("getitem")

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError("iter")

    def __len__(self) -> int:
        return 3


class BadError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("str")

    __repr__ = __str__


class LoudText(str):
    def __str__(self) -> str:
        raise RuntimeError("str")

    def encode(self, *args: Any, **kwargs: Any) -> bytes:
        raise RuntimeError("encode")


def cycle() -> dict[str, Any]:
    found: dict[str, Any] = {"name": "cycle"}
    found["self"] = found
    return found


def deep(levels: int) -> list[Any]:
    found: list[Any] = []
    for _ in range(levels):
        found = [found]
    return found


def doubling(levels: int) -> list[Any]:
    """A few lists that would be 2 to the power of `levels` when written out."""
    found: list[Any] = ["x"]
    for _ in range(levels):
        found = [found, found]
    return found


HOSTILE: dict[str, Any] = {
    "an object without repr": BadRepr(),
    "an object that raises everywhere": BadEverything(),
    "an object that exits everywhere": ExitsEverywhere(),
    "an object whose repr is cancelled": CancelledFuture(),
    "a mapping that raises": BadMapping(),
    "an exception that raises": BadError(),
    "a text that raises": LoudText("x"),
    "a cycle": cycle(),
    "ten thousand levels": deep(10_000),
    "300 levels": deep(300),
    "nan": float("nan"),
    "infinity": float("inf"),
    "a huge integer": 10**5000,
    "lone surrogates": "a\ud800b",
    "a lone surrogate as a key": {"\udfff": 1},
    "bytes": b"\xff\x00",
    "a key that raises": {BadRepr(): 1},
    "a set": {3, "a", None, (1, 2)},
    "a type": BadRepr,
    "a module": sys,
    "a function": deep,
    "a generator": (n for n in [1]),
    "None as a key": {None: 1, 1: 2, "1": 3},
    "control characters": "\x00\x1b[2J\u2028\n",
}

ORDINARY: dict[str, Any] = {
    "int": 5,
    "list": ["a"],
    "text": "text",
    "tuple": (),
    "float": 1.5,
    "bool": True,
    "bytes": b"x",
}
ANYTHING = {**HOSTILE, **ORDINARY}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize(
    "redact", [None, "default", lambda event: event], ids=["plain", "default", "own redactor"]
)
def test_a_hostile_value_anywhere_is_recorded_as_one_valid_line(value: Any, redact: Any, spool: Any) -> None:
    with a_session(spool, redact=redact) as session:
        for kind in EVENT_TYPES:
            if kind not in ("session_end", "llm_call"):
                session.event(kind, {"value": value}, {"note": value})
        session.llm_call("m", metadata={"value": value})
    events = events_of(spool)
    assert len(events) == 2 + len(EVENT_TYPES) - 1
    assert max(map(len, lines_of(spool))) < 1 << 20
    assert events[-1]["metadata"]["summary"]["events"] == len(events)


@pytest.mark.parametrize(
    "redact", [None, "default", lambda event: event], ids=["plain", "default", "own redactor"]
)
def test_a_few_lists_that_would_be_endless_when_written_out_are_cut(redact: Any, spool: Any) -> None:
    value = doubling(60)

    @pt.tool
    def think(about: Any) -> Any:
        return about

    with a_session(spool, redact=redact) as session:
        session.tool_call("think", {"about": value})
        session.tool_result("c", value, error=value)  # type: ignore[arg-type]
        think(value)
    assert len(events_of(spool)) == 6


CALLS: list[Callable[[pt.Session, Any], Any]] = [
    lambda s, x: s.event(x, x, x),
    lambda s, x: s.event("metric", x, x),
    lambda s, x: s.user_message(x, x),
    lambda s, x: s.agent_message(x, x),
    lambda s, x: s.tool_call(x, x, x, x),
    lambda s, x: s.tool_result(x, x, x, x),
    lambda s, x: s.retrieval(x, x, x),
    lambda s, x: s.browser_action(x, x, x, x),
    lambda s, x: s.dom_snapshot(x, x, x, x, x),
    lambda s, x: s.screenshot(x, x),
    lambda s, x: s.replay_artifact(x, x, x, x),
    lambda s, x: s.llm_call(
        x, input_tokens=x, output_tokens=x, latency_ms=x, messages_ref=x, prompt_ref=x, metadata=x
    ),
    lambda s, x: s.score(x, x, x, x, x),
    lambda s, x: s.metric(x, x, x, x),
    lambda s, x: s.error(x, error_type=x, handled=x, metadata=x),
    lambda s, x: s.goal_check(x, x, x),
    lambda s, x: s.state_change(x, x, x, x),
    lambda s, x: s.update_metadata(x=x),
    lambda s, x: s.add_tags(x, x),
    lambda s, x: s.span(x, x).__enter__(),
    lambda s, x: s.flush(x),
    lambda s, x: s.end(x, x),
]


@pytest.mark.parametrize("value", ANYTHING.values(), ids=ANYTHING)
def test_no_argument_makes_a_helper_raise(value: Any, spool: Any, as_for_users: None) -> None:
    session = a_session(spool)
    with session:
        for call in CALLS:
            call(session, value)
    for event in events_of(spool):
        assert isinstance(event["payload"], dict)


@pytest.mark.parametrize("raised", [RuntimeError, SystemExit])
def test_a_proxy_that_cannot_even_be_asked_for_its_class_is_recorded(
    raised: type[BaseException], spool: Any
) -> None:
    def no_class(self: object) -> type:
        raise raised("nothing behind it")

    proxy = type("Proxy", (), {"__class__": property(no_class)})()
    with a_session(spool) as session:
        session.tool_result("c1", result=proxy)
        session.tool_call("x", proxy)
        session.user_message("on", metadata=proxy)
        session.goal_check(True, mismatches=proxy)
        session.error(proxy)
        session.llm_call("m", input_tokens=proxy)
        session.screenshot(proxy)
        pt.tool(lambda value: value)(proxy)
    assert [event["type"] for event in events_of(spool)][1:-1] == [
        "tool_result", "tool_call", "user_message", "goal_check", "error", "screenshot", "tool_call", "tool_result",
    ]  # fmt: skip


@pytest.mark.parametrize("value", ANYTHING.values(), ids=ANYTHING)
def test_no_argument_makes_a_session_raise(value: Any, spool: Any, as_for_users: None) -> None:
    options = (
        "agent", "user_goal", "session_id", "project_id", "environment", "redact", "metadata", "tags",
        "sample_rate", "event_sample_rates", "tail_policy", "transport", "tail_sample", "unknown", "api_key",
    )  # fmt: skip
    for option in options:
        given = {"agent": "a", "user_goal": "g", "spool_dir": spool, "transport": "spool", option: value}
        with pt.start(**given) as session:
            session.user_message("x")


@pytest.mark.parametrize("given", [None, 5, "", b"bytes", "a\x00b", ["x"]])
def test_a_strange_spool_directory_does_not_stop_the_agent(
    given: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pt.start(agent="a", user_goal="g", spool_dir=given) as session:
        session.user_message("x")


def test_a_value_that_changes_the_event_while_it_is_written_does_not_crash_the_interpreter(
    spool: Any,
) -> None:
    """With a `default=` hook orjson reads the dictionary on after its items were freed: a segmentation fault."""

    class Clearing:
        def __init__(self, owner: Any) -> None:
            self.owner = owner

        def __repr__(self) -> str:
            self.owner.clear()
            return "cleared"

    with a_session(spool) as session:
        for _ in range(200):
            items: list[Any] = []
            items += [Clearing(items), *(f"text {n}" for n in range(50))]
            session.user_message(items)
            mapping: dict[str, Any] = {}
            mapping.update({"a": Clearing(mapping), **{str(n): "text" * 20 for n in range(50)}})
            session.event("metric", {"value": mapping})
    assert len(events_of(spool)) == 402


# ── what values become ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "json_value"),
    [
        (Slot("Tue", True), {"day": "Tue", "free": True}),
        (Holder({1, 2}), {"inner": [1, 2]}),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (Pair(1, {2}), {"left": 1, "right": [2]}),
        ((1, "a"), [1, "a"]),
        ({3, 1, 2}, [1, 2, 3]),
        (frozenset({"b", "a"}), ["a", "b"]),
        (collections.OrderedDict(b=1, a=2), {"a": 2, "b": 1}),
        (collections.deque([1, 2]), [1, 2]),
        (collections.UserDict({"a": {1}}), {"a": [1]}),
        (range(3), [0, 1, 2]),
        (decimal.Decimal("1.10"), "1.10"),
        (fractions.Fraction(1, 3), "1/3"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.UTC), "2026-01-02T03:00:00Z"),
        (datetime.timedelta(seconds=90), "0:01:30"),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (pathlib.PurePosixPath("a/b"), "a/b"),
        (ValueError("bad"), {"error_type": "ValueError", "message": "bad"}),
        (b"text\n", {"text": "text\n", "size_bytes": 5, "truncated": False}),
        (b"\xff\x00", {"base64": "/wA=", "size_bytes": 2, "truncated": False}),
        (bytearray(b"x"), {"text": "x", "size_bytes": 1, "truncated": False}),
        (memoryview(b"x"), {"text": "x", "size_bytes": 1, "truncated": False}),
        (float("nan"), None),
        (-(2**63), -(2**63)),
        (2**64, "18446744073709551616"),
        (complex(1, 2), "(1+2j)"),
        ("a\ud800b", "a\ufffdb"),
        ({1: "a", "1": "b"}, {"1": "a", "1 (str)": "b"}),
        ({None: 1, 2.5: 2, (1,): 3}, {"None": 1, "2.5": 2, "(1,)": 3}),
    ],
    ids=repr,
)  # fmt: skip
def test_values_become_the_json_that_says_most(value: Any, json_value: Any) -> None:
    assert json.loads(encode_value({"v": value}))["v"] == json_value
    assert json.loads(encode_value({"v": value, "forces the slow road": {1}}))["v"] == json_value


def test_pydantic_models_become_their_fields() -> None:
    pydantic = pytest.importorskip("pydantic")
    model = pydantic.create_model("Booking", day=(str, ...), tags=(set[str], ...))
    assert json.loads(encode_value({"v": model(day="Tue", tags={"a"})})) == {
        "v": {"day": "Tue", "tags": ["a"]}
    }


def test_numpy_values_become_numbers() -> None:
    numpy = pytest.importorskip("numpy")
    value = {"a": numpy.arange(3), "b": numpy.float32(1.5), "c": numpy.bool_(True)}
    assert json.loads(encode_value(value)) == {"a": [0, 1, 2], "b": 1.5, "c": True}


def test_cycles_and_depth_become_marks() -> None:
    assert json.loads(encode_value(cycle())) == {"name": "cycle", "self": "<dict: refers to itself>"}
    text = encode_value({"v": deep(2_000)}).decode()
    assert text.count("[") == 63
    assert "<list: nested deeper than 64>" in text


def test_the_same_object_twice_is_no_cycle() -> None:
    shared = {"x": {1}}
    assert json.loads(encode_value([shared, shared])) == [{"x": [1]}, {"x": [1]}]


def test_a_structure_that_multiplies_is_cut_off() -> None:
    assert len(encode_value({"v": doubling(60)})) < 10 * MAX_NODES
    assert len(encode_value({"v": {"a": {"b": doubling(60)}}})) < 10 * MAX_NODES
    assert len(encode_value({"v": [[[{"set": {1}}] * 1000] * 1000]})) < 20 * MAX_NODES


def test_jsonable_makes_copies() -> None:
    inner = [1]
    copy = jsonable({"a": inner})
    inner.append(2)
    assert copy == {"a": [1]}


def test_lines_end_in_one_newline_and_have_none_inside() -> None:
    line = encode_line({"b": "x\ny\r", "a": "\u2028"})
    assert line == b'{"a":"\xe2\x80\xa8","b":"x\\ny\\r"}\n'


@pytest.mark.parametrize(
    ("text", "limit", "cut"),
    [
        ("short", 10, "short"),
        ("one two three", 9, "one two…"),
        ("key sk-abcdefghijkl", 15, "key…"),
        ("card 4111 1111 1111 1111 end", 20, "card…"),
        ("x" * 20, 10, "…"),
    ],
)
def test_a_text_is_cut_between_words(text: str, limit: int, cut: str) -> None:
    assert clip(text, limit) == cut


def test_a_long_run_without_words_is_cut_well_before_the_limit() -> None:
    assert clip("x" * 20_000, 10_000) == "x" * (10_000 - 4096) + "…"
