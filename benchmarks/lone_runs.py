"""Failing runs with nothing to compare with: how often the labelled first mistake is ranked first, or among three.

Who&When labels a message; its number is the metadata `message` of the events made from it. tau-bench labels a call.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.labelled_runs import imported
from benchmarks.paired_runs import Label, TauBench
from benchmarks.scorecard import Scorecard, mean
from promptetheus.cause.effects import infer_effects, writes_of
from promptetheus.cause.first_mistake import likeliest
from promptetheus.cause.signatures import Run
from promptetheus.cause.steps import StepKind

_ERROR_WORD = re.compile(r"error|exception|traceback|failed", re.IGNORECASE)


class Case(NamedTuple):
    """A failing run and the number of the message or call that people marked."""

    run: Run
    length: int
    """How many messages or calls it has."""
    mistake: int
    looked_at: bool
    """Whether it is of the half that the signs and chances were chosen on."""
    group: str


Ranking = Callable[[Case], Sequence[int]]
"""The numbers of the messages or calls of a run, the likeliest first mistake first."""


def is_looked_at(identity: str) -> bool:
    """Which half a run is of: by a hash of what identifies it, so that nobody chose."""
    return hashlib.sha256(identity.encode()).digest()[-1] % 2 == 0


def who_and_when(data: Path, spool: Path, card: Scorecard, verbose: bool) -> None:
    """The table for Who&When: both halves, both parts of the data, and what the baselines get."""
    cases = _who_and_when_cases(data / "who-and-when", spool)
    card.section(f"Who&When: {len(cases)} failing runs of agent teams, first mistake marked by people")
    held_out = [case for case in cases if not case.looked_at]
    rankings: dict[str, Ranking] = {
        "ours": _our_messages,
        "message 1": lambda case: range(1, case.length),
        "message 0": lambda case: range(case.length),
        "messages with an error word": _error_words,
        "messages before those": lambda case: [number - 1 for number in _error_words(case)],
        "messages that run something": _running,
        "last message": lambda case: range(case.length - 1, -1, -1),
    }
    _head(card)
    for name, ranking in rankings.items():
        _row(card, f"{name}, all", cases, ranking)
    _random_row(card, "random (expected), all", cases)
    _row(card, "ours, half looked at", [case for case in cases if case.looked_at], _our_messages)
    _row(card, "ours, half held out", held_out, _our_messages)
    for name in ("message 1", "messages before those", "messages that run something"):
        _row(card, f"{name}, half held out", held_out, rankings[name])
    _random_row(card, "random (expected), half held out", held_out)
    for group in sorted({case.group for case in cases}):
        _row(card, f"ours, {group}", [case for case in cases if case.group == group], _our_messages)
        _random_row(card, f"random, {group}", [case for case in cases if case.group == group])
    if verbose:
        for case in cases:
            card.note(f"{case.group}, {case.length}: marked {case.mistake}, ranked {_our_messages(case)[:5]}")


def tau(data: TauBench, card: Scorecard) -> None:
    """The same on tau-bench: which of the calls was the first wrong one, told from the failing run alone."""
    cases = [
        Case(
            data.run(label),
            label["n_tool_calls"],
            label["first_wrong_call_ordinal"],
            is_looked_at(str(label["task_id"])),
            "with a passing run" if data.passing(label) else "no run of the task passed",
        )
        for label in data.failing
        if label["first_wrong_call_ordinal"] is not None
    ]
    card.section(
        f"tau-bench airline, split A: {len(cases)} failing runs with a wrong call, each looked at alone"
    )
    _head(card)
    _row(card, "ours", cases, _our_calls)
    for group in sorted({case.group for case in cases}):
        _row(card, f"ours, {group}", [case for case in cases if case.group == group], _our_calls)
    _row(card, "first call that changes something", cases, _changes)
    _row(card, "last call that changes something", cases, lambda case: _changes(case)[::-1])
    _row(card, "last call", cases, lambda case: range(case.length - 1, -1, -1))
    _random_row(card, "random (expected)", cases)
    card.note("(the signs were chosen with all of these in view: no half is held out here)")


def _who_and_when_cases(source: Path, spool: Path) -> list[Case]:
    labels: dict[tuple[str, str, int], Label] = {}
    groups = {}
    for path in sorted(source.rglob("*.json")):
        label = json.loads(path.read_text())
        key = path.name, label["question_ID"], len(label["history"])
        labels[key], groups[key] = label, path.parent.name
    cases = []
    for known, run, _ in imported(source, spool):
        length = 1 + max(number for number in map(message_number, run.events) if number is not None)
        key = known["source"], known["task_id"], length
        mistake = int(labels[key]["mistake_step"])
        cases.append(Case(run, length, mistake, is_looked_at(known["task_id"]), groups[key]))
    return cases


def message_number(event: dict[str, Any]) -> int | None:
    """Which message of its file an event was made from."""
    number: int | None = event.get("metadata", {}).get("message")
    return number


def _our_messages(case: Case) -> list[int]:
    first_event = {step.index: step.events[0] for step in case.run.steps}
    ranked = [
        message_number(case.run.events[first_event[found.step]])
        for found in likeliest(case.run, limit=case.length)
    ]
    return [number for number in ranked if number is not None]


def _our_calls(case: Case) -> list[int]:
    calls = sorted(step.index for step in case.run.steps if step.kind is StepKind.TOOL)
    return [
        calls.index(found.step) if found.step in calls else -1
        for found in likeliest(case.run, limit=2 * case.length)
    ]


def _changes(case: Case) -> list[int]:
    calls = sorted(step.index for step in case.run.steps if step.kind is StepKind.TOOL)
    places = writes_of(case.run, infer_effects([case.run]))
    return sorted(calls.index(case.run.steps[place].index) for place in places)


def _error_words(case: Case) -> list[int]:
    numbers = {
        number
        for event in case.run.events
        if (number := message_number(event)) and _ERROR_WORD.search(json.dumps(event["payload"]))
    }
    return sorted(numbers)


def _running(case: Case) -> list[int]:
    """Messages with code that was run, or that are an action in a browser."""
    found = {
        message_number(event) for event in case.run.events if event["type"] in ("tool_call", "browser_action")
    }
    return sorted(number for number in found if number is not None)


def _head(card: Scorecard) -> None:
    card.note(f"{'':44} {'runs':>5} {'hit@1':>7} {'hit@3':>7} {'distance':>9}")


def _row(card: Scorecard, name: str, cases: Sequence[Case], ranking: Ranking) -> None:
    ranked = [(case, list(ranking(case))) for case in cases]
    one = mean(float(numbers[:1] == [case.mistake]) for case, numbers in ranked)
    three = mean(float(case.mistake in numbers[:3]) for case, numbers in ranked)
    away = mean(abs(next((n for n in numbers if n >= 0), 0) - case.mistake) for case, numbers in ranked)
    card.note(f"{name:44} {len(cases):5} {one:7.3f} {three:7.3f} {away:9.2f}")


def _random_row(card: Scorecard, name: str, cases: Sequence[Case]) -> None:
    one = mean(1 / case.length for case in cases)
    three = mean(min(1.0, 3 / case.length) for case in cases)
    away = mean(mean(abs(n - case.mistake) for n in range(case.length)) for case in cases)
    card.note(f"{name:44} {len(cases):5} {one:7.3f} {three:7.3f} {away:9.2f}")
