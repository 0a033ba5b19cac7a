"""How long it takes to find causes: processor time, for a machine that does other things too.

Reading the files is not in it.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

from benchmarks.scorecard import Scorecard
from promptetheus.divergence import compare
from promptetheus.failures import Outcome, failures
from promptetheus.first_mistake import first_mistakes
from promptetheus.signatures import make_run
from promptetheus.suspects import find_suspects

ROUNDS = 3


def speed(card: Scorecard) -> None:
    """The budgets, each the median of three rounds."""
    card.section("processor time, median of three")
    for steps, budget_ms in ((5_000, 500), (50_000, 5_000)):
        one, other = (_long(steps, offset) for offset in (0, 25))
        coarse = compare(make_run(one), make_run(other)).sides.coarse
        took = _median_ms(lambda one=one, other=other: compare(make_run(one), make_run(other)))
        card.at_most(
            f"diff of two runs of {steps:,} steps", took, budget_ms, "coarse" if coarse else "", "ms"
        )
    sessions = [_long(100, offset) for offset in range(500)]

    def suspects() -> None:
        runs = [make_run(session) for session in sessions]
        find_suspects(runs[:250], runs[250:])

    card.at_most("suspects over 500 runs of 100 steps", _median_ms(suspects), 2_000, "", "ms")
    outcomes = [
        Outcome(f"s{n}", n * 60.0, "agent", f"goal {n % 40}", f"{n % 9_000:012x}") for n in range(10_000)
    ]
    card.at_most("failures of 10,000 sessions", _median_ms(lambda: failures(outcomes)), 1_000, "", "ms")
    long = _long(5_000, 0)
    card.note(f"first mistakes of a run of 5,000 steps: {_median_ms(lambda: first_mistakes(long)):.0f} ms")


def _median_ms(work: Callable[[], object]) -> float:
    took = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        took.append((time.process_time() - began) * 1000)
    return statistics.median(took)


def _long(steps: int, offset: int) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    for number in range(steps):
        other = (number + offset) % 50 == 0
        arguments = {"query": f"flights {number % 700}{' direct' if other else ''}", "limit": 20}
        call = {"tool_name": "search", "arguments": arguments, "call_id": f"call_{number:08}"}
        answer = {
            "call_id": f"call_{number:08}",
            "result": [{"flight": f"HAT{number % 300}", "seats": number % 9}],
        }
        events += [
            {"type": "tool_call", "seq": 2 * number, "payload": call},
            {"type": "tool_result", "seq": 2 * number + 1, "payload": answer},
        ]
    return events
