"""The Failures view: the ways in which the sessions of a spool fail, the one seen last first."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from promptetheus.cause.failures import Life
from promptetheus.display import counted
from promptetheus.exporters.failure_export import failure_markdown
from promptetheus.queries.failure_list import ListedFailure
from promptetheus.queries.filter_terms import quoted
from promptetheus.queries.outcome import failure_in_full
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.clipboard import Copy
from promptetheus.tui.crumb_line import CrumbLine
from promptetheus.tui.failures.failure_pane import AWAY_S, READ_DELAY_S, FailurePane
from promptetheus.tui.failures.failure_reading import NOTHING, read_failures
from promptetheus.tui.failures.failure_table import FailureTable, FailureTitles
from promptetheus.tui.failures.failure_taking import failure_copies, failure_exports
from promptetheus.tui.failures.noted_failures import NotedFailures
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.fit import Pieces
from promptetheus.tui.footer import KeyFooter
from promptetheus.tui.inspector.page_view import PageView
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.line_list import LineList
from promptetheus.tui.state_field import ListedStates, StateFilter, state_filter
from promptetheus.tui.taking import AtHand, Export
from promptetheus.tui.theme import looks_of

if TYPE_CHECKING:
    from promptetheus.tui.shell import Shell

LOOK_AGAIN_S = 1.0

STATES = tuple(life.value for life in Life)
"""What `state:` may be here."""


def open_view(app: Shell, subject: object) -> FailuresScreen:
    """All failures; the cursor on the one that is named, or begins so, else on that of the highlighted session."""
    if not isinstance(subject, str):
        row = app.sessions_screen.table.highlighted
        subject = row.fingerprint if row is not None else ""
    return FailuresScreen(subject, app.clock)


class FailuresScreen(NotedFailures):
    """Follows the list of sessions: what ends there is counted here."""

    VIEW = "failures"
    BINDING_GROUP_TITLE = "Failures"
    CSS_PATH = "failures.tcss"
    VERTICAL_BREAKPOINTS: list[tuple[int, str]] | None = [  # noqa: RUF012 (declared so by Textual)
        (0, "-tiny"), (18, "-short"), (32, "-medium"), (45, "-tall"),
    ]  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "back", id="failures.back", tooltip="Back one level"),
        Binding("d", "diff", "diff", id="failures.diff", tooltip="Its newest against the nearest passing session"),
        Binding(
            "s", "suspects", "suspects", id="failures.suspects",
            tooltip="What sessions that fail so do and passing ones of their tasks do not",
        ),
        Binding(
            "n", "note", "note", show=False, id="failures.note",
            tooltip="Write a note, change one, or take one away",
        ),
        Binding("slash", "filter", "filter", id="failures.filter", tooltip="Filter while you type"),
        Binding("o", "open_newest", "open", show=False, id="failures.open", tooltip="Open its newest session"),
        Binding("y", "copy", "copy", show=False, id="failures.copy", tooltip="Copy: name, sessions, command"),
        Binding("x", "export", "export", show=False, id="failures.export", tooltip="Write the list to a file"),
    ]  # fmt: skip
    ELSEWHERE: ClassVar[dict[str, str]] = {
        "space": "Only sessions are marked: <list.open:enter> lists those of this failure.",
        "e": (
            "Every line here is an error: <failures.open:o> opens the newest session, "
            "where <session.next_error:e> goes from one to the next."
        ),
        "v": "Failures are not grouped: the list of sessions is, with <sessions.group:v>.",
        "r": "The list follows the sessions by itself.",
    }

    def __init__(self, fingerprint: str, clock: Callable[[], float]) -> None:
        super().__init__()
        self.read = NOTHING
        self.table = FailureTable(clock)
        self._wanted = fingerprint

    @property
    def subject(self) -> object:
        """The fingerprint under the cursor; the one that was asked for as long as nothing is read."""
        chosen = self._chosen if self.is_mounted else None
        return (self._wanted if chosen is None else chosen.failure.fingerprint) or None

    @property
    def selected(self) -> tuple[str, int | None]:
        """The newest session of the highlighted failure: it stands for it."""
        chosen = self._chosen
        return ("" if chosen is None else chosen.failure.examples[0]), None

    def compose(self) -> ComposeResult:
        """Where one is, the filter, the list, the highlighted failure, the keys."""
        yield CrumbLine("failures")
        yield FilterBar(ListedStates(self._failed_sessions, self._states, STATES))
        with Vertical(id="failures"):
            yield FailureTitles(self.table)
            yield self.table
        yield FailurePane(self.shell.root, id="failure-details")
        yield KeyFooter()

    def on_mount(self) -> None:
        """Read in a thread while the frame is painted."""
        self.table.why_empty = "Reading …"
        self.table.want(self._wanted)
        self.table.focus()
        self.query_one(CrumbLine).show_crumbs([screen.crumb for screen in self.shell.crumbs()])
        self.call_after_refresh(self.look)
        self.set_interval(LOOK_AGAIN_S, self._tick)

    def _tick(self) -> None:
        if self.is_active:
            if not self.is_at_work("read"):
                self.look()
            if not self.is_at_work("apart"):
                self._tell_apart_in_sight()
            self.table.tick()

    # Reading

    @work(group="read", exclusive=True, exit_on_error=False)
    async def look(self) -> None:
        """Read the failures anew where something has changed."""
        sessions = self.shell.sessions_screen
        complete = sessions.scanned
        found = await asyncio.to_thread(read_failures, self.shell.root, sessions.sessions(), self.read)
        if self.is_running and (found is not self.read or not self.read.sessions):
            self.read = found
            self.table.labels.measure(found.failures)
            self.query_one(FailureTitles).refresh()
            self._arrange()
        if self.is_running and complete and (missing := self.table.forget_wanted()):
            self.app.notify(f"No session here fails as {missing}.", timeout=5)

    @work(group="apart", exclusive=True, exit_on_error=False)
    async def _tell_apart(self) -> None:
        """Read of those in sight that look the same what makes them different ways of failing."""
        await asyncio.sleep(READ_DELAY_S)
        said: dict[str, str] = {}
        for fingerprint in self.table.unread_in_sight():
            row = self.read.shortest.get(fingerprint)
            said[fingerprint] = (
                "" if row is None else await asyncio.to_thread(failure_in_full, row.path, self._makes_way)
            )
        if said and self.is_running:
            self.table.tell(said)

    def _tell_apart_in_sight(self) -> None:
        if self.table.unread_in_sight():
            self._tell_apart()

    def _makes_way(self) -> bool:
        """Asked by the thread that reads, again and again: whether the view is closed."""
        if self.is_asked:
            time.sleep(AWAY_S)  # Python computes in one thread at a time.
        return not self.is_running

    def _arrange(self) -> None:
        wanted = self._asked
        shown = self.read.matching(wanted)
        self.table.why_empty = self._why_empty()
        self.table.show(shown)
        bar = self.query_one(FilterBar)
        if bar.is_active:
            hides = self.table.pinned[:6] if self.table.hides_pinned else ""
            bar.say(len(shown), len(self.read.failures), hides, wanted.problems)
        self._say_counts()

    @property
    def _asked(self) -> StateFilter:
        return state_filter(self.wanted.text, STATES)

    def _why_empty(self) -> str:
        if self.wanted.text.strip() and self.read.failures:
            return with_keys("No failure matches the filter: <failures.back:escape> clears it.")
        if not self.shell.sessions_screen.scanned:
            return "Reading …"
        passed = len(self.read.sessions)
        if not passed:
            return "No session has ended yet: what fails will stand here."
        return f"Nothing has failed: {counted(passed, 'session')} ended without."

    def _say_counts(self) -> None:
        looks = looks_of(self.app)
        lives = [each.failure.life for each in self.read.failures]
        about: Pieces = []
        for life, style in ((Life.NEW, looks.failed), (Life.BACK, looks.failed), (Life.GONE, looks.passed)):
            if number := lives.count(life):
                about.append((f"{' · ' if about else ''}{number} {life.value}", style))
        failing = sum(each.failure.sessions for each in self.read.failures)
        ways = counted(len(lives), "way of failing", "ways of failing")
        right: Pieces = [
            (ways, looks.text),
            (f" · {failing:,} of {counted(len(self.read.sessions), 'session')}", looks.muted),
        ]
        why: Pieces = [(self.read.other_numbers, looks.muted)]
        self.query_one(CrumbLine).show(about, right if lives else [], why if lives else [])

    def _failed_sessions(self) -> list[SessionRow]:
        return [row for row in self.read.sessions if row.fingerprint]

    def _states(self) -> Iterator[str]:
        return (each.failure.life.value for each in self.read.failures)

    @property
    def _chosen(self) -> ListedFailure | None:
        return self.table.chosen

    @on(LineList.CursorMoved, "#failure-table")
    def _cursor_moved(self) -> None:
        chosen, below = self._chosen, self.query_one(FailurePane)
        self._tell_apart_in_sight()
        if chosen is None:
            below.show_nothing()
        else:
            below.show_failure(chosen, self.read.of(chosen.failure.fingerprint), self.shell.clock())

    # Going on

    @on(LineList.Opened, "#failure-table")
    def _opened(self) -> None:
        """Its sessions, in their list."""
        chosen = self._chosen
        if chosen is not None:
            self.app.call_next(self.shell.use_filter, f"fp:{quoted(chosen.failure.fingerprint)}")

    def action_diff(self) -> None:
        """Its newest session against the nearest that passed."""
        newest = self._newest()
        if newest is not None:
            self.app.call_next(self.shell.go, "diff", (newest.path,))

    def action_open_newest(self) -> None:
        """Open its newest session."""
        newest = self._newest()
        if newest is not None:
            self.app.call_next(self.shell.go, "session", newest.path)

    def action_suspects(self) -> None:
        """What sessions that fail so do and others do not."""
        chosen = self.chosen_or_say()
        if chosen is not None:
            self.app.call_next(self.shell.go, "suspects", chosen.failure.fingerprint)

    def _newest(self) -> SessionRow | None:
        chosen = self.chosen_or_say()
        rows = [] if chosen is None else self.read.of(chosen.failure.fingerprint)
        return rows[0] if rows else None

    def chosen_or_say(self) -> ListedFailure | None:
        """The failure under the cursor; without one, say why there is none."""
        chosen = self._chosen
        if chosen is None:
            self.app.notify(self.table.why_empty, timeout=3)
        return chosen

    @on(PageView.OpenWanted)
    def _open_wanted(self, event: PageView.OpenWanted) -> None:
        """A session of the pane below opens."""
        event.stop()
        line = self.query_one(FailurePane).current
        row = (
            None
            if line is None
            else next((r for r in self.read.sessions if r.session_id == line.value), None)
        )
        if row is not None:
            self.app.call_next(self.shell.go, "session", row.path)

    # Filter

    @property
    def listed(self) -> FailureTable:
        """The failures."""
        return self.table

    def filter_changed(self) -> None:
        """Those of which a session matches, or the words."""
        self._arrange()

    # Taking along

    def at_hand(self) -> AtHand | None:
        """The failure as Markdown."""
        chosen = self._chosen
        if chosen is None:
            return None
        text = failure_markdown(chosen.failure, chosen.notes, self.query_one(FailurePane).said)
        return AtHand(f"failure-{chosen.failure.fingerprint}.md", text)

    def exports(self) -> Sequence[Export]:
        """The failures that the filter lets through."""
        return failure_exports(self.table.failures, self.shell.root, filtered=self._asked.narrows)

    async def copies(self) -> Sequence[Copy]:
        """The failure under the cursor, then the list."""
        chosen = self._chosen
        rows = [] if chosen is None else self.read.of(chosen.failure.fingerprint)
        return failure_copies(chosen, [row.session_id for row in rows], self.shell.root)
