"""The Diff view: two sessions side by side, and where they part."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal
from textual.widgets import Static

from promptetheus.cause.diff_report import DiffReport, Side
from promptetheus.cause.steps import Step
from promptetheus.display import printable_line
from promptetheus.project_rules import read_rules
from promptetheus.queries.filter_listed import ListedSteps
from promptetheus.tui.crumb_line import CrumbLine
from promptetheus.tui.diff.banner import NUMBERS_FROM_WIDTH, DiffBanner, DiffSides, counts_of
from promptetheus.tui.diff.numbers import MetricsBlock
from promptetheus.tui.diff.page import row_page
from promptetheus.tui.diff.reading import Compared
from promptetheus.tui.diff.row import DIFF_MARKS
from promptetheus.tui.diff.row_filter import matching_rows
from promptetheus.tui.diff.table import DiffTable
from promptetheus.tui.diff.walked import WalkedDiff
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.footer import KeyFooter
from promptetheus.tui.inspector.page import Heading, Page
from promptetheus.tui.inspector.page_view import PageView
from promptetheus.tui.line_list import LineList
from promptetheus.tui.progress import ProgressLine
from promptetheus.tui.theme import looks_of
from promptetheus.tui.views import NotNow

if TYPE_CHECKING:
    from promptetheus.tui.shell import Shell

_OF_A_COMPARISON = frozenset(
    {"difference", "first", "jump", "noise", "suspects", "numbers", "filter", "swap", "open_session"}
)
"""Actions that need two sessions side by side."""


def open_view(app: Shell, subject: object) -> DiffScreen:
    """Two sessions, or one and the nearest that passed; without any the highlighted one, else the one opened last."""
    if subject is None:
        row = app.sessions_screen.table.highlighted
        path = app.last_session if row is None else row.path
        subject = None if path is None else (path,)
    if not isinstance(subject, tuple) or not subject or not all(isinstance(each, Path) for each in subject):
        raise NotNow("There is no session to compare yet.")
    if len(set(subject)) < len(subject):
        raise NotNow("That is the same session twice: there is nothing to compare.")
    return DiffScreen(app.root, subject)


class DiffScreen(WalkedDiff):
    """Two columns under a banner, and below them what differs in the highlighted row."""

    VIEW = "diff"
    BINDING_GROUP_TITLE = "Diff"
    MARKS = DIFF_MARKS
    CSS_PATH = "diff.tcss"
    HORIZONTAL_BREAKPOINTS: list[tuple[int, str]] | None = [(0, "-narrow"), (NUMBERS_FROM_WIDTH, "-wide")]  # noqa: RUF012
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = [  # noqa: RUF012 (declared so by Textual)
        (0, "-tiny"), (20, "-short"), (32, "-medium"), (45, "-tall"),
    ]  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", id="diff.back", tooltip="Back one level"),
        Binding("i", "noise", "ignored", id="diff.noise", tooltip="What is ignored: turn rules on and off"),
        Binding(
            "s", "suspects", "suspects", id="diff.suspects",
            tooltip="What failing sessions of this task do that passing ones do not",
        ),
        Binding(
            "v", "numbers", "numbers", show=False, id="diff.numbers",
            tooltip="The numbers of both, or the difference",
        ),
        Binding("slash", "filter", "filter", show=False, id="diff.filter", tooltip="Filter the steps while you type"),
        Binding("w", "swap", "swap sides", show=False, id="diff.swap", tooltip="Swap left and right"),
        Binding(
            "o", "open_session", "open", show=False, id="diff.open", tooltip="Open the right session at this step"
        ),
        Binding(
            "O", "open_session(True)", "open left", show=False, id="diff.open_left",
            tooltip="Open the left session at this step",
        ),
    ]  # fmt: skip
    ELSEWHERE: ClassVar[dict[str, str]] = {
        "c": "Checks are not held against each other: the verdicts stand above the columns.",
        "d": "This is the diff of these two: mark two others in the list of sessions.",
        "space": "Sessions are marked in their list: <app.sessions:1> goes there.",
        "r": "The files are looked at every second: what changes is compared anew by itself.",
    }

    def __init__(self, root: Path, paths: tuple[Path, ...]) -> None:
        super().__init__(root, paths)
        self.table = DiffTable(id="diff-table")
        self._lost = ""

    @property
    def crumb(self) -> str:
        """Its title: the sessions are named in the view itself."""
        return "diff"

    @property
    def selected(self) -> tuple[str, int | None]:
        """The right session at the highlighted step; the left one where the right has no such step."""
        if self.compared is None or self.table.row is None:
            return "", None
        report, row = self.compared.report, self.table.row
        for side in (Side.RIGHT, Side.LEFT):
            cell = report.cell(row, side)
            if cell is not None:
                return self.compared.session(side).row.session_id, cell.number
        return "", None

    def compose(self) -> ComposeResult:
        """Where one is, what came of it, the filter, the columns, what differs here, the keys."""
        yield CrumbLine("diff")
        yield DiffBanner()
        yield ProgressLine()
        yield FilterBar(ListedSteps(self._steps_of_both))
        yield Static("", id="diff-problem", markup=False)
        with Container(id="diff-panes"):
            yield DiffSides()
            yield self.table
        with Horizontal(id="diff-below"):
            yield PageView(self.root, id="diff-details")
            yield PageView(self.root, id="diff-numbers")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Paint first, read then."""
        self.table.focus()
        self.query_one(CrumbLine).show_crumbs([screen.crumb for screen in self.shell.crumbs()])
        self.call_after_refresh(self.begin_reading)

    # Showing

    def took(self, compared: Compared) -> None:
        """Show a comparison."""
        report = compared.report
        self._lost = ""
        if self.has_class("-nothing"):
            self.remove_class("-nothing")
            self.refresh_bindings()
        self.query_one(DiffBanner).show(report, "; ".join(compared.problems[:1]))
        self._say_whose(report)
        self.table.show(report)
        self.query_one("#diff-numbers", PageView).show(partial(_numbers_page, report), keep_place=True)
        if self.wanted:
            self._apply_filter()

    def _say_whose(self, report: DiffReport) -> None:
        looks = looks_of(self.app)
        goal = printable_line(report.right.goal or report.left.goal, 200)
        self.query_one(CrumbLine).show([(goal, looks.muted)], counts_of(report, looks))
        self.query_one(DiffSides).show(report, self.shell.clock())

    def judges(self, still: bool) -> None:
        """The banner says so."""
        self.query_one(DiffBanner).judges(still)

    def cannot(self, why: str) -> None:
        """Say why there is nothing to show."""
        self.add_class("-nothing")
        self.query_one("#diff-problem", Static).update(printable_line(why, 600))
        self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Where there is nothing to compare, the keys that go through a comparison are not offered."""
        if action in _OF_A_COMPARISON and self.has_class("-nothing"):
            return False
        return super().check_action(action, parameters)

    def lost(self, what: str) -> None:
        """Say that what is on screen cannot be read any more."""
        if self._lost != what and self.compared is not None:
            self._lost = what
            self.query_one(DiffBanner).show(self.compared.report, what)

    @on(LineList.CursorMoved, "#diff-table")
    def _cursor_moved(self) -> None:
        row, compared = self.table.row, self.compared
        if row is None or compared is None:
            return
        details = self.query_one("#diff-details", PageView)
        fold = self.table.fold
        if fold is not None:
            said = f"steps that are the same in both sessions, {fold.count:,} of them"
            details.show(lambda: Page([Heading("equal", said)]))
        else:
            details.show(partial(row_page, compared, row, whole=False))

    def _steps_of_both(self) -> list[Step]:
        if self.compared is None:
            return []
        return [step for side in Side for step in self.compared.report.run(side).steps]

    # Looking closer

    @on(LineList.Opened, "#diff-table")
    def _opened(self) -> None:
        self.action_value()

    @on(PageView.OpenWanted)
    def _open_wanted(self, event: PageView.OpenWanted) -> None:
        event.stop()
        self.action_value()

    def action_value(self) -> None:
        """The values side by side; on a fold, unfold."""
        row = self.table.row
        if self.compared is None or row is None or self.table.toggle_fold():
            return
        from promptetheus.tui.diff.value_screen import DiffValueScreen

        self.app.call_next(self.shell.open_screen, DiffValueScreen(self.compared, row, self.table.go_to))

    def action_numbers(self) -> None:
        """Numbers instead of the difference below, or both where there is room for both."""
        if self.compared is not None and not self.compared.report.metrics:
            self.tell("Neither session has numbers to compare.")
        elif self.has_class("-wide") and not self.has_class("-tiny"):
            self.tell("The numbers of both stand at the right already.")
        else:
            self.toggle_class("-numbers")

    async def action_noise(self) -> None:
        """What is ignored."""
        if self.compared is None or self.noise is None:
            self.tell("Nothing is compared yet.")
            return
        from promptetheus.tui.diff.noise_menu import NoiseMenu

        defaults = await asyncio.to_thread(lambda: read_rules(self.root).noise())
        await self.shell.open_screen(NoiseMenu(self.noise, defaults, self.ignore))

    def action_swap(self) -> None:
        """Left to the right and right to the left."""
        self.table.report = None
        self.swap()

    def action_suspects(self) -> None:
        """What failing sessions of this task do that passing ones do not."""
        compared = self.compared
        if compared is None:
            return
        side = (
            compared.left
            if compared.left.row.status.is_failing and not compared.right.row.status.is_failing
            else compared.right
        )
        self.app.call_next(self.shell.go, "suspects", side.row.path)

    def action_open_session(self, left: bool = False) -> None:
        """Open a session at the highlighted step."""
        compared, number = self.compared, self.table.row
        if compared is None or number is None:
            return
        from promptetheus.tui.session.session_subject import StepOf

        side = Side.LEFT if left else Side.RIGHT
        cell = compared.report.cell(number, side)
        if cell is None:
            self.tell(
                f"The {side.value} session has no such step: {'o' if left else 'O'} opens the other one."
            )
            return
        self.app.call_next(self.shell.go, "session", StepOf(compared.session(side).row.path, cell.number))

    # Filter

    @property
    def listed(self) -> DiffTable:
        """The rows."""
        return self.table

    def filter_changed(self) -> None:
        """The rows that match."""
        self._apply_filter()

    @work(group="filter", exclusive=True, exit_on_error=False)
    async def _apply_filter(self) -> None:
        compared, wanted = self.compared, self.wanted
        if compared is None:
            return
        bar, rows = self.query_one(FilterBar), len(compared.report.rows)
        if not wanted:
            self.table.show_matches(None)
            if bar.is_active:  # Nothing of it is understood.
                bar.say(rows, rows, "", wanted.problems)
            return
        found = await asyncio.to_thread(matching_rows, compared.report, wanted)
        if self.compared is compared and self.wanted is wanted:
            self.table.show_matches(found)
            bar.say(len(found), rows, "", wanted.problems)

    def commands(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """What the palette offers beside the keys."""
        yield "Show all equal steps, or fold them", self.table.action_fold_all


def _numbers_page(report: DiffReport) -> Page:
    return Page([Heading("numbers"), MetricsBlock(report.metrics)])
