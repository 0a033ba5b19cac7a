"""A comparison as data: what `promptetheus diff --json` prints."""

from __future__ import annotations

from typing import Any

from promptetheus.cause.diff_report import DiffReport, SessionSide, Side, effects_in
from promptetheus.cause.divergence import Divergence
from promptetheus.cause.row_details import RowDetails
from promptetheus.cause.signatures import Run
from promptetheus.cause.value_changes import ABSENT, ValueChange
from promptetheus.cause.word_changes import WordChanges


def report_as_json(report: DiffReport, *, rows: bool) -> dict[str, Any]:
    """The report; with `rows` also the aligned rows and what changed in each."""
    regression, sides, claimed = report.regression, report.comparison.sides, report.claimed
    data: dict[str, Any] = {
        "baseline": report.left.session_id,
        "candidate": report.right.session_id,
        "sessions": {"baseline": _session(report.left), "candidate": _session(report.right)},
        "regressed": regression.regressed,
        "changes": [
            {"step": c.key, "kind": c.kind, "detail": c.detail, "regressed": c.regressed}
            for c in regression.changes
        ],
        "chosen": report.chosen or None,
        "not_comparable": sides.not_comparable or None,
        "coarse": report.banner.coarse or None,
        "ignored": list(report.banner.ignored),
        "first_divergence": divergence_as_json(report, claimed.first),
        "effective_divergence": divergence_as_json(report, claimed.effective),
        "effect_differences": [divergence_as_json(report, each) for each in claimed.candidates],
        "steps_compared": {"rows": len(report.rows), "equal": sides.equal},
        "metrics": [
            {
                "name": metric.name,
                "unit": metric.unit.value,
                "baseline": metric.left,
                "candidate": metric.right,
                "delta": metric.delta,
            }
            for metric in report.metrics
        ],
        "effects": {
            tool: {"effect": known.effect.value, "confidence": known.confidence, "reason": known.reason}
            for tool, known in sorted(effects_in(report).items())
        },
    }
    if rows:
        data["steps"] = [_row(report, number) for number in range(len(report.rows))]
    return data


def divergence_as_json(report: DiffReport, found: Divergence | None) -> dict[str, Any] | None:
    """A divergence as data; steps by their number in their session, from 0."""
    if found is None:
        return None
    return {
        "kind": found.kind.value,
        "name": found.name,
        "baseline_step": _index(report.run(Side.LEFT), found.left),
        "candidate_step": _index(report.run(Side.RIGHT), found.right),
        "row": report.row_of(found),
        "arguments": list(found.arguments),
        "changes": [_change(change) for change in found.changes],
        "confidence": found.confidence,
        "sure": found.how_sure,
        "reason": found.reason,
    }


def _session(side: SessionSide) -> dict[str, Any]:
    return {
        "session_id": side.session_id,
        "agent": side.agent,
        "goal": side.goal,
        "status": side.status,
        "label": side.label or None,
    }


def _row(report: DiffReport, number: int) -> dict[str, Any]:
    row = report.rows[number]
    cells = [report.cell(number, side) for side in Side]
    found: dict[str, Any] = {
        "change": row.change.value,
        "baseline_step": cells[0].number if cells[0] else None,
        "candidate_step": cells[1].number if cells[1] else None,
        "baseline": cells[0].text if cells[0] else None,
        "candidate": cells[1].text if cells[1] else None,
    }
    moved = report.moved_to(number)
    if moved is not None:
        found["moved_to"] = moved
    details = report.details(number)
    if details:
        found["details"] = _details(details)
    return found


def _details(details: RowDetails) -> dict[str, Any]:
    found: dict[str, Any] = {
        "words": _words(details.words) if details.words is not None else None,
        "arguments": [_change(change) for change in details.arguments],
        "result": [_change(change) for change in details.result],
        "page": list(details.page),
        "pictures": [
            {"baseline": pair.left, "candidate": pair.right, "same": pair.is_same}
            for pair in details.pictures
        ],
        "numbers": {name: [left, right] for name, left, right in details.numbers},
    }
    return {key: item for key, item in found.items() if item}


def _words(words: WordChanges) -> list[list[str]]:
    return [[stretch.where.value, stretch.text] for stretch in words.stretches]


def _change(change: ValueChange) -> dict[str, Any]:
    """Without `before` or `after` where there was nothing: null is a value."""
    sides = {"before": change.before, "after": change.after}
    return {"path": change.path, **{side: item for side, item in sides.items() if item is not ABSENT}}


def _index(run: Run, place: int | None) -> int | None:
    return None if place is None else run.steps[place].index
