"""Asks before something that cannot be undone is done; names it in full."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from promptetheus.display import printable
from promptetheus.tui.guard import Guarded
from promptetheus.tui.keymap import with_keys
from promptetheus.tui.theme import looks_of


class Confirm(Guarded, ModalScreen[None]):
    """Yes or no, in front of a view."""

    BINDING_GROUP_TITLE = "Question"
    DEFAULT_CSS = """
    Confirm {
        align-horizontal: center;
        & > Vertical {
            width: 76; max-width: 94%; height: auto; max-height: 80%; margin-top: 3; padding: 1 2;
            background: $surface; border-left: outer $accent;
        }
        & Static { height: auto; }
        & .hint { margin: 1 0 0 0; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "yes", "yes", id="confirm.yes", tooltip="Do it"),
        Binding("n,escape", "dismiss", "no", id="confirm.no", tooltip="Leave everything as it is"),
    ]

    def __init__(self, question: str, consequence: str, act: Callable[[], object]) -> None:
        super().__init__()
        self._question = question
        self._consequence = consequence
        self._act = act

    def compose(self) -> ComposeResult:
        """What would be done, what that means, the two keys."""
        with Vertical():
            yield Static("", id="question", markup=False)
            yield Static("", classes="hint", markup=False)

    def on_mount(self) -> None:
        """Nothing has the focus: only the two keys do anything."""
        looks = looks_of(self.app)
        text = Text.assemble((printable(self._question), looks.strong))
        if self._consequence:
            text.append(f"\n{printable(self._consequence)}", looks.muted)
        self.query_one("#question", Static).update(text)
        keys = Text.assemble(
            (with_keys("<confirm.yes:y>"), looks.accent),
            (" yes, do it    ", looks.text),
            (with_keys("<confirm.no:n>"), looks.accent),
            (" no", looks.text),
        )
        self.query_one(".hint", Static).update(keys)

    def action_yes(self) -> None:
        """Do it, once the view below is in front again."""
        self.dismiss()
        self.app.call_later(self._act)
