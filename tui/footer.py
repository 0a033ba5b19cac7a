"""The last line of every view: at most seven keys for where the focus is, each a button for the mouse."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.screen import Screen
from textual.widget import Widget

from promptetheus.display import printable_line
from promptetheus.tui.keymap import Shortcut, footer_shortcuts, key_text
from promptetheus.tui.theme import looks_of

MOST_KEYS = 7
"""More than this and nobody reads any of them; the rest is one `?` away."""

_GAP = 3
"""Cells between two keys."""

_ALWAYS = ("help", "palette")
"""The way to everything else: kept at any width, at the end of the line."""

_WAYS_BACK = ("back", "close", "leave")
"""What the ids of actions end with that lead back to where one was."""

_GOES_ON = "filter.leave"
"""A way back that is also the way on, out of a field: it stands where its widget names it."""


class KeyFooter(Widget, can_focus=False):
    """Shows the bindings that are shown (`Binding.show`) for the focused widget, its screen and the app."""

    ALLOW_SELECT = False
    DEFAULT_CSS = """
    KeyFooter { dock: bottom; height: 1; padding: 0 2; background: $background; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._buttons: list[tuple[range, Shortcut]] = []
        """Which cells of the line belong to which shortcut."""

    def on_mount(self) -> None:
        """Redraw whenever other keys become active."""
        self.screen.bindings_updated_signal.subscribe(self, self._bindings_changed)

    def _bindings_changed(self, _screen: Screen[Any]) -> None:
        self.refresh()

    def render(self) -> Text:
        """Draw as many keys as fit, the always-shown ones first of all."""
        looks = looks_of(self.app)
        self._buttons.clear()
        line = Text(no_wrap=True, overflow="crop", end="")
        for shortcut in fitting(footer_shortcuts(self.screen), self.size.width):
            if line:
                line.append(" " * _GAP)
            start = line.cell_len
            line.append(key_text(shortcut.keys[0]), looks.accent if shortcut.enabled else looks.faint)
            line.append(
                f" {printable_line(shortcut.label, 40)}", looks.muted if shortcut.enabled else looks.faint
            )
            self._buttons.append((range(start, line.cell_len), shortcut))
        return line

    async def on_click(self, event: events.Click) -> None:
        """Do what the key does."""
        offset = event.get_content_offset(self)
        if offset is None:
            return
        for cells, shortcut in self._buttons:
            if offset.x in cells:
                event.stop()
                await self.app.run_action(shortcut.action, shortcut.node)
                return


def fitting(shortcuts: list[Shortcut], width: int, most: int = MOST_KEYS) -> list[Shortcut]:
    """The first shortcuts that fit `width` cells, what enter does before all others. The way back, and help and
    palette, the way to everything else, are kept at the end of the line: in every view at the same place."""
    # The order of the bindings is not ours where a class of Textual binds one of the keys, too.
    shortcuts = sorted(shortcuts, key=lambda shortcut: shortcut.keys[0] != "enter")
    always = [shortcut for shortcut in shortcuts if shortcut.action in _ALWAYS]
    always.sort(key=lambda shortcut: _ALWAYS.index(shortcut.action))
    back = [shortcut for shortcut in shortcuts if shortcut.id.rpartition(".")[2] in _WAYS_BACK][:1]
    chosen: list[Shortcut] = []
    room = width - sum(_cells(shortcut) for shortcut in (*always, *back))
    for shortcut in shortcuts:
        if shortcut.action in _ALWAYS:
            continue
        if shortcut in back:
            if shortcut.id == _GOES_ON:
                chosen, back = [*chosen, shortcut], []
            continue
        room -= _cells(shortcut)
        if room < -_GAP or len(chosen) + len(back) + len(always) >= most:
            break
        chosen.append(shortcut)
    return [*chosen, *back, *always]


def _cells(shortcut: Shortcut) -> int:
    return cell_len(key_text(shortcut.keys[0])) + 1 + cell_len(shortcut.label) + _GAP
