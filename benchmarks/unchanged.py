"""What must not matter does not: the same runs with other ids, at another time, imported again."""

from __future__ import annotations

import copy
import hashlib
import json
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from benchmarks.labelled_runs import imported, labelled
from benchmarks.paired_runs import TauBench
from benchmarks.scorecard import Scorecard
from promptetheus.cause.deviation import deviation
from promptetheus.cause.first_mistake import likeliest
from promptetheus.clock import format_timestamp, parse_timestamp
from promptetheus.events import Event
from promptetheus.fingerprint import failure_fingerprint

Findings = dict[int, tuple[Any, ...]]
"""By record: fingerprint, deviation class, ranked steps."""


def unchanged(data: TauBench, source: Path, folder: Path, card: Scorecard) -> None:
    """Fingerprints, classes and rankings of all failing runs, before and after."""
    before = _findings(data, {record: found.events for record, found in data.sessions.items()})
    card.section(f"unchanged: fingerprint, class and ranking of {len(before)} failing runs")
    changes: dict[str, Callable[[list[Event]], list[Event]]] = {
        "renamed ids": _renamed,
        "shifted by 400 days": _shifted,
        "both": lambda events: _shifted(_renamed(events)),
    }
    for name, change in changes.items():
        after = _findings(data, {record: change(found.events) for record, found in data.sessions.items()})
        _report(card, name, before, after)
    again = folder / "another-name.json"
    shutil.copyfile(source, again)
    found = {each.known["record"]: each.events for each in imported(again, folder / "again")}
    _report(card, "imported again from a file of another name", before, _findings(data, found))


def _report(card: Scorecard, name: str, before: Findings, after: Findings) -> None:
    same = sum(before[record] == after[record] for record in before)
    card.at_least(name, same / max(1, len(before)), 1.0, f"({same} of {len(before)})")


def _findings(data: TauBench, sessions: dict[int, list[Event]]) -> Findings:
    runs = {record: labelled(events).run for record, events in sessions.items()}
    found: Findings = {}
    for label in data.failing:
        record = label["list_index"]
        passing = [runs[other["list_index"]] for other in data.tasks[label["task_id"]] if other["passed"]]
        told = deviation(runs[record], passing, data.effects)
        found[record] = (
            failure_fingerprint(sessions[record]).fingerprint,
            (told.kind, told.tool, told.arguments) if told else None,
            [candidate.step for candidate in likeliest(runs[record])],
        )
    return found


def _renamed(events: list[Event]) -> list[Event]:
    changed = copy.deepcopy(events)
    for event in changed:
        event["session_id"] = "another-session"
        event["idempotency_key"] = f"another-session:{event['seq']}"
        call_id = event["payload"].get("call_id")
        if call_id is not None:
            event["payload"]["call_id"] = "call_" + hashlib.sha256(call_id.encode()).hexdigest()[:24]
    return changed


def _shifted(events: list[Event]) -> list[Event]:
    changed = copy.deepcopy(events)
    for event in changed:
        moment = parse_timestamp(event["timestamp"])
        assert moment is not None, json.dumps(event)[:200]
        event["timestamp"] = format_timestamp(moment + timedelta(days=400).total_seconds())
    return changed
