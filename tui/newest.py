"""Following the newest session: while it is on, the view in front goes to each session as it begins."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, ClassVar

from rich.style import Style
from textual.binding import Binding, BindingType

from promptetheus.queries.rows import SessionRow, Status
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.sessions.session_cells import newest as began_s
from promptetheus.tui.views import ViewScreen

if TYPE_CHECKING:
    from promptetheus.tui.fit import Pieces
    from promptetheus.tui.theme import Looks

TOGETHER_S = 0.1
"""Of the sessions that begin within this time only the newest is gone to."""

BETWEEN_S = 1.0
"""A storm of short sessions must not make the screen flicker: nobody is moved twice within this time."""

YIELDS_S = 3.0
"""For so long after a key or the mouse, the person is where they want to be."""


class NewestSession:
    """Decides which session to go to, and when. No widget is touched here."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.is_followed = False
        """Whether the person wants it."""
        self._monotonic = monotonic
        self._wanted: SessionRow | None = None
        self._is_due = False
        self._went_s = float("-inf")

    def switch(self) -> None:
        """On, or off: what began before is no news either way."""
        self.is_followed = not self.is_followed
        self._wanted = None

    def take(self, begun: SessionRow | None) -> float | None:
        """Remember a session that began, if it is the newest so far.

        Returns:
            Seconds after which to call `due`; None when there is nowhere to go, or a call is coming already.
        """
        if begun is None or not self.is_followed:
            return None
        if self._wanted is None or began_s(begun) >= began_s(self._wanted):
            self._wanted = begun
        if self._is_due:
            return None
        self._is_due = True
        return max(TOGETHER_S, self._went_s + BETWEEN_S - self._monotonic())

    def due(self, acted_s: float) -> SessionRow | None:
        """The session to go to now; None when the person does something, who may be moved by the next one.

        Args:
            acted_s: When they acted last, by the same clock.
        """
        wanted, self._wanted, self._is_due = self._wanted, None, False
        now = self._monotonic()
        if wanted is None or now - acted_s < YIELDS_S:
            return None
        self._went_s = now
        return wanted


def newest_begun(updated: Iterable[SessionRow], known: Mapping[str, SessionRow]) -> SessionRow | None:
    """The newest session that runs and of which nothing was `known`; None when none began."""
    return max((row for row in updated if _begins(row, known.get(row.session_id))), key=began_s, default=None)


def _begins(row: SessionRow, before: SessionRow | None) -> bool:
    # A file may be noticed before its first line is whole.
    return row.status is Status.RUNNING and (before is None or before.status is Status.EMPTY)


def newest_pieces(looks: Looks) -> Pieces:
    """What says that it is on."""
    return [("newest", looks.accent + Style(bold=False)), (" · ", looks.faint)]


class FollowsNewest(ViewScreen):
    """Mix-in for views that go to the newest session."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "N", "follow_newest", "newest", show=False, id="app.follow_newest",
            tooltip="Go to each new session as it begins, or no longer",
        ),
    ]  # fmt: skip

    def action_follow_newest(self) -> None:
        """Follow the newest session from now on, or no longer; every view that says so follows."""
        newest = self.shell.sessions_screen.newest
        newest.switch()
        for view in self.shell.views():
            if isinstance(view, FollowsNewest):
                view.show_followed(newest.is_followed)
        said = (
            "Goes to each new session as it begins: <app.follow_newest:N> ends that."
            if newest.is_followed
            else "New sessions are not gone to any more: <app.follow_newest:N> follows them."
        )
        self.app.notify(with_keys(said, self.app), timeout=4)

    @abstractmethod
    def show_followed(self, followed: bool) -> None:
        """Say whether the newest session is followed."""

    @abstractmethod
    def go_to_newest(self, row: SessionRow) -> None:
        """Show a session that began, unless the person reads something else in this view."""
