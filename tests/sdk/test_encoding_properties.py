"""Any Python value becomes one line of valid JSON within its caps, and nothing about it raises."""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import fractions
import json
import math
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import promptetheus as pt
from promptetheus.encoding import (
    MAX_NODES,
    NOT_JSON,
    as_json,
    encode_line,
    encode_value,
    is_bounded,
    jsonable,
)
from promptetheus.events import EVENT_TYPES, REQUIRED_FIELDS, validate_event
from promptetheus.spool import LINE_LIMIT_BYTES
from promptetheus.transport import InMemoryTransport
from tests.sdk.spooled import events_of, lines_of


class Colour(enum.Enum):
    RED = "red"
    ODD = object()


@dataclasses.dataclass
class Point:
    x: Any
    y: Any


class Hostile:
    """Raises what it is told to wherever it is looked at."""

    def __init__(self, error: type[BaseException]) -> None:
        self.error = error

    def __repr__(self) -> str:
        raise self.error

    __str__ = __repr__


plain = st.one_of(
    st.none(), st.booleans(), st.integers(-(2**63), 2**64 - 1), st.floats(allow_nan=False, allow_infinity=False),
    st.text(),
)  # fmt: skip
odd = st.one_of(
    st.integers(), st.integers(4_300, 6_000).map(lambda digits: 10**digits), st.floats(),
    st.text(st.characters(categories=["Cs", "L", "Cc"])), st.binary(),
    st.binary().map(bytearray),
    st.binary().map(lambda data: memoryview(data)), st.decimals(), st.fractions(), st.complex_numbers(),
    st.datetimes(), st.dates(), st.times(), st.timedeltas(), st.uuids(), st.sampled_from(Colour),
    st.sampled_from([object, len, json, Ellipsis, NotImplemented, ValueError("x"), Path("a"), range(3), print]),
    st.sampled_from([RuntimeError, SystemExit, RecursionError, GeneratorExit]).map(Hostile),
)  # fmt: skip
keys = st.one_of(
    st.text(), st.integers(), st.none(), st.booleans(), st.floats(), st.tuples(st.integers()), st.uuids()
)
anything = st.recursive(
    plain | odd,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(keys, inner, max_size=4),
        st.builds(Point, inner, inner),
        st.lists(inner, max_size=3).map(collections.deque),
        st.dictionaries(st.text(), inner, max_size=3).map(collections.OrderedDict),
        st.frozensets(st.integers() | st.text(), max_size=3),
        inner.map(lambda value: [value, value]),
    ),
    max_leaves=12,
)
json_values = st.recursive(
    plain,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def strictly(data: bytes) -> Any:
    """Decode as the strictest reader would: no NaN, no lone surrogates, no second line."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    text = data.decode("utf-8", "strict")
    assert "\n" not in text
    return json.loads(text, parse_constant=refuse)


@given(anything)
def test_any_value_becomes_valid_json(value: Any) -> None:
    strictly(encode_value(value))
    converted = jsonable(value)
    assert strictly(json.dumps(converted, allow_nan=False).encode()) == converted


@given(st.dictionaries(st.text(), anything, max_size=4))
def test_any_event_becomes_one_line_with_sorted_keys(event: dict[str, Any]) -> None:
    line = encode_line(event)
    assert line.endswith(b"\n")
    found = strictly(line[:-1])
    assert list(found) == sorted(found)


@given(json_values)
def test_what_is_json_already_stays_as_it_is(value: Any) -> None:
    assert is_bounded(value)
    assert strictly(encode_value(value)) == value
    assert jsonable(value) == value
    assert as_json(value) is value


@given(anything)
def test_a_value_is_json_whole_or_not_at_all(value: Any) -> None:
    """What `as_json` takes needs no mark and no description; what it refuses is described by `jsonable`."""
    found = as_json(value)
    if found is not NOT_JSON:
        text = encode_value(found).decode()
        assert "not recordable" not in text or "not recordable" in repr(value)
        assert strictly(encode_value(found)) == strictly(encode_value(value))


@given(st.lists(st.integers(0, 30), min_size=1, max_size=60))
def test_structures_that_share_their_parts_stay_within_the_cap(joins: list[int]) -> None:
    """Each container holds earlier ones, often several times: written out it may be beyond all bounds."""
    parts: list[Any] = [["leaf"]]
    for number in joins:
        chosen = parts[number % len(parts)]
        parts.append([chosen, parts[-1], {"again": parts[-1]}])
    encoded = encode_value(parts[-1])
    assert len(encoded) < 40 * MAX_NODES
    strictly(encoded)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    kind=st.sampled_from(EVENT_TYPES) | st.text(max_size=5) | st.none() | st.just(["metric"]),
    payload=st.dictionaries(keys, anything, max_size=3) | anything,
    metadata=st.none() | anything,
    redact=st.sampled_from([None, "default", lambda event: event]),
)
def test_whatever_is_recorded_the_envelopes_are_valid(
    kind: Any, payload: Any, metadata: Any, redact: Any, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    memory = InMemoryTransport()
    for options in ({"spool_dir": folder}, {"transport": memory}):
        with pt.start(agent="a", user_goal="g", redact=redact, session_id="s", **options) as session:
            returned = session.event(kind, payload, metadata)
            session.user_message("after")
        assert {name for name in REQUIRED_FIELDS if name not in returned} == set()
    found = events_of(folder)
    assert all(len(line.encode()) <= LINE_LIMIT_BYTES for line in lines_of(folder))
    for events in (found, memory.events):
        for event in events:
            validate_event(event)
        seqs = [event["seq"] for event in events]
        assert seqs == sorted(set(seqs))
        assert (seqs[0], seqs[-1]) == (0, 3)
        assert len({event["idempotency_key"] for event in events}) == len(events)
        assert all(event["idempotency_key"] == f"s:{_nonce(event)}:{event['seq']}" for event in events)


def _nonce(event: dict[str, Any]) -> str:
    return str(event["idempotency_key"]).split(":")[1]


@settings(deadline=None)
@given(value=anything, size=st.integers(0, 3 * LINE_LIMIT_BYTES))
def test_no_line_is_longer_than_the_cap_and_the_rest_is_in_an_artifact(
    value: Any, size: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    with pt.start(agent="a", user_goal="g", spool_dir=folder) as session:
        session.tool_result("c", result=["é" * (size // 2), value], metadata={"more": "x" * size})
    lines = lines_of(folder)
    assert all(len(line.encode()) < LINE_LIMIT_BYTES for line in lines)
    result = json.loads(lines[1])["payload"]["result"]
    if isinstance(result, dict):
        assert result["truncated"] is True
        kept = json.loads((folder / result["storage_path"]).read_bytes())
        assert kept[0] == "é" * (size // 2)
    else:
        assert result[0] == "é" * (size // 2)


NUMBERS = [
    (math.nan, None), (math.inf, None), (-0.0, -0.0), (2**64, str(2**64)), (-(2**63) - 1, str(-(2**63) - 1)),
    (decimal.Decimal("NaN"), "NaN"), (fractions.Fraction(1, 3), "1/3"), (1j, "1j"),
    (datetime.timedelta(seconds=1), "0:00:01"), (uuid.UUID(int=1), str(uuid.UUID(int=1))),
]  # fmt: skip


@pytest.mark.parametrize(("value", "expected"), NUMBERS, ids=[str(value) for value, _ in NUMBERS])
def test_numbers_that_json_does_not_have(value: Any, expected: Any) -> None:
    assert strictly(encode_value({"v": [value]})) == {"v": [expected]}
