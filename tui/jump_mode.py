"""`'` puts a letter on each line of the list that has the keys, and a digit on each other pane."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from string import ascii_uppercase
from typing import Any

from rich.style import Style
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
    """In the blank before the first word of the pane: on it, the digit would become a part of the word."""
    if widget.styles.padding.left:
        before = 1
    elif isinstance(widget, LineList):
        before = 0  # Rows begin with the place of their mark.
    else:
        before = min(2, widget.content_region.x)
    return Target(widget.content_region.offset - Offset(before, 0), widget.focus)


def how_to(targets: Collection[str]) -> str:
    """What to type, in place of the keys of the view, none of which works meanwhile."""
    has_rows, has_panes = (any(each in kind for each in targets) for kind in (ROW_LETTERS, PANE_DIGITS))
    letters = "the letter of a line" if has_rows else ""
    digits = "the digit of a pane" if has_panes else ""
    return f"jump: type {' or '.join(filter(None, (letters, digits)))}"


class JumpMode(Guarded, ModalScreen[None]):
    """Lies over a view until a key is pressed or the mouse is; a key that is on nothing only ends it."""

    BINDING_GROUP_TITLE = "Jump"
    DEFAULT_CSS = """
    JumpMode {
        & > .label { position: absolute; width: 1; height: 1; }
        & > #jump-how { dock: bottom; height: 1; padding: 0 2; background: $background; }
    }
    """

    def __init__(self, targets: Mapping[str, Target]) -> None:
        super().__init__()
        self._targets = targets

    def compose(self) -> ComposeResult:
        """The letters, and a line that says what they are for where the view has its keys."""
        looks = looks_of(self.app)
        # A ground of its own: in narrow rows the letter stands next to the first word without a blank.
        chip = looks.accent + Style(reverse=True)
        for letter, target in self._targets.items():
            label = Static(Text(letter, chip), markup=False, classes="label")
            label.styles.offset = target.at
            yield label
        told = Text.assemble((how_to(self._targets), looks.text), "   ", ("esc", looks.accent), no_wrap=True)
        yield Static(told.append(" gives up", looks.muted), markup=False, id="jump-how")

    def on_click(self, event: events.Click) -> None:
        """Go where the letter under the mouse is, else give up."""
        under = (each for each in self._targets.values() if each.at == event.screen_offset)
        self._end(next(under, None))

    def on_key(self, event: events.Key) -> None:
        """Go where the letter is."""
        event.stop()
        event.prevent_default()
        self._end(self._targets.get(event.character or ""))

    def _end(self, target: Target | None) -> None:
        self.dismiss()
        if target is not None:
            target.go()
