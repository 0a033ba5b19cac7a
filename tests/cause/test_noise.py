from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptetheus.cause.noise import DEFAULT_NOISE, NO_NOISE, noise_rules, own_rule
from promptetheus.cause.plain_form import plain, plain_text
from promptetheus.cause.value_changes import ABSENT, MAX_CHANGES, changed_arguments, value_changes
from tests.cause.hostile import VALUES


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("id 3f2b8c1e-0a4d-4c55-9d2e-111111111111", "id 9f2b8c1e-0a4d-4c55-9d2e-222222222222"),
        ("call_9aXbQ12345", "call_1bQcR67890"),
        ("object at 0x7f3a20", "object at 0x7fff10"),
        ("done at 2026-11-22T07:04:12.339Z", "done at 2026-11-23T09:14:55.120Z"),
        ("took 312ms", "took 48 ms"),
        ("/var/tmp/run_ab12/out.txt", "/var/tmp/run_zz99/out.txt"),
        ("one  two\n", "one two"),
    ],
)
def test_what_a_machine_drew_is_no_difference(one: str, other: str) -> None:
    assert plain_text(one) == plain_text(other)
    assert plain_text(one, NO_NOISE) != plain_text(other, NO_NOISE) or one.split() == other.split()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Tuesday 2pm", "Wednesday 2pm"),
        ("2026-11-24", "2026-11-25"),
        ("2026-11-24T14:00:00Z", "2026-11-25T14:00:00Z"),
        ("Z7GOZK", "K67C4W"),
        ("HAT136", "HAT039"),
        ("250 dollars", "255 dollars"),
        ("src/a.py", "src/b.py"),
    ],
)
def test_what_somebody_chose_is_a_difference(one: str, other: str) -> None:
    assert plain_text(one) != plain_text(other)


def test_rules_can_be_switched_off_and_on_and_added() -> None:
    assert "ids" not in noise_rules(off=["ids"]).names
    assert plain(["5 seats", 7], noise_rules(on=["numbers"])) == plain(
        ["6 seats", 8], noise_rules(on=["numbers"])
    )
    tickets = noise_rules(own=[own_rule("tickets", pattern=r"TICKET-\w+")])
    assert plain_text("see TICKET-abc", tickets) == plain_text("see TICKET-xyz", tickets)


def test_an_unknown_rule_or_pattern_is_refused_with_its_name() -> None:
    with pytest.raises(ValueError, match="colour"):
        noise_rules(off=["colour"])
    with pytest.raises(ValueError, match="mine"):
        own_rule("mine", pattern="(")


def test_the_order_of_keys_and_the_spelling_of_a_number_are_no_difference() -> None:
    assert plain({"a": 5, "b": 0.3}) == plain({"b": 0.1 + 0.2, "a": 5.0})
    assert plain({"a": 5}) != plain({"a": "5"})


def test_texts_are_remembered_by_rule_and_only_so_many() -> None:
    noise, numbers_too = noise_rules(), noise_rules(on=["numbers"])
    for number in range(30_000):
        plain_text(f"flight {number}", noise)
    assert len(noise.texts) <= 10_000
    assert plain_text("flight 7", noise) == "flight 7"
    assert plain_text("flight 7", numbers_too) == "flight ‹n›"
    assert plain_text("flight 7", noise.switched("numbers", True)) == "flight ‹n›"
    assert noise == noise_rules(), "what was seen is no part of the rules"


def test_long_texts_that_differ_at_their_end_differ() -> None:
    assert plain_text("x" * 30_000 + "a") != plain_text("x" * 30_000 + "b")


@given(VALUES)
def test_a_value_has_no_changes_to_itself(value: object) -> None:
    assert value_changes(value, value) == []
    assert plain(value, DEFAULT_NOISE) == plain(value, DEFAULT_NOISE)


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (["Tuesday"], ["Wednesday"], 'result[0]: "Tuesday" → "Wednesday"'),
        ({"slot": {"day": "Tue"}}, {"slot": {"day": "Wed"}}, 'result.slot.day: "Tue" → "Wed"'),
        ("Tuesday", "Wednesday", 'result: "Tuesday" → "Wednesday"'),
    ],
)
def test_a_path_inside_a_named_value_reads_as_in_code(before: object, after: object, told: str) -> None:
    (change,) = value_changes(before, after)
    assert change.describe(whole="result") == told


def test_changes_are_named_by_path() -> None:
    before = {"pay": [{"id": "card", "amount": 250}], "bags": 1, "note": None}
    after = {"pay": [{"id": "card", "amount": 255}], "note": None, "seat": "4A"}
    assert [(c.path, c.before, c.after) for c in value_changes(before, after)] == [
        ("pay[0].amount", 250, 255),
        ("bags", 1, ABSENT),
        ("seat", ABSENT, "4A"),
    ]
    assert value_changes(before, after)[0].describe() == "pay[0].amount: 250 → 255"
    assert changed_arguments(before, after) == ("bags", "pay", "seat")


def test_a_value_nested_beyond_reason_is_compared_without_recursing_into_it() -> None:
    deep: list[object] = []
    for _ in range(5_000):
        deep = [deep]
    assert value_changes(deep, deep) == []
    assert value_changes(deep, [1])[0].path == "[0]"


def test_a_member_that_was_put_into_a_list_is_one_change_and_so_is_one_that_was_taken_out() -> None:
    rows = [{"id": f"row {name}", "amount": number} for number, name in enumerate("abcdefgh")]
    new = {"id": "row new", "amount": 99}
    added = value_changes({"rows": rows}, {"rows": [*rows[:2], new, *rows[2:]]})
    assert [(c.path, c.before, c.after) for c in added] == [("rows[2]", ABSENT, new)]
    removed = value_changes(rows, rows[1:])
    assert [(c.path, c.before, c.after) for c in removed] == [("[0]", rows[0], ABSENT)]
    both = value_changes(rows, [new, *rows[:5], {**rows[5], "amount": 50}, *rows[6:]])
    assert [(c.path, c.before, c.after) for c in both] == [("[0]", ABSENT, new), ("[5].amount", 5, 50)]


@given(st.lists(st.integers(0, 3)), st.lists(st.integers(0, 3)))
def test_lists_have_no_change_exactly_where_they_are_equal(before: list[int], after: list[int]) -> None:
    assert (value_changes(before, after) == []) == (before == after)
    gained = sum(change.before is ABSENT for change in value_changes(before, after))
    lost = sum(change.after is ABSENT for change in value_changes(before, after))
    assert len(before) + gained - lost == len(after) or gained + lost >= MAX_CHANGES
