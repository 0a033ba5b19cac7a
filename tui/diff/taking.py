"""What can be taken along from a comparison: texts for the clipboard."""

from __future__ import annotations

import shlex
from pathlib import Path

from promptetheus.cause.diff_report import DiffReport, Side
from promptetheus.cause.side_by_side_text import banner_lines, detail_lines, number_lines, row_lines
from promptetheus.display import short_id
from promptetheus.tui.sessions.session_copies import Copy


def diff_copies(report: DiffReport, row: int | None, root: Path) -> list[Copy]:
    """The highlighted row first, then the whole, then the ways to see it again."""
    left, right = report.left.session_id, report.right.session_id
    found: list[Copy] = []
    if row is not None:
        found.append(Copy("This difference", "as text", row_text(report, row)))
    found.append(Copy("Where they part", "the banner", "\n".join(banner_lines(report))))
    whole = "\n".join(
        [*banner_lines(report), "", *row_lines(report), "", *number_lines(report, all_of_them=True)]
    )
    found.append(Copy("The whole comparison", "as text", whole))
    spool = str(root)
    found += [
        Copy(
            "The command that compares them",
            "promptetheus diff …",
            shlex.join(["promptetheus", "diff", left, right, "--steps", "--spool", spool]),
        ),
        Copy(
            "The command that opens this",
            "promptetheus tui --diff …",
            shlex.join(["promptetheus", "tui", "--diff", left, right, "--spool", spool]),
        ),
        Copy("The left session's id", short_id(left), left),
        Copy("The right session's id", short_id(right), right),
        Copy("The SQL behind this", "select … from steps", _sql(left, right)),
    ]
    return found


def row_text(report: DiffReport, number: int) -> str:
    """One row: both steps, and what differs in them."""
    lines = []
    for side in Side:
        cell = report.cell(number, side)
        text = "–" if cell is None else f"step {cell.number} {cell.kind.value} {cell.text}"
        lines.append(f"{side.value}: {text}")
    return "\n".join([*lines, *(line.strip() for line in detail_lines(report.details(number)))])


def _sql(*session_ids: str) -> str:
    quoted = ", ".join("'" + each.replace("'", "''") + "'" for each in session_ids)
    return f"select * from steps where session_id in ({quoted}) order by session_id, step"
