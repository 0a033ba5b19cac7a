"""When a try is allowed."""

from __future__ import annotations

from promptetheus.delivery.pace import MAX_RETRY_AFTER_S, Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_waits_grow_with_each_failure_up_to_a_cap() -> None:
    caps: list[float] = []

    def draw(cap: float) -> float:
        caps.append(cap)
        return 0.0

    pace = Pace(threshold=100, clock=Clock(), draw=draw)
    for _ in range(9):
        pace.failed()
    assert caps == [0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


def test_the_circuit_opens_and_one_try_decides() -> None:
    clock = Clock()
    pace = Pace(threshold=3, reset_s=30.0, clock=clock, draw=lambda cap: 0.0)
    pace.failed()
    pace.failed()
    assert (str(pace.state), pace.wait_s()) == ("closed", 0.0)
    pace.failed()
    assert (str(pace.state), pace.wait_s()) == ("open", 30.0)
    clock.now += 30.0
    assert (str(pace.state), pace.wait_s()) == ("half_open", 0.0)
    pace.failed()
    assert str(pace.state) == "open"
    clock.now += 30.0
    pace.succeeded()
    assert (str(pace.state), pace.failures) == ("closed", 0)


def test_a_gateway_that_asks_for_time_gets_it_but_not_all_day() -> None:
    pace = Pace(clock=Clock(), draw=lambda cap: 0.0)
    pace.failed(retry_after_s=7.0)
    assert pace.wait_s() == 7.0
    pace.failed(retry_after_s=86_400.0)
    assert pace.wait_s() == MAX_RETRY_AFTER_S
