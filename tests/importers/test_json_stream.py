from __future__ import annotations

import io
import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptetheus.importers import json_stream
from promptetheus.importers.json_lines import MAX_LINE_BYTES, lines, parse_line
from promptetheus.importers.json_stream import TOO_DEEP, Member, UnreadableJson, begins_as_json, keys, members

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


def read(text: str | bytes, *arrays: str, values: tuple[str, ...] = ()) -> list[Member]:
    data = text.encode() if isinstance(text, str) else text
    return list(members(io.BytesIO(data), arrays, values))


def before_the_end(data: bytes) -> tuple[list[object], str]:
    """What is given out before a document stops being JSON, and why it does."""
    found: list[object] = []
    try:
        found.extend(member.value for member in members(io.BytesIO(data)))
    except UnreadableJson as error:
        return found, str(error)
    return found, ""


@given(st.lists(JSON, max_size=5))
def test_the_items_of_a_list_come_one_by_one_as_they_are(items: list[object]) -> None:
    assert [member.value for member in read(json.dumps(items))] == items


@given(st.lists(JSON, max_size=5))
def test_mending_changes_nothing_that_is_right(items: list[object]) -> None:
    text = json.dumps([*items, math.nan], ensure_ascii=False)
    assert [member.value for member in read(text)] == [*items, None]


def test_of_an_object_only_what_was_asked_for_is_given_out() -> None:
    text = '{"a": [1, {"x": [2]}], "b": {"a": [9]}, "c": "v", "d": [[3]], "e": null}'
    assert read(text, "a", "d", values=("c", "e")) == [
        Member("a", 0, 1),
        Member("a", 1, {"x": [2]}),
        Member("c", None, "v"),
        Member("d", 0, [3]),
        Member("e", None, None),
    ]


@pytest.mark.parametrize("number", ["NaN", "-Infinity", "Infinity"])
def test_numbers_that_only_python_writes_become_null(number: str) -> None:
    assert read(f'[1, {{"x": {number}, "y": "{number}"}}, 2]')[1].value == {"x": None, "y": number}


@pytest.mark.parametrize("number", ["123456789012345678901234567890", "1e999", "-5E+4000"])
def test_numbers_out_of_range_become_text(number: str) -> None:
    assert [member.value for member in read(f"[0.25, {number}]")] == [
        0.25,
        number,
    ]


def test_bytes_that_are_no_utf8_become_a_mark() -> None:
    assert [member.value for member in read(b'["a", "\xff\xfe", "b"]')] == ["a", "\ufffd\ufffd", "b"]


def test_a_byte_order_mark_is_no_mistake() -> None:
    assert [member.value for member in read(b"\xef\xbb\xbf[1]")] == [1]


def test_mending_works_across_the_boundaries_of_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "_READ_BYTES", 7)
    items = [{"text": 'a "quoted" \\ word ' * 3, "n": 12345.5}, "é" * 20, -1e-7, True]
    text = json.dumps([*items, math.nan, *items], ensure_ascii=False)
    assert [member.value for member in read(text)] == [*items, None, *items]


def test_a_torn_document_gives_what_stood_before_the_tear() -> None:
    assert before_the_end(b'[{"a": 1}, {"a": 2}, {"a": ')[0] == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize("text", [b"", b"\x00\x01", b"not json", b"[1] 2", b"{"])
def test_what_is_no_json_says_so(text: bytes) -> None:
    assert before_the_end(text)[1]


def test_depth_costs_neither_the_stack_nor_the_record() -> None:
    depth = 200_000
    deep = b'{"kept": 1, "deep": ' + b"[" * depth + b"]" * depth + b"}"
    (first, second) = read(b"[" + deep + b", 2]")
    assert first.value["kept"] == 1
    assert TOO_DEEP in str(first.value["deep"])
    assert second.value == 2


def test_a_record_that_is_too_large_is_skipped_and_the_next_one_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "MAX_MEMBER_CHARACTERS", 10_000)
    large = {"x": ["y" * 100] * 200, "z": {"more": [1]}}
    one, two = read(json.dumps([large, {"a": 1}]))
    assert "larger than" in one.problem
    assert two.value == {"a": 1}


def test_a_string_without_end_stops_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_stream, "_IDLE_READS", 3)
    found, why = before_the_end(b'[1, "' + b"a" * (json_stream._READ_BYTES * 6) + b'"]')
    assert found == [1]
    assert "single value" in why


def test_keys_tell_top_level_items_and_arrays_apart() -> None:
    assert list(keys(io.BytesIO(b'[{"a": {"b": 1}}, {"c": 2}]'), 100)) == [("[]", "a"), ("[]", "c")]
    found = list(keys(io.BytesIO(b'{"x": [{"y": 1}], "z": {"w": 1}}'), 100))
    assert found == [("", "x"), ("x", "y"), ("", "z")]


def test_keys_end_where_the_text_stops_being_json() -> None:
    assert list(keys(io.BytesIO(b'{"a": 1}\n{"b": 2}'), 100)) == [("", "a")]


@pytest.mark.parametrize(("text", "is_json"), [(b"[\n1,\n2\n]", True), (b"# Title", False), (b"[1", False)])
def test_the_beginning_tells_whether_it_is_json(text: bytes, is_json: bool) -> None:
    assert begins_as_json(io.BytesIO(text)) is is_json


def test_lines_come_with_their_offsets_and_blank_ones_are_left_out() -> None:
    file = io.BytesIO(b'{"a":1}\n\n  \r\n{"b":2}\r\n{"torn')
    assert [(line.offset, line.data) for line in lines(file)] == [
        (0, b'{"a":1}'),
        (13, b'{"b":2}'),
        (22, b'{"torn'),
    ]


def test_a_line_that_is_too_long_is_given_as_nothing() -> None:
    file = io.BytesIO(b"x" * (MAX_LINE_BYTES + 500_000) + b"\n[1]\n")
    found = list(lines(file))
    assert [line.data for line in found] == [None, b"[1]"]
    assert found[1].offset == MAX_LINE_BYTES + 500_001


def test_lines_may_hold_what_javascript_and_python_write() -> None:
    assert parse_line(b'{"a": "\\ud83d", "b": NaN}')["a"] == "\ud83d"


@pytest.mark.parametrize("data", [b"", b"{", b"\xff", b"[" * 100_000, b"nul"])
def test_a_line_that_is_no_json_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError):
        parse_line(data)
