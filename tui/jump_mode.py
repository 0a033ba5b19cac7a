"""`'` puts a letter on each line of the list that has the keys, and a digit on each other pane."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from string import ascii_uppercase
from typing import Any

from rich.text import Text
from textual import events
from textual.app import ComposeResult
from textual.geometry import Offset
from textual.screen import ModalScreen, Screen
from textual.widget import Widget
from textual.widgets import Static

from promptetheus.tui.guard import Guarded
from promptetheus.tui.line_list import LineList
from promptetheus.tui.theme import looks_of

ROW_LETTERS = "asdfghjklqwertyuiopzxcvbnm" + ascii_uppercase
"""The home row first: the first lines are jumped to most."""

PANE_DIGITS = "123456789"


@dataclass(frozen=True, slots=True)
class Target:
    """Something to jump to."""

    at: Offset
    """The cell of the screen in which its letter stands."""
    go: Callable[[], object]


def targets_on(screen: Screen[Any]) -> dict[str, Target]:
    """By their letters: the lines of the list that has the keys, and the other panes."""
    focused = screen.focused
    targets: dict[str, Target] = {}
    if isinstance(focused, LineList):
        targets.update(zip(ROW_LETTERS, _rows(focused), strict=False))
    panes = (widget for widget in screen.focus_chain if widget is not focused and widget.region)
    targets.update(zip(PANE_DIGITS, map(_pane, panes), strict=False))
    return targets


def _rows(listed: LineList) -> Iterator[Target]:
    top = listed.scroll_offset.y
    corner = listed.content_region.offset
    for index in listed.visible_rows:
        yield Target(corner + Offset(0, index - top), partial(listed.select, index))


def _pane(widget: Widget) -> Target:
    return Target(widget.content_region.offset, widget.focus)


class JumpMode(Guarded, ModalScreen[None]):
    """Lies over a view until a key is pressed; one that is on nothing only ends it."""

    BINDING_GROUP_TITLE = "Jump"
    DEFAULT_CSS = """
    JumpMode {
        & > Static { position: absolute; width: 1; height: 1; }
    }
    """

    def __init__(self, targets: Mapping[str, Target]) -> None:
        super().__init__()
        self._targets = targets

    def compose(self) -> ComposeResult:
        """The letters."""
        style = looks_of(self.app).accent + looks_of(self.app).match
        for letter, target in self._targets.items():
            label = Static(Text(letter, style), markup=False)
            label.styles.offset = target.at
            yield label

    def on_key(self, event: events.Key) -> None:
        """Go where the letter is."""
        event.stop()
        event.prevent_default()
        target = self._targets.get(event.character or "")
        self.dismiss()
        if target is not None:
            target.go()
