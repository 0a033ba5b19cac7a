"""Taking things out of a view: what `y` copies, what `x` writes, and the pager or editor for what is at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from textual import work
from textual.app import App
from textual.binding import Binding, BindingType

from promptetheus.exporters.markdown_export import value_text
from promptetheus.tui.chooser import Choice
from promptetheus.tui.clipboard import Copy, copy_text
from promptetheus.tui.file_writing import screen_as_svg, write_file
from promptetheus.tui.hand_off import Program, hand_off
from promptetheus.tui.inspector.page import NOTHING, Line
from promptetheus.tui.inspector.page_view import PageView
from promptetheus.tui.menu import Menu
from promptetheus.tui.views import ViewScreen


class Export(NamedTuple):
    """One file that can be written."""

    title: str
    path: Path
    text: Callable[[], str] | None
    """Makes its content, in a thread; None for a picture of the screen."""


class AtHand(NamedTuple):
    """What a key acts on at the moment, as a text."""

    name: str
    """A file name that says what it is; its extension tells an editor how to colour it."""
    text: str


def hand_off_bindings() -> list[Binding]:
    """The keys of the person's own programs: the same names wherever there is something to hand over."""
    return [
        Binding(
            "vertical_line", "hand_off('pager')", "pager", show=False, id="take.pager",
            tooltip="Show what is highlighted in $PAGER",
        ),
        Binding(
            "ctrl+e", "hand_off('editor')", "editor", show=False, id="take.editor",
            tooltip="Open a copy of what is highlighted in $EDITOR",
        ),
    ]  # fmt: skip


def value_at_hand(value: object, title: str) -> AtHand:
    """A value as people read it: a string as it is, everything else as JSON."""
    return AtHand(f"{title or 'value'}.{'txt' if isinstance(value, str) else 'json'}", value_text(value))


def line_at_hand(line: Line | None) -> AtHand | None:
    """The value of a line; None where it has none."""
    return None if line is None or line.value is NOTHING else value_at_hand(line.value, line.title)


def hand_over(app: App[Any], program: Program, found: AtHand | None, otherwise: str) -> None:
    """Show what is at hand in the person's program, or say why there is nothing."""
    if found is None:
        app.notify(otherwise, timeout=3)
    else:
        hand_off(app, program, found.text, found.name)


class TakingScreen(ViewScreen):
    """A view with something to take along. A subclass says what, and binds keys to `copy` and `export`."""

    BINDINGS: ClassVar[list[BindingType]] = [*hand_off_bindings()]
    NOTHING_YET: ClassVar[str] = "There is nothing to take along yet."
    EXPORT_PROMPT: ClassVar[str] = "Write to a file here"

    # What a subclass says

    async def copies(self) -> Sequence[Copy]:
        """What there is to copy, the likeliest first."""
        return ()

    def exports(self) -> Sequence[Export]:
        """What there is to write."""
        return ()

    def at_hand(self) -> AtHand | None:
        """What is highlighted."""
        return None

    # Keys

    async def action_copy(self) -> None:
        """Ask what to copy."""
        copies = await self.copies()
        choices = [Choice(title, note, partial(copy_text, self.app, text)) for title, note, text in copies]
        await self._choose("Copy …", choices)

    async def action_export(self) -> None:
        """Ask for a format, then write the file."""
        choices = [Choice(each.title, each.path.name, partial(self._write, each)) for each in self.exports()]
        await self._choose(self.EXPORT_PROMPT, choices)

    async def _choose(self, prompt: str, choices: Sequence[Choice]) -> None:
        if choices:
            await self.shell.open_screen(Menu(prompt, choices))
        else:
            self.app.notify(self.NOTHING_YET, timeout=4)

    @work(group="export", exclusive=True, exit_on_error=False)
    async def _write(self, export: Export) -> None:
        # A picture is drawn here and not in the thread that writes: it shows what is on screen now.
        text = screen_as_svg(self.app, self.crumb) if export.text is None else export.text
        await write_file(self.app, export.path, text)

    def action_hand_off(self, program: Program) -> None:
        """Show what is highlighted in the person's own pager or editor; in a pane, the value under the cursor."""
        page = self.focused
        found = line_at_hand(page.current) if isinstance(page, PageView) else None
        hand_over(self.app, program, found or self.at_hand(), self.NOTHING_YET)
