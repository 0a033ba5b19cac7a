from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from promptetheus.fingerprint import (
    failure_fingerprint,
    is_cut_label,
    marked_label,
    normalise,
    told_in_full,
)
from tests.builders import a_failing_booking, a_passing_booking, a_session


def event(kind: str, **payload: Any) -> dict[str, Any]:
    return {"type": kind, "payload": payload}


WRONG_DAY = event("goal_check", passed=False, mismatches=["selected Wednesday, not Tuesday"])


@pytest.mark.parametrize(
    ("events", "fingerprint", "label"),
    [
        ([WRONG_DAY], "8ae0f41220d0", "goal mismatch: selected wednesday, not tuesday"),
        ([event("goal_check", passed=False)], "3ef6eb4b8128", "goal mismatch: goal not met"),
        ([event("goal_check", passed=False, mismatches=["a", "b"])], "9284ab7d51b6", "goal mismatch: a b"),
        ([event("goal_check", passed=False, mismatches=["b", "a"])], "599570f307fd", "goal mismatch: b a"),
        (
            [event("goal_check", passed=False, mismatches=["expected 5 got 7"])],
            "519941408c0e",
            "goal mismatch: expected n got n",
        ),
        (
            [
                event("error", message="TimeoutError: timed out after 3133ms"),
                event("session_end", status="failed"),
            ],
            "05b377028f87",
            "error TimeoutError (+1 more)",
        ),
        ([event("error", message="ValueError: bad")], "099b91eb17df", "error ValueError"),
        (
            [event("error", message="requests.exceptions.ConnectionError: x")],
            "10dacbf0ca2b",
            "error ConnectionError",
        ),
        (
            [
                event(
                    "error",
                    message="builtins.ValueError: bad 0xDEADBEEF at /usr/lib/x.py:12 'q' deadbeefcafe",
                )
            ],
            "45ceb65d356f",
            "error ValueError",
        ),
        ([{"type": "error", "payload": None}], "12f395158464", "error error"),
        ([event("error", message="see https://ex.com/a/b?x=1")], "991b464963c3", "error see https:/path?x=n"),
        ([event("error", message="x" * 300)], "cb1150f07b0c", "error " + 48 * "x"),
        ([event("tool_result", error="ValueError('bad thing')")], "9a040a2b8800", "tool tool failed"),
        ([event("tool_result", tool="search", error="503 upstream")], "cfbf63985073", "tool search failed"),
        ([event("tool_result", error="", status="error")], "fa21be865519", "tool tool failed"),
        (
            [event("session_end", status="failed", error="RuntimeError: agent selected the wrong day")],
            "2aa93579fbe2",
            "session failed (+1 more)",
        ),
        (
            [
                event("session_end", status="failed", error="ValueError: bad"),
                event("error", message="ValueError: bad"),
                event("goal_check", passed=False),
            ],
            "52c4502ee364",
            "session failed (+3 more)",
        ),
    ],
)
def test_known_failures_keep_their_fingerprints(
    events: list[dict[str, Any]], fingerprint: str, label: str
) -> None:
    found = failure_fingerprint(events)
    assert (found.fingerprint, found.label, found.is_failure) == (fingerprint, label, True)


@pytest.mark.parametrize(
    "events",
    [
        [],
        [event("goal_check", passed=True)],
        [event("goal_check", passed=None)],
        [event("session_end", status="success")],
        [event("session_end", status="completed"), event("error", message="retried", handled=True)],
        ["not an event", None, 7],
    ],
)
def test_a_session_that_did_not_fail_has_no_fingerprint(events: list[Any]) -> None:
    found = failure_fingerprint(events)
    assert (found.fingerprint, found.is_failure, found.signals) == ("", False, ())


def test_a_zero_verdict_is_a_failed_check() -> None:
    assert failure_fingerprint([event("goal_check", passed=0)]).is_failure


def test_a_handled_error_is_part_of_a_failure_that_has_another_cause() -> None:
    handled = event("error", message="calendar timed out", handled=True)
    assert failure_fingerprint([handled, WRONG_DAY]).signals == (
        "error::calendar timed out",
        "goal:selected wednesday, not tuesday",
    )


def test_a_failing_tool_is_named_through_its_call_id() -> None:
    found = failure_fingerprint(a_session().calls("search", error="boom").events)
    assert found.label == "tool search failed"


def test_the_declared_error_type_counts() -> None:
    assert failure_fingerprint([event("error", message="boom", error_type="my.ValueError")]).signals == (
        "error:ValueError:boom",
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (
            "row 550e8400-e29b-41d4-a716-446655440000 missing",
            "row 00000000-0000-4000-8000-0000000000ff missing",
        ),
        ("id 1234567", "id 12345678"),
        ("at 0x7f00aa", "at 0x7fbb01"),
        ("commit deadbeefcafe", "commit 0123456789ab"),
        ("no file /a/b/c.py", "no file /srv/x.py"),
        ("key 'alpha' missing", "key 'beta' missing"),
        ("took 12  ms", "took 3456 ms"),
    ],
)
def test_what_differs_between_two_runs_of_a_failure_collapses(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)


def test_apostrophes_inside_words_are_no_quotes() -> None:
    assert normalise("don't stop, won't go") == "don't stop, won't go"


def test_the_fingerprint_does_not_depend_on_the_order_in_which_events_are_given() -> None:
    events = a_failing_booking().calls("late", error="x").events
    shuffled = events[:]
    random.Random(1).shuffle(shuffled)
    assert failure_fingerprint(shuffled) == failure_fingerprint(events)


def test_unrelated_events_do_not_change_the_fingerprint() -> None:
    assert failure_fingerprint(a_failing_booking().events).fingerprint == "8ae0f41220d0"
    assert not failure_fingerprint(a_passing_booking().events).is_failure


@given(st.lists(st.recursive(st.none() | st.booleans() | st.text(), lambda x: st.dictionaries(st.text(), x))))
def test_no_payload_makes_it_raise(payloads: list[Any]) -> None:
    kinds = ("error", "tool_call", "tool_result", "goal_check", "session_end")
    failure_fingerprint([{"type": kind, "payload": payload} for kind in kinds for payload in payloads])


@pytest.mark.parametrize(
    "events",
    [
        [event("goal_check", passed=False, mismatches=["the call was not the expected one, michelle asked"])],
        [event("error", message="the calendar did not answer in the time that it was given")],
        [event("session_end", status="ok", error="the calendar did not answer in its time, nor after")],
    ],
)
def test_a_label_that_was_cut_is_marked_for_people(events: list[dict[str, Any]]) -> None:
    label = failure_fingerprint(events).label
    assert is_cut_label(label) and marked_label(label) == f"{label}…"
    more = failure_fingerprint([*events, event("tool_result", tool="search", error="503")]).label
    assert marked_label(more) == f"{label}… (+1 more)"


def test_what_it_is_made_of_is_told_in_full_what_its_label_says_first() -> None:
    failure = failure_fingerprint(
        [
            event("tool_result", tool="search", error="503 upstream"),
            event("goal_check", passed=False, mismatches=["wrong day"]),
            event("error", message="pkg.ValueError: no luck"),
            event("session_end", status="failed", error="gave up"),
        ]
    )
    assert failure.label == "tool search failed (+4 more)"
    assert told_in_full(failure) == (
        "tool search failed: n upstream; ended with error gave up; error ValueError: pkg.valueerror: no luck; "
        "goal mismatch: wrong day; session failed"
    )
    assert told_in_full(failure_fingerprint([])) == ""


@pytest.mark.parametrize("events", [[WRONG_DAY], [event("tool_result", tool="t" * 48, error="503")], []])
def test_a_label_that_says_all_of_it_has_no_mark(events: list[dict[str, Any]]) -> None:
    label = failure_fingerprint(events).label
    assert marked_label(label) == label
