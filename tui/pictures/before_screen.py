"""`b` in a list of sessions: the page before the wrong click, without opening the session first."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual import work
from textual.binding import Binding, BindingType

from promptetheus.display import short_id
from promptetheus.queries.rows import SessionRow
from promptetheus.tui.views import ViewScreen


class LooksBefore(ViewScreen):
    """A view with a highlighted session."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "b", "page_before", "page before", show=False, id="sessions.page_before",
            tooltip="The page before the wrong click: where it first differs from a session that passed",
        ),
    ]  # fmt: skip

    @abstractmethod
    def highlighted_session(self) -> SessionRow | None:
        """The session that the key is about."""

    @abstractmethod
    def all_sessions(self) -> Sequence[SessionRow]:
        """Those of the spool, the passing ones among them."""

    def action_page_before(self) -> None:
        """Show the page before the wrong click."""
        row = self.highlighted_session()
        if row is not None:
            self._look_before(row)

    @work(group="page before", exclusive=True, exit_on_error=False)
    async def _look_before(self, row: SessionRow) -> None:
        # The library of pictures takes a while to import, and the list would wait for it.
        from promptetheus.tui.pictures.picture_screen import MomentScreen
        from promptetheus.tui.pictures.wrong_click import page_before_wrong_click
        from promptetheus.tui.session.session_subject import StepOf

        try:
            page = await asyncio.to_thread(page_before_wrong_click, row, self.all_sessions())
        except OSError as error:
            self.app.notify(f"The session cannot be read: {error.strerror or error}.", severity="warning")
            return
        if page is None or page.shown is None:
            self.app.notify("This session has no two screenshots to show before and after.", timeout=4)
        elif self.is_active and self.highlighted_session() == row:
            title = f"{short_id(row.session_id)} › step {page.frame.step}"
            go = partial(self.app.call_next, self.shell.go, "session", StepOf(row.path, page.frame.step))
            await self.shell.open_screen(MomentScreen(title, page.shown, page.frame.what, page.why, go))
