"""Which rows of a comparison a filter lets through: those of which either side matches."""

from __future__ import annotations

from promptetheus.cause.diff_report import DiffReport, Side
from promptetheus.queries.filter import Filter
from promptetheus.tui.kind_words import kind_word


def matching_rows(report: DiffReport, wanted: Filter) -> frozenset[int]:
    """Their numbers. Describes every step: for a thread."""
    found = []
    for number, row in enumerate(report.rows):
        for side, place in ((Side.LEFT, row.left), (Side.RIGHT, row.right)):
            if place is None:
                continue
            run = report.run(side)
            step = run.steps[place]
            # People type the words they see.
            words = f"{kind_word(step)} {row.change.value} {run.text(place)}"
            if wanted.matches_step(step.kind.value, step.name, words, step.ok, step.duration_ms):
                found.append(number)
                break
    return frozenset(found)
