"""The two sessions of a comparison side by side, as one list: both sides scroll together because they are one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType

from promptetheus.cause.comparison import Change, Row
from promptetheus.cause.diff_report import DiffReport, Side
from promptetheus.tui.diff.lines import DiffLines, Fold
from promptetheus.tui.diff.row import diff_row, fold_row
from promptetheus.tui.line_list import LineList


class DiffTable(LineList):
    """Shows the rows of a report; stretches of equal steps fold."""

    BINDING_GROUP_TITLE = "Steps side by side"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "open_row", "side by side", id="list.open", tooltip="Values side by side; unfold a fold"),
        Binding("left,h", "fold", "fold", show=False, id="diff.fold", tooltip="Fold the equal steps around here"),
        Binding("right,l", "unfold", "unfold", show=False, id="diff.unfold", tooltip="Show these equal steps"),
        Binding(
            "z", "fold_all", "fold all", show=False, id="diff.fold_all",
            tooltip="Show all equal steps, or fold them again",
        ),
    ]  # fmt: skip

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.report: DiffReport | None = None
        self.shown = DiffLines(())

    # What the screen tells

    def show(self, report: DiffReport) -> None:
        """Show a comparison; the cursor stays on its step when it is of the same sessions, else it goes to where
        they part."""
        before, folding = self.report, self.shown.folding
        held = None if before is None or before.right.session_id != report.right.session_id else self.row
        step = None if held is None or before is None else before.rows[held]
        self.report = report
        self.shown = DiffLines([row.change is Change.SAME for row in report.rows])
        if not folding:
            self.shown.fold_all(False)
        self.refresh_rows()
        if step is not None:
            self.go_to(_row_of(report.rows, step), center=False)
        else:
            banner = report.banner
            start = banner.first_row if banner.first_row is not None else banner.effective_row
            self.go_to(start or 0)
        self.post_message(self.CursorMoved(self, self.cursor))

    def show_matches(self, matches: frozenset[int] | None) -> None:
        """Show only these rows; the cursor stays as near to its own as it can."""
        held = self.row
        self.shown.show_matches(matches)
        self._rearranged(held)

    @property
    def row(self) -> int | None:
        """The row of the comparison under the cursor; of a fold the first one."""
        return self.shown.row_at(self.cursor)

    @property
    def fold(self) -> Fold | None:
        """The fold under the cursor."""
        line = self.shown.lines[self.cursor] if self.cursor < len(self.shown.lines) else None
        return line if isinstance(line, Fold) else None

    def go_to(self, row: int, *, center: bool = True) -> bool:
        """Put the cursor on a row, unfolding what it is in; False when a filter hides it."""
        line = self.shown.line_of(row)
        if line < len(self.shown.lines):
            shown = self.shown.lines[line]
            if (
                isinstance(shown, Fold)
                and not shown.is_open
                and shown.first <= row < shown.first + shown.count
            ):
                self.shown.set_open(shown, True)
                self.refresh_rows()
                line = self.shown.line_of(row)
        self.select(line, center=center)
        return self.row == row

    # Folding

    def toggle_fold(self) -> bool:
        """Open or close the fold under the cursor; False when there is none."""
        fold = self.fold
        return fold is not None and self._set_open(fold, not fold.is_open)

    def action_fold(self) -> None:
        """Close the fold that the cursor is in."""
        fold = self.shown.fold_at(self.cursor)
        if fold is None or not self._set_open(fold, False):
            self.app.notify("No equal steps fold here: z folds all of them.", timeout=2)

    def action_unfold(self) -> None:
        """Open the fold under the cursor; elsewhere look into the row."""
        fold = self.fold
        if fold is None or not self._set_open(fold, True):
            self.action_open_row()

    def action_fold_all(self) -> None:
        """Show all equal steps, or fold them again."""
        held = self.row
        self.shown.fold_all(not self.shown.folding)
        self._rearranged(held)

    def _set_open(self, fold: Fold, is_open: bool) -> bool:
        if not self.shown.set_open(fold, is_open):
            return False
        line = next(
            place
            for place, each in enumerate(self.shown.lines)
            if isinstance(each, Fold) and each.first == fold.first
        )
        self.refresh_rows()
        self.select(line)
        return True

    def _rearranged(self, held: int | None) -> None:
        self.refresh_rows()
        if held is not None and self.shown.lines:
            self.select(self.shown.line_of(held), center=True)
        # Another row may be under the cursor although the cursor did not move.
        self.post_message(self.CursorMoved(self, self.cursor))

    # Drawing

    def row_count(self) -> int:
        """Lines, folds included."""
        return len(self.shown.lines)

    def render_row(self, index: int, width: int, selected: bool) -> Text:
        """Draw a row, or a fold."""
        assert self.report is not None
        shown = self.shown.lines[index]
        if isinstance(shown, Fold):
            return fold_row(shown, width, self.looks)
        return diff_row(self.report, shown, width, self.looks)

    def render_empty(self, y: int, width: int) -> Text | None:
        """Say why there is nothing."""
        if y != 1 or self.report is None:
            return None
        said = (
            "Nothing matches the filter." if self.shown.matches is not None else "Neither session has a step."
        )
        return Text(f"   {said}", self.looks.muted)


def _row_of(rows: Sequence[Row], step: Row) -> int:
    """Where a step stands in another comparison of the same sessions."""
    for side in (Side.RIGHT, Side.LEFT):
        place = step.right if side is Side.RIGHT else step.left
        if place is None:
            continue
        for number, row in enumerate(rows):
            if place == (row.right if side is Side.RIGHT else row.left):
                return number
    return 0
