"""Going through a comparison: from difference to difference, to where the two part, from call to call."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from promptetheus.tui.diff.jump import JUMPS, diff_jump_bindings, next_of_sort
from promptetheus.tui.diff.taking import TakingDiff
from promptetheus.tui.keymap import with_keys


class WalkedDiff(TakingDiff):
    """The keys that move the cursor to what a person looks for."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "difference(True)", "next difference", id="diff.next", tooltip="To the next difference"),
        Binding("N", "difference(False)", "previous", show=False, id="diff.previous", tooltip="To the one before"),
        Binding("f", "first", "first", show=False, id="diff.first", tooltip="To the first divergence, then on"),
        *diff_jump_bindings(),
    ]  # fmt: skip

    def action_difference(self, forwards: bool) -> None:
        """To the next difference that the filter shows, or the one before."""
        if self.compared is None:
            return
        report, row = self.compared.report, self.table.row
        found = report.next_difference(-1 if row is None else row, forwards=forwards)
        matches = self.table.shown.matches
        while found is not None and matches is not None and found not in matches:
            found = report.next_difference(found, forwards=forwards)
        if found is not None:
            self.table.go_to(found)
        elif not report.differences:
            self.tell(
                with_keys(
                    "The two sessions do not differ, as far as they are compared: "
                    "<diff.noise:i> says what is ignored."
                )
            )
        else:
            where, other = (
                ("after", "<diff.previous:N> goes back") if forwards else ("before", "<diff.next:n> goes on")
            )
            self.tell(with_keys(f"No difference {where} this step: {other}."))

    def action_first(self) -> None:
        """To the first divergence; from there to the effective one."""
        if self.compared is None:
            return
        banner = self.compared.report.banner
        rows = [row for row in (banner.first_row, banner.effective_row) if row is not None]
        if not rows:
            self.tell(
                "Not comparable: they part nowhere."
                if banner.not_comparable
                else "The two sessions do not part."
            )
            return
        if {self.table.row} == set(rows):
            self.tell(with_keys("Here they part: <diff.next:n> goes to the next difference."))
            return
        self._go_to(rows[1] if len(rows) > 1 and self.table.row == rows[0] else rows[0])

    def action_jump(self, key: str, forwards: bool) -> None:
        """To the next or previous step of a sort on either side."""
        if self.compared is None:
            return
        here = -1 if self.table.row is None else self.table.row
        found = next_of_sort(self.compared.report, JUMPS[key], here, forwards, self.table.shown.matches)
        if found is None:
            self.tell(f"No {JUMPS[key].word} {'after' if forwards else 'before'} this step, on either side.")
        else:
            self._go_to(found)

    def _go_to(self, row: int) -> None:
        if not self.table.go_to(row):
            self.tell(with_keys("The filter hides that step: <diff.back:escape> clears it."))

    def tell(self, text: str) -> None:
        """Why a key did nothing."""
        self.app.notify(text, timeout=4)
