"""The app remembers, per project, how it was left; and keeps filters under a name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from copy import deepcopy
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeGuard

from rich.console import RenderableType
from textual import work
from textual.binding import Binding, BindingType
from textual.screen import Screen

from promptetheus.display import printable_line
from promptetheus.project_files import beside
from promptetheus.tui.filter_bar import FilterBar
from promptetheus.tui.keymap import chosen_key
from promptetheus.tui.remembered import FILE_NAME, Layout, write_layout
from promptetheus.tui.session.shape import Shape
from promptetheus.tui.sessions.session_columns import COLUMN
from promptetheus.tui.sessions.session_groups import Grouping
from promptetheus.tui.shell import Shell
from promptetheus.tui.views import ViewScreen

if TYPE_CHECKING:
    from promptetheus.tui.session.session_screen import SessionScreen

KEEP_EVERY_S = 2.0


class Remembering(Shell):
    """Mix-in of the app. A layout that is not kept (`--fresh`, tests) holds until the program ends."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "V", "saved_filters", "saved filters", show=False, id="app.saved_filters",
            tooltip="Saved filters: use, save, rename or forget one",
        ),
    ]  # fmt: skip

    layout: Layout
    _kept: Layout | None = None
    _told_why_not = False
    """Whether it was said that nothing can be remembered: once is enough."""

    def take_up_layout(self) -> None:
        """Begin as the program was left; call before the first session is read."""
        layout = self.layout
        self._kept = deepcopy(layout)
        sessions = self.sessions_screen.table.sessions
        if layout.order in COLUMN:
            sessions.sort_by(COLUMN[layout.order], descending=layout.descending)
        self.sessions_screen.table.choose_columns(layout.columns, layout.widths)
        self.rings = layout.bell
        if layout.grouping in list(Grouping):
            sessions.group_by(Grouping(layout.grouping))
        self.set_interval(KEEP_EVERY_S, self._keep_layout)

    async def open_screen(self, screen: Screen[Any]) -> None:
        """A session opens in the shape that was used last."""
        await super().open_screen(screen)
        layout = self.layout
        if _is_session(screen):
            shape = Shape(layout.shape) if layout.shape in list(Shape) else None
            screen.begin_as(shape, inspector=layout.inspector)

    def note_layout(self) -> bool:
        """See how the program is arranged now; whether that is news."""
        layout = self.layout
        sessions = self.sessions_screen.table.sessions
        layout.bell = self.rings
        layout.order, layout.descending = sessions.order.key, sessions.descending
        layout.grouping = sessions.grouping.value
        layout.columns = list(self.sessions_screen.table.chosen_columns)
        layout.widths = dict(self.sessions_screen.table.chosen_widths)
        for view in self.views():
            if _is_session(view):
                layout.shape, layout.inspector = view.timeline.shape.value, not view.has_class("-alone")
        return layout != self._kept

    @work(group="layout", exclusive=True, exit_on_error=False)
    async def _keep_layout(self) -> None:
        if self.note_layout():
            why_not = await asyncio.to_thread(self.write_layout)
            if why_not and not self._told_why_not:
                self._told_why_not = True
                self.notify(
                    f"{why_not}\nColumns, order, theme and filters hold until you quit, and no longer.",
                    title="What you arrange cannot be remembered",
                    severity="warning",
                    timeout=8,
                )

    def write_layout(self) -> str:
        """Write down what was noted; where that fails, say why: the spool is shown all the same."""
        self._kept = now = deepcopy(self.layout)
        if not now.is_kept:
            return ""
        try:
            write_layout(self.root, now)
        except OSError as error:
            return f"{beside(self.root, FILE_NAME)}: {error.strerror or error}."
        return ""

    def exit(self, result: None = None, return_code: int = 0, message: RenderableType | None = None) -> None:
        """Note how things are while the views are still there."""
        if self.views() and self.note_layout():
            self.write_layout()
        super().exit(result, return_code, message)

    # The bell

    def bell_commands(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """For the palette: whether a session that fails is heard."""
        no_longer = ", no longer" if self.rings else ""
        yield f"Ring the terminal's bell when a session fails{no_longer}", self._turn_bell

    def _turn_bell(self) -> None:
        self.rings = not self.rings
        if self.rings:
            self.bell()
            self.notify("The terminal's bell rings when a session fails, as it did just now.", timeout=4)
        else:
            self.notify("The bell is silent again.", timeout=3)

    # Saved filters

    def filter_commands(self) -> Iterator[tuple[str, Callable[[], object]]]:
        """For the palette: the saved filters, and keeping the present one."""
        filters = self.layout.filters
        for name, text in filters.items():
            yield (
                f"Filter: {printable_line(name, 60)}  {printable_line(text, 60)}",
                partial(self.use_filter, text),
            )
        yield "Save the filter of the sessions under a name", self._ask_filter_name
        for name in filters:
            said = printable_line(name, 60)
            yield f"Rename the saved filter {said}", partial(self._ask_other_name, name)
            yield f"Forget the saved filter {said}", partial(self._forget_filter, name)

    async def action_saved_filters(self) -> None:
        """List the saved filters."""
        from promptetheus.tui.saved_filters import SavedFilters

        await self.open_screen(
            SavedFilters(
                self.layout.filters,
                self.sessions_screen.sessions(),
                self._present_filter,
                so_far=not self.sessions_screen.scanned,
                use=self.use_filter,
                save=self._ask_filter_name,
                rename=self._ask_other_name,
                forget=self._forget_filter,
            )
        )

    async def _ask_filter_name(self) -> None:
        from promptetheus.tui.ask_words import AskWords
        from promptetheus.tui.saved_filters import nothing_to_save

        text = self._present_filter
        if text:
            await self.open_screen(
                AskWords(f"Save the filter {text} as", "", partial(self._save_filter, text))
            )
        else:
            # A name that somebody types all the same goes into the field of the list, and not to the view as keys.
            await self.action_saved_filters()
            self.notify(nothing_to_save(self), timeout=4)

    @property
    def _present_filter(self) -> str:
        return self.sessions_screen.query_one(FilterBar).input.value.strip()

    async def _ask_other_name(self, name: str) -> None:
        from promptetheus.tui.ask_words import AskWords

        renamed = partial(self._rename_filter, name)
        await self.open_screen(AskWords(f"Another name for the saved filter {name}", name, renamed))

    def _save_filter(self, text: str, name: str) -> None:
        name = name.strip()
        if name:
            replaced = self.layout.filters.get(name, text) != text
            self.layout.filters[name] = text
            self._keep_layout()
            lists = chosen_key(self, "app.saved_filters", "V")
            held = "" if self.layout.is_kept else ". It holds until you quit: --fresh writes nothing"
            self.notify(f"{'Replaced' if replaced else 'Saved'}: {lists} lists it as {name}{held}", timeout=3)

    def _rename_filter(self, old: str, new: str) -> None:
        new = new.strip()
        if not new or new == old or old not in self.layout.filters:
            return
        if new in self.layout.filters:
            self.notify(f"Another saved filter is called {new}: nothing was renamed.", timeout=4)
            return
        filters = {new if name == old else name: text for name, text in self.layout.filters.items()}
        self.layout.filters = filters
        self._keep_layout()
        self.notify(f"{old} is called {new} now.", timeout=3)

    def _forget_filter(self, name: str) -> None:
        if self.layout.filters.pop(name, None) is not None:
            self._keep_layout()
            self.notify(f"{name} is forgotten.", timeout=3)


def _is_session(screen: Screen[Any]) -> TypeGuard[SessionScreen]:
    """Whether it is the Session view, which is not imported just to find that out."""
    return isinstance(screen, ViewScreen) and screen.VIEW == "session"
