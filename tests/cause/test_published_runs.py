"""On runs of tau-bench whose first wrong call is known. How well, on all of them: benchmarks/cause.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from promptetheus.cause.effects import infer_effects
from promptetheus.cause.held_against import compare
from promptetheus.cause.signatures import Run, make_run
from promptetheus.importers.intake import import_paths

_VERDICTS = ("goal_check", "score", "session_end")


@pytest.fixture(scope="module")
def airline(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[int, int], Run]:
    """Runs by (task, trial), without their verdict."""
    source = real_data / "tau-bench" / "airline" / "gpt-4o-airline.split-A.json"
    if not source.is_file():
        pytest.skip("no tau-bench runs among the published ones here")
    spool = tmp_path_factory.mktemp("airline")
    list(import_paths([source], spool))
    runs = {}
    for path in spool.glob("*.jsonl"):
        events = [json.loads(line) for line in path.read_text().splitlines()]
        about = events[0]["metadata"].pop("session_metadata")
        run = make_run([event for event in events if event["type"] not in _VERDICTS])
        runs[about["task_id"], about["trial"]] = run
    return runs


def test_the_wrong_flight_is_found_among_other_words_and_other_searches(
    airline: dict[tuple[int, int], Run],
) -> None:
    found = compare(airline[7, 2], airline[7, 0], infer_effects(airline.values()))
    assert found.effective is not None
    assert (found.effective.name, found.effective.arguments) == ("update_reservation_flights", ("flights",))


def test_a_cancellation_never_made_is_named(airline: dict[tuple[int, int], Run]) -> None:
    found = compare(airline[1, 1], airline[1, 0], infer_effects(airline.values()))
    assert [each.name for each in found.missing_effects] == ["cancel_reservation"]


def test_two_runs_that_passed_differ_in_words_and_looks_only(airline: dict[tuple[int, int], Run]) -> None:
    effects = infer_effects(airline.values())
    for trial in (1, 2, 3):
        assert compare(airline[20, 0], airline[20, trial], effects).effective is None
