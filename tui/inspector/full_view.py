"""A value or a step with the screen to itself."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from promptetheus.display import printable_line
from promptetheus.tui.above_view import AboveView
from promptetheus.tui.clipboard import copy_text
from promptetheus.tui.crumb_line import CrumbLine
from promptetheus.tui.footer import KeyFooter
from promptetheus.tui.guard import Guarded
from promptetheus.tui.hand_off import Program
from promptetheus.tui.inspector.page import Page
from promptetheus.tui.inspector.page_view import PagePlan, PageView
from promptetheus.tui.taking import AtHand, hand_off_bindings, hand_over, line_at_hand
from promptetheus.tui.text_selection import CopiesSelection


class FullView(Guarded, CopiesSelection, AboveView):
    """Shows one page; `esc` goes back to where it was opened."""

    BINDING_GROUP_TITLE = "Full screen"
    # With dots in its path Textual does not know it again, and parses all rules anew each time: 20 ms.
    CSS_PATH = Path(__file__).parent.parent / "session" / "session.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "close", "back", id="full.close", tooltip="Back to where it was opened"),
        Binding("enter", "open_row", "fold", id="full.open", tooltip="Fold, unfold or show more"),
        Binding("y", "copy", "copy", id="full.copy", tooltip="Copy the value of this line"),
        *hand_off_bindings(),
    ]

    def __init__(self, title: str, plan: PagePlan, spool: Path) -> None:
        super().__init__()
        self._title = title
        self._plan = plan
        self._view = PageView(spool, roomy=True, id="full")

    def compose(self) -> ComposeResult:
        """The way back and what it is, the page, the keys."""
        yield CrumbLine(printable_line(self._title, 200))
        yield self._view
        yield KeyFooter()

    def on_mount(self) -> None:
        """Show the page."""
        self.show_way()
        self._view.focus()
        self._view.show(self._plan)

    def on_screen_suspend(self) -> None:
        """What the terminal draws itself must not lie over the screen in front."""
        self._view.screen_changed()

    def on_screen_resume(self) -> None:
        """Draw again what was taken away."""
        self._view.screen_changed()

    @on(PageView.OpenWanted)
    def _already_open(self, event: PageView.OpenWanted) -> None:
        event.stop()
        if event.block is not None and event.title != self._title:
            block = event.block
            self.app.push_screen(FullView(event.title, lambda: Page([block]), self._view.spool))

    @on(PageView.LeaveWanted)
    def _leave(self, event: PageView.LeaveWanted) -> None:
        event.stop()

    def action_open_row(self) -> None:
        """What enter does, wherever the focus is."""
        self._view.action_open_row()

    def action_close(self) -> None:
        """Back to the session."""
        # Not awaited: a click on the footer comes from inside this screen, which would wait for its own end.
        self.app.pop_screen()

    def action_copy(self) -> None:
        """Copy the value of the highlighted line."""
        copy_text(self.app, self._view.copied_text())

    def action_hand_off(self, program: Program) -> None:
        """Show the value of the highlighted line in the person's own pager or editor; else the line."""
        found, line = line_at_hand(self._view.current), self._view.copied_text()
        if found is None and line:
            found = AtHand("line.txt", line)
        hand_over(self.app, program, found, "This line is empty.")
