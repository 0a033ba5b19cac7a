"""Taking things out of a comparison: what `y` copies, what `x` writes to a file."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar

from textual.binding import Binding, BindingType

from promptetheus.cause.diff_json import report_as_json
from promptetheus.cause.diff_report import DiffReport, Side
from promptetheus.cause.side_by_side_text import banner_lines, detail_lines, number_lines, row_lines
from promptetheus.cause.value_changes import ABSENT
from promptetheus.display import printable_line, short_id
from promptetheus.display import value as shown_value
from promptetheus.exporters.markdown_export import value_text
from promptetheus.queries.diffs import shots
from promptetheus.tui.clipboard import Copy
from promptetheus.tui.diff.comparing import ComparingScreen
from promptetheus.tui.diff.reading import Compared
from promptetheus.tui.diff.table import DiffTable
from promptetheus.tui.file_writing import file_here
from promptetheus.tui.taking import AtHand, Export


class TakingDiff(ComparingScreen):
    """The keys that take something along."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "y", "copy", "copy", show=False, id="diff.copy",
            tooltip="Copy: this difference, the banner, the command",
        ),
        Binding("x", "export", "export", show=False, id="diff.export", tooltip="Write the comparison to a file"),
    ]  # fmt: skip

    NOTHING_YET = "There is nothing to take along yet: the sessions are not compared."
    EXPORT_PROMPT = "Write the comparison to a file here"

    table: DiffTable

    async def copies(self) -> Sequence[Copy]:
        """The highlighted row first, then the whole."""
        if self.compared is None:
            return ()
        return await asyncio.to_thread(diff_copies, self.compared.report, self.table.row, self.root)

    def at_hand(self) -> AtHand | None:
        """The highlighted row: both steps, and what differs in them."""
        row = self.table.row
        if self.compared is None or row is None:
            return None
        return AtHand(f"difference-{row}.txt", f"{row_text(self.compared.report, row)}\n")

    def exports(self) -> Sequence[Export]:
        """The whole comparison."""
        compared = self.compared
        if compared is None:
            return ()
        report = compared.report
        forms: list[tuple[str, str, Callable[[], str] | None]] = [
            ("html", "HTML: one page, to send on", partial(_html_text, compared)),
            ("txt", "Text: the rows, what differs in them, the numbers", partial(whole_text, report)),
            ("json", "JSON: every row, to compute with", partial(_json_text, report)),
            ("svg", "SVG: a picture of this screen", None),
        ]
        ids = report.left.session_id, report.right.session_id
        return [Export(title, file_here("diff", ids, form), text) for form, title, text in forms]


def _html_text(compared: Compared) -> str:
    from promptetheus.exporters.diff_html import diff_html

    return diff_html(compared.report, partial(shots, compared.left.spool, compared.right.spool))


def _json_text(report: DiffReport) -> str:
    return json.dumps(report_as_json(report, rows=True), indent=2, ensure_ascii=False) + "\n"


def whole_text(report: DiffReport) -> str:
    """The whole comparison: the banner, the rows, the numbers."""
    parts = banner_lines(report), row_lines(report), number_lines(report, all_of_them=True)
    return "\n\n".join("\n".join(lines) for lines in parts) + "\n"


def diff_copies(report: DiffReport, row: int | None, root: Path) -> list[Copy]:
    """The highlighted row first, then the whole, then the ways to see it again."""
    left, right = report.left.session_id, report.right.session_id
    found: list[Copy] = []
    if row is not None:
        found.append(Copy("This difference", "as text", row_text(report, row)))
        found += _values(report, row)
    found.append(Copy("Where they part", "the banner", "\n".join(banner_lines(report))))
    found.append(Copy("The whole comparison", "as text", whole_text(report)))
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


def _values(report: DiffReport, row: int) -> Iterator[Copy]:
    """The first value that differs in a row: both sides, and where it stands."""
    details = report.details(row)
    changes = [("", change) for change in details.arguments] + [("result", each) for each in details.result]
    for whole, change in changes[:1]:
        for side, value in ((Side.LEFT, change.before), (Side.RIGHT, change.after)):
            if value is not ABSENT:
                yield Copy(f"The value on the {side.value}", shown_value(value, 40), value_text(value))
        if path := change.path_in(whole):
            yield Copy("Its JSON path", printable_line(path, 40), path)


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
