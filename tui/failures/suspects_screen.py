"""The Suspects view: what failing sessions do that passing ones of the same task do not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import events, on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import Static

from promptetheus.cause.suspects import Suspect
from promptetheus.display import printable_line
from promptetheus.exporters.suspect_export import suspect_markdown
from promptetheus.queries.filter import Filter
from promptetheus.queries.filter_listed import ListedWords
from promptetheus.queries.filter_terms import quoted
from promptetheus.tui.clipboard import Copy
from promptetheus.tui.crumb_line import CrumbLine
from promptetheus.tui.failures.suspect_page import suspect_page
from promptetheus.tui.failures.suspect_reading import FoundSuspects, NoGroups, find_suspects_of
from promptetheus.tui.failures.suspect_table import SuspectTable, SuspectTitles
from promptetheus.tui.failures.suspect_taking import suspect_copies, suspect_exports
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.filtered_list import FilteredListScreen
from promptetheus.tui.footer import KeyFooter
from promptetheus.tui.inspector.full_view import FullView
from promptetheus.tui.inspector.page import Page
from promptetheus.tui.inspector.page_view import PageView
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.line_list import LineList
from promptetheus.tui.progress import GivenUp, Progress, ProgressLine
from promptetheus.tui.taking import AtHand, Export
from promptetheus.tui.theme import looks_of
from promptetheus.tui.views import NotNow

if TYPE_CHECKING:
    from promptetheus.tui.shell import Shell

LOOK_AGAIN_S = 2.0
"""How often to look whether a session of the groups came or went."""


def open_view(app: Shell, subject: object) -> SuspectsScreen:
    """Those of a failure by its fingerprint, or of the task of a session; else of the highlighted session's task."""
    if subject is None:
        row = app.sessions_screen.table.highlighted
        subject = app.last_session if row is None else row.path
    if not isinstance(subject, Path | str) or not subject:
        raise NotNow("There is no session whose task could be looked at yet.")
    return SuspectsScreen(app.root, subject)


class SuspectsScreen(FilteredListScreen):
    """Reads the sessions of both groups in a thread, and again when the groups change."""

    VIEW = "suspects"
    BINDING_GROUP_TITLE = "Suspects"
    CSS_PATH = "failures.tcss"
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = [  # noqa: RUF012 (declared so by Textual)
        (0, "-tiny"), (18, "-short"), (32, "-medium"), (45, "-tall"),
    ]  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", id="suspects.back", tooltip="Back one level"),
        Binding("d", "diff", "diff", id="suspects.diff", tooltip="The newest failing one against a passing one"),
        Binding("o", "sessions", "its sessions", id="suspects.sessions", tooltip="List the failing sessions"),
        Binding("slash", "filter", "filter", id="suspects.filter", tooltip="Filter by words while you type"),
        Binding(
            "y", "copy", "copy", show=False, id="suspects.copy",
            tooltip="Copy: the suspect, all of them, the command",
        ),
        Binding("x", "export", "export", show=False, id="suspects.export", tooltip="Write all of them to a file"),
    ]  # fmt: skip
    ELSEWHERE: ClassVar[dict[str, str]] = {
        "s": "These are the suspects: the first ones are the best.",
        "space": "Only sessions are marked: <suspects.sessions:o> lists the failing ones.",
        "r": "The groups are looked at every two seconds: what changes is compared anew by itself.",
    }

    def __init__(self, root: Path, about: Path | str) -> None:
        super().__init__()
        self.root = root
        self.about = about
        self.found: FoundSuspects | None = None
        self.table = SuspectTable()
        self._progress = Progress()
        self._problem = ""

    @property
    def subject(self) -> object:
        """The session or the fingerprint."""
        return self.about

    @property
    def selected(self) -> tuple[str, int | None]:
        """The newest failing session: it is what the suspects are about."""
        failing = [] if self.found is None else self.found.groups.failing
        return (failing[0].session_id if failing else ""), None

    def compose(self) -> ComposeResult:
        """Where one is, the verdict, the list, the highlighted suspect, the keys."""
        yield CrumbLine("suspects")
        yield Static("", id="suspect-verdict", markup=False)
        yield ProgressLine()
        yield FilterBar(ListedWords())
        with Vertical(id="suspects"):
            yield SuspectTitles(self.table)
            yield self.table
        yield PageView(self.root, id="suspect-details")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Paint first, read then."""
        self.table.focus()
        self.query_one(CrumbLine).show_crumbs([screen.crumb for screen in self.shell.crumbs()])
        self.call_after_refresh(self._read)
        self.set_interval(LOOK_AGAIN_S, self._look_again)

    def on_unmount(self) -> None:
        """Nobody waits any more."""
        self._progress.give_up()

    # Reading

    def _look_again(self) -> None:
        if self.is_active and not self.is_at_work("read"):
            self._read()

    @work(group="read", exclusive=True, exit_on_error=False)
    async def _read(self) -> None:
        self._progress.give_up()
        progress = self._progress = Progress()
        if self.found is None and not self._problem:
            self.query_one(ProgressLine).track(progress)
        sessions = self.shell.sessions_screen
        rows = sessions.sessions() if sessions.scanned else None
        try:
            found = await asyncio.to_thread(
                find_suspects_of, self.root, self.about, rows, self.found, progress
            )
        except GivenUp:
            return
        except NoGroups as why:
            self._problem = str(why)
            self._say()
            return
        finally:
            if progress is self._progress and self.is_running:
                self.query_one(ProgressLine).track(None)
        if self.is_running and found is not self.found:
            self.found, self._problem = found, ""
            self._arrange()

    def worker_failed(self, group: str, error: Exception) -> None:
        """It stands in the place of the verdict."""
        self._problem = f"They could not be compared: {type(error).__name__}: {error}"
        self._say()

    # Showing

    def _arrange(self) -> None:
        assert self.found is not None
        every = self.found.report.suspects
        shown = [each for each in every if _is_wanted(each, self.wanted)]
        self.table.why_empty = self._why_empty()
        self.table.show(shown)
        self.query_one(SuspectTitles).refresh()
        bar = self.query_one(FilterBar)
        if bar.is_active:
            hidden = self.table.hidden
            bar.say(len(shown), len(every), "" if hidden is None else printable_line(hidden.text, 24))
        self._say()

    def _why_empty(self) -> str:
        if self.wanted and self.found is not None and self.found.report.suspects:
            return with_keys("Nothing matches the filter: <suspects.back:escape> clears it.")
        report = None if self.found is None else self.found.report
        if report is None or not report.failing or not report.passing:
            return "It takes failing and passing sessions of a task to tell them apart."
        return "Nothing is more common among the failing sessions."

    def _say(self) -> None:
        looks, found = looks_of(self.app), self.found
        verdict = self.query_one("#suspect-verdict", Static)
        if found is None:
            verdict.update(printable_line(self._problem, 400))
            return
        verdict.update(printable_line(f"{found.verdict} {self._problem}", 800))
        by = printable_line(found.groups.by, 200)
        report = found.report
        counts = [
            (f"{report.failing:,} failing", looks.failed),
            (" · ", looks.faint),
            (f"{report.passing:,} passing", looks.passed),
        ]
        self.query_one(CrumbLine).show([(by, looks.muted)], counts)

    @on(LineList.CursorMoved, "#suspect-table")
    def _cursor_moved(self) -> None:
        chosen, below = self.table.chosen, self.query_one("#suspect-details", PageView)
        if chosen is not None:
            below.show(partial(suspect_page, chosen))
        elif below.lines:
            below.show(partial(Page, []))  # The filter hides what it was about.

    @on(LineList.Opened, "#suspect-table")
    @on(PageView.OpenWanted)
    def _opened(self, event: LineList.Opened | PageView.OpenWanted) -> None:
        event.stop()
        chosen = self.table.chosen
        if chosen is not None:
            screen = FullView(printable_line(chosen.text, 120), partial(suspect_page, chosen), self.root)
            self.app.call_next(self.shell.open_screen, screen)

    # Going on

    def action_diff(self) -> None:
        """The newest failing session against the nearest that passed."""
        failing = self.found.groups.failing if self.found is not None else []
        if failing:
            self.app.call_next(self.shell.go, "diff", (failing[0].path,))
        else:
            self.app.notify("No session of this task has failed: there is nothing to compare.", timeout=3)

    def action_sessions(self) -> None:
        """List the failing sessions of this task."""
        rows = self.found.groups.failing if self.found is not None else []
        if not rows:
            self.app.notify("No session of this task has failed.", timeout=3)
        elif isinstance(self.about, str):
            self.app.call_next(self.shell.use_filter, f"fp:{quoted(self.about)}")
        else:
            self.app.call_next(self.shell.use_filter, f"status:failing goal:={quoted(rows[0].goal)}")

    # Filter

    @property
    def listed(self) -> SuspectTable:
        """The suspects."""
        return self.table

    def filter_changed(self) -> None:
        """Those that hold the words."""
        if self.found is not None:
            self._arrange()

    # Taking along, and leaving

    def at_hand(self) -> AtHand | None:
        """The suspect as Markdown."""
        chosen = self.table.chosen
        return None if chosen is None else AtHand("suspect.md", f"{suspect_markdown(chosen)}\n")

    def exports(self) -> Sequence[Export]:
        """The whole comparison, whatever the filter lets through: its verdict is about all of it."""
        return () if self.found is None else suspect_exports(self.found, self.about)

    async def copies(self) -> Sequence[Copy]:
        """The suspect under the cursor, then all of them."""
        return suspect_copies(self.found, self.table.chosen, self.table.suspects, self.about, self.root)

    def give_up(self) -> None:
        """End what is being compared."""
        self._progress.give_up()

    def on_resize(self, _event: events.Resize) -> None:
        """The verdict breaks anew by itself; the titles follow the list."""
        self.query_one(SuspectTitles).refresh()


def _is_wanted(suspect: Suspect, wanted: Filter) -> bool:
    said = f"{suspect.kind.value} {suspect.text} {' '.join(suspect.alike)} {suspect.verdict}".casefold()
    return all((term.value.casefold() in said) != term.negated for term in wanted.terms if not term.field)
