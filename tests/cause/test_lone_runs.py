"""On failed runs whose first mistake people marked, with nothing to compare with. The table: benchmarks/cause.py."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from promptetheus.cause.first_mistake import first_mistakes
from promptetheus.cause.steps import build_steps
from promptetheus.importers.intake import import_paths

_VERDICTS = ("goal_check", "score", "session_end")


@pytest.fixture(scope="module")
def ranked(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, list[int], int]]:
    """Of each run: the message that was marked, our messages in order, and how many messages there are."""
    source = real_data / "who-and-when" / "Algorithm-Generated"
    if not source.is_dir():
        pytest.skip("no runs of Who&When among the published ones here")
    marked = {}
    for path in source.glob("*.json"):
        label = json.loads(path.read_text())
        marked[label["question_ID"]] = int(label["mistake_step"]), len(label["history"])
    spool = tmp_path_factory.mktemp("who")
    list(import_paths([source], spool))
    found = []
    for path in spool.glob("*.jsonl"):
        events = [json.loads(line) for line in path.read_text().splitlines()]
        mistake, length = marked[events[0]["metadata"].pop("session_metadata")["task_id"]]
        blind = [event for event in events if event["type"] not in _VERDICTS]
        message = {
            step.index: blind[step.events[0]]["metadata"].get("message") for step in build_steps(blind)
        }
        found.append((mistake, [message[each.step] for each in first_mistakes(blind)], length))
    return found


def test_the_marked_message_is_ranked_first_far_more_often_than_by_chance(
    ranked: list[tuple[int, list[int], int]],
) -> None:
    hits = sum(numbers[0] == mistake for mistake, numbers, _ in ranked) / len(ranked)
    chance = sum(1 / length for _, _, length in ranked) / len(ranked)
    assert hits > 3 * chance


def test_the_marked_message_is_mostly_among_the_first_three(
    ranked: list[tuple[int, list[int], int]],
) -> None:
    assert sum(mistake in numbers[:3] for mistake, numbers, _ in ranked) / len(ranked) > 0.7
