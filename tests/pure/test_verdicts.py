from __future__ import annotations

from promptetheus.cause.verdicts import Blame, Call, Expected, Verdict, differing, merged, verdict_of

CALLS = [
    Call(2, "search", "c1", {"day": "Tue"}),
    Call(3, "book", "c2", {"day": "Wed"}),
    Call(4, "cancel", "c3", {"id": 1}),
]
METADATA = {
    "expected_actions": [
        {"name": "search", "arguments": {"day": "Tue"}},
        {"name": "book", "arguments": {"day": "Tue"}},
        {"name": "pay", "kwargs": {"amount": 5}},
    ],
    "unmatched": [
        {"name": "book", "expected": True, "call_id": "c2"},
        {"name": "cancel", "expected": False, "call_id": "c3"},
    ],
}


def test_expected_calls_are_found_exactly_otherwise_or_not_at_all() -> None:
    verdict = verdict_of(6, METADATA, CALLS)
    assert verdict.expected == (
        Expected("search", {"day": "Tue"}, 2),
        Expected("book", {"day": "Tue"}, None, 3),
        Expected("pay", {"amount": 5}, None),
    )


def test_a_call_made_otherwise_and_one_not_expected_are_blamed() -> None:
    assert verdict_of(6, METADATA, CALLS).blames == {3: Blame(6, {"day": "Tue"}), 4: Blame(6, None)}


def test_sentences_are_matched_with_the_steps_they_are_about() -> None:
    mismatches = ["book was called with another day", "nobody", "cancel was not expected", 3]
    assert verdict_of(6, METADATA, CALLS, mismatches).about == (3, None, 4, None)


def test_a_call_stands_for_one_expected_call_at_most() -> None:
    twice = {"expected_actions": [{"name": "search", "arguments": {"day": "Tue"}}] * 2}
    assert [each.made_in for each in verdict_of(6, twice, CALLS).expected] == [2, None]


def test_metadata_of_any_shape_is_read_without_raising() -> None:
    unhashable = {"name": "book", "expected": True, "call_id": ["x"]}
    hostile = {"expected_actions": [None, 3, {"name": 5}], "unmatched": [None, unhashable, "x"]}
    assert verdict_of(0, {**METADATA, "unmatched": hostile["unmatched"]}, CALLS).blames == {}
    assert verdict_of(0, {"expected_actions": 3, "unmatched": {}}, CALLS) == Verdict((), {})
    assert len(verdict_of(0, {"expected_actions": hostile["expected_actions"]}, CALLS).expected) == 3


def test_arguments_that_differ_are_named_those_expected_first() -> None:
    assert differing({"a": 1, "b": 2, "z": 3}, {"b": 3, "c": None, "a": 1}) == ["b", "c", "z"]


def test_the_blame_of_the_first_check_counts() -> None:
    one, other = Verdict((), {1: Blame(5, None)}), Verdict((), {1: Blame(9, None), 2: Blame(9, {})})
    assert merged([one, other]) == {1: Blame(5, None), 2: Blame(9, {})}
