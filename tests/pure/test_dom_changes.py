from __future__ import annotations

from promptetheus.cause.dom_changes import MOST_SENTENCES, dom_changes, page_differences

BEFORE = {
    "url": "https://book.example/time",
    "visible_text": "Pick a time\nTimes in Pacific\nMonday 12",
    "selected_values": {"timezone": "Pacific", "day": "Tuesday"},
    "warnings": ["Slots are few"],
}
AFTER = {
    "url": "https://book.example/done",
    "visible_text": "Pick a time\nTimes in Eastern",
    "selected_values": {"timezone": "Eastern", "hour": "2pm"},
    "warnings": ["Time zone changed"],
}


def test_what_changed_since_the_snapshot_before_is_told_in_words() -> None:
    assert dom_changes(BEFORE, AFTER) == [
        "The page went from https://book.example/time to https://book.example/done.",
        "timezone changed from “Pacific” to “Eastern”.",
        "hour was set to “2pm”.",
        "day is no longer set (was “Tuesday”).",
        "A warning appeared: Time zone changed",
        "A warning went away: Slots are few",
        "New on the page: “Times in Eastern”.",
        "Gone from the page: “Times in Pacific”.",
        "Gone from the page: “Monday 12”.",
    ]


def test_the_first_snapshot_and_an_unchanged_one_say_so() -> None:
    assert dom_changes(None, AFTER) == []
    assert dom_changes(AFTER, AFTER) == ["Nothing changed since the snapshot before."]


def test_pages_of_two_sessions_are_told_by_side() -> None:
    assert page_differences(BEFORE, AFTER) == [
        "The page is https://book.example/time on the left, https://book.example/done on the right.",
        "timezone is “Pacific” on the left, “Eastern” on the right.",
        "hour is set on the right only, to “2pm”.",
        "day is set on the left only, to “Tuesday”.",
        "Only the right page warns: Time zone changed",
        "Only the left page warns: Slots are few",
        "Only on the right page: “Times in Eastern”.",
        "Only on the left page: “Times in Pacific”, “Monday 12”.",
    ]
    assert page_differences(AFTER, AFTER) == []


def test_many_changes_are_counted() -> None:
    values = {f"field {number}": number for number in range(50)}
    found = dom_changes({"selected_values": {}}, {"selected_values": values})
    assert (len(found), found[-1]) == (MOST_SENTENCES + 1, f"… and {50 - MOST_SENTENCES} more changes.")


def test_values_of_any_shape_are_told_harmlessly() -> None:
    hostile = {"url": ["\x1b[2J"], "visible_text": 3, "selected_values": [], "warnings": [None, "{old} \x1b"]}
    sentences = [*dom_changes({}, hostile), *page_differences(hostile, {})]
    assert sentences
    assert "\x1b" not in "".join(sentences)
    assert "A warning appeared: {old} ␛" in sentences
