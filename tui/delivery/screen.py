"""The Delivery view: what is pending, sent and refused, and the API that it goes to."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType

from promptetheus.delivery.destination import Destination, destination
from promptetheus.display import count, counted, printable
from promptetheus.tui.crumb_line import CrumbLine
from promptetheus.tui.delivery.api import ApiLine
from promptetheus.tui.delivery.chosen_line import ChosenLine
from promptetheus.tui.delivery.filtering import STANDINGS
from promptetheus.tui.delivery.list import DeliveryList, DeliveryTitles
from promptetheus.tui.delivery.removal import RemovalScreen
from promptetheus.tui.delivery.row import DeliveryLine, Standing
from promptetheus.tui.delivery.taking import TakingDelivery
from promptetheus.tui.delivery.words import HOW_TO_SET_AN_API, how_it_stands
from promptetheus.tui.delivery.work import Sending, dead_files, read_lines
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.fit import Pieces
from promptetheus.tui.footer import KeyFooter
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.line_list import LineList
from promptetheus.tui.progress import Progress, ProgressLine
from promptetheus.tui.state_field import ListedStates
from promptetheus.tui.theme import looks_of

if TYPE_CHECKING:
    from promptetheus.delivery.reach import Reach
    from promptetheus.tui.shell import Shell

READ_EVERY_S = 2.0
_PAUSE_SHARE = 10
"""The pause after reading is at least so many times as long as reading took."""

CHECK_EVERY_S = 30.0
"""How often the API is asked how it is, while the view is in front."""


def open_view(app: Shell, subject: object) -> DeliveryScreen:
    """It is about the whole spool; `subject` means nothing."""
    return DeliveryScreen(app.root, app.clock)


class DeliveryScreen(RemovalScreen, TakingDelivery):
    """Sessions by how far they are. Nothing is sent unless a person presses a key."""

    VIEW = "delivery"
    BINDING_GROUP_TITLE = "Delivery"
    DEFAULT_CSS = """
    DeliveryScreen {
        & > DeliveryTitles { border-top: solid $rule; height: 2; }
        & > DeliveryList { height: 1fr; }
        /* Messages leave free what is said of the session under the cursor. */
        & > ToastRack { margin-bottom: 4; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "escape", "back", "back", id="delivery.back",
            tooltip="Give up what runs; clear the filter, then the marks; else back one level",
        ),
        Binding(
            "r", "replay", "send", id="delivery.replay",
            tooltip="Send what is pending: of the marked sessions, else of all shown that were meant to be sent",
        ),
        Binding("R", "retry", "retry refused", id="delivery.retry", tooltip="Send refused events again"),
        Binding("p", "purge", "purge", id="delivery.purge", tooltip="Delete sessions; it says what, and asks"),
        Binding("slash", "filter", "filter", id="delivery.filter", tooltip="Filter while you type"),
        Binding("c", "check", "check API", show=False, id="delivery.check", tooltip="Ask the API how it is, now"),
        Binding("ctrl+c", "cancel", "cancel", show=False, id="delivery.cancel", tooltip="Give up what runs"),
    ]  # fmt: skip

    def __init__(self, root: Path, clock: Callable[[], float] = time.time) -> None:
        super().__init__(root, clock)
        self._sums = (0, 0, 0)
        """Events that are pending, sent and refused, also of what the filter hides."""
        self._target: Destination | None = None
        self._found: Reach | None = None
        self._checking = False
        self._checked_s = 0.0
        self._sending: Sending | None = None
        self._not_before_s = 0.0

    @property
    def selected(self) -> tuple[str, int | None]:
        """The session under the cursor."""
        chosen = self.listed.chosen
        return ("" if chosen is None or chosen.row is None else chosen.row.session_id), None

    def compose(self) -> ComposeResult:
        """Where one is, the API, the list, the keys."""
        yield CrumbLine("delivery")
        yield ApiLine()
        yield ProgressLine()
        yield FilterBar(
            ListedStates(
                lambda: [line.row for line in self.every if line.row],
                lambda: (line.standing.word for line in self.every),
                STANDINGS,
            )
        )
        yield DeliveryTitles(self.listed)
        yield self.listed
        yield ChosenLine()
        yield KeyFooter()

    def on_mount(self) -> None:
        """Read in a thread; ask the API only where one is configured."""
        self.query_one(CrumbLine).show_crumbs([view.crumb for view in self.shell.crumbs()])
        self.listed.why_empty = "Reading …"
        self.listed.focus()
        self._target = destination()
        self._say_api()
        self.read()
        self._check()
        self.set_interval(READ_EVERY_S, self._look_again)
        self.set_interval(CHECK_EVERY_S, self._check_again)
        self.set_interval(1.0, self._say_api)

    def on_unmount(self) -> None:
        """Nobody waits for what is being sent any more; what is acknowledged is written down."""
        if self._sending is not None:
            self._sending.give_up()

    # Reading

    def _look_again(self) -> None:
        if self.is_active and time.monotonic() >= self._not_before_s and not self.is_at_work("read"):
            self.read()

    @work(group="read", exclusive=True, exit_on_error=False)
    async def read(self) -> None:
        """See how far each session is."""
        began_s = time.monotonic()
        rows = {row.path.name: row for row in self.rows()}
        try:
            lines = await asyncio.to_thread(read_lines, self.root, rows)
        except OSError as error:
            self.listed.why_empty = f"The spool cannot be read: {error.strerror or error}."
            lines = []
        else:
            self.listed.why_empty = "Nothing was recorded here yet."
        # 10,000 sessions take a while to look at: most of the time belongs to the person's keys.
        self._not_before_s = time.monotonic() + _PAUSE_SHARE * (time.monotonic() - began_s)
        self._sums = (
            sum(line.entry.pending_events for line in lines if line.entry.is_meant),
            sum(line.entry.sent_events for line in lines),
            sum(line.entry.dead_events for line in lines),
        )
        self.take(lines)

    def lines_changed(self) -> None:
        """Titles, numbers and the sentence below follow the list."""
        if self.every:
            self.listed.why_empty = with_keys(
                "No session matches the filter: <delivery.back:escape> clears it."
            )
        self.query_one(DeliveryTitles).refresh()
        self._say_counts()
        self._say_chosen()

    def _say_counts(self) -> None:
        looks, (pending, sent, dead) = looks_of(self.app), self._sums
        right: Pieces = []
        for number, word, style in (
            (pending, "pending", looks.running),
            (sent, "sent", looks.passed),
            (dead, "refused", looks.failed),
        ):
            if number:
                right += [("   ", looks.text), (f"{count(number)} {word}", style)]
        marked = len(self.listed.marks)
        hidden = marked - len(self.listed.marked)
        about: Pieces = [(f"{marked} marked", looks.accent)] if marked else []
        if hidden:
            about.append((f", {hidden} of them hidden", looks.warned))
        self.query_one(CrumbLine).show(about, right)

    def _say_chosen(self) -> None:
        chosen = self.listed.chosen
        said = ""
        if chosen is not None:
            said = how_it_stands(chosen, self.clock(), has_api=self._target is not None)
        self.query_one(ChosenLine).show(said)

    @on(LineList.CursorMoved)
    def _cursor_moved(self) -> None:
        self._say_chosen()

    @on(DeliveryList.Marked)
    def _marked(self) -> None:
        self._say_counts()

    # The API

    def _check_again(self) -> None:
        if self.is_active:
            self._check()

    @work(group="check", exclusive=True, exit_on_error=False)
    async def _check(self) -> None:
        target = self._target = destination()
        if target is None:
            return
        self._checking = True
        self._say_api()
        try:
            self._found = await asyncio.to_thread(_reach, target)
            self._checked_s = self.clock()
        finally:
            self._checking = False
        self._say_api()

    def _say_api(self) -> None:
        self._say_chosen()
        url = None if self._target is None else self._target.api_url
        self.query_one(ApiLine).show(
            url, self._found, checking=self._checking, checked_s=self._checked_s, now_s=self.clock()
        )

    def action_check(self) -> None:
        """Ask the API how it is."""
        if destination() is None:
            self.app.notify(HOW_TO_SET_AN_API, timeout=6)
        else:
            self._check()

    # Sending

    def action_replay(self) -> None:
        """Send what is pending."""
        chosen = [
            line
            for line in self._chosen(Standing.PENDING, Standing.FAILED, Standing.DEAD)
            if line.entry.pending_bytes
        ]
        self._begin(
            "pending", sum(line.entry.pending_events for line in chosen),
            lambda sending: sending.replay([line.entry.session_file for line in chosen]),
        )  # fmt: skip

    def action_retry(self) -> None:
        """Send refused events again."""
        chosen = [line for line in self._chosen(*Standing) if line.entry.dead_events]
        self._begin(
            "refused", sum(line.entry.dead_events for line in chosen),
            lambda sending: sending.retry(dead_files(self.root, chosen)),
        )  # fmt: skip

    def _chosen(self, *standings: Standing) -> list[DeliveryLine]:
        """The marked sessions, else all shown that stand so."""
        return [line for line in self.acted_on() if self.listed.marks or line.standing in standings]

    def _begin(self, what: str, events: int, send: Callable[[Sending], str]) -> None:
        target = destination()
        if self._sending is not None:
            self.app.notify(
                with_keys("Something is being sent already: <delivery.back:escape> gives it up."), timeout=3
            )
        elif target is None:
            self.app.notify(HOW_TO_SET_AN_API, timeout=6)
        elif not events:
            marked = " in the marked sessions" if self.listed.marks else ""
            if self.hidden:
                marked += " that the filter shows" if marked else " in what the filter shows"
            local = any(line.standing is Standing.LOCAL for line in self.listed.lines)
            hint = (
                with_keys(" Mark local sessions with <delivery.mark:space> to send them.")
                if local and what == "pending"
                else ""
            )
            self.app.notify(f"Nothing is {what}{marked}.{hint}", timeout=4)
        else:
            self._send(target, events, send, self.hidden)

    @work(group="send", exit_on_error=False)
    async def _send(
        self, target: Destination, events: int, send: Callable[[Sending], str], hidden: int
    ) -> None:
        progress = Progress()
        progress.what, progress.share = "connecting", 0.0
        sending = self._sending = Sending(target, progress, events)
        self.query_one(ProgressLine).track(progress)
        try:
            said = await asyncio.to_thread(send, sending)
        finally:
            self._sending = None
            if self.is_running:
                self.query_one(ProgressLine).track(None)
        if hidden:
            left = counted(hidden, "session that the filter hid was", "sessions that the filter hid were")
            said += f"\nThe {left} left alone."
        self.app.notify(printable(said), timeout=6)
        self.read()

    def action_cancel(self) -> None:
        """Give up what is being sent."""
        if self._sending is None:
            self.app.notify("Nothing is being sent.", timeout=3)
        else:
            self._sending.give_up()

    def action_back(self) -> None:
        """Give up what runs, clear the filter, take marks away, else back one level."""
        bar = self.query_one(FilterBar)
        if self._sending is not None:
            self._sending.give_up()
        elif bar.is_active:
            bar.clear()
        elif self.listed.marks:
            self.listed.marks.clear()
            self.listed.refresh_rows()
            self._say_counts()
        else:
            self.app.call_next(self.shell.leave)

    # Going on

    @on(LineList.Opened)
    def _opened(self) -> None:
        chosen = self.listed.chosen
        if chosen is not None:
            self.app.call_next(self.shell.go, "session", chosen.entry.session_file)


def _reach(target: Destination) -> Reach:
    from promptetheus.delivery.reach import reach

    return reach(target)
