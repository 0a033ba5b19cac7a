from __future__ import annotations

import pytest

from promptetheus.importers.call_pairing import CallPairing
from promptetheus.importers.expected_calls import Call, as_metadata, differences, signature
from promptetheus.importers.preview import preview


def words(expected: list[Call], made: list[Call]) -> list[str]:
    return [difference.words for difference in differences(expected, made)]


def test_the_same_calls_in_another_order_are_no_difference() -> None:
    one, two = Call("pay", {"a": 1}), Call("ship", {"b": [2.0]})
    assert differences([one, two], [Call("ship", {"b": [2]}, "x"), Call("pay", {"a": 1}, "y")]) == []


def test_a_call_made_stands_for_one_expected_call_only() -> None:
    pay = Call("pay", {"a": 1})
    assert words([pay, pay], [pay]) == ["pay(a=1) was never called"]


def test_the_closest_call_is_the_one_that_differs_in_the_fewest_arguments() -> None:
    made = [Call("pay", {"a": 2, "b": 2}, "far"), Call("pay", {"a": 1, "b": 2}, "near")]
    (near, far) = differences([Call("pay", {"a": 1, "b": 1})], made)
    assert near.words == "pay was called with another b"
    assert near.closest is made[1]
    assert far.words == "pay(a=2, b=2) was not expected"


def test_a_call_that_failed_did_not_happen_as_expected() -> None:
    assert words([Call("pay", {"a": 1})], [Call("pay", {"a": 1}, "x", failed=True)]) == [
        "pay(a=1) was called but failed"
    ]


def test_calls_that_change_nothing_are_named_last_and_never_unexpected() -> None:
    expected = [Call("get_user", {"id": 1}), Call("pay", {})]
    made = [Call("search_flights", {}), Call("cancel", {"id": 2}), Call("refund", {}, failed=True)]
    assert words(expected, made) == [
        "pay() was never called",
        "cancel(id=2) was not expected",
        "get_user(id=1) was never called",
    ]


def test_the_metadata_says_which_call_it_is_about() -> None:
    found = differences([Call("pay", {"a": 1})], [Call("pay", {"a": 2}, "c7"), Call("cancel", {}, "c8")])
    assert as_metadata(found) == [
        {"name": "pay", "expected": True, "call_id": "c7"},
        {"name": "cancel", "expected": False, "call_id": "c8"},
    ]


def test_a_signature_is_one_short_printable_line() -> None:
    line = signature("to\x1b[31mol", {"a\n": "x" * 500, "b": "\u202e", "c": {"d": [1]}})
    assert line.isprintable()
    assert len(line) < 300


@pytest.mark.parametrize("ids", [["a", "a", "b"], ["", "", ""], ["a", "", "a~2"]])
def test_every_call_gets_an_id_of_its_own_and_its_answer_finds_it(ids: list[str]) -> None:
    pairing = CallPairing()
    given = [pairing.opened(raw, "tool") for raw in ids]
    assert len(set(given)) == len(ids)
    assert [pairing.answered(raw, "tool") for raw in ids] == given


def test_an_answer_to_nothing_keeps_its_id() -> None:
    assert CallPairing().answered("x", "tool") == "x"


def test_a_preview_has_a_size_whatever_the_value_has() -> None:
    deep: object = "end"
    for _ in range(10_000):
        deep = [deep]
    for value in (
        "x" * 10**6,
        ["y"] * 10**6,
        {str(n): n for n in range(10**5)},
        deep,
        {"k" * 10**6: 10**400},
    ):
        assert len(str(preview(value, 1_000))) < 3_000


def test_a_preview_of_something_small_is_the_thing_itself() -> None:
    value = {"a": [1, 2.5, None, True, {"b": "c"}]}
    assert preview(value) == value
