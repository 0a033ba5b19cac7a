"""Playing a session: at its own pace, with idle time cut, and where it stops."""

from __future__ import annotations

import pytest

from promptetheus.cause.anomalies import Anomaly, AnomalyKind
from promptetheus.cause.steps import StepKind
from promptetheus.cause.verdicts import Blame
from promptetheus.tui.session.oddities import oddities_of
from promptetheus.tui.session.playback import IDLE_MS, MOST_AT_ONCE, UNTIMED_MS, Playback
from promptetheus.tui.session.player import stops_of
from tests.tui.session_steps import a_step, listed, steps_at


def test_steps_come_when_they_came() -> None:
    playback = Playback(listed(steps_at(0.0, 400.0, 1_000.0)), 0, {})
    assert not playback.advance(0.3)
    assert playback.advance(0.2) and playback.step == 1
    assert not playback.advance(0.4)
    assert playback.advance(0.2) and playback.step == 2


def test_eight_times_as_fast_is_eight_times_as_fast() -> None:
    playback = Playback(listed(steps_at(0.0, 800.0)), 0, {})
    playback.faster(1)
    playback.faster(1)
    assert playback.speed == 8
    assert not playback.advance(0.09)
    assert playback.advance(0.02)


def test_there_is_nothing_faster_than_the_fastest_and_slower_than_the_slowest() -> None:
    playback = Playback(listed(steps_at(0.0)), 0, {})
    playback.faster(-1)
    assert playback.speed == 1
    for _ in range(5):
        playback.faster(1)
    assert playback.speed == 8


def test_nobody_waits_an_hour_while_nothing_was_at_work() -> None:
    playback = Playback(listed(steps_at(0.0, 3_600_000.0)), 0, {})
    assert not playback.advance(IDLE_MS / 1000 - 0.1)
    assert playback.advance(0.2)


def test_time_at_work_is_not_cut() -> None:
    steps = [a_step(0, 0.0), a_step(1, 20_000.0, 20_000.0, StepKind.LLM)]
    playback = Playback(listed(steps), 0, {})
    assert not playback.advance(19.0)
    assert playback.advance(1.1)


def test_the_clock_of_the_session_goes_on_between_two_steps() -> None:
    playback = Playback(listed(steps_at(0.0, 1_000.0)), 0, {})
    playback.advance(0.5)
    assert playback.at_ms == pytest.approx(500.0)


def test_it_stops_at_what_looks_wrong_and_goes_on_from_there_when_asked_again() -> None:
    steps = listed(steps_at(0.0, 100.0, 200.0, 300.0))
    playback = Playback(steps, 0, {2: "the page is the same"})
    playback.advance(10.0)
    assert (playback.step, playback.stopped_at) == (2, "the page is the same")
    again = Playback(steps, 2, {2: "the page is the same"})
    again.advance(10.0)
    assert (again.step, again.stopped_at) == (3, "")


def test_the_end_is_said_with_no_reason() -> None:
    playback = Playback(listed(steps_at(0.0, 1.0)), 0, {})
    playback.advance(1.0)
    assert playback.stopped_at == ""


def test_a_session_without_times_is_played_two_steps_a_second() -> None:
    playback = Playback(listed([a_step(index, None) for index in range(3)]), 0, {})
    assert not playback.advance(UNTIMED_MS / 1000 - 0.01)
    assert playback.advance(0.02)
    assert playback.at_ms is None


def test_a_million_steps_in_a_second_do_not_hold_up_the_keys() -> None:
    playback = Playback(listed(steps_at(*([0.0] * (MOST_AT_ONCE * 3)))), 0, {})
    playback.advance(1.0)
    assert playback.step == MOST_AT_ONCE
    assert playback.stopped_at is None


def test_clocks_that_run_backwards_do_not_stop_it() -> None:
    playback = Playback(listed(steps_at(500.0, 100.0, 600.0)), 0, {})
    playback.advance(5.0)
    assert playback.step == 2


def test_failed_steps_blamed_calls_and_odd_steps_stop_the_playing() -> None:
    steps = [a_step(0, 0.0), a_step(1, 1.0, ok=False), a_step(2, 2.0), a_step(3, 3.0)]
    stops = stops_of(steps, {2: Blame(9, None)}, {3: ["stall: it took an hour"]})
    assert stops == {
        1: "step 1 failed",
        2: "a failed check holds step 2 against the agent",
        3: "stall: it took an hour",
    }


def test_a_repetition_shows_when_it_has_happened_often_enough() -> None:
    found = oddities_of(
        [
            Anomaly(AnomalyKind.REPETITION, (3, 5, 8, 11), "4 times: search()"),
            Anomaly(AnomalyKind.STALL, (8,), "search took 2m"),
            Anomaly(AnomalyKind.STALL, (), "nothing to show"),
        ]
    )
    assert found == {8: ["the same call again: 4 times: search()", "stall: search took 2m"]}
