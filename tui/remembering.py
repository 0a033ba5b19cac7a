"""The app remembers, per project, how it was left; and keeps filters under a name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any, TypeGuard

from rich.console import RenderableType
from textual import work
from textual.screen import Screen

from promptetheus.display import printable_line
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.remembered import Layout, write_layout
from promptetheus.tui.session.shape import Shape
from promptetheus.tui.sessions.session_columns import COLUMN
from promptetheus.tui.sessions.session_groups import Grouping
from promptetheus.tui.shell import Shell
from promptetheus.tui.views import ViewScreen

if TYPE_CHECKING:
    from promptetheus.tui.session.session_screen import SessionScreen

KEEP_EVERY_S = 2.0


class Remembering(Shell):
    """Mix-in of the app. Without a layout (`--fresh`, tests) nothing is remembered."""

    layout: Layout | None = None
    _kept: Layout | None = None

    def take_up_layout(self) -> None:
        """Begin as the program was left; call before the first session is read."""
        layout = self.layout
        if layout is None:
            return
        self._kept = deepcopy(layout)
        sessions = self.sessions_screen.table.sessions
        if layout.order in COLUMN:
            sessions.sort_by(COLUMN[layout.order], descending=layout.descending)
        self.sessions_screen.table.choose_columns(layout.columns)
        if layout.grouping in list(Grouping):
            sessions.group_by(Grouping(layout.grouping))
        self.set_interval(KEEP_EVERY_S, self._keep_layout)

    async def open_screen(self, screen: Screen[Any]) -> None:
        """A session opens in the shape that was used last."""
        await super().open_screen(screen)
        layout = self.layout
        if layout is not None and _is_session(screen):
            shape = Shape(layout.shape) if layout.shape in list(Shape) else None
            screen.begin_as(shape, inspector=layout.inspector)

    def note_layout(self) -> bool:
        """See how the program is arranged now; whether that is news."""
        layout = self.layout
        if layout is None:
            return False
        sessions = self.sessions_screen.table.sessions
        layout.theme = self.theme
        layout.order, layout.descending = sessions.order.key, sessions.descending
        layout.grouping = sessions.grouping.value
        layout.columns = list(self.sessions_screen.table.chosen_columns)
        for view in self.views():
            if _is_session(view):
                layout.shape, layout.inspector = view.timeline.shape.value, not view.has_class("-alone")
        return layout != self._kept

    @work(group="layout", exclusive=True, exit_on_error=False)
    async def _keep_layout(self) -> None:
        if self.note_layout():
            await asyncio.to_thread(self.write_layout)

    def write_layout(self) -> None:
        """Write down what was noted; a spool that cannot be written to is shown all the same."""
        if self.layout is None:
            return
        now = deepcopy(self.layout)
        try:
            write_layout(self.root, now)
        except OSError:
            pass
        self._kept = now

    def exit(self, result: None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """Note how things are while the views are still there."""
        if self.views() and self.note_layout():
            self.write_layout()
        super().exit(result, return_code, message)

    # Saved filters

    def filter_commands(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """For the palette: the saved filters, and keeping the present one."""
        layout = self.layout
        if layout is None:
            return
        for name, text in layout.filters.items():
            yield (
                f"Filter: {printable_line(name, 60)}  {printable_line(text, 60)}",
                partial(self.use_filter, text),
            )
        yield "Save the filter of the sessions under a name", self._ask_filter_name
        for name in layout.filters:
            yield f"Forget the saved filter {printable_line(name, 60)}", partial(self._forget_filter, name)

    async def use_filter(self, text: str) -> None:
        """Show the sessions that a filter lets through."""
        await self.go("sessions")
        bar = self.sessions_screen.query_one(FilterBar)
        bar.open()
        bar.input.value = text
        bar.input.action_leave()

    async def _ask_filter_name(self) -> None:
        from promptetheus.tui.ask_words import AskWords

        text = self.sessions_screen.query_one(FilterBar).input.value.strip()
        if text:
            await self.open_screen(
                AskWords(f"Save the filter {text} as", "", partial(self._save_filter, text))
            )
        else:
            self.notify("There is no filter to save: / sets one.", timeout=3)

    def _save_filter(self, text: str, name: str) -> None:
        if self.layout is not None and name.strip():
            self.layout.filters[name.strip()] = text
            self._keep_layout()
            self.notify(f"Saved: ctrl+p finds it as Filter: {name.strip()}", timeout=3)

    def _forget_filter(self, name: str) -> None:
        if self.layout is not None and self.layout.filters.pop(name, None) is not None:
            self._keep_layout()
            self.notify(f"{name} is forgotten.", timeout=3)


def _is_session(screen: Screen[Any]) -> TypeGuard[SessionScreen]:
    """Whether it is the Session view, which is not imported just to find that out."""
    return isinstance(screen, ViewScreen) and screen.VIEW == "session"
