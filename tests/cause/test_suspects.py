from __future__ import annotations

import pytest
from hypothesis import given

from promptetheus.cause.separation import Counts, corrected, fisher_p, ochiai, sessions_needed
from promptetheus.cause.signatures import Run, make_run
from promptetheus.cause.suspects import SuspectKind, find_suspects
from promptetheus.display import printable_line
from tests.builders import a_session
from tests.cause.hostile import EVENTS


def a_run(day: str, *, checks: bool = True) -> Run:
    session = a_session().asks("Book").calls("search", {"day": "Tuesday"}, result=["2pm"])
    if checks:
        session.calls("verify_slot", {}, result=True)
    return make_run(session.calls("book", {"day": day}, result="ok").ends().events)


def test_what_only_failing_sessions_do_comes_first_with_its_counts() -> None:
    report = find_suspects([a_run("Wednesday") for _ in range(8)], [a_run("Tuesday") for _ in range(8)])
    first = report.suspects[0]
    assert (first.kind, first.text) == (SuspectKind.ARGUMENT, 'book(day="Wednesday")')
    assert first.counts == Counts(8, 8, 0, 8)
    assert (first.score, first.effect, first.verdict) == (1.0, 1.0, "separates")
    assert "1 of" in report.verdict


def test_something_left_undone_is_a_suspect() -> None:
    report = find_suspects([a_run("Tuesday", checks=False)] * 8, [a_run("Tuesday")] * 8)
    kinds = {suspect.kind: suspect.text for suspect in report.suspects}
    assert kinds[SuspectKind.ABSENCE] == "no verify_slot"
    assert "search → book" in report.suspects[0].alike


def test_with_few_sessions_it_says_so_and_how_many_would_settle_it() -> None:
    report = find_suspects([a_run("Wednesday")] * 2, [a_run("Tuesday")] * 2)
    first = report.suspects[0]
    assert first.q > 0.05
    assert first.more_sessions is not None and 0 < first.more_sessions <= 20
    assert first.verdict == "too few sessions to tell"
    assert report.more_sessions == first.more_sessions
    assert f"About {first.more_sessions} more in the same proportion" in report.verdict


def test_so_many_more_sessions_as_were_named_do_settle_it() -> None:
    first = find_suspects([a_run("Wednesday")] * 2, [a_run("Tuesday")] * 2)
    assert first.more_sessions is not None
    half = 2 + (first.more_sessions + 1) // 2
    assert find_suspects([a_run("Wednesday")] * half, [a_run("Tuesday")] * half).settled


def test_sessions_that_do_the_same_have_no_suspects() -> None:
    report = find_suspects([a_run("Tuesday")] * 5, [a_run("Tuesday")] * 5)
    assert report.suspects == ()
    assert report.verdict == (
        "5 failing and 5 passing sessions: nothing that they do tells them apart more clearly than chance would."
    )


def test_one_empty_group_is_nothing_to_compare() -> None:
    assert find_suspects([a_run("Tuesday")], []).verdict.startswith(
        "Nothing to compare: 1 failing and 0 passing"
    )


@pytest.mark.parametrize(
    ("counts", "p"),
    [
        (Counts(3, 3, 0, 3), 1 / 20),
        (Counts(1, 1, 1, 1), 1.0),
        (Counts(8, 10, 2, 10), 0.0115070),  # 2126 of 184756 tables
        (Counts(0, 5, 5, 5), 1.0),
    ],
)
def test_fishers_exact_test_agrees_with_counting_the_tables(counts: Counts, p: float) -> None:
    assert fisher_p(counts) == pytest.approx(p, rel=1e-4)


def test_correction_is_benjamini_and_hochbergs() -> None:
    assert corrected([0.01, 0.04, 0.03, 0.5]) == pytest.approx([0.04, 0.16 / 3, 0.16 / 3, 0.5])
    assert corrected([]) == []


def test_ochiai_is_one_for_a_perfect_separation_and_zero_for_none() -> None:
    assert ochiai(Counts(4, 4, 0, 4)) == 1
    assert ochiai(Counts(0, 4, 4, 4)) == 0
    assert ochiai(Counts(0, 0, 0, 0)) == 0


def test_no_number_of_sessions_settles_what_does_not_differ() -> None:
    assert sessions_needed(Counts(2, 4, 2, 4), 1.0) is None
    assert sessions_needed(Counts(9, 9, 0, 9), 1.0) == 0


@given(EVENTS, EVENTS)
def test_hostile_events_never_raise(one: list[dict[str, object]], other: list[dict[str, object]]) -> None:
    for suspect in find_suspects([make_run(one)], [make_run(other)]).suspects:
        assert printable_line(suspect.text) == suspect.text
