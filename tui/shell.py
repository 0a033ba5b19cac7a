"""The shell of the program: views on a stack, the ways between them, and where the person has been."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar
from weakref import WeakSet

from textual.binding import Binding, BindingType
from textual.screen import Screen

from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.guard import Guarded
from promptetheus.tui.history import History
from promptetheus.tui.keys_in_order import KeysInOrder
from promptetheus.tui.sessions.sessions_screen import SessionsScreen
from promptetheus.tui.unused_keys import SaysUnused
from promptetheus.tui.views import VIEWS, NotNow, Place, ViewScreen, make_view, view_bindings

ERRORS_KEPT = 50


class Shell(Guarded, SaysUnused, KeysInOrder):
    """Goes from view to view. The Sessions view is under everything."""

    BINDING_GROUP_TITLE = "Everywhere"
    BINDINGS: ClassVar[list[BindingType]] = [
        *view_bindings(),
        Binding(
            "minus", "last_view", "last view", show=False, id="app.last_view", tooltip="To the view before this"
        ),
        Binding(
            "left_square_bracket", "history(-1)", "back", show=False, id="app.back",
            tooltip="Back through the views you have seen",
        ),
        Binding(
            "right_square_bracket", "history(1)", "forward", show=False, id="app.forward",
            tooltip="Forward again",
        ),
        Binding(
            "backslash", "search", "search", show=False, id="app.search",
            tooltip="Search all that was recorded: messages, arguments, results, errors of every session",
        ),
    ]  # fmt: skip

    root: Path
    """The spool."""
    clock: Callable[[], float]
    """Seconds since the epoch."""
    chosen_keys: Mapping[str, str] = MappingProxyType({})
    """Keys that the person chose, by the id of the action."""

    def __init__(self, *, ansi_color: bool | None) -> None:
        super().__init__(ansi_color=ansi_color)
        self.errors: deque[str] = deque(maxlen=ERRORS_KEPT)
        """Tracebacks of what went wrong in here, newest last."""
        self.last_session: Path | None = None
        """The session that was opened last."""
        self.history = History()
        """Where the person has been."""
        self._jumped: WeakSet[ViewScreen] = WeakSet()
        """Views that a number key or the like opened: they stand beside what was open, and not on it."""
        self.searched = ""
        """What was looked for last in all that was recorded."""
        self.rings = False
        """Whether the terminal's bell rings when a session fails: for who looks elsewhere meanwhile."""
        self.drafts: dict[str, str] = {}
        """What was typed in a view and not asked yet when it was left, by its key in `VIEWS`."""

    @property
    def sessions_screen(self) -> SessionsScreen:
        """The Sessions view at the bottom of the stack."""
        bottom = self.screen_stack[0]
        assert isinstance(bottom, SessionsScreen)
        return bottom

    async def go(self, view: str, subject: object = None, *, aside: bool = False) -> bool:
        """Show a view in front, or say why it cannot be shown. A view stands once on the stack: another subject of
        the same view, and what was opened from it, make room.

        Args:
            aside: It has nothing to do with the view in front, from which the person only goes there.
        """
        if view == "sessions":
            await self.leave_to(self.sessions_screen)
            return True
        open_already = next((screen for screen in self.views() if view == screen.VIEW), None)
        if open_already is not None and subject in (None, open_already.subject):
            await self.leave_to(open_already)
            return True
        try:
            made = make_view(self, VIEWS[view], subject)
        except NotNow as why:
            self.notify(str(why), timeout=4)
            return False
        if open_already is not None:
            below = self.views()[self.views().index(open_already) - 1]
            await self.leave_to(below, note=False)
        if aside:
            self._jumped.add(made)
        await self.open_screen(made)
        self._note_place()
        return True

    async def open_session(self, path: Path) -> None:
        """Show one session."""
        await self.go("session", path)

    async def use_filter(self, text: str) -> None:
        """Show the sessions that a filter lets through."""
        await self.go("sessions")
        sessions = self.sessions_screen
        sessions.query_one(FilterBar).show_text(text)
        sessions.table.focus()

    async def leave(self) -> None:
        """Back one level: to the view from which the one in front was opened.

        From a view that a number key opened that is where one was before the number keys: `3 4 6 5` are looks aside,
        and one way leads back from all of them.
        """
        crumbs = self.crumbs()
        if crumbs:
            await self.leave_to(crumbs[-1])

    async def leave_to(self, screen: Screen[Any], *, note: bool = True) -> None:
        """Close everything in front of `screen`."""
        while self.screen is not screen and len(self.screen_stack) > 1:
            await self.pop_screen()
        if note:
            self._note_place()

    def views(self) -> list[ViewScreen]:
        """The views that are open, the Sessions view first; dialogs and full-screen values left out."""
        return [screen for screen in self.screen_stack if isinstance(screen, ViewScreen)]

    def crumbs(self) -> list[ViewScreen]:
        """The views on the way back from the one in front, the Sessions view first."""
        way: list[ViewScreen] = []
        above: ViewScreen | None = None
        for view in reversed(self.views()):
            if above is None or not (above in self._jumped and view in self._jumped):
                way.append(view)
                above = view
        return way[:0:-1]

    def _note_place(self) -> None:
        front = self.views()[-1]
        if front.VIEW == "session" and isinstance(front.subject, Path):
            self.last_session = front.subject
        self.history.visit(front.place)

    async def open_screen(self, screen: Screen[Any]) -> None:
        """Show a screen. One that fails to build is taken away again, so that the keys still reach something."""
        before = len(self.errors)
        await self.push_screen(screen)
        if len(self.errors) > before and not (screen.is_running and screen.children):
            await self.pop_screen()

    async def search(self, words: str) -> None:
        """Look for words in all that was recorded."""
        from promptetheus.tui.search_screen import SearchScreen

        await self.open_screen(SearchScreen(self, words))

    async def action_search(self) -> None:
        """Look for what the filter of the sessions finds in none of them, or for what was looked for last."""
        sessions = self.sessions_screen.table.sessions
        is_in_vain = self.screen is self.sessions_screen and not sessions.visible
        await self.search((is_in_vain and sessions.filter.text) or self.searched)

    async def action_show_view(self, view: str) -> None:
        """The view of a number key."""
        await self.go(view, aside=True)

    async def action_leave(self) -> None:
        """Back one level."""
        await self.leave()

    async def action_last_view(self) -> None:
        """Back and forth between the present view and the one before it."""
        await self._go_to(self.history.last, "No other view has been open yet.")

    async def action_history(self, by: int) -> None:
        """Through the views that were open, as in a browser."""
        place = self.history.back() if by < 0 else self.history.forward()
        await self._go_to(place, "This is the first view." if by < 0 else "There is no later view.")

    async def _go_to(self, place: Place | None, otherwise: str) -> None:
        if place is None:
            self.notify(otherwise, timeout=3)
        elif place.view == "sessions":
            await self.go("sessions")
        else:
            await self.go(place.view, place.subject, aside=True)
